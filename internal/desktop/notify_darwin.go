package desktop

import (
	"context"
	"encoding/json"
	"fmt"
)

const notifyScript = `ObjC.import("Foundation");
const bytes = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
const n = JSON.parse(ObjC.unwrap($.NSString.alloc.initWithDataEncoding(bytes, $.NSUTF8StringEncoding)));
const app = Application.currentApplication();
app.includeStandardAdditions = true;
app.displayNotification(n.Body, { withTitle: "Fob", subtitle: n.Title });
""`

// Notifier shows notifications through osascript. They have no actions and do
// not replace each other: that needs a signed application bundle.
type Notifier struct{}

// NewNotifier returns a Notifier; pressed is never called on macOS.
func NewNotifier(Pressed) *Notifier { return &Notifier{} }

// Notify shows the notification. Its texts go to osascript's stdin as JSON, so
// nothing in them is evaluated.
func (n *Notifier) Notify(ctx context.Context, env Env, note Notification) error {
	input, err := json.Marshal(struct{ Title, Body string }{note.Title, note.Body})
	if err == nil {
		_, err = osascript(ctx, env, notifyScript, string(input))
	}
	if err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	return nil
}

// Withdraw does nothing here: macOS lets only a bundle take back what it showed.
func (n *Notifier) Withdraw(context.Context, string) error { return nil }

// Close does nothing here.
func (n *Notifier) Close() error { return nil }
