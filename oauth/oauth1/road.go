package oauth1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"fob/oauth"
)

// The road: every request that obtains a token passes through Client.post.
// The limits are those of package oauth, and so are the reasons.
const (
	maxBody        = 1 << 20
	defaultTimeout = 30 * time.Second
	maxRetryAfter  = 24 * time.Hour
)

// sharedClient is the client of those who bring none. A verifier sent on a
// connection that is just being closed is lost, so idle ones are not kept.
var sharedClient = sync.OnceValue(func() *http.Client {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12} // RFC 9325 section 3.1.1
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = 16, 2, time.Second
	return &http.Client{Transport: t}
})

// answer is a complete answer, whatever its status.
type answer struct {
	endpoint string // address without query
	status   int
	header   http.Header
	body     []byte
	secrets  []string  // values that must not come back in an error
	now      time.Time // by the clock that made the timestamp
}

// post makes a signed request to one of the endpoints that hand out
// credentials (RFC 5849 sections 2.1 and 2.3) and returns the parameters of
// the answer. extra are further parameters of the protocol, params those of
// the profile.
func (c *Client) post(ctx context.Context, endpoint string, t *Token, extra []pair, params url.Values) (map[string]string, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	extra, form, err := split(extra, params)
	if err != nil {
		return nil, err
	}
	r, err := c.request(ctx, u, t, extra, form)
	if err != nil {
		return nil, err
	}
	ans, err := c.send(r)
	if err != nil {
		return nil, err
	}
	ans.secrets, ans.now = c.secretsIn(t, extra, form), c.clock().Add(c.ClockOffset)
	return ans.parameters()
}

// split sorts a profile's parameters into those of the protocol, which travel
// with it, and the form.
func split(extra []pair, params url.Values) (protocol, form []pair, err error) {
	for _, p := range pairsOf(params) {
		taken := ofProtocol(p.name)
		for _, e := range extra {
			taken = taken || e.name == p.name
		}
		switch {
		case taken && strings.HasPrefix(p.name, "oauth_"): // section 3.1: "MUST NOT appear more than once"
			return nil, nil, requestError("the parameter " + p.name + " is set by the login itself")
		case strings.HasPrefix(p.name, "oauth_"):
			extra = append(extra, p)
		default:
			form = append(form, p)
		}
	}
	return extra, form, nil
}

// request builds and signs the request.
func (c *Client) request(ctx context.Context, u *url.URL, t *Token, extra, form []pair) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, requestError("the address of the endpoint cannot be read")
	}
	r.Header.Set("Accept", "*/*") // some servers answer 406 to anything narrower
	m := message{method: r.Method, url: u, host: r.Host, form: form}
	switch {
	case len(form) > 0:
		r.Header.Set("Content-Type", formType)
		setBody(r, []byte(encodeForm(form)))
	case c.BodyHash && c.method() != Plaintext && c.placement() != InBody:
		if m.bodyHash, err = hashBody(r, c.hasher()); err != nil {
			return nil, err
		}
	}
	all, err := c.protocol(m, t, extra...)
	if err != nil {
		return nil, err
	}
	return r, c.place(r, u, encodeForm(form), false, all)
}

// secretsIn lists the values of a request that must not come back in an error.
func (c *Client) secretsIn(t *Token, extra, form []pair) []string {
	list := []string{c.ConsumerSecret.Reveal()}
	if t != nil {
		list = append(list, c.key(t.Secret), t.Secret.Reveal(), t.Token.Reveal())
	}
	for _, p := range append(extra, form...) {
		if p.name != "oauth_callback" {
			list = append(list, p.value)
		}
	}
	return list
}

// send makes the request: bounded in time and size, and never redirected,
// because whoever gets it could use it.
func (c *Client) send(r *http.Request) (*answer, error) {
	hc := c.HTTP
	if hc == nil {
		hc = sharedClient()
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), timeout, oauth.ErrTimeout)
	defer cancel()
	own := *hc // the caller's client is never modified
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ans := &answer{endpoint: withoutQuery(r.URL)}
	way, watched := oauth.WatchWay(ctx, r.URL)
	resp, err := own.Do(r.WithContext(watched))
	if err != nil {
		e := ans.broken(ctx, err)
		e.Unsent = way.Unsent()
		if known := way.Broken(e.Err); known != nil {
			e.Err = known
		}
		return nil, e
	}
	defer resp.Body.Close()
	ans.status, ans.header = resp.StatusCode, resp.Header
	if resp.StatusCode >= 300 && resp.StatusCode <= 399 {
		e := ans.failed(oauth.ErrRedirect)
		if to, err := resp.Location(); err == nil {
			shown := clean(to.Host, maxDescription)
			e.Description = "to " + shown
			if portal := way.Redirected(to, shown); portal != nil {
				e.Err = portal
			}
		}
		return nil, e
	}
	ans.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, ans.broken(ctx, err)
	}
	if len(ans.body) > maxBody {
		return nil, ans.failed(oauth.ErrTooLarge)
	}
	if portal := way.Answered(ans.status, ans.body); portal != nil {
		return nil, ans.failed(portal)
	}
	return ans, nil
}

func (ans *answer) failed(err error) *oauth.Error {
	return &oauth.Error{Endpoint: ans.endpoint, Status: ans.status, Err: err, RetryAfter: retryAfter(ans.header)}
}

// broken turns a failure of the exchange into an Error. The *url.Error of
// net/http is taken off: it repeats the address with its query.
func (ans *answer) broken(ctx context.Context, err error) *oauth.Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		return ans.failed(cause)
	}
	return ans.failed(&brokenError{err})
}

// brokenError is an exchange that broke on the way. It is a net.Error, so
// that oauth.Transient knows it, as not all failures of net/http are.
type brokenError struct{ err error }

func (b *brokenError) Error() string { return b.err.Error() }
func (b *brokenError) Unwrap() error { return b.err }

// Timeout and Temporary make it a net.Error.
func (b *brokenError) Timeout() bool { return false }

// Temporary says that another try may succeed.
func (b *brokenError) Temporary() bool { return true }

// retryAfter reads the Retry-After header (RFC 9110 section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}

// parseEndpoint accepts https, and http on loopback (RFC 5849 section 2.1:
// the answer holds a secret in plain text). The query, where there is one, is
// kept and signed, but holds no parameter of the protocol (section 2).
func parseEndpoint(endpoint string) (*url.URL, error) {
	if endpoint == "" {
		return nil, &oauth.Error{Err: oauth.ErrNoEndpoint}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, &oauth.Error{Err: &reasoned{oauth.ErrNoEndpoint, "its address is not a URL"}}
	}
	fail := func(err error) (*url.URL, error) {
		return nil, &oauth.Error{Endpoint: withoutQuery(u), Err: err}
	}
	if u.User != nil || strings.Contains(endpoint, "#") {
		return fail(&reasoned{oauth.ErrNoEndpoint, "its address holds a user or a fragment"})
	}
	if !secure(u) {
		return fail(oauth.ErrInsecure)
	}
	query, err := parseForm("query of the endpoint", u.RawQuery)
	if err != nil {
		return fail(err)
	}
	for _, p := range query {
		if strings.HasPrefix(p.name, "oauth_") {
			return fail(&reasoned{oauth.ErrNoEndpoint, "its query holds " + clean(p.name, maxCode) + ", which the login sets itself"})
		}
	}
	return u, nil
}
