package authserver

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport returns an http.RoundTripper that calls this server directly, without a network, for
// handlers' tests and for testing/synctest, where real connections never count as idle. A
// connection that the server drops is io.ErrUnexpectedEOF.
func (s *Server) Transport() http.RoundTripper { return transport{Server: s} }

// TransportWith is Transport for a client that shows a certificate where it is asked for one: at
// the address of mtls_endpoint_aliases.
func (s *Server) TransportWith(cert tls.Certificate) http.RoundTripper {
	return transport{Server: s, certificate: cert.Leaf}
}

type transport struct {
	*Server
	certificate *x509.Certificate
}

// RoundTrip serves req on a goroutine of its own; its answer can be read while it is written.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	r := req.Clone(req.Context())
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RequestURI = r.URL.RequestURI()
	if t.certificate != nil && r.Host == t.mtlsHost {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{t.certificate}}
	}
	pr, pw := io.Pipe()
	d := &direct{header: http.Header{}, body: pw, started: make(chan struct{})}
	go func() {
		defer func() {
			switch cause := recover(); cause {
			case nil:
				d.WriteHeader(http.StatusOK)
				_ = pw.Close()
			case http.ErrAbortHandler:
				d.drop()
				_ = pw.CloseWithError(io.ErrUnexpectedEOF)
			default:
				panic(cause)
			}
		}()
		t.ServeHTTP(d, r)
	}()
	select {
	case <-req.Context().Done():
		_ = pr.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	case <-d.started:
	}
	if d.dropped {
		return nil, io.ErrUnexpectedEOF
	}
	// A client that closes the body or gives up makes further writes of the handler fail.
	return &http.Response{
		Status:     strconv.Itoa(d.status) + " " + http.StatusText(d.status),
		StatusCode: d.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: d.sent, Body: body{pr, onDone(req, pr)}, ContentLength: -1, Request: req,
	}, nil
}

// onDone breaks the answer off when the request's context ends.
func onDone(req *http.Request, pr *io.PipeReader) func() {
	quit := make(chan struct{})
	go func() {
		select {
		case <-req.Context().Done():
			_ = pr.CloseWithError(req.Context().Err())
		case <-quit:
		}
	}()
	return sync.OnceFunc(func() { close(quit) })
}

// body is a response body that ends its watcher when it ends.
type body struct {
	*io.PipeReader
	stop func()
}

// Read reads and stops watching at the end.
func (b body) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil {
		b.stop()
	}
	return n, err
}

// Close ends the answer, and a handler that still writes it.
func (b body) Close() error {
	b.stop()
	return b.PipeReader.Close()
}

// direct is the http.ResponseWriter of a call without a network.
type direct struct {
	header  http.Header
	sent    http.Header
	status  int
	dropped bool
	body    *io.PipeWriter
	once    sync.Once
	started chan struct{} // closed when sent, status and dropped are settled
}

// Header returns the header to be sent.
func (d *direct) Header() http.Header { return d.header }

// WriteHeader starts the answer.
func (d *direct) WriteHeader(status int) {
	d.once.Do(func() {
		d.status, d.sent = status, d.header.Clone()
		close(d.started)
	})
}

// drop ends a connection on which nothing was answered.
func (d *direct) drop() {
	d.once.Do(func() {
		d.dropped = true
		close(d.started)
	})
}

// Write waits until somebody reads.
func (d *direct) Write(p []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	return d.body.Write(p)
}
