package session

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/oauth"
)

// TestProxyInTroubleSpendsNothing: what a proxy kept from going out is no lost answer, and the proxy is named with what to do.
func TestProxyInTroubleSpendsNothing(t *testing.T) {
	server, err := authserver.Start(t.Context(), authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: -1, AutoApprove: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	store, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, server: server, store: store, dir: t.TempDir()}
	r.open()
	p := r.profile("work")
	p.Issuer, p.APIBaseURL = server.Issuer(), server.API()
	r.put(p)
	r.login("work")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nothing listens there any more
	if r.http, err = oauth.NewHTTPClient(oauth.HTTPOptions{Proxy: oauth.Secret("http://ada:hush@" + l.Addr().String())}); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	for range 2 {
		_, err = r.engine.Refresh(t.Context(), "work")
		wantError(t, err, TryAgain, CodeNetwork)
		said := Explain("work", err)
		if !strings.Contains(said.Sentence, "the proxy "+l.Addr().String()+" on the way to ") || !strings.Contains(said.Remedy, "HTTPS_PROXY") || strings.Contains(said.Sentence+said.Remedy, "hush") {
			t.Errorf("said %q, %q", said.Sentence, said.Remedy)
		}
	}
	r.engine.mu.Lock()
	lost := r.engine.logins["work"].rec.Interrupted
	r.engine.mu.Unlock()
	if !lost.IsZero() {
		t.Errorf("an answer counts as lost that nobody was asked for, at %v", lost)
	}
	r.http = nil
	r.reopen()
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil || server.Stats().ReuseDetected != 0 {
		t.Errorf("%v, %d tokens spent twice", err, server.Stats().ReuseDetected)
	}
}

// TestMayBeSpent: only what the server may have received can have spent a token.
func TestMayBeSpent(t *testing.T) {
	refused := &oauth.ProxyError{Proxy: "proxy.example:3128", Status: "403 Forbidden"}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no answer in time":            {&oauth.Error{Err: oauth.ErrTimeout}, true},
		"no connection in time":        {&oauth.Error{Err: oauth.ErrTimeout, Unsent: true}, false},
		"a proxy that refuses":         {&oauth.Error{Err: refused, Unsent: true}, false},
		"a portal's certificate":       {&oauth.Error{Err: oauth.ErrPortal, Unsent: true}, false},
		"cut off":                      {&oauth.Error{Err: io.ErrUnexpectedEOF}, true},
		"half an answer":               {&oauth.Error{Status: 200, Err: oauth.ErrNotJSON}, true},
		"a gateway that got no answer": {&oauth.Error{Status: 504}, true},
		"a server that is busy":        {&oauth.Error{Status: 503}, false},
		"a server that refuses":        {&oauth.Error{Status: 400, Code: oauth.InvalidGrant}, false},
		"a name that is not found":     {&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		"nothing":                      {nil, false},
	} {
		if got := mayBeSpent(test.err); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
