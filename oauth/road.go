package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The road: every request of this package passes through send, and every one
// that carries credentials to an authorization server through Client.post.

const (
	// maxBody bounds every answer. Real ones are under 100 KB (a key set with
	// certificate chains); a megabyte cannot hurt a small resident process.
	maxBody = 1 << 20
	// defaultTimeout bounds a whole exchange, connection to last byte. Slow
	// providers answer in 5 to 10 s; after 30 s nobody is waiting any more.
	defaultTimeout = 30 * time.Second
	// lateness is by how much a timer is late that did not fire because the
	// process did not run.
	lateness = time.Second
	// latePatience is what such a process has to read what has arrived.
	latePatience = 5 * time.Second
	// maxRedirects for documents without credentials: one for a trailing
	// slash, one for a moved page.
	maxRedirects = 2
)

// errand is one request and what is known about it.
type errand struct {
	what    string // "token endpoint": how errors call it
	kind    RequestKind
	form    url.Values // sent, for the trace
	timeout time.Duration
	follow  bool     // follow redirects within the origin; never with credentials
	secrets []string // values that must not come back in an error
	now     time.Time
	quirks  *Quirks // nil: none

	certificate bool // the client's is there to be shown
	pages       bool // a web page may be the answer
}

// answer is a complete answer, whatever its status.
type answer struct {
	errand   *errand
	endpoint string // address without query
	status   int
	header   http.Header
	body     []byte
}

// send makes one request: bounded in time and size, and redirected only where
// it cannot hurt.
func send(ctx context.Context, hc *http.Client, req *http.Request, job *errand) (*answer, error) {
	if hc == nil {
		hc = sharedClient()
	}
	timeout := job.timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := patiently(ctx, timeout)
	defer cancel()

	own := *hc // the caller's client is never modified
	own.CheckRedirect = job.checkRedirect
	began := time.Now()
	ans, err := exchange(ctx, &own, req, job)
	if t := traceOf(ctx); t != nil {
		t.exchanged(req, job.form, job, ans, err, time.Since(began))
	}
	if err != nil {
		return nil, err
	}
	return ans, nil
}

// patiently is ctx until timeout is over. Where this process did not run when
// it was (stopped, a frozen virtual machine, a computer with too much to do),
// the answer may have arrived and wait to be read: that takes a moment more,
// and cut off here it would be lost, with a refresh token that is spent.
func patiently(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	began := time.Now()
	over := time.AfterFunc(timeout, func() {
		if time.Since(began) > timeout+lateness {
			select {
			case <-ctx.Done():
			case <-time.After(latePatience):
			}
		}
		cancel(ErrTimeout)
	})
	return ctx, func() {
		over.Stop()
		cancel(nil)
	}
}

// exchange makes the request and reads the answer. What is known of the
// answer comes back beside an error too.
func exchange(ctx context.Context, hc *http.Client, req *http.Request, job *errand) (*answer, error) {
	ans := &answer{errand: job, endpoint: withoutQuery(req.URL)}
	way, watched := WatchWay(ctx, req.URL)
	resp, err := hc.Do(req.WithContext(watched))
	if err != nil {
		e := ans.broken(ctx, err)
		e.Unsent = way.Unsent()
		if known := way.Broken(e.Err); known != nil {
			e.Err = known
		}
		if e.Unsent && e.Err == ErrTimeout {
			e.Err = &reasoned{ErrTimeout, "there is no connection to the server"}
		}
		return ans, e
	}
	defer resp.Body.Close()
	ans.status, ans.header = resp.StatusCode, resp.Header
	if resp.StatusCode >= 300 && resp.StatusCode <= 399 && resp.StatusCode != http.StatusNotModified {
		return ans, ans.redirected(resp, way)
	}
	ans.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return ans, ans.broken(ctx, err)
	}
	if len(ans.body) > maxBody {
		return ans, &Error{what: job.what, Endpoint: ans.endpoint, Status: ans.status, Err: ErrTooLarge,
			RetryAfter: retryAfter(ans.header, job.now)}
	}
	if portal := way.Answered(ans.status, ans.body); portal != nil && (!job.pages || ans.status == http.StatusNetworkAuthenticationRequired) {
		return ans, ans.unusable(portal)
	}
	return ans, nil
}

