// Package desktop knows what the operating system offers: a browser, a
// clipboard, notifications, start at login, and the moments when the machine
// wakes up or its network changes.
//
// Whoever asks brings an Env, because the resident agent may have been started
// from a place without a display while the window or the shell that asks has
// one. Nothing secret is ever put into an argument, an environment variable or
// an error here.
package desktop

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// AppID is the name under which the desktop knows Fob: its desktop entry, its
// icon and its autostart entry are called so.
const AppID = "app.fob.Fob"

// Env is the part of a face's environment that says where its desktop is.
type Env map[string]string

// Kept by EnvOf: what a browser, a clipboard tool or a bus needs to find the
// user's desktop. Proxies are left out, for they may hold passwords.
var (
	envNames = []string{
		"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS",
		"BROWSER", "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
		"DESKTOP_SESSION", "GNOME_DESKTOP_SESSION_ID", "KDE_FULL_SESSION", "KDE_SESSION_VERSION", "KDE_SESSION_UID",
		"GTK_IM_MODULE", "QT_IM_MODULE", "XMODIFIERS", "GDK_BACKEND", "GDK_SCALE", "QT_QPA_PLATFORM", "MOZ_ENABLE_WAYLAND",
		"WSL_DISTRO_NAME", "WSL_INTEROP",
		// Windows programs do not start without these.
		"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA",
		"PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "TEMP", "TMP", "HOMEDRIVE", "HOMEPATH",
	}
	envPrefixes = []string{"XDG_", "LC_"}
)

// EnvOf picks out of os.Environ() what tells where the desktop is. It never
// keeps anything else, so an Env may be sent to the agent.
func EnvOf(environ []string) Env {
	env := Env{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			continue
		}
		key := name
		if runtime.GOOS == "windows" { // names have no case there
			key = strings.ToUpper(name)
		}
		known := slices.Contains(envNames, key)
		for _, prefix := range envPrefixes {
			known = known || strings.HasPrefix(key, prefix)
		}
		if known {
			env[key] = value
		}
	}
	return env
}

// environ is the Env for a child, sorted. A child gets nothing else.
func (e Env) environ() []string {
	list := make([]string, 0, len(e))
	for name, value := range e {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// home is the directory that children are started in: never the agent's own,
// which may be on a medium that somebody wants to remove.
func (e Env) home() string {
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if filepath.IsAbs(e[name]) {
			return e[name]
		}
	}
	return ""
}
