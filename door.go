package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/agent"
)

// door is the socket at which a second fob-app finds the first, so that there is one window.
type door struct {
	listener net.Listener // nil where no socket can be made: then every fob-app has its own window
}

// knockTimeout is far longer than a window that lives needs to answer.
const knockTimeout = time.Second

// knock asks the window that is open to come to the front and show profile. first is true when there is none: then this
// program is the one at the door.
func knock(home agent.Home, profile string) (_ *door, first bool) {
	path := filepath.Join(home.Runtime, "app.sock") // shorter than the agent's, which is known to fit
	if connection, err := net.DialTimeout("unix", path, knockTimeout); err == nil {
		defer connection.Close()
		connection.SetDeadline(time.Now().Add(knockTimeout))
		if _, err := connection.Write([]byte(strings.ReplaceAll(profile, "\n", " ") + "\n")); err == nil {
			if answer, err := bufio.NewReader(connection).ReadString('\n'); err == nil && answer == "ok\n" {
				return nil, false
			}
		}
	}
	if os.MkdirAll(home.Runtime, 0o700) != nil {
		return &door{}, true
	}
	os.Remove(path) // nobody answered there
	listener, err := net.Listen("unix", path)
	if err != nil {
		return &door{}, true
	}
	return &door{listener}, true
}

// answer calls raise for each knock until the door is closed.
func (d *door) answer(raise func(profile string)) {
	if d.listener == nil {
		return
	}
	for {
		connection, err := d.listener.Accept()
		if err != nil {
			return
		}
		connection.SetDeadline(time.Now().Add(knockTimeout))
		if profile, err := bufio.NewReader(connection).ReadString('\n'); err == nil {
			raise(strings.TrimSpace(profile))
			connection.Write([]byte("ok\n"))
		}
		connection.Close()
	}
}

func (d *door) close() {
	if d.listener != nil {
		d.listener.Close()
	}
}
