package desktop

import "time"

// Notification is what the desktop shows for a cause. It must hold nothing
// secret: notification servers keep histories.
type Notification struct {
	// Cause names why it is shown, such as "expires work". Notifying again for
	// a cause whose notification is still there replaces it.
	Cause   string
	Title   string // plain text, one line
	Body    string // plain text
	Actions []Action
	Urgent  bool          // stays until dismissed, where the desktop knows that
	Timeout time.Duration // how long it is shown; 0: as the desktop pleases
}

// Action is a button of a notification. A key of "default" is a press on the
// notification itself.
type Action struct {
	Key   string // reported when it is pressed
	Label string // what stands on it
}

// Pressed reports which action of which cause the user has chosen.
type Pressed func(cause, key string)
