package oauth

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a login asks for, and what cannot be asked for.

// canAuthorize refuses what cannot work before a browser opens.
func (c *Client) canAuthorize(r AuthorizationRequest) error {
	m := c.Metadata
	types := responseTypes(r.ResponseType)
	code, idToken := slices.Contains(types, "code"), slices.Contains(types, "id_token")
	grant := "authorization_code"
	if !code {
		grant = "implicit"
	}
	switch {
	case c.ID == "":
		return requestError("the client id is missing")
	case slices.ContainsFunc(types, unknownResponseType):
		return requestError("the response_type " + clean(r.ResponseType, maxCode) + " is not known")
	case !allows(m.GrantTypesSupported, grant):
		return requestError("the server lists its grant types, and " + grant + " is not among them")
	case m.ResponseTypesSupported != nil && !slices.Contains(m.ResponseTypesSupported, spelling(types, m.ResponseTypesSupported)):
		return requestError("the server lists its response types, and " + spelling(types, nil) + " is not among them")
	case r.ResponseMode != "" && !allows(m.ResponseModesSupported, r.ResponseMode):
		return requestError("the server does not support response_mode " + clean(r.ResponseMode, maxCode))
	case slices.Contains(r.Scope, "openid") && m.Issuer == "":
		return requestError("the scope openid needs the issuer: without it the id_token cannot be checked")
	case idToken && !slices.Contains(r.Scope, "openid"):
		return requestError("response_type id_token needs the scope openid")
	case signedMode(r.ResponseMode) && m.Issuer == "":
		return requestError("response_mode " + r.ResponseMode + " needs the issuer: without it the response cannot be checked")
	case !code && c.DPoP:
		return requestError("only the token endpoint can bind tokens to a DPoP key: use response_type code")
	case code && m.TokenEndpoint == "":
		return &reasoned{ErrNoEndpoint, "the token endpoint is missing"}
	case r.MaxAge != nil && *r.MaxAge < 0:
		return requestError("max_age is negative")
	case r.RequireACR && len(r.ACRValues) == 0:
		return requestError("an acr is required, and acr_values is empty")
	}
	if code {
		if _, err := c.parseEndpoint("token endpoint", m.TokenEndpoint); err != nil {
			return err
		}
		if err := c.canChallenge(r); err != nil {
			return err
		}
	}
	if err := c.checkTargets(r); err != nil {
		return err
	}
	if err := c.strictAuthorization(r); err != nil {
		return err
	}
	if c.pushes() && m.PushedAuthorizationRequestEndpoint == "" { // RFC 9126 section 5: no other way then
		return requestError("pushed authorization requests are required, and the server's metadata has no endpoint for them")
	}
	return nil
}

func unknownResponseType(s string) bool { return s != "code" && s != "token" && s != "id_token" }

// canChallenge: "clients MUST NOT downgrade to plain after trying the S256
// method" (RFC 7636 section 7.2), and nothing else is chosen unasked.
func (c *Client) canChallenge(r AuthorizationRequest) error {
	method := r.CodeChallengeMethod
	if method == "" {
		method = ChallengeS256
	}
	switch {
	case method != ChallengeS256 && method != ChallengePlain && method != ChallengeNone:
		return requestError("the code_challenge_method " + clean(method, maxCode) + " is not known: S256, plain or none")
	case method != ChallengeNone && !allows(c.Metadata.CodeChallengeMethodsSupported, method):
		return requestError("the server lists its PKCE methods, and " + method + " is not among them; " +
			"another code_challenge_method has to be chosen by name, none included")
	case r.CodeVerifier != "" && badVerifier(r.CodeVerifier.Reveal()):
		return requestError("a code_verifier has 43 to 128 letters, digits and -._~")
	}
	return nil
}

func (c *Client) checkTargets(r AuthorizationRequest) error {
	for _, s := range append(slices.Clone(r.Scope), r.ExtraScope...) {
		if s == "" || strings.ContainsFunc(s, badScopeRune) {
			return requestError("the scope " + clean(s, maxCode) + " has a character that scopes cannot have")
		}
	}
	for _, s := range r.Resource {
		// RFC 8707 section 2: "an absolute URI … MUST NOT include a fragment".
		if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.Contains(s, "#") {
			return requestError("the resource " + clean(s, maxURI) + " is not an absolute URI without fragment")
		}
	}
	if len(r.Claims) > 0 {
		if _, err := decodeObject(r.Claims); err != nil {
			return requestError("claims is not a JSON object")
		}
	}
	return c.checkDetails(r.AuthorizationDetails)
}

// badScopeRune: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), RFC 6749 section 3.3.
func badScopeRune(r rune) bool { return r < 0x21 || r > 0x7E || r == '"' || r == '\\' }

