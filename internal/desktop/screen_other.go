//go:build !linux

package desktop

import "context"

// watchScreen: Windows tells windows only (WTSRegisterSessionNotification), and macOS tells run loops
// (com.apple.screenIsLocked); the agent has neither.
func watchScreen(ctx context.Context, _ func() Env, _ func(bool)) { <-ctx.Done() }
