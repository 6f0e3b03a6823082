package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

var typedCode = regexp.MustCompile(`type this code: (\S+)`)

// terminal N FILE COMMAND…: runs a command at a terminal, does what the file says line by line, and holds the command to its exit
// code. Lines are: "expect TEXT", "send TEXT" (with Enter), "interrupt" (Ctrl-C), "approve" (the device login whose code was shown).
// What the terminal showed is in the file printed.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal N FILE COMMAND…")
	}
	steps := strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n")
	keyboard, screen, err := openTerminal()
	ts.Check(err)
	defer keyboard.Close()
	cmd := prepare(ts, args[2:])
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	screen.Close()
	watchdog := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer watchdog.Stop()

	var shown strings.Builder
	buffer := make([]byte, 4096)
	read := func() bool { // until the program has gone: Linux says EIO then
		n, err := keyboard.Read(buffer)
		shown.Write(buffer[:n])
		return err == nil
	}
	problem, from := "", 0
	for _, step := range steps {
		verb, text, _ := strings.Cut(step, " ")
		switch verb {
		case "expect":
			for !strings.Contains(shown.String()[from:], text) {
				if !read() {
					problem = "the terminal did not show " + strconv.Quote(text)
					break
				}
			}
			if problem == "" {
				from += strings.Index(shown.String()[from:], text) + len(text)
			}
		case "send":
			fmt.Fprintf(keyboard, "%s\n", text)
		case "type": // without Enter; \t is Tab
			io.WriteString(keyboard, strings.NewReplacer(`\t`, "\t", `\x01`, "\x01", `\x05`, "\x05").Replace(text))
		case "interrupt":
			keyboard.Write([]byte{3})
		case "approve":
			if code := typedCode.FindStringSubmatch(shown.String()); code == nil {
				problem = "no code was shown"
			} else if err := servers[ts.MkAbs(".")].ApproveDevice(code[1], "ada"); err != nil {
				problem = err.Error()
			}
		default:
			problem = "no such step: " + step
		}
		if problem != "" {
			cmd.Process.Kill()
			break
		}
	}
	for read() {
	}
	cmd.Wait()
	text := strings.ReplaceAll(shown.String(), "\r\n", "\n")
	ts.Logf("%s", text)
	ts.Check(os.WriteFile(ts.MkAbs("printed"), []byte(text), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); problem != "" || got != args[0] {
		ts.Fatalf("%s; exit code %s, want %s", problem, got, args[0])
	}
}

// openTerminal makes a pseudo-terminal (pty(7)): what is typed and seen, and what the program has.
func openTerminal() (keyboard, screen *os.File, err error) {
	keyboard, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	connection, err := keyboard.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	number := 0
	var problem error
	err = connection.Control(func(fd uintptr) {
		if problem = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); problem == nil {
			number, problem = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err == nil {
		err = problem
	}
	if err != nil {
		return nil, nil, err
	}
	screen, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return keyboard, screen, err
}
