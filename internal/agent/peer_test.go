//go:build !windows

package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyThisUser(t *testing.T) { // R-302, by the kernel's word
	for name, user := range map[string]int{"this user": os.Getuid(), "another user": os.Getuid() + 1} {
		dir, err := os.MkdirTemp("", "fob")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		listener, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := guarded{Listener: listener, user: user}.Accept()
			if err != nil {
				return // closed below
			}
			io.WriteString(conn, "in")
			conn.Close()
		}()
		conn, err := net.Dial("unix", filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn)
		conn.Close()
		listener.Close()
		if in := string(said) == "in"; err != nil || in != (user == os.Getuid()) {
			t.Errorf("%s: let in %v (%v)", name, in, err)
		}
	}
}

// Another user's process gets nowhere: not through the directory, and where somebody has opened that and the socket to all, not
// past the agent, which asks the kernel. Only root can become somebody else to try; CI is root.
func TestAnotherUsersProcess(t *testing.T) {
	if socket := os.Getenv("FOB_TEST_KNOCK"); socket != "" { // the other user
		conn, err := net.Dial("unix", socket)
		if err != nil {
			fmt.Println("no way in")
			return
		}
		_, _ = io.WriteString(conn, "POST /v1/token HTTP/1.0\r\nHost: fob\r\nContent-Length: 15\r\n\r\n{\"name\":\"work\"}")
		answer, _ := io.ReadAll(conn)
		fmt.Printf("answered %d bytes\n", len(answer))
		return
	}
	if os.Getuid() != 0 {
		t.Log("this user cannot become another one; TestOnlyThisUser holds the check")
		return
	}
	h := newHouse(t)
	h.add("work")
	h.login("work")
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "fob") // where anybody can start it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	knocker := filepath.Join(dir, "knock")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(knocker, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	knock := func(user uint32) string {
		t.Helper()
		cmd := exec.Command(knocker, "-test.run", "^TestAnotherUsersProcess$", "-test.v")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "FOB_TEST_KNOCK="+h.home.Socket(), "TMPDIR=/tmp", "HOME=/")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return string(said)
	}
	const nobody = 65534
	if said := knock(nobody); !strings.Contains(said, "no way in") {
		t.Errorf("through the directory: %s", said)
	}
	for path := h.home.Socket(); path != "/" && path != "."; path = filepath.Dir(path) {
		if strings.HasPrefix(path, os.Getenv("FOB_HOME")) {
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	if said := knock(nobody); !strings.Contains(said, "answered 0 bytes") {
		t.Errorf("with every door open: %s", said)
	}
	if said := knock(0); strings.Contains(said, "answered 0 bytes") || strings.Contains(said, "no way in") {
		t.Errorf("the user's own process: %s", said)
	}
}