// checkRedirect stops at the first redirect of a request with credentials
// (RFC 9700 section 4.12: 307 and 308 would repeat them elsewhere), and at
// one that leaves the origin for the others.
func (job *errand) checkRedirect(req *http.Request, via []*http.Request) error {
	if job.follow && len(via) <= maxRedirects && sameOrigin(req.URL, via[0].URL) {
		return nil
	}
	return http.ErrUseLastResponse
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

func (ans *answer) redirected(resp *http.Response, way *Way) error {
	e := &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status, Err: ErrRedirect}
	if to, err := resp.Location(); err == nil {
		shown := clean(redact(to.Host, ans.errand.secrets), maxDescription)
		e.Description = "to " + shown
		if portal := way.Redirected(to, shown); portal != nil && !ans.errand.pages {
			e.Err = portal
		}
	}
	return e
}

// unusable is the error of a whole answer that cannot be used.
func (ans *answer) unusable(err error) error {
	return &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status, Err: err}
}

// broken turns a failure of the exchange into an Error. The *url.Error of
// net/http is taken off: it repeats the address with its query.
func (ans *answer) broken(ctx context.Context, err error) *Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	e := &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status}
	if cause := context.Cause(ctx); cause != nil {
		e.Err = cause
		return e
	}
	e.Err = &brokenError{err}
	return e
}

// object reads the answer as the JSON object that was due, or as the error
// that came instead. It is the only parser of errors in this package.
func (ans *answer) object() (map[string]any, error) {
	obj, jsonErr := ans.members()
	if e := ans.refusal(obj); e != nil {
		if e.Code == "" && e.Description == "" && jsonErr != nil {
			e.Err = jsonErr
		}
		return nil, e
	}
	if jsonErr != nil {
		return nil, &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status, Err: jsonErr}
	}
	return obj, nil
}

// refusal returns the error that an answer holds, nil if it holds none. Some
// servers (GitHub, Slack) send errors with status 200.
func (ans *answer) refusal(obj map[string]any) *Error {
	ok := ans.status >= 200 && ans.status <= 299
	e := &Error{
		what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status,
		RetryAfter: retryAfter(ans.header, ans.errand.now),
	}
	switch v := obj["error"].(type) {
	case string:
		if v != "" {
			e.fill(v, text(obj, "error_description"), text(obj, "error_uri"), ans.errand.secrets)
			return e
		}
	case map[string]any: // the shape of Google's and Facebook's APIs
		said := text(v, "message")
		if n, ok := v["code"].(json.Number); ok {
			said += " (code " + n.String() + ")" // Facebook's own, by which it is looked up
		}
		e.Description = clean(redact(said, ans.errand.secrets), maxDescription)
		return e
	}
	if ok {
		return ans.quirkRefusal(obj, e)
	}
	// RFC 6750 section 3: a resource (userinfo) says it in a header.
	for _, c := range parseChallenges(ans.header.Values("WWW-Authenticate")) {
		if code := c.Params["error"]; code != "" {
			e.fill(code, c.Params["error_description"], c.Params["error_uri"], ans.errand.secrets)
			return e
		}
	}
	return e
}

func (e *Error) fill(code, description, uri string, secrets []string) {
	e.Code = cleanCode(redact(code, secrets))
	e.Description = clean(redact(description, secrets), maxDescription)
	e.URI = cleanURI(redact(uri, secrets))
	if e.Code == "" {
		e.Code = ServerError // a code of which nothing printable remains
	}
}

// call is one request to an endpoint of the authorization server, before
// client authentication.
type call struct {
	kind     RequestKind
	what     string // how errors call the endpoint
	name     string // its member in the metadata: "token_endpoint"
	endpoint string
	// method of client authentication; "" lets listed decide: what the metadata
	// says about authentication at this endpoint, nil if nothing.
	method string
	listed []string
	form   url.Values
	accept string            // "" is JSON
	query  map[string]string // a quirk's
	access Secret            // what {access_token} stands for in it
	proof  *ProofKey         // signs a DPoP proof; nil: none is sent
	// anonymous: a client without an id may make this call.
	anonymous bool
	// chosen names what this one request is for: it stays where the profile
	// leaves it out of every other.
	chosen []string
	// whole: the form is complete, and the profile's parameters are in it.
	whole bool
	// secrets are values of the form that are secret beside the usual ones.
	secrets []string
}

// post sends a call with the client's authentication (RFC 6749 sections 2.3
// and 3.2) and DPoP proof (RFC 9449 section 5), and returns the answer
// whatever its status; answer.object tells errors. A server that wants a
// nonce in the proof gets it in a second try (section 8), no third; so does
// one that refused what was dated by a clock that its answer shows to be wrong.
func (c *Client) post(ctx context.Context, k call) (*answer, error) {
	before, _ := c.servers().ClockOffset(k.endpoint)
	ans, err := c.postOnce(ctx, k)
	if after, _ := c.servers().ClockOffset(k.endpoint); err == nil && (after-before).Abs() >= clockRefused && c.dated(k) && ans.refusedFor(InvalidClient, InvalidDPoPProof) {
		Note(ctx, "second try: the server's clock is another than was thought")
		return c.postOnce(ctx, k)
	}
	if err == nil && k.proof != nil && ans.wantsNonce() {
		Note(ctx, "second try: the server wants its nonce in the DPoP proof (RFC 9449 section 8)")
		return c.postOnce(ctx, k)
	}
	return ans, err
}

