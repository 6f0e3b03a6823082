package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
)

// Redeem turns the response that arrived on the redirect URI into a token: it
// checks state (constant time, once) and issuer, exchanges the code, and
// validates the id_token completely. A response with another state fails with
// ErrState and leaves the login waiting: anybody can send one. After a
// response with the right state the login is over, whatever came of it; a
// code is never sent twice (RFC 6749 section 4.1.2), not even when the answer
// was lost on the way.
func (a *Authorization) Redeem(ctx context.Context, response url.Values) (*Token, error) {
	const what = "authorization"
	endpoint := a.endpoint()
	fail := func(err error) (*Token, error) {
		return nil, &Error{what: what, Endpoint: endpoint, Err: err}
	}
	// RFC 6749 section 10.12; section 3.1: no parameter twice.
	got := response["state"]
	if len(got) != 1 || a.State == "" || subtle.ConstantTimeCompare([]byte(got[0]), []byte(a.State)) != 1 {
		return fail(ErrState)
	}
	if !a.redeemed.CompareAndSwap(false, true) {
		return fail(ErrReused)
	}
	verifier := a.verifier
	a.verifier = "" // kept only as long as the flow

	checks := []Check{{Name: "state", Spec: "RFC 6749 10.12", OK: true, Detail: "as sent, used once"}}
	iss, err := a.checkIssuer(response)
	if err != nil {
		return fail(err)
	}
	checks = append(checks, iss)
	for _, name := range [...]string{"code", "error", "error_description", "error_uri"} {
		if len(response[name]) > 1 {
			return fail(&reasoned{ErrResponse, name + " is there twice"})
		}
	}
	if code := response.Get("error"); code != "" { // RFC 6749 section 4.1.2.1
		e := &Error{what: what, Endpoint: endpoint}
		e.fill(code, response.Get("error_description"), response.Get("error_uri"), []string{verifier.Reveal()})
		return nil, e
	}
	code := Secret(response.Get("code"))
	if code == "" {
		return fail(&reasoned{ErrResponse, "it has neither code nor error"})
	}
	return a.exchange(ctx, code, verifier, checks)
}

func (a *Authorization) endpoint() string {
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
		if a.metadata.AuthorizationResponseIssSupported {
			return check, &reasoned{ErrIssuer, "the server promises iss in its response, and it is missing"}
		}
		check.Detail = "not sent, and not promised"
		return check, nil
	case a.Issuer == "":
		check.OK, check.Detail = false, "sent, but the profile names no issuer to compare with"
		return check, nil
	case iss[0] != a.Issuer: // "simple string comparison"
		return check, &reasoned{ErrIssuer, "expected " + clean(a.Issuer, maxURI) + ", the response is of " +
			clean(iss[0], maxURI)}
	}
	check.Detail = "as expected"
	if !a.metadata.AuthorizationResponseIssSupported {
		check.Detail = "as expected, though the server does not promise to send it"
	}
	return check, nil
}

// exchange sends the code to the token endpoint of the same server (RFC 6749
// section 4.1.3, RFC 7636 section 4.5).
func (a *Authorization) exchange(ctx context.Context, code, verifier Secret, checks []Check) (*Token, error) {
	c, m := a.client, a.metadata
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code.Reveal()},
		"redirect_uri":  {a.RedirectURI},
		"code_verifier": {verifier.Reveal()},
		"resource":      a.resource,
	}
	if c.Quirks != nil && c.Quirks.NoRedirectURI {
		form.Del("redirect_uri")
	}
	t, err := c.grant(ctx, m, form, a.scope, a.resource, a.proof)
	if err != nil {
		return nil, err
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
	v := c.idTokenVerifier(m, t)
	v.nonce, v.nonceSent = a.nonce, a.nonce != ""
	v.code, v.state = code, a.State
	v.maxAge, v.acrNeeded, v.acrWished = a.maxAge, a.acrNeeded, a.acrWished
	claims, idChecks, err := v.verify(ctx)
	t.Checks = append(t.Checks, idChecks...)
	if err != nil {
		var refused *CheckError
		if errors.As(err, &refused) {
			refused.Checks = t.Checks
		}
		return nil, err
	}
	t.Claims = claims
	return t, nil
}
