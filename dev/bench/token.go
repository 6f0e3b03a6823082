package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// socketProgram is the least that a Go program can do to ask a Unix socket something: the yardstick for `fob token`.
const socketProgram = `package main

import (
	"io"
	"net"
	"os"
)

func main() {
	conn, err := net.Dial("unix", os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	io.WriteString(conn, "POST /v1/token HTTP/1.0\r\nHost: fob\r\nContent-Length: "+os.Args[3]+"\r\n\r\n"+os.Args[2])
	answer, err := io.ReadAll(conn)
	if err != nil || len(answer) < 500 {
		os.Exit(1)
	}
	os.Stdout.Write(answer)
}
`

// login measures a login from the start of the command to its end, with a server and a browser that lose no time.
func (b *bench) login() error {
	if _, err := b.run("status"); err != nil { // starts the agent
		return err
	}
	var took stats
	for range 20 {
		d, err := b.run("login", "profile 00000")
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	report("login, start of the command to its end", took)
	return nil
}

// token measures `fob token` with a cached token against the socket program, in turns.
func (b *bench) token() error {
	yardstick, err := b.buildYardstick()
	if err != nil {
		return err
	}
	body := `{"name":"profile 00000"}`
	socket := filepath.Join(b.root, "home", "run", "agent.sock")
	oidc, err := b.startOIDCAgent()
	if err != nil {
		report("oidc-token", err) // a comparison, not a promise
	}
	if oidc != nil {
		defer oidc.stop()
	}
	var fob, least, other stats
	for range 500 {
		d, err := b.run("token", "profile 00000")
		if err != nil {
			return err
		}
		fob = append(fob, d)
		if d, err = b.time(yardstick, socket, body, fmt.Sprint(len(body))); err != nil {
			return err
		}
		least = append(least, d)
		if oidc != nil {
			if d, err = timed(oidc.env, "oidc-token", account); err != nil {
				return err
			}
			other = append(other, d)
		}
	}
	report("fob token, cached", fob)
	report("a Go program with one Unix-socket request", least)
	report("ratio of the medians (aim 1.3)", fmt.Sprintf("%.2f", float64(fob.median())/float64(least.median())))
	if oidc != nil {
		report("oidc-token", other)
	}
	return nil
}

func (b *bench) buildYardstick() (string, error) {
	dir := filepath.Join(b.root, "yardstick")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	for name, text := range map[string]string{"main.go": socketProgram, "go.mod": "module yardstick\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "yardstick", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("yardstick: %w: %s", err, said)
	}
	return filepath.Join(dir, "yardstick"), nil
}
