package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Places for a token in a request to an API.
const (
	InHeader = "header" // RFC 6750 section 2.1: the default
	InBody   = "body"   // section 2.2: form-encoded bodies only
	InQuery  = "query"  // section 2.3: logs and proxies see it there
)

// Use says how an API wants its token. The zero value is what RFC 6750 and
// RFC 9449 say: an Authorization header.
type Use struct {
	// HeaderName replaces "Authorization".
	HeaderName string
	// Scheme replaces the token's type in the header. With another header
	// name and no scheme the token stands alone ("X-Api-Token: …").
	Scheme string
	// Placement is InHeader, InBody or InQuery; empty means InHeader.
	Placement string
	// Query is added to the address, but for what it has already;
	// {access_token} in a value stands for the token.
	Query map[string]string
	// AllowHTTP lets a token go over plain http beyond loopback.
	AllowHTTP bool
}

// Format writes where the token goes, whatever the verb: Query may hold the
// client secret.
func (u Use) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.describe()) }

// LogValue makes log/slog write where the token goes only.
func (u Use) LogValue() slog.Value { return slog.StringValue(u.describe()) }

// MarshalJSON writes where the token goes.
func (u Use) MarshalJSON() ([]byte, error) { return json.Marshal(u.describe()) }

func (u Use) describe() string {
	if u.Placement == InBody || u.Placement == InQuery {
		return "token in the " + u.Placement
	}
	return "token in the header " + or(u.HeaderName, "Authorization")
}

// Use completes u by what the client knows of its server: the query
// parameters of its quirks, and its leave for plain http.
func (c *Client) Use(u Use) Use {
	u.AllowHTTP = u.AllowHTTP || c.AllowHTTP
	if c.Quirks == nil || len(c.Quirks.APIQuery) == 0 {
		return u
	}
	query := make(map[string]string, len(u.Query)+len(c.Quirks.APIQuery))
	for name, value := range c.Quirks.APIQuery {
		query[name] = strings.NewReplacer("{client_id}", c.ID, "{client_secret}", c.Secret.Reveal()).Replace(value)
	}
	for name, value := range u.Query {
		query[name] = value
	}
	u.Query = query
	return u
}

// Header returns what one request has to carry to use the token:
// Authorization, and for a DPoP token a proof made for this method and
// address, good once. servers remembers the nonces and clocks of APIs; nil
// means that nothing is known.
//
// Errors: ErrInsecure beyond https and loopback, ErrTokenType when the token
// is none for requests.
func (t *Token) Header(method, address string, servers *Servers) (http.Header, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, &Error{what: "request", Err: requestError("the address is not a URL")}
	}
	return Use{}.header(t, method, u, servers, time.Now())
}

func (u Use) header(t *Token, method string, to *url.URL, servers *Servers, now time.Time) (http.Header, error) {
	if err := u.check(t, to); err != nil {
		return nil, &Error{what: "request", Endpoint: withoutQuery(to), Err: err}
	}
	h := make(http.Header, 2)
	name, scheme := http.CanonicalHeaderKey(u.HeaderName), u.Scheme
	if scheme == "" && (name == "" || name == "Authorization") {
		scheme = t.Type // RFC 6750 section 2.1, RFC 9449 section 7.1
	}
	if name == "" {
		name = "Authorization"
	}
	h.Set(name, strings.TrimSpace(scheme+" "+t.AccessToken.Reveal()))
	if t.Type != typeDPoP {
		return h, nil
	}
	var nonce string
	if servers != nil {
		nonce = servers.nonce(roleRS, to)
		if offset, known := servers.ClockOffset(to.String()); known {
			now = now.Add(offset)
		}
	}
	if method == "" {
		method = http.MethodGet
	}
	proof, err := t.ProofKey.proof(method, to, t.AccessToken, nonce, now.Unix())
	if err != nil {
		return nil, &Error{what: "request", Endpoint: withoutQuery(to), Err: err}
	}
	h.Set("DPoP", proof)
	return h, nil
}

