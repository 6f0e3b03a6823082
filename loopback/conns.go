package loopback

import (
	"container/list"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// maxConns bounds the open connections of one listener. The oldest that has
// sent no request makes room, so that neither 500 idle ones nor the limit on
// open files can keep the real response out. A browser opens at most a dozen.
const maxConns = 256

// conns knows the open connections and which of them are being answered.
type conns struct {
	mu     sync.Mutex // guards the fields below
	silent *list.List // of net.Conn, oldest first: no complete request yet
	at     map[net.Conn]*list.Element
}

func newConns() *conns {
	return &conns{silent: list.New(), at: make(map[net.Conn]*list.Element)}
}

// track is the server's ConnState.
func (c *conns) track(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.mu.Lock()
		c.at[conn] = c.silent.PushBack(conn)
		var oldest net.Conn
		if c.silent.Len() > maxConns {
			oldest = c.take(c.silent.Front().Value.(net.Conn))
		}
		c.mu.Unlock()
		if oldest != nil {
			oldest.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.answering(conn)
	}
}

// answering says that the connection brought a request, or is gone: it is not
// to be cut off any more.
func (c *conns) answering(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take(conn)
}

// take removes the connection; c.mu is held.
func (c *conns) take(conn net.Conn) net.Conn {
	if e, ok := c.at[conn]; ok {
		c.silent.Remove(e)
		delete(c.at, conn)
	}
	return conn
}

// closeIdle ends the connections that have sent no complete request.
func (c *conns) closeIdle() {
	c.mu.Lock()
	open := make([]net.Conn, 0, c.silent.Len())
	for e := c.silent.Front(); e != nil; e = e.Next() {
		open = append(open, e.Value.(net.Conn))
	}
	c.mu.Unlock()
	for _, conn := range open {
		conn.Close()
	}
}

// connKey finds a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(req *http.Request) net.Conn {
	conn, _ := req.Context().Value(connKey{}).(net.Conn)
	return conn
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