// clockRefused: servers allow for half a minute or more between clocks.
const clockRefused = 20 * time.Second

// dated reports whether something in a call's authentication bears a time.
func (c *Client) dated(k call) bool {
	method, _ := c.authMethodFor(k)
	return k.proof != nil || method == AuthPrivateKeyJWT || method == AuthSecretJWT
}

// refusedFor reports whether the answer is a refusal with one of the codes.
func (ans *answer) refusedFor(codes ...Code) bool {
	if ans.status < 400 || ans.status > 499 {
		return false
	}
	_, err := ans.object()
	return slices.ContainsFunc(codes, func(code Code) bool { return errors.Is(err, code) })
}

func (c *Client) postOnce(ctx context.Context, k call) (*answer, error) {
	method, why := c.authMethodFor(k)
	u, err := c.parseEndpoint(k.what, c.alias(k.name, k.endpoint, method))
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*answer, error) {
		return nil, &Error{what: k.what, Endpoint: withoutQuery(u), Err: err}
	}
	if err := c.strictCall(method); err != nil {
		return fail(err)
	}
	form := k.form
	if !k.whole {
		form = c.params(k.kind, form)
		for _, name := range k.chosen {
			form[name] = k.form[name]
		}
	}
	if form, err = tidy(form); err != nil {
		return fail(err)
	}
	authenticate := clientAuth(func(*outgoing) error { return nil })
	if c.ID != "" || !k.anonymous {
		if authenticate, err = c.authenticator(method); err != nil {
			return fail(err)
		}
	}
	out := &outgoing{endpoint: u, query: url.Values{}, header: make(http.Header, 6), form: form}
	c.headers(k.kind, out.header)
	if out.header.Set("Accept", "application/json"); k.accept != "" {
		out.header.Set("Accept", k.accept)
	}
	for name, value := range k.query {
		out.query.Set(name, c.fillIn(value, k.access))
	}
	if err := authenticate(out); err != nil {
		return fail(err)
	}
	if k.kind == ForPAR {
		// It is a parameter of the pushed request, too (RFC 9126 section 2.1).
		out.form.Set("client_id", c.ID)
	}
	if c.CertificateBound && c.Certificate != nil {
		if err := c.showCertificate(out); err != nil { // RFC 8705 section 3
			return fail(err)
		}
	}
	if traceOf(ctx) != nil {
		Note(ctx, "client authentication: "+method+": "+why)
	}
	verb := http.MethodPost
	if c.Quirks != nil && strings.EqualFold(c.Quirks.TokenMethod, http.MethodGet) && (k.kind == ForToken || k.kind == ForRefresh) {
		verb = http.MethodGet
	}
	if k.proof != nil {
		if err := c.prove(out, verb, k.proof); err != nil {
			return fail(err)
		}
	}
	return c.dispatch(ctx, k, out, verb)
}

// dispatch sends a finished request and learns from the answer's header.
func (c *Client) dispatch(ctx context.Context, k call, out *outgoing, verb string) (*answer, error) {
	u := *out.endpoint
	query := u.Query() // the endpoint's own is kept (RFC 6749 section 3.2)
	for name, values := range out.query {
		query[name] = values
	}
	var body []byte
	if verb == http.MethodGet {
		for name, values := range out.form {
			query[name] = values
		}
	} else {
		body = []byte(out.form.Encode())
		out.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, verb, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, &Error{what: k.what, Endpoint: withoutQuery(&u), Err: ErrRequest}
	}
	req.Header = out.header
	sent := c.clock()
	hc, err := c.httpFor(out)
	if err != nil {
		return nil, &Error{what: k.what, Endpoint: withoutQuery(&u), Err: err}
	}
	ans, err := send(ctx, hc, req, &errand{
		what: k.what, kind: k.kind, timeout: c.Timeout, now: sent, form: out.form, quirks: c.Quirks, certificate: out.certificate,
		secrets: slices.Concat(c.secretsIn(out.form), credentialsIn(out), k.secrets),
	})
	if ans != nil && !errors.Is(err, ErrPortal) { // whose clock is nobody's
		c.servers().learn(roleAS, out.endpoint, ans.header, sent, c.clock())
	}
	return ans, err
}

