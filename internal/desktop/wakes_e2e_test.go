//go:build e2e && linux

package desktop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// emitUntil sends a signal until a wake comes: nobody tells when the watcher
// has subscribed.
func emitUntil(t *testing.T, conn *dbus.Conn, path dbus.ObjectPath, name string, value any, wakes <-chan Wake) Wake {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for {
		select {
		case w := <-wakes:
			return w
		case <-tick.C:
			if err := conn.Emit(path, name, value); err != nil {
				t.Fatal(err)
			}
		case <-end:
			t.Fatalf("no wake for %s", name)
		}
	}
}

func TestLogindWakes(t *testing.T) {
	_, address := bus(t, filepath.Join(t.TempDir(), "bus"))
	logind, nm := dialBus(t, address), dialBus(t, address)
	for conn, name := range map[*dbus.Conn]string{logind: loginName, nm: nmName} {
		if _, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	wakes := make(chan Wake, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchSystem(ctx, address, func(w Wake) { wakes <- w })
	}()
	if w := emitUntil(t, logind, "/org/freedesktop/login1", loginIface+".PrepareForSleep", false, wakes); w != (Wake{Resumed: true}) {
		t.Errorf("after a sleep: %v", w)
	}
	until(t, "NetworkManager's word arrives", func() bool {
		return emitUntil(t, nm, "/org/freedesktop/NetworkManager", nmName+".StateChanged", uint32(nmConnected), wakes) == Wake{Network: true}
	})
	cancel()
	<-ended
}

// TestRoutesInNamespace lets the kernel add an address, in a network of its
// own. The second process is this test itself.
func TestRoutesInNamespace(t *testing.T) {
	if os.Getenv("FOB_TEST_NAMESPACE") != "" {
		addAddress(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRoutesInNamespace$")
	cmd.Env = append(os.Environ(), "FOB_TEST_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 { // root needs no user namespace, and inside a chroot gets none
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in a network namespace (the kernel must allow user namespaces, or root must have CAP_SYS_ADMIN): %v\n%s", err, out)
	}
}

func addAddress(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	wakes := make(chan Wake, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchRoutes(ctx, func(w Wake) { wakes <- w })
	}()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := byte(1); ; n++ { // each another address, until it is heard
		request, err := unix.NewIfreq("lo")
		if err != nil {
			t.Fatal(err)
		}
		if err := request.SetInet4Addr([]byte{192, 0, 2, n}); err != nil {
			t.Fatal(err)
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFADDR, request); err != nil {
			t.Fatalf("address: %v", err)
		}
		select {
		case w := <-wakes:
			if w != (Wake{Network: true}) {
				t.Errorf("got %v", w)
			}
			cancel()
			<-ended
			return
		case <-tick.C:
			if n == 250 {
				t.Fatal("no wake for a new address")
			}
		}
	}
}
