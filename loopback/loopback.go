// Package loopback knows how to receive one redirect on this machine
// (RFC 8252 §7.3): it listens on a loopback address, lets the browser bring
// the authorization response there, and answers with a small page.
//
// A Receiver belongs to one login. Listen comes first, because the port is
// part of the redirect URI; the authorization request is built with
// RedirectURI; then Wait returns the parameters of the one request whose state
// is the login's own, and Close ends the listener (RFC 8252 §8.3).
//
// What is not checked here: the issuer, the code, the nonce, repeated
// parameters other than state. That is the protocol's work, in package oauth.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// A browser sends its header at once; who takes longer is not a browser
	// with our response. The same bound ends connections opened in advance.
	headerTimeout = 10 * time.Second
	// For a whole request and a whole answer. Long enough for a form_post over
	// a loaded machine, short enough that nothing stays for ever.
	transferTimeout = 15 * time.Second
	// Cookies of every development server on this host come along, because
	// cookies know no ports; codes alone stay under 4 KiB.
	maxHeader = 64 << 10
	// A form_post with code, id_token and session state stays under 32 KiB.
	maxBody = 256 << 10
	// How long Close lets a page that is being sent finish.
	closeGrace = 1500 * time.Millisecond
	// How long a page is held. People wait that long for a page before they
	// doubt it, and it leaves time to send it within transferTimeout.
	holdMax = 8 * time.Second
)

// Receiver waits for one authorization response on a loopback address. Make it
// with Listen, set its fields before Wait, and Close it in every case.
type Receiver struct {
	// OnStray, when set, is told of every request that was not the response.
	// It is called on the request's own goroutine and must return soon.
	OnStray func(Stray)
	// QueryOnly refuses responses by POST. Leave it false for a login that
	// asked for response_mode=form_post.
	QueryOnly bool
	// Fragment takes responses in the fragment of the address, too: a page of
	// ours posts them here. Set it for a login that asked for
	// response_mode=fragment, or whose response_type makes that the default.
	Fragment bool
	// StateOf, when set, finds the state in a response: inside a signed one
	// (oauth.Authorization's ResponseState), or under the name that OAuth 1.0a
	// has for it (OAuth1Token). It returns "" when there is none. nil looks for
	// the parameter state.
	StateOf func(url.Values) string
	// Hold lets the browser wait for its page until Refuse or Close is called,
	// for some seconds: set it where the login may still be refused for
	// something that is best mended in the browser.
	Hold bool

	uri       string
	path      string   // as it must arrive, escaped
	hosts     []string // the Host headers that mean this listener
	listeners []net.Listener
	server    *http.Server
	conns     *conns

	received chan url.Values // buffered, gets exactly one
	stopped  chan struct{}   // closed by Close
	refused  chan page       // buffered, gets at most one

	mu       sync.Mutex // guards the fields below
	state    string     // what Wait was called with
	waiting  bool       // Wait was called
	answered bool       // a response was taken
	over     bool       // Wait gave up before one came
	closed   bool
}

// Stray is a request that reached the listener and was not the response.
type Stray struct {
	Reason string // one of the Stray constants
}

// Why a request was not the response.
const (
	StrayHost    = "wrong host"    // Host names somebody else: DNS rebinding
	StrayPath    = "wrong path"    // a favicon, a scanner, another program's URL
	StrayMethod  = "wrong method"  // neither GET nor an allowed POST
	StrayBody    = "wrong body"    // a POST that is no form, or too large
	StrayNoState = "missing state" // the right address, without state
	StrayState   = "wrong state"   // an answer to another login, or a forged one
	StrayRepeat  = "repeated"      // right in all, but the response is here already
	StrayLate    = "late"          // right in all, but Wait's context has ended
)

// RedirectURI is the address to put into the authorization request, with the
// port that is really listened on. The token request repeats it unchanged.
func (r *Receiver) RedirectURI() string { return r.uri }

// Wait answers requests until one is the response: the exact path and Host, by
// GET or form_post, with a state equal to the given one. It returns that
// request's parameters, those of an error response (RFC 6749 §4.1.2.1) too.
// Requests that came before Wait was called have waited in the kernel's queue.
// After Wait has returned, the listener keeps telling repeated requests that
// the response is here, until Close.
//
// The errors are the context's, net.ErrClosed after Close, or the listener's
// own. Wait is called once.
func (r *Receiver) Wait(ctx context.Context, state string) (url.Values, error) {
	if state == "" {
		// An empty state would make every request the response (RFC 6749 §10.12).
		return nil, errors.New("redirect listener: state is empty")
	}
	r.mu.Lock()
	if r.waiting {
		r.mu.Unlock()
		return nil, fmt.Errorf("redirect listener %s: already waited on", r.uri)
	}
	if r.closed {
		r.mu.Unlock()
		return nil, fmt.Errorf("redirect listener %s: %w", r.uri, net.ErrClosed)
	}
	r.waiting, r.state = true, state
	r.mu.Unlock()

	broken := make(chan error, len(r.listeners))
	for _, l := range r.listeners {
		go func() { broken <- r.server.Serve(l) }()
	}
	for {
		select {
		case values := <-r.received:
			return values, nil
		case <-ctx.Done():
			if r.giveUp() {
				return nil, fmt.Errorf("redirect listener %s: %w", r.uri, context.Cause(ctx))
			}
			return <-r.received, nil // its page is being sent at this moment
		case <-r.stopped:
			return nil, fmt.Errorf("redirect listener %s: %w", r.uri, net.ErrClosed)
		case err := <-broken:
			if !errors.Is(err, http.ErrServerClosed) {
				return nil, fmt.Errorf("redirect listener %s: %w", r.uri, err)
			}
		}
	}
}

// Refuse is what a page that is held says instead of the usual. It does
// nothing when no page is held.
func (r *Receiver) Refuse(title, text string) {
	select {
	case r.refused <- page{kind: "no", title: oneLine(title), text: oneLine(text)}:
	default:
	}
}

// giveUp is false when a response was taken in the same moment.
func (r *Receiver) giveUp() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = !r.answered
	return r.over
}

// Close stops listening, lets a page that is on its way arrive, and ends every
// other connection at once. It takes at most 1.5 s, mostly none. A second call
// does nothing.
func (r *Receiver) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	waited := r.waiting
	r.mu.Unlock()

	close(r.stopped)
	for _, l := range r.listeners {
		l.Close()
	}
	if !waited {
		return nil
	}
	// Shutdown would grant connections that never sent a request 5 s; browsers
	// open such ones in advance, and each login would end slowly.
	r.conns.closeIdle()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := r.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		return r.server.Close()
	}
	// What remains of Shutdown's answer is "the listener is closed already".
	return nil
}
