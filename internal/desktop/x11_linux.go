package desktop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jezek/xgb"
)

// xgb speaks on stderr about every odd packet; ours belongs to the user.
var muteXGB = sync.OnceFunc(func() { xgb.Logger = log.New(io.Discard, "", 0) })

// dialX connects to the X server that the Env names, with the Env's authority
// file: xgb itself would look into our own environment.
func dialX(ctx context.Context, env Env) (*xgb.Conn, error) {
	muteXGB()
	display := env["DISPLAY"]
	conn, number, err := dialDisplay(ctx, display)
	if err != nil {
		return nil, fmt.Errorf("display %s: %w", display, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, fmt.Errorf("display %s: %w", display, err)
	}
	x, err := xgb.NewConnNet(&authConn{Conn: conn, cookie: env.xCookie(number)})
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("display %s: %w", display, err)
	}
	return x, nil
}

// dialDisplay knows X(7)'s display names: :0, :0.1, unix:0, host:10.0, and a
// path with :0 behind it.
func dialDisplay(ctx context.Context, display string) (conn net.Conn, number string, err error) {
	colon := strings.LastIndexByte(display, ':')
	if colon < 0 {
		return nil, "", errors.New("the name has no colon")
	}
	host := display[:colon]
	number, _, _ = strings.Cut(display[colon+1:], ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n > 59535 {
		return nil, "", errors.New("the name has no number behind its colon")
	}
	var d net.Dialer
	switch {
	case strings.HasPrefix(host, "/"):
		conn, err = d.DialContext(ctx, "unix", display[:colon]+":"+number)
	case host == "" || host == "unix":
		path := "/tmp/.X11-unix/X" + number
		if conn, err = d.DialContext(ctx, "unix", path); err != nil {
			// Linux servers also listen in the abstract namespace, which
			// sandboxes without /tmp can see.
			if c, abstract := d.DialContext(ctx, "unix", "@"+path); abstract == nil {
				conn, err = c, nil
			}
		}
	default: // ssh -X
		conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.FormatUint(6000+n, 10)))
	}
	return conn, number, err
}

const cookieName = "MIT-MAGIC-COOKIE-1"

// xCookie is the MIT-MAGIC-COOKIE-1 for the display, nil if there is none: a
// server without access control takes that too.
func (e Env) xCookie(number string) []byte {
	path := e["XAUTHORITY"]
	if path == "" {
		path = filepath.Join(e["HOME"], ".Xauthority")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	host, _ := os.Hostname()
	return findCookie(data, host, number)
}

// findCookie reads an authority file (Xauth(3)): family, then address, display
// number, name and data, each with its length, all big-endian.
func findCookie(data []byte, host, number string) []byte {
	const familyLocal, familyWild = 256, 65535
	for len(data) >= 2 {
		family := binary.BigEndian.Uint16(data)
		data = data[2:]
		var fields [4][]byte
		for i := range fields {
			if len(data) < 2 {
				return nil
			}
			n := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+n {
				return nil
			}
			fields[i], data = data[2:2+n], data[2+n:]
		}
		here := family == familyWild || family == familyLocal && string(fields[0]) == host
		display := len(fields[1]) == 0 || string(fields[1]) == number
		if here && display && string(fields[2]) == cookieName && len(fields[3]) == 16 {
			return fields[3]
		}
	}
	return nil
}

// authConn replaces the first thing that xgb writes, its connection setup, by
// one with our cookie.
type authConn struct {
	net.Conn
	cookie []byte
	sent   bool // only xgb's constructor writes before it is true
}

func (c *authConn) Write(p []byte) (int, error) {
	if c.sent {
		return c.Conn.Write(p)
	}
	c.sent = true
	name := ""
	if c.cookie != nil {
		name = cookieName
	}
	setup := make([]byte, 12, 64)
	setup[0] = 'l' // little-endian, as all that xgb writes
	binary.LittleEndian.PutUint16(setup[2:], 11)
	binary.LittleEndian.PutUint16(setup[6:], uint16(len(name)))
	binary.LittleEndian.PutUint16(setup[8:], uint16(len(c.cookie)))
	setup = append(setup, name...)
	setup = append(setup, make([]byte, -len(name)&3)...)
	setup = append(setup, c.cookie...)
	if _, err := c.Conn.Write(setup); err != nil {
		return 0, err
	}
	return len(p), nil
}
