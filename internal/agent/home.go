package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// Home is where Fob keeps things. FOB_HOME moves all three under one directory.
type Home struct {
	Config  string // profiles.json, settings.json
	Data    string // what is known of each login (no secrets), sealed overflow of the keychain, logs
	Runtime string // the socket and the lock; private to this user
	// Elsewhere is the socket of an agent on another machine, or outside this container, that FOB_SOCKET names; "" for our own.
	Elsewhere string
}

// socketPathMax is what fits into sockaddr_un on the smallest of our systems (104 bytes with the final zero on macOS).
const socketPathMax = 103

// HomeFromEnv finds the three directories by FOB_HOME or the platform's conventions (XDG on Linux). It creates nothing.
func HomeFromEnv() (Home, error) {
	elsewhere := os.Getenv("FOB_SOCKET")
	if elsewhere != "" && !filepath.IsAbs(elsewhere) {
		return Home{}, fmt.Errorf("FOB_SOCKET %s: it is not an absolute path; give the whole path of the forwarded socket", elsewhere)
	}
	h, err := ownHome()
	h.Elsewhere = elsewhere
	return h, err
}

func ownHome() (Home, error) {
	if root := os.Getenv("FOB_HOME"); root != "" {
		abs, err := filepath.Abs(root)
		if err != nil {
			return Home{}, fmt.Errorf("FOB_HOME %s: %w", root, err)
		}
		h := Home{Config: filepath.Join(abs, "config"), Data: filepath.Join(abs, "data"), Runtime: filepath.Join(abs, "run")}
		if len(h.Socket()) > socketPathMax {
			// A deep FOB_HOME would not fit into a socket address: the socket alone moves to a short directory of
			// this user's, named for FOB_HOME.
			sum := sha256.Sum256([]byte(abs))
			h.Runtime = filepath.Join(os.TempDir(), fmt.Sprintf("fob-%d-%s", os.Getuid(), hex.EncodeToString(sum[:6])))
		}
		return h, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return Home{}, fmt.Errorf("configuration directory: %w; set HOME, or FOB_HOME to a directory of your own", err)
	}
	data, err := dataDir()
	if err != nil {
		return Home{}, fmt.Errorf("data directory: %w; set HOME, or FOB_HOME to a directory of your own", err)
	}
	return Home{Config: filepath.Join(config, "fob"), Data: filepath.Join(data, "fob"), Runtime: runtimeDir(data)}, nil
}

func dataDir() (string, error) {
	switch runtime.GOOS {
	case "windows", "darwin":
		return os.UserConfigDir() // %AppData%, ~/Library/Application Support
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share"), nil
}

// runtimeDir is where the socket is. A cron job or a service without XDG_RUNTIME_DIR finds the same agent as the desktop does: two
// agents would spend each other's refresh tokens.
func runtimeDir(data string) string {
	if runtime.GOOS != "windows" {
		if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "fob")
		}
		if dir := loginDir(os.Getuid()); dir != "" {
			return filepath.Join(dir, "fob")
		}
	}
	return filepath.Join(data, "fob", "run")
}

// loginDirs is where systemd-logind keeps a directory for each user that is logged in.
var loginDirs = "/run/user" // tests have their own

// loginDir is the directory that systemd makes for the sessions of a user (pam_systemd(8)), "" where there is none.
func loginDir(user int) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	dir := filepath.Join(loginDirs, strconv.Itoa(user))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// Socket is the path of the agent's socket (on Windows the name of its pipe is made from it).
func (h Home) Socket() string {
	if h.Elsewhere != "" {
		return h.Elsewhere
	}
	return filepath.Join(h.Runtime, "agent.sock")
}

// Share is the path of the socket that is for forwarding to other machines and into containers: see [Server.ServeShared].
func (h Home) Share() string { return filepath.Join(h.Runtime, "share.sock") }

// ProfilesFile is the path of profiles.json.
func (h Home) ProfilesFile() string { return filepath.Join(h.Config, "profiles.json") }

// LogFile is the path of the agent's log.
func (h Home) LogFile() string { return filepath.Join(h.Data, "agent.log") }

// CrashFile is the path of what the Go runtime says of an agent that crashes.
func (h Home) CrashFile() string { return filepath.Join(h.Data, "crash.log") }
