package oauth

import (
	"context"
	"errors"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// Introspection is what the server says about a token (RFC 7662 section 2.2).
type Introspection struct {
	Active bool
	// Claims are all members of the answer; nil when the token is not active,
	// because then nothing else means anything.
	Claims map[string]any
	// JWT says that the answer was a signed JWT (RFC 9701), and Verified that
	// signature, issuer and audience hold. An answer that cannot be verified
	// because nothing is known to verify it with is not Verified; one that
	// fails is an error.
	JWT, Verified bool
	Checks        []Check
}

const introspectionJWT = "token-introspection+jwt" // RFC 9701 section 5

// Introspect asks the server whether a token is active and what it may do
// (RFC 7662). hint is "access_token", "refresh_token" or empty. A signed
// answer is asked for when the client has an IntrospectionSigningAlg or the
// server lists algorithms for it (RFC 9701 section 4).
func (c *Client) Introspect(ctx context.Context, token Secret, hint string) (*Introspection, error) {
	const what = "introspection endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	if token == "" {
		return nil, &Error{what: what, Err: requestError("there is no token")}
	}
	m := c.Metadata
	listed := m.IntrospectionEndpointAuthMethodsSupported
	if listed == nil {
		listed = m.TokenEndpointAuthMethodsSupported
	}
	k := call{
		kind: ForIntrospection, what: what, name: "introspection_endpoint", endpoint: m.IntrospectionEndpoint,
		listed: listed, form: url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}},
	}
	switch {
	case c.IntrospectionSigningAlg != "":
		k.accept = "application/" + introspectionJWT
	case m.IntrospectionSigningAlgsSupported != nil:
		k.accept = "application/" + introspectionJWT + ", application/json;q=0.5"
	}
	if c.Quirks != nil {
		k.query, k.access = c.Quirks.IntrospectQuery, token
	}
	ans, err := c.post(ctx, k)
	if err != nil {
		return nil, err
	}
	return c.readIntrospection(ctx, m, ans)
}

func (c *Client) readIntrospection(ctx context.Context, m *Metadata, ans *answer) (*Introspection, error) {
	fail := func(err error) (*Introspection, error) {
		return nil, &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status, Err: err}
	}
	in := new(Introspection)
	var obj map[string]any
	kind, _, _ := mime.ParseMediaType(ans.header.Get("Content-Type"))
	if ans.status >= 200 && ans.status <= 299 && (kind == "application/"+introspectionJWT || kind == "application/jwt") {
		claims, err := in.verify(ctx, c, m, strings.TrimSpace(string(ans.body)))
		if err != nil {
			return fail(err)
		}
		// "token_introspection … a JSON object" beside the JWT's own claims.
		nested, ok := claims["token_introspection"].(map[string]any)
		if !ok {
			return fail(&reasoned{ErrIntrospection, "the JWT has no token_introspection"})
		}
		obj = nested
	} else {
		var err error
		if obj, err = ans.object(); err != nil {
			return nil, err
		}
	}
	active, ok := obj["active"].(bool)
	if !ok {
		return fail(&reasoned{ErrIntrospection, "active is missing or neither true nor false"})
	}
	if in.Active = active; active {
		in.Claims = obj
	}
	return in, nil
}

// verify checks a JWT answer (RFC 9701 section 5 and 8.1) with the issuer's
// keys.
func (in *Introspection) verify(ctx context.Context, c *Client, m *Metadata, raw string) (map[string]any, error) {
	in.JWT = true
	rules := jwtRules{alg: c.IntrospectionSigningAlg, listed: m.IntrospectionSigningAlgsSupported}
	inside, _, err := c.decrypt(Secret(raw), rules)
	if err != nil {
		return nil, err
	}
	jwt, err := parseJWT(inside.Reveal())
	if err != nil {
		return nil, err
	}
	note := func(name, detail string, err error) error {
		in.Checks = append(in.Checks, Check{Name: name, Spec: "RFC 9701 5", Detail: detail, OK: err == nil})
		return err
	}
	// Another kind of JWT of the same issuer must not pass for this one
	// (section 8.1: cross-JWT confusion).
	typ := strings.TrimPrefix(strings.ToLower(text(jwt.Header, "typ")), "application/")
	if _, critical := jwt.Header["crit"]; typ != introspectionJWT || critical {
		return nil, note("typ", clean(typ, maxCode), &reasoned{ErrIntrospection, "the JWT is of another kind"})
	}
	_ = note("typ", typ, nil)
	if m.Issuer == "" || m.JWKSURI == "" && !strings.HasPrefix(text(jwt.Header, "alg"), "HS") {
		_ = note("signature", "there is no issuer or no key set to verify it with", errors.ErrUnsupported)
		return jwt.Claims, nil
	}
	if iss := text(jwt.Claims, "iss"); iss != m.Issuer {
		return nil, note("iss", clean(iss, maxURI), ErrIssuer)
	}
	_ = note("iss", clean(m.Issuer, maxURI), nil)
	if !slices.Contains(texts(jwt.Claims["aud"]), c.ID) {
		return nil, note("aud", "", &reasoned{ErrIntrospection, "the JWT is for somebody else"})
	}
	_ = note("aud", "this client", nil)
	alg, detail, err := c.acceptAlg(jwt, rules)
	if err := note("alg", detail, err); err != nil {
		return nil, err
	}
	detail, err = c.checkSignature(ctx, m, inside, jwt, alg)
	if err := note("signature", detail, err); err != nil {
		return nil, err
	}
	in.Verified = true
	return jwt.Claims, nil
}
