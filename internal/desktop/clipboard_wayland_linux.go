package desktop

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// waylandGrace is how long wl-copy is watched for an early end: without a
// compositor it gives up in a few milliseconds, and with one it needs no
// longer; it does not say when it is ready. Tests are more patient.
var waylandGrace = 250 * time.Millisecond

// waylandCopy is a wl-copy in the foreground: it lives until somebody else
// takes the clipboard, so ending it clears exactly what it holds.
type waylandCopy struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func holdWayland(ctx context.Context, env Env, text string, secret bool) (holder, error) {
	args := []string{"--foreground", "--type", "text/plain"}
	if secret && wlCopyKnows(ctx, env, "--sensitive") {
		args = append(args, "--sensitive") // since wl-clipboard 2.3
	}
	cmd, err := env.command(context.WithoutCancel(ctx), "wl-copy", args...)
	if err != nil {
		return nil, fmt.Errorf("clipboard: %w", err)
	}
	cmd.Stdin = strings.NewReader(text) // never an argument: those are public
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("clipboard: %w", err)
	}
	w := &waylandCopy{cmd: cmd, ended: make(chan struct{})}
	var result error
	go func() {
		result = cmd.Wait()
		close(w.ended)
	}()
	grace := time.NewTimer(waylandGrace)
	defer grace.Stop()
	select {
	case <-w.ended:
		if result != nil {
			return nil, fmt.Errorf("clipboard: wl-copy: %w", result)
		}
		return w, nil // somebody took the clipboard at once
	case <-grace.C:
		return w, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("clipboard: %w", joinClear(ctx.Err(), w))
	}
}

func joinClear(err error, h holder) error {
	_ = h.clear()
	return err
}

func wlCopyKnows(ctx context.Context, env Env, flag string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	cmd, err := env.command(ctx, "wl-copy", "--help")
	if err != nil {
		return false
	}
	out, _ := cmd.CombinedOutput() // older ones end with 1 on --help
	return bytes.Contains(out, []byte(flag))
}

func (w *waylandCopy) clear() error {
	select {
	case <-w.ended:
		return nil
	default:
	}
	_ = w.cmd.Process.Kill() // "already ended" is what we want
	<-w.ended
	return nil
}

func (w *waylandCopy) gone() <-chan struct{} { return w.ended }
