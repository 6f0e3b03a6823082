package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Home is where Fob keeps things. FOB_HOME moves all three under one directory.
type Home struct {
	Config  string // profiles.json, settings.json
	Data    string // what is known of each login (no secrets), sealed overflow of the keychain, logs
	Runtime string // the socket and the lock; private to this user
}

// socketPathMax is what fits into sockaddr_un on the smallest of our systems (104 bytes with the final zero on macOS).
const socketPathMax = 103

// HomeFromEnv finds the three directories by FOB_HOME or the platform's conventions (XDG on Linux). It creates nothing.
func HomeFromEnv() (Home, error) {
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

func runtimeDir(data string) string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && runtime.GOOS != "windows" {
		return filepath.Join(dir, "fob")
	}
	return filepath.Join(data, "fob", "run")
}

// Socket is the path of the agent's socket (on Windows the name of its pipe is made from it).
func (h Home) Socket() string { return filepath.Join(h.Runtime, "agent.sock") }

// ProfilesFile is the path of profiles.json.
func (h Home) ProfilesFile() string { return filepath.Join(h.Config, "profiles.json") }

// LogFile is the path of the agent's log.
func (h Home) LogFile() string { return filepath.Join(h.Data, "agent.log") }
