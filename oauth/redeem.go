package oauth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// Redeem turns the response that arrived on the redirect URI into a token: it
// checks state (constant time, once) and issuer, the signature of a signed
// response (JARM), exchanges the code, and validates every id_token
// completely. response holds the parameters wherever the response mode put
// them: query, fragment or form.
//
// A response with another state fails with ErrState and leaves the login
// waiting: anybody can send one. After a response with the right state the
// login is over, whatever came of it; a code is never sent twice (RFC 6749
// section 4.1.2), not even when the answer was lost on the way.
func (a *Authorization) Redeem(ctx context.Context, response url.Values) (*Token, error) {
	const what = "authorization"
	endpoint := a.endpoint()
	fail := func(err error) (*Token, error) {
		return nil, &Error{what: what, Endpoint: endpoint, Err: err}
	}
	// RFC 6749 section 10.12. A state inside a JWT that is not verified yet is
	// good enough to know whose response it is.
	if !a.sameState(a.ResponseState(response)) {
		return fail(ErrState)
	}
	if !a.redeemed.CompareAndSwap(false, true) {
		return fail(ErrReused)
	}
	verifier := a.verifier
	a.verifier = "" // kept only as long as the flow

	response, signed, err := a.unsign(ctx, response)
	if err != nil {
		var refused *CheckError
		if errors.As(err, &refused) {
			return nil, err
		}
		return fail(err)
	}
	if got := response["state"]; len(got) != 1 || !a.sameState(got[0]) {
		return fail(ErrState)
	}
	checks := append([]Check{{Name: "state", Spec: "RFC 6749 10.12", OK: true, Detail: "as sent, used once"}}, signed...)
	iss, err := a.checkIssuer(response)
	if err != nil {
		return fail(err)
	}
	checks = append(checks, iss)
	for _, name := range [...]string{"code", "error", "error_description", "error_uri", "access_token", "id_token", "token_type"} {
		if len(response[name]) > 1 {
			return fail(&reasoned{ErrResponse, name + " is there twice"})
		}
	}
	if code := response.Get("error"); code != "" { // RFC 6749 section 4.1.2.1
		e := &Error{what: what, Endpoint: endpoint}
		e.fill(code, response.Get("error_description"), response.Get("error_uri"), []string{verifier.Reveal()})
		return nil, e
	}
	for kind, name := range map[string]string{"code": "code", "id_token": "id_token", "token": "access_token"} {
		if a.wants(kind) && response.Get(name) == "" {
			if kind == "code" && len(a.responseType) == 1 {
				return fail(&reasoned{ErrResponse, "it has neither code nor error"})
			}
			return fail(&reasoned{ErrResponse, "it has no " + name})
		}
	}
	front, frontChecks, err := a.frontChannel(ctx, response)
	checks = append(checks, frontChecks...)
	if err != nil {
		return nil, withChecks(err, checks)
	}
	if !a.wants("code") {
		return a.implicit(response, front, checks)
	}
	return a.exchange(ctx, Secret(response.Get("code")), verifier, front, checks)
}

// sameState compares in constant time.
func (a *Authorization) sameState(got string) bool {
	return a.State != "" && subtle.ConstantTimeCompare([]byte(got), []byte(a.State)) == 1
}

// withChecks gives a refusal all the checks that led to it.
func withChecks(err error, checks []Check) error {
	var refused *CheckError
	if errors.As(err, &refused) {
		refused.Checks = checks
	}
	return err
}

func (a *Authorization) endpoint() string {
	if a.metadata == nil {
		return ""
	}
	u, err := url.Parse(a.metadata.AuthorizationEndpoint)
	if err != nil {
		return ""
	}
	return withoutQuery(u)
}

// checkIssuer is the defence against mix-up (RFC 9207 section 2.4). It holds
// for error responses too.
func (a *Authorization) checkIssuer(response url.Values) (Check, error) {
	check := Check{Name: "response iss", Spec: "RFC 9207 2.4", OK: true}
	iss := response["iss"]
	switch {
	case len(iss) > 1:
		return check, &reasoned{ErrIssuer, "iss is there twice"}
	case len(iss) == 0:
		if a.wants("id_token") && response.Get("id_token") != "" {
			// RFC 9207 section 4: the id_token names the issuer, too, and is
			// checked before anything is sent. OpenID Providers rely on it.
			check.Detail = "not sent beside an id_token, which names the issuer"
			return check, nil
		}
		if a.metadata.AuthorizationResponseIssSupported {
			return check, &reasoned{ErrIssuer, "the server promises iss in its response, and it is missing"}
		}
		check.Detail = "not sent, and not promised"
		return check, nil
	case a.Issuer == "":
		check.OK, check.Detail = false, "sent, but the profile names no issuer to compare with"
		return check, nil
	case iss[0] != a.Issuer && !a.oneTenantOf(iss[0]): // "simple string comparison"
		return check, &reasoned{ErrIssuer, "expected " + clean(a.Issuer, maxURI) + ", the response is of " +
			clean(iss[0], maxURI)}
	}
	check.Detail = "as expected"
	if !a.metadata.AuthorizationResponseIssSupported && !signedMode(a.responseMode) {
		check.Detail = "as expected, though the server does not promise to send it"
	}
	return check, nil
}

// idToken is an id_token that was validated.
type idToken struct {
	raw    Secret
	claims map[string]any
}

