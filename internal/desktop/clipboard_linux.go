package desktop

import (
	"context"
	"errors"
)

// hold takes the clipboard that the Env's session uses. In a Wayland session
// wl-copy comes first even if there is an X server too: KWin and wlroots take
// a selection from Xwayland only while an X window has the focus.
func hold(ctx context.Context, env Env, text string, secret bool) (holder, string, error) {
	var missing error
	if env["WAYLAND_DISPLAY"] != "" {
		if _, err := env.find("wl-copy"); err == nil {
			h, err := holdWayland(ctx, env, text, secret)
			return h, "wl-copy", err
		}
		missing = errors.New("clipboard: wl-copy is not installed; install the package wl-clipboard")
	}
	if env["DISPLAY"] != "" {
		h, err := holdX11(ctx, env, text, secret)
		return h, "X11", err
	}
	if missing != nil {
		return nil, "", missing
	}
	return nil, "", errors.New("clipboard: there is no display here (DISPLAY and WAYLAND_DISPLAY are empty)")
}
