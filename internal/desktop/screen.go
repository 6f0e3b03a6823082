package desktop

import "context"

// Screen calls report each time that the desktop's screen is locked or unlocked, until ctx ends. What it finds at its start it
// reports too, where that can be known. On Linux it listens to logind (the session's Lock, Unlock and LockedHint) on the system bus
// and to the desktop's screen saver on the session's bus, which env names; it is asked again after each time that no bus was found.
// Elsewhere nothing is known yet, and nothing is reported.
func Screen(ctx context.Context, env func() Env, report func(locked bool)) {
	watchScreen(ctx, env, report)
}
