package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"fob/loopback"
	"fob/oauth"
	"fob/profiles"
)

// obtain gets the first token of a login by the profile's grant, telling the faces what the person has to do.
func (e *Engine) obtain(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	if token := oauth.Secret(a.options.RefreshToken); token != "" {
		// The server says what it grants; the profile's scope is what is asked for.
		return c.Refresh(ctx, &oauth.Token{RefreshToken: token, ScopeRequested: c.profile.Scope, Resource: c.profile.Resource})
	}
	grant := c.profile.Grant()
	if a.options.Device {
		grant = profiles.GrantDeviceCode
	}
	switch grant {
	case profiles.GrantAuthorizationCode, profiles.GrantImplicit:
		return e.byBrowser(ctx, c, a)
	case profiles.GrantOAuth1:
		return e.byOAuth1(ctx, c, a)
	case profiles.GrantDeviceCode:
		return e.byDevice(ctx, c, a)
	case profiles.GrantCIBA:
		return e.byBackchannel(ctx, c, a)
	case profiles.GrantPassword:
		return e.byPassword(ctx, c, a.options)
	}
	return e.unattended(ctx, c, c.request(a.options))
}

// byBrowser is the authorization code flow with its kin (RFC 6749 §4.1, §4.2, OIDC Core §3.3), received on loopback (RFC 8252).
func (e *Engine) byBrowser(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	receiver, err := listen(c.profile)
	if err != nil {
		return nil, err
	}
	defer receiver.Close()
	receiver.OnStray = func(stray loopback.Stray) {
		if stray.Reason == loopback.StrayState || stray.Reason == loopback.StrayNoState {
			a.strays.Add(1)
		}
	}
	request, err := e.authorization(ctx, c, a.options, receiver.RedirectURI())
	if err != nil {
		return nil, err
	}
	pending, err := c.Authorize(ctx, request)
	if err != nil {
		return nil, err
	}
	// what was not asked for is not taken.
	mode := request.ResponseMode
	direct := request.ResponseType == "" || request.ResponseType == "code" // else a fragment is the default (Multiple Response Types §2.1)
	receiver.QueryOnly = !strings.HasPrefix(mode, "form_post")
	receiver.Fragment = strings.HasPrefix(mode, "fragment") || !direct && (mode == "" || mode == "jwt")
	receiver.StateOf = pending.ResponseState
	browsed(ctx, "authorization request", pending.URL, "")
	a.show(LoginEvent{Kind: "open", URL: pending.URL, Browser: c.profile.Browser})
	response, err := receiver.Wait(ctx, pending.State)
	if err != nil {
		return nil, err
	}
	browsed(ctx, "redirect", receiver.RedirectURI()+"?"+response.Encode(), "")
	return pending.Redeem(ctx, response)
}

func listen(p profiles.Profile) (*loopback.Receiver, error) {
	receiver, err := loopback.ListenAt(p.ListenAddress, p.RedirectURIs()...)
	if err != nil {
		return nil, &Error{Kind: Failed, Code: CodeRedirect, Sentence: fmt.Sprintf("profile %s: %v", p.Name, err),
			Remedy: "choose another redirect_uri in the profile, or end what uses the port", cause: err}
	}
	return receiver, nil
}

// authorization is what the profile and this login ask the authorization endpoint for.
func (e *Engine) authorization(ctx context.Context, c *client, o LoginOptions, redirect string) (oauth.AuthorizationRequest, error) {
	p := c.profile
	r := oauth.AuthorizationRequest{
		RedirectURI: redirect, Scope: union(p.Scope, o.Scope), ExtraScope: p.ExtraScopeToConsent, Audience: p.Audience, Resource: p.Resource,
		ResponseType: p.Response(), ResponseMode: p.ResponseMode, Prompt: p.Prompt, LoginHint: p.LoginHint, ACRValues: p.ACRValues,
		Display: p.Display, UILocales: p.UILocales, Claims: json.RawMessage(p.Claims), AuthorizationDetails: json.RawMessage(p.AuthorizationDetails),
		CodeChallengeMethod: p.CodeChallengeMethod, Extra: values(p.AuthorizeParams),
	}
	if o.Prompt != "" {
		r.Prompt = o.Prompt
	}
	if len(o.ACRValues) > 0 {
		r.ACRValues, r.RequireACR = o.ACRValues, true // what the API asked for is checked
	}
	age := p.MaxAge
	if o.MaxAge != nil {
		age = o.MaxAge
	}
	if age != nil {
		d := time.Duration(*age) * time.Second
		r.MaxAge = &d
	}
	if p.IDTokenHint == "last" {
		r.IDTokenHint = e.lastIDToken(ctx, p.Name)
	}
	return r, nil
}

