package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// ErrResource means that the resource metadata is about another resource (RFC 9728
// section 3.3).
const ErrResource failure = "the resource metadata is of another resource"

// ResourceMetadata is what an API says about itself (RFC 9728 section 2). A
// nil list means that it said nothing.
type ResourceMetadata struct {
	Resource             string   // the identifier to ask tokens for (RFC 8707)
	AuthorizationServers []string // issuers; among several the caller chooses
	JWKSURI              string
	Name                 string // resource_name
	Documentation        string
	PolicyURI            string
	TOSURI               string

	ScopesSupported               []string
	BearerMethodsSupported        []string // header, body, query; empty and not nil: none
	SigningAlgsSupported          []string
	DPoPSigningAlgsSupported      []string
	AuthorizationDetailsSupported []string // authorization_details_types_supported

	DPoPBoundAccessTokensRequired bool
	CertificateBoundAccessTokens  bool // tls_client_certificate_bound_access_tokens

	// SignedMetadata is a JWT with the same members, made by the party that
	// SignedBy names if its signature was verified; see ResourceOptions.
	SignedMetadata string

	// Extra holds the members that have no field here.
	Extra map[string]any

	// SignedBy is the iss of the signed_metadata that took precedence; empty
	// when there was none or it was not used.
	SignedBy string
	// Place is where the document was.
	Place string
}

func (m *ResourceMetadata) members() []member {
	str := func(name string, p *string) member { return member{name: name, str: p} }
	list := func(name string, p *[]string) member { return member{name: name, list: p} }
	return []member{
		str("resource", &m.Resource),
		list("authorization_servers", &m.AuthorizationServers),
		{name: "jwks_uri", str: &m.JWKSURI, endpoint: true},
		str("resource_name", &m.Name),
		str("resource_documentation", &m.Documentation),
		str("resource_policy_uri", &m.PolicyURI),
		str("resource_tos_uri", &m.TOSURI),
		list("scopes_supported", &m.ScopesSupported),
		list("bearer_methods_supported", &m.BearerMethodsSupported),
		list("resource_signing_alg_values_supported", &m.SigningAlgsSupported),
		list("dpop_signing_alg_values_supported", &m.DPoPSigningAlgsSupported),
		list("authorization_details_types_supported", &m.AuthorizationDetailsSupported),
		{name: "dpop_bound_access_tokens_required", flag: &m.DPoPBoundAccessTokensRequired},
		{name: "tls_client_certificate_bound_access_tokens", flag: &m.CertificateBoundAccessTokens},
		str("signed_metadata", &m.SignedMetadata),
	}
}

// UnmarshalJSON reads a metadata document. A member of the wrong type is
// refused, one that is unknown is kept.
func (m *ResourceMetadata) UnmarshalJSON(data []byte) error {
	obj, err := decodeObject(data)
	if err != nil {
		return err
	}
	var read ResourceMetadata
	if err := read.take(obj); err != nil {
		return err
	}
	*m = read
	return nil
}

func (m *ResourceMetadata) take(obj map[string]any) error {
	if err := readMembers(obj, m.members(), ErrMetadata); err != nil {
		return err
	}
	if len(obj) > 0 {
		m.Extra = obj
	}
	return nil
}

// MarshalJSON writes the document under its registered names, Extra included.
func (m ResourceMetadata) MarshalJSON() ([]byte, error) {
	return json.Marshal(writeMembers(m.members(), m.Extra))
}

// TakesHeader reports whether the API takes tokens in the Authorization
// header (RFC 6750 section 2.1). Where it does not, see [Use] for the others.
func (m *ResourceMetadata) TakesHeader() bool { return allows(m.BearerMethodsSupported, "header") }

// ResourceOptions change how resource metadata is found and believed.
type ResourceOptions struct {
	// Challenges of the API's 401 (ParseChallenges). The first that names its
	// resource_metadata says where it is; without, it is looked for in the
	// well-known places.
	Challenges []Challenge
	// AllowResourceMismatch uses metadata although it names another resource.
	// The token then works for that one: only for an API whose people say so.
	AllowResourceMismatch bool
	// SignedMetadataKeys are the key sets (jwks_uri) of the parties whose
	// signed_metadata is believed, by their iss. Of others it is not used.
	SignedMetadataKeys map[string]string
	// Keys caches those key sets; nil means that they are fetched.
	Keys *KeySet
}

