package desktop

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// The scripts are fixed; what they work on comes on stdin, never in the
// arguments, which every process can read. pbcopy cannot set the type by which
// clipboard histories know a secret (nspasteboard.org).
const (
	copyScript = `ObjC.import("AppKit");
const bytes = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
const all = ObjC.unwrap($.NSString.alloc.initWithDataEncoding(bytes, $.NSUTF8StringEncoding));
const secret = all[0] === "s", text = all.slice(1);
const board = $.NSPasteboard.generalPasteboard;
board.clearContents;
if (secret) board.setStringForType($(""), $("org.nspasteboard.ConcealedType"));
board.setStringForType($(text), $.NSPasteboardTypeString);
String(board.changeCount)`
	clearScript = `ObjC.import("AppKit");
const bytes = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
const ours = ObjC.unwrap($.NSString.alloc.initWithDataEncoding(bytes, $.NSUTF8StringEncoding));
const board = $.NSPasteboard.generalPasteboard;
if (String(board.changeCount) === ours) board.clearContents;
""`
)

// macCopy remembers the pasteboard's change count after our writing; another
// count means that somebody has written since.
type macCopy struct {
	env   Env
	count string
	once  sync.Once
	lost  chan struct{}
}

func hold(ctx context.Context, env Env, text string, secret bool) (holder, string, error) {
	mark := "p"
	if secret {
		mark = "s"
	}
	count, err := osascript(ctx, env, copyScript, mark+text)
	if err != nil {
		return nil, "", fmt.Errorf("clipboard: %w", err)
	}
	return &macCopy{env: env, count: count, lost: make(chan struct{})}, "macOS", nil
}

func (m *macCopy) clear() error {
	var err error
	m.once.Do(func() {
		defer close(m.lost)
		if _, err = osascript(context.Background(), m.env, clearScript, m.count); err != nil {
			err = fmt.Errorf("clipboard: %w", err)
		}
	})
	return err
}

func (m *macCopy) gone() <-chan struct{} { return m.lost }

// osascript runs a fixed JavaScript for Automation with input on its stdin and
// returns what it evaluates to.
func osascript(ctx context.Context, env Env, script, input string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd, err := env.command(ctx, "/usr/bin/osascript", "-l", "JavaScript", "-e", script)
	if err != nil {
		return "", err
	}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		// The exit error would carry the script's stderr along.
		return "", errors.New("osascript: " + cmd.ProcessState.String())
	}
	return strings.TrimSpace(string(out)), nil
}
