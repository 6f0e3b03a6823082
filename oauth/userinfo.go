package oauth

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// UserInfo asks who the token's owner is (OpenID Connect Core section 5.3).
// The answer may be signed and encrypted. It is used only if its sub is that
// of the id_token (section 5.3.2); a token without id_token has nothing to
// compare, and then the answer identifies nobody. Errors: ErrNoEndpoint,
// ErrSubject, *CheckError for a JWT that does not hold, *Error with
// InvalidToken when the token is refused.
func (c *Client) UserInfo(ctx context.Context, t *Token) (map[string]any, error) {
	const what = "userinfo endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	endpoint := c.Metadata.UserinfoEndpoint
	if t != nil && t.ProofKey == nil {
		endpoint = c.alias("userinfo_endpoint", endpoint, "")
	}
	u, err := c.parseEndpoint(what, endpoint)
	if err != nil {
		return nil, err
	}
	if t == nil || t.AccessToken == "" {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrNoToken}
	}
	ans, err := c.askUserInfo(ctx, u, t)
	if err == nil && t.ProofKey != nil && ans.wantsResourceNonce() {
		ans, err = c.askUserInfo(ctx, u, t) // once, with the nonce (RFC 9449 section 9)
	}
	if err != nil {
		return nil, err
	}
	claims, err := c.readUserInfo(ctx, ans)
	if err != nil {
		return nil, err
	}
	if want, known := t.Claims["sub"]; known && claims["sub"] != want {
		return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status, Err: ErrSubject}
	}
	return claims, nil
}

// askUserInfo sends one request with the token, as to any API.
func (c *Client) askUserInfo(ctx context.Context, u *url.URL, t *Token) (*answer, error) {
	const what = "userinfo endpoint"
	target := *u
	query := target.Query()
	for name, values := range c.Params[ForUserInfo] {
		if !omitted(values) {
			query[name] = values
		}
	}
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	c.headers(ForUserInfo, req.Header)
	req.Header.Set("Accept", "application/json, application/jwt")
	token := *t
	token.Type = or(t.Type, typeBearer)
	if err := c.Use(Use{}).apply(req, &token, c.servers(), c.clock()); err != nil {
		var refused *Error
		if errors.As(err, &refused) {
			refused.what = what
		}
		return nil, err
	}
	hc, err := c.boundHTTP()
	if err != nil {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: err}
	}
	sent := c.clock()
	ans, err := send(ctx, hc, req, &errand{
		what: what, kind: ForUserInfo, timeout: c.Timeout, secrets: []string{t.AccessToken.Reveal()}, now: sent,
		certificate: c.CertificateBound && c.Certificate != nil,
	})
	if ans != nil {
		c.servers().learn(roleRS, u, ans.header, sent, c.clock())
	}
	return ans, err
}

// wantsResourceNonce: a resource says so with 401 and a challenge (RFC 9449
// section 9).
func (ans *answer) wantsResourceNonce() bool {
	if ans.status != http.StatusUnauthorized || ans.header.Get("DPoP-Nonce") == "" {
		return false
	}
	return refusedFor(ans.header, UseDPoPNonce)
}

// readUserInfo reads a plain answer, or verifies a signed one: "If the
// UserInfo Response is signed …, iss and aud" are checked (section 5.3.2 and
// 5.3.4).
func (c *Client) readUserInfo(ctx context.Context, ans *answer) (map[string]any, error) {
	kind, _, _ := mime.ParseMediaType(ans.header.Get("Content-Type"))
	ok := ans.status >= 200 && ans.status <= 299
	if !ok || !strings.EqualFold(kind, "application/jwt") {
		claims, err := ans.object()
		if err == nil && c.UserInfoSignedResponseAlg != "" {
			return nil, &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status,
				Err: &reasoned{ErrAlgorithm, "the answer is not signed, although userinfo_signed_response_alg says so"}}
		}
		return claims, err
	}
	refuse := func(name, detail string, err error) (map[string]any, error) {
		check := Check{Name: name, Spec: "OIDC Core 5.3.2", Detail: detail}
		return nil, &CheckError{what: "userinfo", Check: check, Checks: []Check{check}, Err: err}
	}
	rules := jwtRules{alg: c.UserInfoSignedResponseAlg, listed: c.Metadata.UserinfoSigningAlgsSupported}
	inside, detail, err := c.decrypt(Secret(strings.TrimSpace(string(ans.body))), rules)
	if err != nil {
		return refuse("format", detail, err)
	}
	jwt, err := parseJWT(inside.Reveal())
	if err != nil {
		return refuse("format", "", err)
	}
	if _, critical := jwt.Header["crit"]; critical {
		return refuse("format", "it demands an extension (crit)", ErrMalformed)
	}
	if iss, there := jwt.Claims["iss"]; there && iss != c.Metadata.Issuer || c.Metadata.Issuer == "" {
		return refuse("iss", "expected "+clean(c.Metadata.Issuer, maxURI), ErrIssuer)
	}
	if aud, there := jwt.Claims["aud"]; there && !slices.Contains(texts(aud), c.ID) {
		return refuse("aud", "this client is not in it", ErrAudience)
	}
	// RFC 7519 section 4.1.4: where it says when it expires, that holds.
	v := c.idTokenVerifier(c.Metadata, new(Token))
	v.jwt = jwt
	if _, there := jwt.Claims["exp"]; there {
		if detail, err := v.checkExp(); err != nil {
			return refuse("exp", detail, err)
		}
	}
	alg, detail, err := c.acceptAlg(jwt, rules)
	if err != nil {
		return refuse("alg", detail, err)
	}
	if detail, err := c.checkSignature(ctx, c.Metadata, inside, jwt, alg); err != nil {
		return refuse("signature", detail, err)
	}
	return jwt.Claims, nil
}