// DiscoverResource finds what an API says about itself (RFC 9728): where its
// 401 says, else under "/.well-known/oauth-protected-resource" before the path
// of its URL, else there without the path, as clients of MCP servers do.
//
// Metadata is used only if it is of this resource: in the place made from the
// URL its resource must be that URL; where the API pointed to, or at the root,
// it may also be a part of the API that the URL is under. Errors: ErrResource,
// ErrMetadata, or *Error for what the server answered; ErrNoEndpoint when there
// is none (404 everywhere).
func DiscoverResource(ctx context.Context, hc *http.Client, resourceURL string, o ResourceOptions) (*ResourceMetadata, error) {
	places, err := resourcePlaces(resourceURL, o.Challenges)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, defaultTimeout, ErrTimeout)
	defer cancel()
	var worst error
	missing := true
	for _, place := range places {
		m, err := fetchResource(ctx, hc, place, resourceURL, o)
		if err == nil {
			return m, nil
		}
		var e *Error
		if !errors.As(err, &e) || e.Status == 0 || transientCause(e.Err) {
			return nil, err
		}
		if e.Status < 400 || e.Status >= 500 {
			missing = false
		}
		if worst == nil || resourceRank(err) > resourceRank(worst) {
			worst = err
		}
	}
	if missing && places[0].wellKnown {
		var e *Error
		errors.As(worst, &e)
		return nil, &Error{what: whatResource, Endpoint: e.Endpoint, Status: e.Status, Err: ErrNoEndpoint}
	}
	return nil, worst
}

const whatResource = "resource metadata"

func resourceRank(err error) int {
	if errors.Is(err, ErrResource) {
		return 4
	}
	return rank(err)
}

// resourcePlace is where a document may be.
type resourcePlace struct {
	address   string
	wellKnown bool // made from the URL, not named by the API
	exact     bool // resource must be the URL itself
}