// frontChannel validates the id_token that came through the browser (OpenID
// Connect Core sections 3.2.2.11 and 3.3.2.12), nil when none is due. An
// id_token or access_token that the login did not ask for is ignored.
func (a *Authorization) frontChannel(ctx context.Context, response url.Values) (*idToken, []Check, error) {
	if !a.wants("id_token") {
		return nil, nil, nil
	}
	t := &Token{IDToken: Secret(response.Get("id_token"))}
	if a.wants("token") {
		t.AccessToken = Secret(response.Get("access_token"))
	}
	v := a.verifierFor(t)
	v.front, v.prefix = true, "front channel "
	if a.wants("code") {
		v.code = Secret(response.Get("code"))
	}
	claims, checks, err := v.verify(ctx)
	if err != nil {
		return nil, checks, err
	}
	return &idToken{raw: t.IDToken, claims: claims}, checks, nil
}

// verifierFor knows what an id_token of this login must say.
func (a *Authorization) verifierFor(t *Token) *idTokenVerifier {
	v := a.client.idTokenVerifier(a.metadata, t)
	v.nonce, v.nonceSent, v.state = a.nonce, a.nonce != "", a.State
	v.waited = max(a.client.clock().Sub(a.CreatedAt), 0)
	v.maxAge, v.acrNeeded, v.acrWished = a.maxAge, a.acrNeeded, a.acrWished
	return v
}

// implicit reads the tokens that came through the browser (RFC 6749 section
// 4.2.2). There is no refresh token among them.
func (a *Authorization) implicit(response url.Values, front *idToken, checks []Check) (*Token, error) {
	t := &Token{ScopeRequested: a.scope, ObtainedAt: a.client.clock()}
	if a.wants("token") {
		obj := make(map[string]string)
		for _, name := range [...]string{"access_token", "token_type", "expires_in", "scope", "authorization_details"} {
			if v := response.Get(name); v != "" {
				obj[name] = v
			}
		}
		body, err := json.Marshal(obj)
		if err != nil {
			return nil, &Error{what: "authorization", Endpoint: a.endpoint(), Err: ErrResponse}
		}
		ans := &answer{errand: &errand{what: "authorization"}, endpoint: a.endpoint(), status: http.StatusOK,
			header: http.Header{"Content-Type": {"application/json"}}, body: body}
		if t, err = a.client.readToken(ans, unique(append(slices.Clone(a.scope), a.extraScope...)), nil); err != nil {
			return nil, err
		}
	}
	t.GrantScope, t.Resource = t.Scope, a.resource
	t.Checks = append(checks, t.Checks...)
	if front != nil {
		t.IDToken, t.Claims = front.raw, front.claims
	}
	return t, nil
}

// exchange sends the code to the token endpoint of the same server (RFC 6749
// section 4.1.3, RFC 7636 section 4.5). Its tokens are the login's: those that
// a hybrid response brought through the browser are dropped.
func (a *Authorization) exchange(ctx context.Context, code, verifier Secret, front *idToken, checks []Check) (*Token, error) {
	c, m := a.client, a.metadata
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code.Reveal()},
		"redirect_uri":  {a.redirectSent},
		"code_verifier": {verifier.Reveal()},
		"resource":      a.resource,
	}
	if c.Quirks != nil && c.Quirks.NoRedirectURI {
		form.Del("redirect_uri")
	}
	if len(a.extraScope) > 0 {
		// Entra reads scope here, and gives a token for these alone; others
		// ignore what RFC 6749 section 4.1.3 does not know.
		form.Set("scope", c.joinScope(a.scope))
	}
	t, err := c.grant(ctx, m, form, a.scope, a.resource, a.proof)
	if err != nil {
		return nil, err
	}
	t.GrantScope = unique(append(slices.Clone(t.GrantScope), a.extraScope...))
	if len(a.details) > 0 {
		checks = append(checks, compareDetails(a.details, t.AuthorizationDetails))
	}
	t.Checks = append(checks, t.Checks...)
	if t.IDToken == "" {
		if slices.Contains(a.scope, "openid") { // OpenID Connect Core section 3.1.3.3
			return nil, &Error{what: "token endpoint", Endpoint: m.TokenEndpoint, Err: ErrNoIDToken}
		}
		return t, nil
	}
	if m.Issuer == "" {
		// Nobody asked for it, and it cannot be checked: it is not used.
		t.IDToken = ""
		t.Checks = append(t.Checks, Check{Name: "id_token", Spec: "OIDC Core 3.1.3.7",
			Detail: "came unasked, and without an issuer it cannot be checked; not used"})
		return t, nil
	}
	v := a.verifierFor(t)
	v.code = code
	claims, idChecks, err := v.verify(ctx)
	t.Checks = append(t.Checks, idChecks...)
	if err != nil {
		return nil, withChecks(err, t.Checks)
	}
	t.Claims = claims
	if front != nil {
		check, err := sameIDToken(front.claims, claims)
		t.Checks = append(t.Checks, check)
		if err != nil {
			return nil, &CheckError{Check: check, Checks: t.Checks, Err: err}
		}
	}
	return t, nil
}

// sameIDToken: "the iss and sub Claim Values MUST be identical in both ID
// Tokens", and what else says who signed in SHOULD be (OpenID Connect Core
// section 3.3.3.6).
func sameIDToken(front, back map[string]any) (Check, error) {
	check := Check{Name: "both id_tokens", Spec: "OIDC Core 3.3.3.6"}
	switch {
	case text(front, "iss") != text(back, "iss"):
		check.Detail = "the one of the token endpoint has another issuer"
		return check, ErrIssuer
	case text(front, "sub") != text(back, "sub"):
		check.Detail = "the one of the token endpoint has another subject"
		return check, ErrSubject
	}
	check.OK, check.Detail = true, "same issuer and subject"
	return check, nil
}