// parameters builds the authorization request (RFC 6749 section 4.1.1, RFC
// 7636 section 4.3, OpenID Connect Core section 3.1.2.1).
func (a *Authorization) parameters(r AuthorizationRequest) (url.Values, error) {
	c := a.client
	form := url.Values{
		"response_type":         {spelling(a.responseType, a.metadata.ResponseTypesSupported)},
		"client_id":             {c.ID},
		"redirect_uri":          {r.RedirectURI},
		"scope":                 {c.joinScope(unique(append(slices.Clone(a.scope), a.extraScope...)))},
		"state":                 {a.State},
		"nonce":                 {a.nonce},
		"audience":              {r.Audience},
		"resource":              unique(r.Resource),
		"response_mode":         {r.ResponseMode},
		"prompt":                {r.Prompt},
		"display":               {r.Display},
		"ui_locales":            {strings.Join(r.UILocales, " ")},
		"login_hint":            {r.LoginHint},
		"id_token_hint":         {r.IDTokenHint.Reveal()},
		"acr_values":            {strings.Join(r.ACRValues, " ")},
		"claims":                {string(r.Claims)},
		"authorization_details": {string(r.AuthorizationDetails)},
	}
	if r.MaxAge != nil {
		form.Set("max_age", strconv.FormatInt(int64(*r.MaxAge/time.Second), 10))
	}
	if a.verifier != "" {
		form.Set("code_challenge", challengeS256(a.verifier))
		form.Set("code_challenge_method", ChallengeS256)
		if r.CodeChallengeMethod == ChallengePlain {
			form.Set("code_challenge", a.verifier.Reveal())
			form.Set("code_challenge_method", ChallengePlain)
		}
	}
	if a.proof != nil {
		form.Set("dpop_jkt", a.proof.Thumbprint()) // RFC 9449 section 10
	}
	for name, values := range r.Extra {
		if guarded(name) {
			return nil, requestError("the extra parameter " + name + " is set by the login itself")
		}
		form[name] = values
	}
	a.resource = unique(form["resource"])
	form, err := tidy(c.params(ForAuthorization, form))
	if err != nil {
		return nil, err
	}
	if len(a.resource) == 0 {
		a.resource = form["resource"] // the profile's
	}
	if form.Get("scope") == "" {
		a.scope, a.extraScope = nil, nil // left out: the server decides
	}
	a.redirectSent = form.Get("redirect_uri")
	return form, a.adopt(form, r.RequireACR)
}

// guarded names the parameters that a login stands on. request and
// request_uri would make the server ignore all the others.
func guarded(name string) bool {
	switch name {
	case "response_type", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce", "dpop_jkt",
		"code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri":
		return true
	}
	return false
}

// adopt learns from the request, whoever set its parameters, what has to be
// checked afterwards.
func (a *Authorization) adopt(form url.Values, requireACR bool) error {
	a.responseMode = form.Get("response_mode")
	if signedMode(a.responseMode) && a.Issuer == "" {
		return requestError("response_mode " + clean(a.responseMode, maxCode) + " needs the issuer")
	}
	switch mode := a.responseMode; {
	case mode == "query" && (len(a.responseType) > 1 || !a.wants("code")), mode == "query.jwt" && !a.wants("code"):
		// OAuth 2.0 Multiple Response Type Encoding Practices, sections 3.0 and 5.
		return requestError("tokens cannot come in the query of an address: response_mode query needs response_type code")
	}
	a.details = nil
	if d := form.Get("authorization_details"); d != "" {
		a.details = json.RawMessage(d)
		if err := a.client.checkDetails(a.details); err != nil {
			return err
		}
	}
	if n, err := strconv.ParseInt(form.Get("max_age"), 10, 32); err == nil && n >= 0 {
		age := time.Duration(n) * time.Second
		a.maxAge = &age
	}
	a.acrWished = strings.Fields(form.Get("acr_values"))
	if requireACR {
		a.acrNeeded = a.acrWished
	}
	// OpenID Connect Core section 5.5.1.1: acr as an essential claim.
	var claims struct {
		IDToken struct {
			ACR struct {
				Essential bool     `json:"essential"`
				Value     string   `json:"value"`
				Values    []string `json:"values"`
			} `json:"acr"`
		} `json:"id_token"`
	}
	if json.Unmarshal([]byte(form.Get("claims")), &claims) == nil && claims.IDToken.ACR.Essential {
		acr := claims.IDToken.ACR
		a.acrNeeded = slices.DeleteFunc(append(slices.Clone(acr.Values), acr.Value), isEmpty)
	}
	return nil
}

func isEmpty(s string) bool { return s == "" }

// unique drops empty and repeated elements and keeps the order.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