// resourcePlaces lists where the metadata of a resource may be. A challenge's
// word is final: there is nothing better to fall back to.
func resourcePlaces(resourceURL string, challenges []Challenge) ([]resourcePlace, error) {
	u, err := parseEndpoint("API", resourceURL)
	if err != nil {
		return nil, err
	}
	for _, c := range challenges {
		if named := c.Params["resource_metadata"]; named != "" {
			at, err := parseEndpoint(whatResource, named)
			if err != nil {
				return nil, err
			}
			// RFC 9728 section 7.7: a stranger must not point us home.
			if loopback(at) && !loopback(u) {
				return nil, &Error{what: whatResource, Endpoint: withoutQuery(at), Err: ErrGuarded}
			}
			return []resourcePlace{{address: named}}, nil
		}
	}
	const suffix = "/.well-known/oauth-protected-resource"
	root := resourcePlace{address: u.Scheme + "://" + u.Host + suffix, wellKnown: true}
	path := u.EscapedPath()
	if path == "/" { // "any terminating slash following the host component MUST be removed"
		path = ""
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	if path == "" {
		root.exact = true
		return []resourcePlace{root}, nil
	}
	return []resourcePlace{{address: root.address + path, wellKnown: true, exact: true}, root}, nil
}

func fetchResource(ctx context.Context, hc *http.Client, place resourcePlace, resourceURL string, o ResourceOptions) (*ResourceMetadata, error) {
	ans, err := get(ctx, hc, whatResource, place.address, 0)
	if err != nil {
		return nil, err
	}
	if _, err := ans.object(); err != nil {
		return nil, err
	}
	m := new(ResourceMetadata)
	if err := m.UnmarshalJSON(ans.body); err != nil {
		return nil, ans.unusable(err)
	}
	m.Place = place.address
	if err := m.believe(ctx, hc, o); err != nil {
		return nil, ans.unusable(err)
	}
	if err := m.checkResource(resourceURL, place.exact, o.AllowResourceMismatch); err != nil {
		return nil, ans.unusable(err)
	}
	return m, nil
}

// checkResource holds the rule of RFC 9728 section 3.3: the metadata is of
// this resource, "or the data … MUST NOT be used".
func (m *ResourceMetadata) checkResource(resourceURL string, exact, mismatch bool) error {
	asked, err := parseEndpoint("API", resourceURL)
	if err != nil {
		return err
	}
	u, err := url.Parse(m.Resource)
	// RFC 8707 section 2: "an absolute URI … MUST NOT include a fragment".
	if err != nil || u.Scheme == "" || strings.Contains(m.Resource, "#") {
		return &reasoned{ErrMetadata, "its resource is not an absolute URI"}
	}
	if m.JWKSURI != "" {
		if why := badEndpoint(m.JWKSURI, loopback(asked)); why != "" {
			return &reasoned{ErrMetadata, "jwks_uri " + why}
		}
	}
	if sameResource(m.Resource, resourceURL) || !exact && holds(u, asked) || mismatch {
		return nil
	}
	return &reasoned{ErrResource, "asked " + clean(withoutQuery(asked), maxURI) + ", the document is of " + clean(m.Resource, maxURI)}
}

// sameResource compares by simple string comparison, but for the "/" after the
// host, which every request has, written or not.
func sameResource(a, b string) bool {
	root := func(s string) string {
		if u, err := url.Parse(s); err == nil && u.Path == "/" && u.RawQuery == "" && !u.ForceQuery {
			return strings.TrimSuffix(s, "/")
		}
		return s
	}
	return root(a) == root(b)
}

// holds reports whether an address is a resource or lies under it: the same
// origin, and its path in whole segments.
func holds(resource, address *url.URL) bool {
	if !sameOrigin(resource, address) || resource.RawQuery != "" || resource.User != nil {
		return false
	}
	under, path := resource.EscapedPath(), address.EscapedPath()
	if !strings.HasSuffix(under, "/") {
		under += "/"
	}
	// A server may take "/a/../b" for "/b".
	for _, s := range strings.Split(strings.ToLower(path), "/") {
		if s = strings.ReplaceAll(s, "%2e", "."); s == "." || s == ".." {
			return false
		}
	}
	return strings.HasPrefix(path+"/", under)
}

// believe verifies signed_metadata of a party that is believed and lets it
// "take precedence" (RFC 9728 section 2.2). Of others it is not used.
func (m *ResourceMetadata) believe(ctx context.Context, hc *http.Client, o ResourceOptions) error {
	if m.SignedMetadata == "" || len(o.SignedMetadataKeys) == 0 {
		return nil
	}
	jwt, err := parseJWT(m.SignedMetadata)
	if err != nil {
		return &reasoned{ErrMetadata, "signed_metadata is not a JWT"}
	}
	iss := text(jwt.Claims, "iss") // "REQUIRED"
	place := o.SignedMetadataKeys[iss]
	if iss == "" || place == "" {
		return nil
	}
	if err := verifySigned(ctx, hc, o.Keys, m.SignedMetadata, jwt, place); err != nil {
		return err
	}
	if exp, ok := NumericDate(jwt.Claims["exp"]); ok && time.Now().After(exp.Add(leeway)) {
		return &reasoned{ErrMetadata, "signed_metadata has expired"}
	}
	claims := jwt.Claims
	for _, name := range [...]string{"iss", "iat", "exp", "nbf", "aud", "jti", "sub", "signed_metadata"} {
		delete(claims, name)
	}
	extra := m.Extra
	m.Extra = nil
	if err := m.take(claims); err != nil {
		return err
	}
	for name, v := range extra {
		if _, signed := m.Extra[name]; !signed {
			if m.Extra == nil {
				m.Extra = map[string]any{}
			}
			m.Extra[name] = v
		}
	}
	m.SignedBy = iss
	return nil
}

// verifySigned checks a signature by the key set that was pinned for it.
func verifySigned(ctx context.Context, hc *http.Client, keys *KeySet, raw string, jwt *JWT, place string) error {
	alg := jose.SignatureAlgorithm(text(jwt.Header, "alg"))
	unverifiable := &reasoned{ErrMetadata, "signed_metadata is not signed in a way that can be verified"}
	if _, critical := jwt.Header["crit"]; critical {
		return unverifiable
	}
	switch alg {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
	default: // none, and a MAC with a key that everybody knows
		return unverifiable
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return &reasoned{ErrMetadata, "signed_metadata is not a JWT"}
	}
	if keys == nil {
		keys = new(KeySet)
	}
	found, err := keys.find(ctx, hc, 0, place, text(jwt.Header, "kid"), alg)
	if err != nil {
		return err
	}
	for i := range found {
		if _, err := jws.Verify(&found[i]); err == nil {
			return nil
		}
	}
	return ErrSignature
}
