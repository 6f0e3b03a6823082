//go:build e2e && linux

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sshd is an OpenSSH server of this user on loopback, with the two lines that docs/ssh.md wants of it.
type sshd struct {
	t      *testing.T
	dir    string
	port   int
	config string // of the client
}

func startSSHD(t *testing.T, f *fob) *sshd {
	t.Helper()
	s := &sshd{t: t, dir: filepath.Join(f.desk.root, "ssh")}
	must(t, os.Mkdir(s.dir, 0o700))
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.path(key)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(s.path("user.pub"))
	must(t, err)
	must(t, os.WriteFile(s.path("authorized"), public, 0o600))
	if os.Getuid() == 0 {
		must(t, os.MkdirAll("/run/sshd", 0o755)) // sshd(8), "Missing privilege separation directory"
	}
	must(t, os.WriteFile(s.path("sshd_config"), []byte(strings.Join([]string{
		"HostKey " + s.path("host"), "AuthorizedKeysFile " + s.path("authorized"), "StrictModes no", "UsePAM no", "PidFile none", "PermitRootLogin yes",
		"StreamLocalBindUnlink yes", "AcceptEnv FOB_SOCKET", "",
	}, "\n")), 0o600))
	// sshd -i serves one connection on standard input: the test listens, so that the port is the system's choice.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.port = listener.Addr().(*net.TCPAddr).Port
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			file, err := conn.(*net.TCPConn).File()
			conn.Close()
			if err != nil {
				return
			}
			cmd := exec.Command("/usr/sbin/sshd", "-i", "-e", "-f", s.path("sshd_config"))
			cmd.Stdin, cmd.Stdout = file, file
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
			if err := cmd.Start(); err == nil {
				go cmd.Wait() // it ends with its connection
			}
			file.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-served
	})
	who, err := user.Current()
	must(t, err)
	s.config = s.path("config")
	// The two lines of docs/ssh.md are the last ones.
	must(t, os.WriteFile(s.config, []byte(fmt.Sprintf(`Host devbox
  HostName 127.0.0.1
  Port %d
  User %s
  IdentityFile %s
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile %s
  ExitOnForwardFailure yes
  RemoteForward %s ${FOB_HOME}/run/share.sock
  SetEnv FOB_SOCKET=%s
`, s.port, who.Username, s.path("user"), s.path("known"), s.path("fob.sock"), s.path("fob.sock"))), 0o600))
	return s
}

func (s *sshd) path(name string) string { return filepath.Join(s.dir, name) }

// command is a command on the machine at the other end, where FOB_HOME is another one.
func (s *sshd) command(f *fob, remote ...string) *exec.Cmd {
	cmd := exec.Command("ssh", append([]string{"-F", s.config, "devbox", "FOB_HOME=" + s.path("there")}, remote...)...)
	cmd.Env = f.desk.env(f.vars...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// A fob at the other end of an ssh connection: tokens of the profile that is marked, and nothing of the other one; a login from there
// whose page opens here. R-302
func TestOverSSH(t *testing.T) {
	t.Parallel()
	p, f := startFull(t), newQuiet(t)
	f.at(p, "work", "client_secret_post", "scope=openid email offline_access", "prompt=consent", "agent_forwarding=true", "browser="+curlBrowser(f.desk, p.path("ca.pem")))
	f.at(p, "private", "client_secret_basic")
	f.enter(p, "private").ok()
	s := startSSHD(t, f)
	fob := program(t, "fob")
	run := func(args ...string) (string, string, int) {
		t.Helper()
		cmd := s.command(f, append([]string{fob}, args...)...)
		var out, said strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &said
		must(t, cmd.Start())
		deadline := time.AfterFunc(2*patience, func() { cmd.Process.Kill() })
		defer deadline.Stop()
		cmd.Wait()
		return out.String(), said.String(), cmd.ProcessState.ExitCode()
	}

	if out, said, code := run("token", "work"); code != 3 || out != "" {
		t.Errorf("before a login: %d %q", code, said)
	}
	// The profile's browser command runs on this side.
	if _, said, code := run("login", "work"); code != 0 || !strings.Contains(said, "opens in the browser of the machine that the agent runs on") || !strings.Contains(said, "logged in to work as alice@example.com") {
		t.Fatalf("login over ssh: %d %s", code, said)
	}
	own := f.token("work")
	if out, said, code := run("token", "work"); code != 0 || strings.TrimSpace(out) != own {
		t.Errorf("the token over ssh: %d %s", code, said)
	}
	if out, _, _ := run("status"); !strings.Contains(out, "work") || strings.Contains(out, "private") {
		t.Errorf("status over ssh: %s", out)
	}
	for _, args := range [][]string{{"token", "private"}, {"header", "private"}, {"logout", "work"}, {"stop"}, {"profile", "set", "private", "agent_forwarding=true"}, {"doctor"}} {
		if out, said, code := run(args...); code == 0 || strings.Contains(out, "eyJ") {
			t.Errorf("%s over ssh: %d %s", args, code, said)
		}
	}
	if entries, err := os.ReadDir(s.path("there")); err == nil && len(entries) > 0 {
		t.Errorf("an agent was started over there: %v", entries)
	}

	// A connection that died leaves its socket behind; the next one takes its place.
	hold := s.command(f, "echo", "up;", "cat")
	stdin, err := hold.StdinPipe()
	must(t, err)
	stdout, err := hold.StdoutPipe()
	must(t, err)
	must(t, hold.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("%q %v", line, err)
	}
	must(t, hold.Process.Kill())
	hold.Wait()
	stdin.Close()
	if out, said, code := run("token", "work"); code != 0 || strings.TrimSpace(out) != own {
		t.Errorf("after a dead connection: %s %s", strconv.Itoa(code), said)
	}
}
