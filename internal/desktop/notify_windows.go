package desktop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// toastScript is fixed: the texts come as JSON on stdin and become text nodes,
// so nothing in them is ever evaluated. A toast with the tag of an earlier one
// replaces it. The sender is PowerShell's own registered name, without which
// Windows shows nothing.
const toastScript = `$ErrorActionPreference = 'Stop'
[Console]::InputEncoding = New-Object System.Text.UTF8Encoding $false
$n = [Console]::In.ReadToEnd() | ConvertFrom-Json
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AF5198B7}\WindowsPowerShell\v1.0\powershell.exe'
if ($n.Withdraw) { [Windows.UI.Notifications.ToastNotificationManager]::History.Remove($n.Tag, 'fob', $app); exit 0 }
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$text = $xml.GetElementsByTagName('text')
$null = $text.Item(0).AppendChild($xml.CreateTextNode($n.Title))
$null = $text.Item(1).AppendChild($xml.CreateTextNode($n.Body))
$toast = New-Object Windows.UI.Notifications.ToastNotification $xml
$toast.Tag = $n.Tag
$toast.Group = 'fob'
if ($n.Seconds -gt 0) { $toast.ExpirationTime = [DateTimeOffset]::Now.AddSeconds($n.Seconds) }
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($app).Show($toast)`

// Notifier shows toasts. They have no actions here: answering a press needs a
// registered COM server.
type Notifier struct{}

// NewNotifier returns a Notifier; pressed is never called on Windows.
func NewNotifier(Pressed) *Notifier { return &Notifier{} }

type toast struct {
	Tag, Title, Body string
	Seconds          int
	Withdraw         bool
}

// Notify shows the notification, in place of an earlier one for its cause.
func (n *Notifier) Notify(ctx context.Context, env Env, note Notification) error {
	return sendToast(ctx, env, toast{Tag: tagOf(note.Cause), Title: note.Title, Body: note.Body, Seconds: int(note.Timeout / time.Second)})
}

// Withdraw takes away what is shown for the cause, if anything is.
func (n *Notifier) Withdraw(ctx context.Context, cause string) error {
	return sendToast(ctx, ownEnv(), toast{Tag: tagOf(cause), Withdraw: true})
}

// Close does nothing here.
func (n *Notifier) Close() error { return nil }

// tagOf fits a toast's tag, 16 characters on the oldest Windows 10.
func tagOf(cause string) string {
	sum := sha256.Sum256([]byte(cause))
	return hex.EncodeToString(sum[:8])
}

func sendToast(ctx context.Context, env Env, t toast) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	input, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	cmd, err := env.command(ctx, "powershell.exe", "-NoProfile", "-NonInteractive", "-Command", toastScript)
	if err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	cmd.Stdin = bytes.NewReader(input)
	if err := cmd.Run(); err != nil {
		return errors.New("notification: powershell: " + err.Error())
	}
	return nil
}

// ownEnv is this process's own, for calls that have no face.
func ownEnv() Env { return EnvOf(os.Environ()) }
