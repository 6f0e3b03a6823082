package oauth1

import (
	"net/http"
	"net/url"
	"strings"

	"fob/oauth"
)

// message is what a signature covers of a request.
type message struct {
	method   string
	url      *url.URL
	host     string // the Host header, where it differs from url's
	form     []pair // of the body, if that is a form
	bodyHash string // oauth_body_hash, if there is to be one
}

// protocol returns the protocol parameters of a request, the signature among
// them (RFC 5849 section 3.1). t is nil for a request that stands for no
// user; extra are oauth_callback, oauth_verifier and their kin.
func (c *Client) protocol(m message, t *Token, extra ...pair) ([]pair, error) {
	timestamp, err := c.timestamp()
	if err != nil {
		return nil, err
	}
	var secret oauth.Secret
	params := []pair{{"oauth_consumer_key", c.ConsumerKey}}
	if t != nil {
		secret = t.Secret
		params = append(params, pair{"oauth_token", t.Token.Reveal()})
	}
	params = append(params, pair{"oauth_signature_method", c.method()},
		pair{"oauth_timestamp", timestamp}, pair{"oauth_nonce", c.newNonce()})
	if !c.OmitVersion {
		params = append(params, pair{"oauth_version", "1.0"})
	}
	params = append(params, extra...)
	if m.bodyHash != "" {
		params = append(params, pair{"oauth_body_hash", m.bodyHash})
	}
	query, err := parseForm("query", m.url.RawQuery)
	if err != nil {
		return nil, err
	}
	uri, err := baseURI(m.url, m.host)
	if err != nil {
		return nil, err
	}
	all := append(append(query, params...), m.form...)
	signature, err := c.signature(baseString(m.method, uri, all), secret)
	if err != nil {
		return nil, err
	}
	return append(params, pair{"oauth_signature", signature}), nil
}

// Sign signs a request to an API: method, URL, and the body if it is a form.
// It is good for one sending; a repeated or redirected request must be signed
// again, which Transport does. A request that was signed before is signed
// anew, and an Authorization header makes way for the signature if that
// belongs there. t is nil for a request that stands for no user.
//
// A form is read through GetBody, or else buffered, up to 16 MiB. The body's
// placement turns a request without body into one with a form.
func (c *Client) Sign(r *http.Request, t *Token) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.mayTravel(r.URL); err != nil {
		return err
	}
	body, err := c.readBody(r)
	if err != nil {
		return err
	}
	if c.placement() == InBody && !body.form {
		return noForm(r)
	}
	u := *r.URL
	u.RawQuery = unsigned(u.RawQuery)
	m := message{method: r.Method, url: &u, host: r.Host, bodyHash: body.hash}
	form := unsigned(body.text)
	if m.form, err = parseForm("form", form); err != nil {
		return err
	}
	params, err := c.protocol(m, t)
	if err != nil {
		return err
	}
	return c.place(r, &u, form, form != body.text, params)
}

// place puts the protocol parameters where they belong, and nowhere else (RFC
// 5849 section 3.5). changed says that form differs from what r's body holds.
func (c *Client) place(r *http.Request, u *url.URL, form string, changed bool, params []pair) error {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "OAuth") {
		r.Header.Del("Authorization")
	}
	switch c.placement() {
	case InHeader:
		value, err := c.header(params)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", value)
	case InQuery:
		u.RawQuery = join(u.RawQuery, encodeForm(params))
	case InBody:
		form, changed = join(form, encodeForm(params)), true
		if !isForm(r) {
			r.Header.Set("Content-Type", formType)
		}
	}
	if changed {
		setBody(r, []byte(form))
	}
	r.URL = u
	return nil
}

// header is the value of the Authorization header (RFC 5849 section 3.5.1).
func (c *Client) header(params []pair) (string, error) {
	var b strings.Builder
	b.WriteString("OAuth ")
	if c.Realm != "" {
		if strings.ContainsFunc(c.Realm, func(r rune) bool { return r < ' ' || r > 0x7E }) {
			return "", requestError("the realm holds a character that a header cannot")
		}
		b.WriteString(`realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Realm) + `", `)
	}
	for i, p := range params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(escape(p.name) + `="` + escape(p.value) + `"`)
	}
	return b.String(), nil
}

// Header returns the value of the Authorization header for one request
// without a form, whatever the client's placement. oauth_body_hash is left
// out where the method lets a body come along that Header does not see.
func (c *Client) Header(method, address string, t *Token) (string, error) {
	at := *c
	at.Placement = InHeader
	if mayHaveBody(method) {
		at.BodyHash = false
	}
	r, err := at.bodyless(method, address, t)
	if err != nil {
		return "", err
	}
	return r.Header.Get("Authorization"), nil
}

// SignedURL returns the URL for one request without a form, with the protocol
// parameters in its query, whatever the client's placement.
func (c *Client) SignedURL(method, address string, t *Token) (string, error) {
	at := *c
	at.Placement = InQuery
	r, err := at.bodyless(method, address, t)
	if err != nil {
		return "", err
	}
	return r.URL.String(), nil
}

func (c *Client) bodyless(method, address string, t *Token) (*http.Request, error) {
	r, err := newRequest(method, address)
	if err != nil {
		return nil, err
	}
	return r, c.Sign(r, t)
}

// SignedForm returns the form to send as the body of one request, with the
// protocol parameters in it, whatever the client's placement.
func (c *Client) SignedForm(method, address string, form url.Values, t *Token) (url.Values, error) {
	at := *c
	at.Placement = InBody
	r, err := newRequest(method, address)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", formType)
	setBody(r, []byte(encodeForm(pairsOf(form))))
	if err := at.Sign(r, t); err != nil {
		return nil, err
	}
	body, err := at.readBody(r)
	if err != nil {
		return nil, err
	}
	list, err := parseForm("form", body.text)
	out := make(url.Values, len(list))
	for _, p := range list {
		out[p.name] = append(out[p.name], p.value)
	}
	return out, err
}

func newRequest(method, address string) (*http.Request, error) {
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, requestError("the method or the address cannot be read")
	}
	return r, nil
}

// mayTravel refuses to sign for a road on which others read along.
func (c *Client) mayTravel(u *url.URL) error {
	if u == nil || u.Host == "" || u.Opaque != "" {
		return requestError("the address is not one of http or https")
	}
	if secure(u) || u.Scheme == "http" && c.AllowHTTP && c.method() != Plaintext {
		return nil
	}
	return &oauth.Error{Endpoint: withoutQuery(u), Err: oauth.ErrInsecure}
}
