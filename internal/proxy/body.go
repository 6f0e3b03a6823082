package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// repeatMax is how much of a body is kept to be sent again with another token or nonce.
const repeatMax = 1 << 20

var errGone = errors.New("the body is too large to be sent again")

// body is a request's body that streams, and can be read once more while it is small.
type body struct {
	control *http.ResponseController
	slow    time.Duration // for the next piece

	mu   sync.Mutex // one reader at a time; guards what follows
	from io.ReadCloser
	kept []byte
	gone bool  // more came than is kept
	came int   // so far
	err  error // of from, io.EOF at its end
	late bool  // the client was too slow
}

// read reads at an offset, from what is kept or from the client.
func (b *body) read(p []byte, off int) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.gone && off < len(b.kept):
		return copy(p, b.kept[off:]), nil
	case off != b.came: // an earlier reading took more than was kept
		return 0, errGone
	case b.err != nil:
		return 0, b.err
	}
	if err := b.control.SetReadDeadline(time.Now().Add(b.slow)); err != nil {
		return 0, err
	}
	n, err := b.from.Read(p)
	b.came += n
	if !b.gone && len(b.kept)+n > repeatMax {
		b.kept, b.gone = nil, true
	}
	if !b.gone {
		b.kept = append(b.kept, p[:n]...)
	}
	if err != nil {
		b.err, b.late = err, errors.Is(err, os.ErrDeadlineExceeded)
		// net/http looks for the end of the connection from here on, and must not take the deadline for it.
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// again is the request's GetBody.
func (b *body) again() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return nil, errGone
	}
	return &bodyReader{body: b}, nil
}

func (b *body) state() (gone, late bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone, b.late
}

// bodyReader is one reading of a body. The server closes what it reads from.
type bodyReader struct {
	body   *body
	mu     sync.Mutex // guards what follows
	off    int
	closed bool
}

// Read reads on.
func (r *bodyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	off, closed := r.off, r.closed
	r.mu.Unlock()
	if closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := r.body.read(p, off)
	r.mu.Lock()
	r.off += n
	r.mu.Unlock()
	return n, err
}

// Close ends this reading.
func (r *bodyReader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	return nil
}
