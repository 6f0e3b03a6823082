package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	d, err := DiscoverWith(ctx, hc, issuer, DiscoverOptions{})
	if err != nil {
		return nil, err
	}
	return d.Metadata, nil
}

// DiscoverOptions change how an issuer is asked.
type DiscoverOptions struct {
	// OAuthFirst asks in the place of RFC 8414 before that of OpenID Connect.
	OAuthFirst bool
	// TemplateIssuer accepts a document whose issuer has {tenantid} where the
	// issuer asked has a name for many tenants, as those of Microsoft Entra for
	// "common" and "organizations" do. The metadata keeps the template; set
	// Client.TemplateIssuer, and every id_token's iss is compared with it,
	// filled in with the token's own tid.
	TemplateIssuer bool
	// Known is what was found before. The server is asked whether it still
	// holds (ETag), and what changed is said.
	Known *Discovery
}

// Discovery is metadata with where and when it was found. Keep it, and give it
// to the next DiscoverWith.
type Discovery struct {
	Metadata *Metadata
	Place    string    // where the document was
	ETag     string    // of that document; "" if the server sent none
	At       time.Time // when it was last confirmed
	// Changed is what a person should be asked about before credentials go
	// there; see MetadataChange. Empty when nothing was known before.
	Changed []string
}

// DiscoverWith is Discover with options. Both places, and the third of an
// issuer with a path, get the time of one.
func DiscoverWith(ctx context.Context, hc *http.Client, issuer string, o DiscoverOptions) (*Discovery, error) {
	places, err := wellKnown(issuer)
	if err != nil {
		return nil, err
	}
	if o.OAuthFirst {
		places[0], places[1] = places[1], places[0]
	}
	known := o.Known
	if known != nil && (known.Metadata == nil || !sameIssuer(known.Metadata.Issuer, issuer, o.TemplateIssuer)) {
		known = nil
	}
	if known != nil && slices.Contains(places, known.Place) {
		places = slices.DeleteFunc(places, func(p string) bool { return p == known.Place })
		places = slices.Insert(places, 0, known.Place)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, defaultTimeout, ErrTimeout)
	defer cancel()
	var worst error
	for _, place := range places {
		d, err := fetchMetadata(ctx, hc, place, issuer, o.TemplateIssuer, known)
		if err == nil {
			if known != nil {
				d.Changed = MetadataChange(known.Metadata, d.Metadata)
			}
			return d, nil
		}
		var e *Error
		if !errors.As(err, &e) || e.Status == 0 || transientCause(e.Err) {
			return nil, err // no whole answer: the other places are on the same host
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
	places := []string{
		base + path + "/.well-known/openid-configuration",
		base + "/.well-known/oauth-authorization-server" + path,
	}
	if path != "" { // RFC 8414 section 5 would have OpenID Connect's there, too
		places = append(places, base+"/.well-known/openid-configuration"+path)
	}
	return places, nil
}

func fetchMetadata(ctx context.Context, hc *http.Client, place, issuer string, template bool, known *Discovery) (*Discovery, error) {
	etag := ""
	if known != nil && known.Place == place {
		etag = known.ETag
	}
	now := time.Now().Round(0)
	ans, err := getIf(ctx, hc, "discovery", place, 0, etag)
	if err != nil {
		return nil, err
	}
	if etag != "" && ans.status == http.StatusNotModified {
		return &Discovery{Metadata: known.Metadata, Place: place, ETag: etag, At: now}, nil
	}
	if _, err := ans.object(); err != nil {
		return nil, err
	}
	m := new(Metadata)
	if err := m.UnmarshalJSON(ans.body); err != nil {
		return nil, ans.unusable(err)
	}
	// RFC 8414 section 3.3: "MUST be identical", or the data "MUST NOT be used".
	if !sameIssuer(m.Issuer, issuer, template) {
		return nil, ans.unusable(&reasoned{ErrIssuer, "asked " + clean(issuer, maxURI) + ", the document is of " +
			clean(m.Issuer, maxURI)})
	}
	if err := m.check(); err != nil {
		return nil, ans.unusable(err)
	}
	d := &Discovery{Metadata: m, Place: place, At: now}
	if etag := ans.header.Get("ETag"); len(etag) <= maxETag {
		d.ETag = etag
	}
	return d, nil
}

// maxETag bounds what a server can make us keep and send back.
const maxETag = 256

// get fetches a public document: no credentials, redirects within the origin.
func get(ctx context.Context, hc *http.Client, what, address string, timeout time.Duration) (*answer, error) {
	return getIf(ctx, hc, what, address, timeout, "")
}

// getIf is get, with 304 for an answer when the document is still the one that
// etag names (RFC 9110 section 13.1.2).
func getIf(ctx context.Context, hc *http.Client, what, address string, timeout time.Duration, etag string) (*answer, error) {
	u, err := parseEndpoint(what, address)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	req.Header.Set("Accept", "application/json")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	return send(ctx, hc, req, &errand{what: what, timeout: timeout, follow: true, now: time.Now()})
}