// credentialsIn lists what client authentication put outside the form.
func credentialsIn(out *outgoing) []string {
	list := append([]string{strings.TrimPrefix(out.header.Get("Authorization"), "Basic ")}, out.secrets...)
	for _, values := range out.query {
		list = append(list, values...)
	}
	return list
}

// wantsNonce: the server refused a proof for its nonce and said which one it
// wants (RFC 9449 section 8).
func (ans *answer) wantsNonce() bool {
	return ans.header.Get("DPoP-Nonce") != "" && ans.refusedFor(UseDPoPNonce)
}

// alias returns the address for requests that show the client's certificate,
// where the server has one of its own for them (RFC 8705 section 5).
func (c *Client) alias(name, endpoint, method string) string {
	if c.Certificate == nil || method != AuthTLS && method != AuthSelfSignedTLS && !c.CertificateBound {
		return endpoint
	}
	if c.Metadata != nil && c.Metadata.MTLSEndpointAliases[name] != "" {
		return c.Metadata.MTLSEndpointAliases[name]
	}
	return endpoint
}

// authMethodFor is the method of client authentication for a call, and why.
func (c *Client) authMethodFor(k call) (method, why string) {
	if k.method != "" {
		return k.method, "chosen in the profile"
	}
	return c.chooseAuth(k.listed)
}

// parseEndpoint is the package's, with the profile's leave for plain http.
func (c *Client) parseEndpoint(what, endpoint string) (*url.URL, error) {
	u, err := parseEndpoint(what, endpoint)
	if c.AllowHTTP && errors.Is(err, ErrInsecure) {
		if u, parseErr := url.Parse(endpoint); parseErr == nil && u.Scheme == "http" {
			return u, nil
		}
	}
	return u, err
}

// fillIn puts the client's own values into a template of the profile.
func (c *Client) fillIn(template string, access Secret) string {
	return strings.NewReplacer("{client_id}", c.ID, "{client_secret}", c.Secret.Reveal(),
		"{access_token}", access.Reveal()).Replace(template)
}

// secretsIn lists the values of a form that must not come back in an error.
func (c *Client) secretsIn(form url.Values) []string {
	list := []string{c.Secret.Reveal()}
	for _, name := range [...]string{
		"code", "code_verifier", "refresh_token", "client_secret", "token", "password", "assertion",
		"client_assertion", "subject_token", "actor_token", "device_code", "id_token_hint", "request",
		"auth_req_id", "login_hint_token", "client_notification_token", "user_code",
	} {
		if v := form.Get(name); v != "" {
			list = append(list, v)
		}
	}
	// Extra parameters of a profile may be anything, an API key included.
	for name := range c.TokenParams {
		list = append(list, form[name]...)
	}
	for _, params := range c.Params {
		for name := range params {
			list = append(list, form[name]...)
		}
	}
	return list
}

// tidy copies a form without empty parameters and refuses one that is sent
// twice (RFC 6749 section 3.1); only resource (RFC 8707 section 2) and audience
// (RFC 8693 section 2.1) may repeat.
func tidy(form url.Values) (url.Values, error) {
	out := make(url.Values, len(form)+2)
	for name, values := range form {
		for _, v := range values {
			if v == "" {
				continue
			}
			if len(out[name]) > 0 && name != "resource" && name != "audience" {
				return nil, requestError("the parameter " + clean(name, maxCode) + " is given twice")
			}
			out[name] = append(out[name], v)
		}
	}
	return out, nil
}

// requestError is an ErrRequest with a reason.
func requestError(why string) error { return &reasoned{ErrRequest, why} }

// reasoned is one of the Err constants with what is to blame.
type reasoned struct {
	kind failure
	why  string
}

func (r *reasoned) Error() string { return string(r.kind) + ": " + r.why }
func (r *reasoned) Unwrap() error { return r.kind }

// parseEndpoint accepts https, and http on loopback; no fragment (RFC 6749
// sections 3.1 and 3.2), no user and password.
func parseEndpoint(what, endpoint string) (*url.URL, error) {
	if endpoint == "" {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, &Error{what: what, Err: &reasoned{ErrNoEndpoint, "its address is not a URL"}}
	}
	if u.User != nil || strings.Contains(endpoint, "#") {
		return nil, &Error{what: what, Endpoint: withoutQuery(u),
			Err: &reasoned{ErrNoEndpoint, "its address holds a user or a fragment"}}
	}
	if !secure(u) {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrInsecure}
	}
	return u, nil
}

// secure: https anywhere, http only where nobody can listen in.
func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u)
}

func loopback(u *url.URL) bool {
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
