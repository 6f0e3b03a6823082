package proxy

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the connections that are being answered, and once more those that wait: a browser has six to a host, a load
// test a hundred. Each costs the agent some 20 KB.
const maxConns = 256

// conns knows the connections and which of them are being answered. When too many wait, the oldest of them makes room, so that
// idle ones and those that never say anything keep nobody out.
type conns struct {
	mu       sync.Mutex // guards what follows
	waiting  *list.List // of net.Conn, oldest first
	at       map[net.Conn]*list.Element
	busy     map[net.Conn]bool // being answered: an HTTP/1 connection has one request at a time
	upgraded map[net.Conn]bool // net/http does not know them any more
}

func newConns() *conns {
	return &conns{waiting: list.New(), at: map[net.Conn]*list.Element{}, busy: map[net.Conn]bool{}, upgraded: map[net.Conn]bool{}}
}

// track is the server's ConnState.
func (c *conns) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.at[conn] = c.waiting.PushBack(conn)
		if c.waiting.Len() > maxConns {
			oldest := c.waiting.Front().Value.(net.Conn)
			c.take(oldest)
			oldest.Close()
		}
	case http.StateHijacked:
		c.upgraded[conn] = true
	case http.StateClosed:
		c.take(conn)
	}
}

func (c *conns) take(conn net.Conn) {
	if e, ok := c.at[conn]; ok {
		c.waiting.Remove(e)
		delete(c.at, conn)
	}
}

// begin says that a request has come; done that it is answered. It is refused when too many are being answered.
func (c *conns) begin(conn net.Conn) (done func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.busy) >= maxConns {
		return nil, false
	}
	c.busy[conn] = true
	c.take(conn)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.busy, conn)
		if c.upgraded[conn] {
			delete(c.upgraded, conn)
		} else if c.at[conn] == nil {
			c.at[conn] = c.waiting.PushBack(conn)
		}
	}, true
}

// cut closes the connections that are being answered, upgraded ones too.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.busy {
		conn.Close()
	}
}

// connKey finds a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(r *http.Request) net.Conn {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	return conn
}

// patient accepts connections whose reader may take its time, but not for ever.
type patient struct {
	net.Listener
	slow time.Duration
}

// Accept waits for the next connection.
func (l patient) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return writeLimited{conn, l.slow}, nil
}

type writeLimited struct {
	net.Conn
	slow time.Duration
}

// Write gives up on who does not read.
func (c writeLimited) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.slow)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
