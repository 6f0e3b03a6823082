package authserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/provider"
)

// Server is a strict authorization server with one protected API. It is an http.Handler and safe
// for concurrent use.
type Server struct {
	opts       Options
	issuer     string
	base       *url.URL // issuer, parsed
	store      *store
	keys       *keyring
	faults     *Faults
	browsers   *browsers
	counts     *counts
	replays    *replays
	registered *registered
	polls      *polls
	// The nonces of each endpoint, or nil where none are demanded.
	tokenNonces, apiNonces *nonces

	provider *provider.Provider
	protocol http.Handler // go-oidc's own routes
	pages    http.Handler // the same behind a check for cross-site form posts

	// turn serialises the token and the revocation endpoint: go-oidc loads a grant, decides, and
	// saves it, and two requests between load and save would both spend one refresh token. It is
	// held while an answer is computed into memory and the state file follows, never while a
	// client sends or is sent something.
	turn sync.Mutex

	listeners []net.Listener
	http      *http.Server
	served    chan struct{}
	mtlsHost  string // the address that asks for client certificates, or ""
}

// New returns a server that listens nowhere: an http.Handler for Options.Issuer, which must be
// set to the URL under which the handler is reached.
func New(opts Options) (*Server, error) {
	if opts.Issuer == "" {
		return nil, errors.New("authserver: no issuer given, and a server that does not listen cannot guess it")
	}
	st, err := loadState(opts.State)
	if err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	mtlsHost := ""
	if base, err := url.Parse(opts.Issuer); err == nil && opts.MutualTLS {
		mtlsHost = mutualHost(base)
	}
	return assemble(opts, st, mtlsHost)
}

// Start listens on Options.Addr (an unused port of 127.0.0.1 by default) and serves until ctx is
// done or [Server.Close]. When it returns, the server answers. With Options.State it takes the
// port of its last run again if that is free, so that the issuer of old tokens stays true.
func Start(ctx context.Context, opts Options) (*Server, error) {
	st, err := loadState(opts.State)
	if err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	ln, err := listen(ctx, opts.Addr, st.Addr)
	if err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	st.Addr = ln.Addr().String()
	scheme, lns := "http", []net.Listener{ln}
	if opts.TLS || opts.MutualTLS {
		c, err := serverTLS(false)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("authserver: %w", err), ln.Close())
		}
		scheme, lns[0] = "https", tls.NewListener(ln, c)
	}
	mtlsHost := ""
	if opts.MutualTLS {
		second, err := listenMutual(ctx, st.Addr)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("authserver: %w", err), ln.Close())
		}
		lns, mtlsHost = append(lns, second), second.Addr().String()
	}
	if opts.Issuer == "" {
		opts.Issuer = scheme + "://" + st.Addr + opts.IssuerPath
	}
	s, err := assemble(opts, st, mtlsHost)
	if err != nil {
		for _, ln := range lns {
			err = errors.Join(err, ln.Close())
		}
		return nil, err
	}
	s.serve(ctx, lns)
	return s, nil
}

// assemble builds a server from its options and what the state file remembered.
func assemble(opts Options, st state, mtlsHost string) (*Server, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	base, err := url.Parse(opts.Issuer)
	// RFC 8414 section 2: the issuer has no query and no fragment.
	if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || strings.HasSuffix(base.Path, "/") {
		return nil, fmt.Errorf("authserver: issuer %q is no URL without query, fragment and final slash", opts.Issuer)
	}
	s := &Server{
		opts:       opts,
		issuer:     opts.Issuer,
		base:       base,
		counts:     newCounts(),
		faults:     opts.Faults,
		browsers:   newBrowsers(),
		replays:    &replays{},
		registered: &registered{},
		polls:      &polls{},
		mtlsHost:   mtlsHost,
	}
	if s.faults == nil {
		s.faults = &Faults{}
	}
	if d := opts.DPoP; d != nil && d.Nonce {
		s.tokenNonces = newNonces(d.NonceTTL)
	}
	if d := opts.DPoP; d != nil && d.ResourceNonce {
		s.apiNonces = newNonces(d.NonceTTL)
	}
	if s.keys, err = newKeyring(st.Keys, opts.wantedAlgs()); err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	s.store = newStore(opts, s.counts, st)
	s.store.keys, s.store.addr = s.keys, st.Addr
	s.keys.changed = s.store.persist
	if s.provider, err = s.newProvider(); err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	s.protocol = s.provider.Handler()
	// The login and the consent form change state for whoever is signed in to this browser; a
	// foreign page must not be able to send them.
	s.pages = http.NewCrossOriginProtection().Handler(s.protocol)
	if opts.State != "" {
		s.store.persist() // so that the keys survive even a run without a login
		if err := s.store.persistError(); err != nil {
			return nil, fmt.Errorf("authserver: %w", err)
		}
	}
	return s, nil
}

// listen opens addr, or, when addr leaves the port open, the address of the last run if it can.
func listen(ctx context.Context, addr, last string) (net.Listener, error) {
	var lc net.ListenConfig
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if lastHost, _, err := net.SplitHostPort(last); err == nil && port == "0" && lastHost == host {
		if ln, err := lc.Listen(ctx, "tcp", last); err == nil {
			return ln, nil
		}
	}
	return lc.Listen(ctx, "tcp", addr)
}

// serve answers on lns until ctx is done or Close; a goroutine serves each and Close waits for
// them.
func (s *Server) serve(ctx context.Context, lns []net.Listener) {
	s.listeners = lns
	s.served = make(chan struct{})
	// A client that mistrusts a certificate says so to the client's user, not to our stderr.
	quiet := log.New(io.Discard, "", 0)
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	stop := context.AfterFunc(ctx, func() { _ = s.http.Close() })
	var all sync.WaitGroup
	for _, ln := range lns {
		all.Go(func() { _ = s.http.Serve(ln) }) // ends with http.ErrServerClosed, which is what Close asks for
	}
	go func() {
		defer close(s.served)
		defer stop()
		all.Wait()
	}()
}

// Issuer returns the issuer identifier, which is also the URL under which discovery works.
func (s *Server) Issuer() string { return s.issuer }

// API returns the URL of the protected API that answers whose token it was given.
func (s *Server) API() string { return s.issuer + apiPath }

// Faults returns the switches that make this server misbehave.
func (s *Server) Faults() *Faults { return s.faults }

// Stats returns what the server has counted so far.
func (s *Server) Stats() Stats { return s.counts.snapshot() }

// RevokeAll revokes every grant and ends every browser session, as an administrator would: access
// and refresh tokens handed out so far are refused from now on.
func (s *Server) RevokeAll() {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.browsers.end("")
	s.store.revoke("")
}

// EndSession revokes every grant of the user with that login name and ends that user's browser
// sessions.
func (s *Server) EndSession(login string) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.browsers.end(login)
	s.store.revoke(login)
}

// RotateKeys makes a new ES256 signing key. The old ones stay published, so what they signed stays
// valid; a client that meets the new key id has to fetch the key set again.
func (s *Server) RotateKeys() error {
	if err := s.keys.rotate(); err != nil {
		return fmt.Errorf("authserver: %w", err)
	}
	return nil
}

// Close stops listening and cuts every connection; a server made by [New] has nothing to close.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	<-s.served
	return err
}
