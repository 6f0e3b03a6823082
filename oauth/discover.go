package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Discover asks an issuer for its metadata, first where OpenID Connect puts it
// (issuer + "/.well-known/openid-configuration"), then where RFC 8414 does
// ("/.well-known/oauth-authorization-server" before the issuer's path). The
// document must name exactly this issuer, or it is not used. A nil hc means a
// client with TLS 1.2 or later. Errors: ErrInsecure or ErrMetadata for an
// issuer that cannot be one, ErrIssuer for a document of another, *Error for
// what the server answered.
func Discover(ctx context.Context, hc *http.Client, issuer string) (*Metadata, error) {
	places, err := wellKnown(issuer)
	if err != nil {
		return nil, err
	}
	// Both places together get the time of one.
	ctx, cancel := context.WithTimeoutCause(ctx, defaultTimeout, ErrTimeout)
	defer cancel()
	var worst error
	for _, place := range places {
		m, err := fetchMetadata(ctx, hc, place, issuer)
		if err == nil {
			return m, nil
		}
		var e *Error
		if !errors.As(err, &e) || e.Status == 0 || transientCause(e.Err) {
			return nil, err // no whole answer: the other place is on the same host
		}
		// The most telling failure wins: a document that was there and was
		// refused, then a server in trouble, then "not found".
		if worst == nil || rank(err) > rank(worst) {
			worst = err
		}
	}
	return nil, worst
}

func rank(err error) int {
	switch {
	case errors.Is(err, ErrIssuer):
		return 3
	case errors.Is(err, ErrMetadata):
		return 2
	case Transient(err):
		return 1
	}
	return 0
}

// wellKnown returns the addresses where an issuer's metadata may be.
func wellKnown(issuer string) ([]string, error) {
	const what = "issuer"
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, &Error{what: what, Err: &reasoned{ErrMetadata, "the issuer is not a URL such as https://id.example.com"}}
	}
	if u.User != nil || strings.ContainsAny(issuer, "?#") {
		// RFC 8414 section 2: "no query or fragment components".
		return nil, &Error{what: what, Endpoint: withoutQuery(u),
			Err: &reasoned{ErrMetadata, "an issuer has no query, fragment or user"}}
	}
	if !secure(u) {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrInsecure}
	}
	base := u.Scheme + "://" + u.Host
	// Both specifications take a final "/" away before they add their part
	// (OpenID Connect Discovery section 4.1, RFC 8414 section 3.1).
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{
		base + path + "/.well-known/openid-configuration",
		base + "/.well-known/oauth-authorization-server" + path,
	}, nil
}

func fetchMetadata(ctx context.Context, hc *http.Client, place, issuer string) (*Metadata, error) {
	const what = "discovery"
	ans, err := get(ctx, hc, what, place, 0)
	if err != nil {
		return nil, err
	}
	if _, err := ans.object(); err != nil {
		return nil, err
	}
	fail := func(err error) error {
		return &Error{what: what, Endpoint: ans.endpoint, Status: ans.status, Err: err}
	}
	m := new(Metadata)
	if err := m.UnmarshalJSON(ans.body); err != nil {
		return nil, fail(err)
	}
	// RFC 8414 section 3.3: "MUST be identical", or the data "MUST NOT be used".
	if m.Issuer != issuer {
		return nil, fail(&reasoned{ErrIssuer, "asked " + clean(issuer, maxURI) + ", the document is of " +
			clean(m.Issuer, maxURI)})
	}
	if err := m.check(); err != nil {
		return nil, fail(err)
	}
	return m, nil
}

// get fetches a public document: no credentials, redirects within the origin.
func get(ctx context.Context, hc *http.Client, what, address string, timeout time.Duration) (*answer, error) {
	u, err := parseEndpoint(what, address)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	req.Header.Set("Accept", "application/json")
	return send(ctx, hc, req, &errand{what: what, timeout: timeout, follow: true, now: time.Now()})
}
