//go:build !linux

package desktop

import "context"

func watch(ctx context.Context, report func(Wake)) { go watchClock(ctx, report) }