// check refuses a token where it must not go.
func (u Use) check(t *Token, to *url.URL) error {
	switch {
	case t == nil || t.AccessToken == "":
		return ErrNoToken
	case strings.ContainsFunc(t.AccessToken.Reveal(), func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return requestError("the token has characters that no header can carry")
	case t.Type == typeDPoP && t.ProofKey == nil:
		return &reasoned{ErrTokenType, "the token is bound to a DPoP key that is not there; log in again"}
	case t.Type == typeDPoP && u.Placement != "" && u.Placement != InHeader:
		return requestError("a DPoP token goes into a header only")
	case t.Type != typeDPoP && !strings.EqualFold(t.Type, typeBearer):
		// RFC 8693 section 2.2.1: N_A; RFC 6749 section 7.1: unknown.
		return &reasoned{ErrTokenType, clean(t.Type, maxCode) + " is not a type for requests to an API"}
	case to.User != nil:
		return requestError("the address holds a user")
	case to.Scheme != "https" && to.Scheme != "http":
		return requestError("the address is neither https nor http")
	case !secure(to) && !u.AllowHTTP: // RFC 6750 section 5.3
		return ErrInsecure
	}
	return nil
}

// Apply puts the token into a request, in exactly one place (RFC 6750 section
// 2). It may replace the request's URL, header and body, so give it a request
// that is not in use.
func (u Use) Apply(req *http.Request, t *Token, servers *Servers) error {
	return u.apply(req, t, servers, time.Now())
}

func (u Use) apply(req *http.Request, t *Token, servers *Servers, now time.Time) error {
	fail := func(err error) error {
		return &Error{what: "request", Endpoint: withoutQuery(req.URL), Err: err}
	}
	query := req.URL.Query()
	if query.Has("access_token") {
		return fail(requestError("the address has an access_token already"))
	}
	switch u.Placement {
	case "", InHeader:
		h, err := u.header(t, req.Method, req.URL, servers, now)
		if err != nil {
			return err
		}
		for name, values := range h {
			req.Header[name] = values
		}
	case InQuery, InBody:
		if err := u.check(t, req.URL); err != nil {
			return fail(err)
		}
		req.Header.Del("Authorization")
		if u.Placement == InQuery {
			query.Set("access_token", t.AccessToken.Reveal())
			req.Header.Set("Cache-Control", "no-store") // RFC 6750 section 2.3
		} else if err := intoBody(req, t.AccessToken); err != nil {
			return fail(err)
		}
	default:
		return fail(requestError("a token cannot be placed in: " + clean(u.Placement, maxCode)))
	}
	for name, value := range u.Query {
		if !query.Has(name) {
			query.Set(name, strings.ReplaceAll(value, "{access_token}", t.AccessToken.Reveal()))
		}
	}
	if len(u.Query) > 0 || u.Placement == InQuery {
		to := *req.URL
		to.RawQuery = query.Encode()
		req.URL = &to
	}
	return nil
}

// intoBody adds the token to a form (RFC 6750 section 2.2): one part,
// form-encoded, ASCII, and a method whose body means something.
func intoBody(req *http.Request, access Secret) error {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return requestError("a token in the body needs a form-encoded body")
	}
	switch req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return requestError("a token in the body needs POST, PUT or PATCH")
	}
	var form []byte
	if req.Body != nil {
		form, err = io.ReadAll(io.LimitReader(req.Body, maxBody+1))
		_ = req.Body.Close()
		if err != nil || len(form) > maxBody {
			return requestError("the body cannot be read, or is larger than 1 MiB")
		}
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return requestError("the body is not form-encoded")
	}
	if values.Has("access_token") {
		return requestError("the body has an access_token already")
	}
	if len(form) > 0 {
		form = append(form, '&')
	}
	form = append(form, "access_token="+url.QueryEscape(access.Reveal())...)
	req.ContentLength = int64(len(form))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(form)), nil }
	req.Body, err = req.GetBody()
	return err
}
