//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fob/internal/authserver"
)

// home is one user's machine: a session bus, the keychain daemon on it, a small disk, and Fob's profiles.
type home struct {
	fob    string
	root   string // short: sockets live below it
	env    []string
	bus    *exec.Cmd
	daemon *exec.Cmd
	disk   string // why the small disk is none; "" where it is one
}

// diskSize is what Fob has: what it keeps of a dozen logins fits easily.
const diskSize = 8 << 20

func newHome(fob string) (h *home, err error) {
	if fob, err = filepath.Abs(fob); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	h = &home{fob: fob, root: root}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	for _, dir := range []string{"fob", "services"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			return nil, err
		}
	}
	if err := syscall.Mount("soak", h.fobDir(), "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize)); err != nil {
		h.disk = fmt.Sprintf("no small disk can be mounted here: %v", err)
	}
	h.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + root, "XDG_RUNTIME_DIR=" + root, "XDG_DATA_HOME=" + root + "/data", "XDG_CONFIG_HOME=" + root + "/config",
		"XDG_CACHE_HOME=" + root + "/cache", "LC_ALL=C.UTF-8", "NO_AT_BRIDGE=1", "GTK_A11Y=none", "GSETTINGS_BACKEND=memory",
		"FOB_HOME=" + h.fobDir(), "FOB_STORE=keychain", "FOB_KILL_AT=" + h.killAt(), "BROWSER=" + self + " browse %s",
	}
	if err := h.startBus(); err != nil {
		return nil, err
	}
	return h, h.startDaemon()
}

func (h *home) fobDir() string { return filepath.Join(h.root, "fob") }

// killAt is where an agent that was built with the tag soak finds the step to die at: not on the disk that fills up.
func (h *home) killAt() string { return filepath.Join(h.root, "kill-at") }

// startBus starts a session bus on which nothing starts by itself: a keychain daemon that D-Bus started would be locked.
func (h *home) startBus() error {
	config := filepath.Join(h.root, "bus.conf")
	text := fmt.Sprintf(`<busconfig><type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth><servicedir>%s/services</servicedir>
<policy context="default"><allow send_destination="*"/><allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/><allow own="*"/></policy></busconfig>`, h.root, h.root)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	h.bus = h.program("dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", "--config-file="+config)
	out, err := h.bus.StdoutPipe()
	if err != nil {
		return err
	}
	if err := h.bus.Start(); err != nil {
		return fmt.Errorf("dbus-daemon: %w; dev/packages.sh desktop installs it", err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("dbus-daemon: %w", err)
	}
	h.env = append(h.env, "DBUS_SESSION_BUS_ADDRESS="+strings.TrimSpace(address))
	return nil
}

// startDaemon starts gnome-keyring, unlocked, and returns when it answers.
func (h *home) startDaemon() error {
	h.daemon = h.program("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	h.daemon.Stdin = strings.NewReader("soak")
	if err := h.daemon.Start(); err != nil {
		return fmt.Errorf("gnome-keyring-daemon: %w; dev/packages.sh desktop installs it", err)
	}
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for {
		// It owns its name a moment before the password has opened the collection.
		out, err := h.program("gdbus", "call", "--session", "-d", "org.freedesktop.secrets", "-o", "/org/freedesktop/secrets/collection/login",
			"-m", "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked").Output()
		if err == nil && strings.Contains(string(out), "false") {
			return nil
		}
		select {
		case <-tick.C:
		case <-late:
			return errors.New("gnome-keyring-daemon does not unlock its collection")
		}
	}
}

func (h *home) killDaemon() {
	if h.daemon != nil && h.daemon.Process != nil {
		_ = h.daemon.Process.Kill()
		_ = h.daemon.Wait()
	}
	h.daemon = nil
}

// program is a program of this home's that ends when the soak does, however that ends.
func (h *home) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = h.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// fill leaves no byte free on the disk; the returned function frees them.
func (h *home) fill() (free func() error, err error) {
	path := filepath.Join(h.fobDir(), "full")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for size := 64 << 10; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
	}
	return func() error { return os.Remove(path) }, nil
}

// said is what one run of fob did.
type said struct {
	code     int
	out, err string
}

// command runs fob.
func (h *home) command(ctx context.Context, args ...string) (said, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.fob, args...)
	cmd.Env = h.env
	cmd.WaitDelay = time.Second
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil || ctx.Err() != nil {
		return said{}, fmt.Errorf("fob %s: %w", args[0], errors.Join(err, ctx.Err()))
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}, nil
}

// write writes profiles.json.
func (h *home) write(all []*profile) error {
	type entry struct {
		Name     string `json:"name"`
		Issuer   string `json:"issuer"`
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	entries := make([]entry, len(all))
	for i, p := range all {
		entries[i] = entry{p.name, p.at.issuer, authserver.DemoClientID, "openid profile email offline_access api"}
	}
	text, err := json.Marshal(map[string]any{"version": 1, "profiles": entries})
	if err != nil {
		return err
	}
	dir := filepath.Join(h.fobDir(), "config")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "profiles.json"), text, 0o600)
}

func (h *home) close() {
	h.killDaemon()
	if h.bus != nil && h.bus.Process != nil {
		_ = h.bus.Process.Kill()
		_ = h.bus.Wait()
	}
	if h.disk == "" {
		_ = syscall.Unmount(h.fobDir(), syscall.MNT_DETACH)
	}
	_ = os.RemoveAll(h.root)
}

// machine says what the figures were had on.
func machine() string {
	words := []string{runtime.GOOS + "/" + runtime.GOARCH, strconv.Itoa(runtime.NumCPU()) + " processors"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			name, _, _ := strings.Cut(rest, "\n")
			words = append(words, strings.Trim(name, "\t :"))
		}
	}
	return strings.Join(words, ", ")
}
