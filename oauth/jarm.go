package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// JWT Secured Authorization Response Mode for OAuth 2.0 (JARM).

// signedMode: jwt, query.jwt, fragment.jwt, form_post.jwt (JARM section 2.3).
func signedMode(mode string) bool { return mode == "jwt" || strings.HasSuffix(mode, ".jwt") }

// Delivery says how the response will arrive at the redirect URI: "query",
// "fragment" or "form_post". The default depends on the response type (OAuth 2.0
// Multiple Response Type Encoding Practices section 2.1, JARM section 2.3.4).
func (a *Authorization) Delivery() string {
	switch mode := strings.TrimSuffix(a.responseMode, ".jwt"); mode {
	case "", "jwt":
		if a.wants("token") || a.wants("id_token") {
			return "fragment"
		}
		return "query"
	default:
		return mode
	}
}

// ResponseState returns the state that a response carries, also inside a JWT
// that is not encrypted, and "" when there is none or more than one. It tells
// to which login a response belongs and proves nothing; Redeem checks it.
func ResponseState(response url.Values) string {
	return stateIn(response, func(raw Secret) Secret { return raw })
}

// ResponseState is as the function of that name, and opens encrypted
// responses with the client's keys.
func (a *Authorization) ResponseState(response url.Values) string {
	return stateIn(response, func(raw Secret) Secret {
		inside, _, err := a.client.decrypt(raw, jwtRules{})
		if err != nil {
			return ""
		}
		return inside
	})
}

func stateIn(response url.Values, open func(Secret) Secret) string {
	// RFC 6749 section 3.1: no parameter twice. Two states are none.
	plain, signed := response["state"], response["response"]
	switch {
	case len(plain) == 1:
		return plain[0]
	case len(plain) > 1 || len(signed) != 1:
		return ""
	}
	jwt, err := parseJWT(open(Secret(signed[0])).Reveal())
	if err != nil {
		return ""
	}
	return text(jwt.Claims, "state")
}

// unsign checks a signed response (JARM section 2.4) and returns what it
// holds. A login that asked for one takes nothing else, and one that did not
// takes none.
func (a *Authorization) unsign(ctx context.Context, response url.Values) (url.Values, []Check, error) {
	signed := response["response"]
	switch {
	case !signedMode(a.responseMode) && len(signed) > 0:
		return nil, nil, &reasoned{ErrResponse, "it is signed (JARM), and response_mode did not ask for that"}
	case !signedMode(a.responseMode):
		return response, nil, nil
	case len(signed) == 0:
		why := "it is not signed, and response_mode asked for that (JARM)"
		if code := cleanCode(response.Get("error")); code != "" {
			why += "; unsigned it says: " + string(code)
		}
		return nil, nil, &reasoned{ErrResponse, why}
	case len(signed) > 1:
		return nil, nil, &reasoned{ErrResponse, "response is there twice"}
	}
	jwt, checks, err := a.verifyResponse(ctx, Secret(signed[0]))
	if err != nil {
		return nil, nil, err
	}
	values := make(url.Values, len(jwt.Claims))
	for name, v := range jwt.Claims {
		switch v := v.(type) {
		case string:
			values.Set(name, v)
		case json.Number:
			values.Set(name, v.String())
		}
	}
	return values, checks, nil
}

// verifyResponse runs the checks of JARM section 2.4, the signature last.
func (a *Authorization) verifyResponse(ctx context.Context, raw Secret) (*JWT, []Check, error) {
	c, m := a.client, a.metadata
	rules := jwtRules{alg: c.AuthorizationSignedResponseAlg, listed: m.AuthorizationSigningAlgsSupported}
	var checks []Check
	refuse := func(name, detail string, err error) (*JWT, []Check, error) {
		check := Check{Name: "response " + name, Spec: "JARM 2.4", Detail: detail}
		return nil, nil, &CheckError{what: "authorization response", Check: check, Checks: append(checks, check), Err: err}
	}
	pass := func(name, detail string) {
		checks = append(checks, Check{Name: "response " + name, Spec: "JARM 2.4", OK: true, Detail: detail})
	}
	inside, encryption, err := c.decrypt(raw, rules)
	if err != nil {
		return refuse("format", encryption, err)
	}
	jwt, err := parseJWT(inside.Reveal())
	if err != nil {
		return refuse("format", "", err)
	}
	if _, critical := jwt.Header["crit"]; critical { // RFC 7515 section 4.1.11
		return refuse("format", "it demands an extension (crit)", ErrMalformed)
	}
	if encryption != "" {
		pass("encryption", encryption)
	}
	if iss := text(jwt.Claims, "iss"); iss == "" || iss != m.Issuer {
		return refuse("issuer", "expected "+clean(m.Issuer, maxURI)+", found "+clean(iss, maxURI), ErrIssuer)
	}
	pass("issuer", clean(m.Issuer, maxURI))
	if aud := texts(jwt.Claims["aud"]); !slices.Contains(aud, c.ID) {
		return refuse("audience", "this client is not in: "+clean(strings.Join(aud, ", "), maxDescription), ErrAudience)
	}
	pass("audience", "this client")
	v := c.idTokenVerifier(m, new(Token))
	v.jwt = jwt
	detail, err := v.checkExp()
	if err != nil {
		return refuse("exp", detail, err)
	}
	pass("exp", detail)
	alg, detail, err := c.acceptAlg(jwt, rules)
	if err != nil {
		return refuse("alg", detail, err)
	}
	if detail, err = c.checkSignature(ctx, m, inside, jwt, alg); err != nil {
		return refuse("signature", detail, err)
	}
	pass("signature", detail)
	return jwt, checks, nil
}
