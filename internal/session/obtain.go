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
	receiver.QueryOnly = pending.Delivery() != "form_post"
	receiver.Fragment = pending.Delivery() == "fragment"
	receiver.StateOf, receiver.Hold = pending.ResponseState, c.profile.Pinned()
	browsed(ctx, "authorization request", pending.URL, "")
	a.show(LoginEvent{Kind: "open", URL: pending.URL, Browser: c.profile.Browser, RedirectURI: receiver.RedirectURI()})
	response, err := receiver.Wait(ctx, pending.State)
	if err != nil {
		return nil, err
	}
	a.answered.Store(true)
	browsed(ctx, "redirect", receiver.RedirectURI()+"?"+response.Encode(), "")
	token, err := pending.Redeem(ctx, response)
	return e.told(ctx, c, receiver, token, err)
}

// told tells the page in the browser when the login is another account's than the profile is for: there it is to be mended.
func (e *Engine) told(ctx context.Context, c *client, receiver *loopback.Receiver, token *oauth.Token, err error) (*oauth.Token, error) {
	if err == nil {
		err = e.vouch(ctx, c, token)
	}
	var other *otherAccount
	if errors.As(err, &other) {
		receiver.Refuse("This is another account", "Fob refused this login: profile "+c.profile.Name+" is always "+other.expected()+", and you signed in as "+other.found()+
			". Nothing was changed. To go on, choose the account at the sign-in page, or add another account in Fob.")
	}
	return token, err
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
		ResponseType: p.Response(), ResponseMode: p.ResponseMode, Prompt: p.Prompt, LoginHint: p.Hint(), ACRValues: p.ACRValues,
		Display: p.Display, UILocales: p.UILocales, Claims: json.RawMessage(p.Claims), AuthorizationDetails: json.RawMessage(p.AuthorizationDetails),
		CodeChallengeMethod: p.CodeChallengeMethod, Extra: values(p.AuthorizeParams),
	}
	if o.Prompt != "" {
		r.Prompt = c.prompt(o.Prompt)
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

// prompt is what this login wants the server to ask. To choose the account is asked beside the consent that the profile wants, without
// which some servers give no refresh token (OIDC Core §11); a server that says that it cannot (OpenID Connect Prompt Create §4.1) asks
// for a login, where another account can be typed.
func (c *client) prompt(asked string) string {
	if asked != "select_account" {
		return asked
	}
	if listed := c.Metadata.PromptValuesSupported; !slices.Contains(listed, asked) && slices.Contains(listed, "login") {
		asked = "login"
	}
	if slices.Contains(strings.Fields(c.profile.Prompt), "consent") {
		asked += " consent"
	}
	return asked
}

// lastIDToken is the ID token that the profile's last login left, "" when there is none.
func (e *Engine) lastIDToken(ctx context.Context, name string) oauth.Secret {
	if t, err := e.load(ctx, name); err == nil && t != nil && !e.isForeign(name) {
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
	a.show(LoginEvent{Kind: "device", Until: a.before(pending.ExpiresAt), UserCode: pending.UserCode, VerificationURI: pending.VerificationURI,
		VerificationURIComplete: pending.VerificationURIComplete, Browser: c.profile.Browser})
	return pending.Wait(ctx)
}

// before is the earlier of the attempt's end and that of what the server waits for.
func (a *attempt) before(ends time.Time) time.Time {
	if ends.IsZero() || a.until.Before(ends) {
		return a.until
	}
	return ends
}

// byBackchannel asks the person on a device of their own (CIBA, poll mode).
func (e *Engine) byBackchannel(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	pending, err := c.AuthorizeBackchannel(ctx, e.backchannel(ctx, c, a.options), c.request(a.options))
	if err != nil {
		return nil, err
	}
	a.show(LoginEvent{Kind: "ciba", Until: a.before(pending.ExpiresAt), BindingMessage: c.profile.BindingMessage})
	return pending.Wait(ctx)
}

// backchannel is what the profile and this login ask the backchannel authentication endpoint for.
func (e *Engine) backchannel(ctx context.Context, c *client, o LoginOptions) oauth.BackchannelRequest {
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
	if len(o.ACRValues) > 0 {
		r.ACRValues = o.ACRValues
	}
	return r
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
	var pairs []string
	for _, key := range c.secrets.keys() {
		pairs = append(pairs, "{"+key+"}", c.secrets[key])
	}
	return strings.NewReplacer(pairs...).Replace(value) // once: a secret that looks like a place for one stays what it is
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
	if err := e.derivesFromItself(p.Name); err != nil {
		return nil, err
	}
	var err error
	if p.SubjectProfile != "" {
		if x.SubjectToken, x.SubjectTokenType, err = e.tokenOf(ctx, p.SubjectProfile, p.SubjectTokenType); err != nil {
			return nil, derivedFailed(p.Name, p.SubjectProfile, err)
		}
	}
	if p.ActorProfile != "" {
		if x.ActorToken, x.ActorTokenType, err = e.tokenOf(ctx, p.ActorProfile, p.ActorTokenType); err != nil {
			return nil, derivedFailed(p.Name, p.ActorProfile, err)
		}
	}
	return c.Exchange(ctx, x, r)
}

// sources are the profiles that the token of p is derived from.
func sources(p *profiles.Profile) []string {
	if p.SubjectProfile == "" && p.ActorProfile == "" || p.Grant() != profiles.GrantTokenExchange {
		return nil
	}
	return slices.DeleteFunc([]string{p.SubjectProfile, p.ActorProfile}, func(name string) bool { return name == "" })
}

// derivesFromItself refuses a profile whose token is derived, in the end, from itself: it would wait for itself.
func (e *Engine) derivesFromItself(name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	met := map[string]bool{}
	var way func(from string) []string // from there back to name
	way = func(from string) []string {
		l := e.logins[from]
		if l == nil || met[from] {
			return nil
		}
		met[from] = true
		for _, source := range sources(l.profile) {
			if source == name {
				return []string{from, name}
			}
			if found := way(source); found != nil {
				return append([]string{from}, found...)
			}
		}
		return nil
	}
	found := way(name)
	if found == nil {
		return nil
	}
	return &fromSource{&Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + name + ": its token is derived from itself (" + strings.Join(found, " → ") + ")",
		Remedy: "change subject_profile or actor_profile of one of them"}}
}

// fromSource is the want of another profile's token: what is to be mended is there.
type fromSource struct{ said *Error }

func (f *fromSource) Error() string { return f.said.Error() }
func (f *fromSource) Unwrap() error { return f.said }

// derivedFailed says that name cannot have its token because source has none.
func derivedFailed(name, source string, err error) error {
	said := *Explain(source, err)
	said.Sentence = "profile " + name + ": its token is derived from that of profile " + source + ": " + trimName(said.Sentence, source)
	return &fromSource{&said}
}

// tokenOf is a token of another profile as a subject or an actor: its access token, or its ID token where that type is named.
func (e *Engine) tokenOf(ctx context.Context, name, kind string) (oauth.Secret, string, error) {
	// The other profile may have to be refreshed, at the same server: that must not wait for our place.
	where, _ := ctx.Value(placeKey{}).(*place)
	if where != nil {
		e.leavePlace(where)
	}
	h, err := e.Token(ctx, name, -1)
	if where != nil {
		if waited := e.awaitPlace(ctx, where); err == nil {
			err = waited
		}
	}
	if err != nil {
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