// lastIDToken is the ID token that the profile's last login left, "" when there is none.
func (e *Engine) lastIDToken(ctx context.Context, name string) oauth.Secret {
	if t, err := e.load(ctx, name); err == nil && t != nil {
		return t.IDToken
	}
	return ""
}

// request is what the profile and this login ask the token endpoint for.
func (c *client) request(o LoginOptions) oauth.TokenRequest {
	p := c.profile
	r := oauth.TokenRequest{Scope: union(p.Scope, o.Scope), Resource: p.Resource, AuthorizationDetails: json.RawMessage(p.AuthorizationDetails)}
	if p.Audience != "" {
		r.Audience = []string{p.Audience}
	}
	return r
}

// union is a followed by what b adds.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// byDevice shows a code that the person types on another device (RFC 8628).
func (e *Engine) byDevice(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	pending, err := c.AuthorizeDevice(ctx, c.request(a.options))
	if err != nil {
		return nil, err
	}
	if !pending.ExpiresAt.IsZero() && pending.ExpiresAt.Before(a.until) {
		a.until = pending.ExpiresAt
	}
	a.show(LoginEvent{Kind: "device", UserCode: pending.UserCode, VerificationURI: pending.VerificationURI,
		VerificationURIComplete: pending.VerificationURIComplete, Browser: c.profile.Browser})
	return pending.Wait(ctx)
}

// byBackchannel asks the person on a device of their own (CIBA, poll mode).
func (e *Engine) byBackchannel(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	p := c.profile
	r := oauth.BackchannelRequest{
		LoginHint: p.LoginHint, LoginHintToken: c.secrets.get("login_hint_token"), BindingMessage: p.BindingMessage,
		UserCode: c.secrets.get("user_code"), ACRValues: p.ACRValues,
	}
	if p.IDTokenHint == "last" {
		r.IDTokenHint = e.lastIDToken(ctx, p.Name)
	}
	if p.RequestedExpiry != nil {
		r.RequestedExpiry = time.Duration(*p.RequestedExpiry) * time.Second
	}
	if len(a.options.ACRValues) > 0 {
		r.ACRValues = a.options.ACRValues
	}
	pending, err := c.AuthorizeBackchannel(ctx, r, c.request(a.options))
	if err != nil {
		return nil, err
	}
	if !pending.ExpiresAt.IsZero() && pending.ExpiresAt.Before(a.until) {
		a.until = pending.ExpiresAt
	}
	a.show(LoginEvent{Kind: "ciba", BindingMessage: p.BindingMessage})
	return pending.Wait(ctx)
}

// byPassword sends the person's password once and forgets it (RFC 6749 §4.3, R-016).
func (e *Engine) byPassword(ctx context.Context, c *client, o LoginOptions) (*oauth.Token, error) {
	user := o.Username
	if user == "" {
		user = c.profile.Username
	}
	if user == "" || o.Password == "" {
		return nil, &Error{Kind: LogInFirst, Code: CodePassword, Sentence: "profile " + c.profile.Name + ": a user name and a password are needed",
			Remedy: "log in at a terminal, which asks for them: fob login " + quoteArg(c.profile.Name)}
	}
	return c.Password(ctx, user, oauth.Secret(o.Password), c.request(o))
}

// unattended gets a token that no person has to be asked for; it is asked for again whenever a new one is needed.
func (e *Engine) unattended(ctx context.Context, c *client, r oauth.TokenRequest) (*oauth.Token, error) {
	switch grant := c.profile.Grant(); grant {
	case profiles.GrantClientCredentials:
		return c.ClientCredentials(ctx, r)
	case profiles.GrantJWTBearer:
		assertion, err := c.assertion()
		if err != nil {
			return nil, err
		}
		return c.JWTBearer(ctx, assertion, r)
	case profiles.GrantSAML2Bearer:
		return c.SAMLBearer(ctx, []byte(c.secrets["assertion"]), r)
	case profiles.GrantTokenExchange:
		return e.exchangeFor(ctx, c, r)
	default:
		params := url.Values{}
		for name, value := range c.profile.TokenParams {
			params.Set(name, c.fill(value))
		}
		return c.Grant(ctx, profiles.GrantURI(grant), params, r)
	}
}

