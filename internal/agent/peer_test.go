//go:build !windows

package agent

import (
	"io"
	"net"
	"os"
	"path/filepath"
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
			conn, err := guarded{listener, user}.Accept()
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
