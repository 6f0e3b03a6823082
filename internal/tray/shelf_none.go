//go:build !linux && !windows && !(darwin && cgo)

package tray

import "context"

// run shows no icon: the menu bar of macOS needs cgo, and other systems are not known to Fob. Reminders work all the same.
func (t *Tray) run(ctx context.Context) error {
	t.opts.OnHost(false)
	<-ctx.Done()
	return nil
}
