package tray

import (
	"slices"

	"fob/internal/agent"
)

// locked says that Fob is: it hands out nothing and logs in nobody.
func locked(all []agent.Status) bool {
	return slices.ContainsFunc(all, func(s agent.Status) bool { return s.Locked })
}

// lockItem is the entry that locks or unlocks; none while there is nothing to lock.
func lockItem(all []agent.Status) []Item {
	switch {
	case locked(all):
		return []Item{{Label: "Unlock Fob", Command: Command{Verb: VerbUnlock}}}
	case len(all) > 0:
		return []Item{{Label: "Lock Fob", Command: Command{Verb: VerbLock}}}
	}
	return nil
}

// behindLock disables what a locked agent refuses: the entries keep their places, and logging out works.
func behindLock(items []Item) []Item {
	for i := range items {
		switch items[i].Command.Verb {
		case VerbCopy, VerbLogin, VerbRefresh, VerbAddress:
			items[i].Disabled = true
		}
		behindLock(items[i].Items)
	}
	return items
}