// fill puts the secrets of the profile into a parameter of a custom grant: {assertion}, {subject_token} and their kin.
func (c *client) fill(value string) string {
	if !strings.Contains(value, "{") {
		return value
	}
	for key, secret := range c.secrets {
		if key != registered {
			value = strings.ReplaceAll(value, "{"+key+"}", secret)
		}
	}
	return value
}

// assertion is the given JWT, or one made from the profile's key (RFC 7523 §3).
func (c *client) assertion() (oauth.Secret, error) {
	if given := c.secrets.get("assertion"); given != "" {
		return given, nil
	}
	p := c.profile
	var extra map[string]any
	if p.AssertionClaims != "" {
		if err := json.Unmarshal([]byte(p.AssertionClaims), &extra); err != nil {
			return "", profileMistake(p, "assertion_claims", err)
		}
	}
	issuer := p.AssertionIssuer
	if issuer == "" {
		issuer = p.ClientID
	}
	subject := p.AssertionSubject
	if subject == "" {
		subject = issuer
	}
	return c.MakeAssertion(oauth.AssertionClaims{
		Issuer: issuer, Subject: subject, Audience: p.AssertionAudience, Lifetime: time.Duration(p.AssertionLifetime),
		Extra: extra, Alg: p.AssertionSigningAlg,
	})
}

// exchangeFor exchanges the token of another profile, or a given one, for one of this profile's (RFC 8693).
func (e *Engine) exchangeFor(ctx context.Context, c *client, r oauth.TokenRequest) (*oauth.Token, error) {
	p := c.profile
	x := oauth.ExchangeRequest{
		SubjectToken: c.secrets.get("subject_token"), SubjectTokenType: p.SubjectTokenType,
		ActorToken: c.secrets.get("actor_token"), ActorTokenType: p.ActorTokenType, RequestedTokenType: p.RequestedTokenType,
	}
	var err error
	if p.SubjectProfile != "" {
		if x.SubjectToken, x.SubjectTokenType, err = e.tokenOf(ctx, p.SubjectProfile, p.SubjectTokenType); err != nil {
			return nil, err
		}
	}
	if p.ActorProfile != "" {
		if x.ActorToken, x.ActorTokenType, err = e.tokenOf(ctx, p.ActorProfile, p.ActorTokenType); err != nil {
			return nil, err
		}
	}
	return c.Exchange(ctx, x, r)
}

// derived marks a context in which a token is derived from another profile's, so that two profiles that derive from each
// other are told from a long wait.
type derived struct{}

// tokenOf is a token of another profile as a subject or an actor: its access token, or its ID token where that type is named.
func (e *Engine) tokenOf(ctx context.Context, name, kind string) (oauth.Secret, string, error) {
	chain, _ := ctx.Value(derived{}).([]string)
	if slices.Contains(chain, name) {
		return "", "", &Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + name + ": its token is derived from itself (" + strings.Join(append(chain, name), " → ") + ")",
			Remedy: "change subject_profile or actor_profile of one of them"}
	}
	h, err := e.Token(context.WithValue(ctx, derived{}, append(slices.Clone(chain), name)), name, -1)
	if err != nil {
		var said *Error
		if errors.As(err, &said) {
			return "", "", said // it names the other profile, and what to do there
		}
		return "", "", err
	}
	if kind == "id_token" || kind == "urn:ietf:params:oauth:token-type:id_token" {
		if h.IDToken == "" {
			return "", "", &Error{Kind: Failed, Code: CodeNoIDToken, Sentence: "profile " + name + ": this login has no id_token", Remedy: "add openid to the profile's scope and log in again"}
		}
		return oauth.Secret(h.IDToken), kind, nil
	}
	if kind == "" {
		kind = "access_token"
	}
	return oauth.Secret(h.AccessToken), kind, nil
}
