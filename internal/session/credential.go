package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fob/oauth"
	"fob/oauth/oauth1"
	"fob/profiles"
)

// TokenFor hands out an access token as q asks for it: the profile's own, or another one of the same login.
func (e *Engine) TokenFor(ctx context.Context, q TokenQuery, minTTL time.Duration) (Handout, error) {
	if len(q.Scope)+len(q.Resource) == 0 && q.Audience == "" {
		return e.Token(ctx, q.Name, minTTL)
	}
	e.reload()
	t, err := e.second(ctx, q, minTTL)
	if err != nil {
		return Handout{}, Explain(q.Name, err)
	}
	return handout(q.Name, &tokens{Token: t}), nil
}

// second returns another access token of a login: narrower, for another resource, or with a scope that was consented to at login
// but not asked for (RFC 6749 §6, RFC 8707 §2.2). It is kept in memory for its life: it can always be had again.
func (e *Engine) second(ctx context.Context, q TokenQuery, minTTL time.Duration) (*oauth.Token, error) {
	release, err := e.turn(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	key := strings.Join([]string{strings.Join(slices.Sorted(slices.Values(q.Scope)), " "), strings.Join(q.Resource, " "), q.Audience}, "\x00")
	before, p, _, err := e.look(ctx, q.Name)
	if err != nil && p.Attended() || before == nil && e.attended(q.Name) {
		return nil, err
	}
	e.mu.Lock()
	l := e.logins[q.Name]
	if l == nil {
		defer e.mu.Unlock()
		return nil, e.unknownLocked(q.Name)
	}
	p = *l.profile
	if t := l.others[key]; t != nil && goodFor(t, wall(), minTTL) {
		e.mu.Unlock()
		return t, nil
	}
	e.mu.Unlock()
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return nil, err
	}
	want := oauth.TokenRequest{Scope: q.Scope, Resource: q.Resource}
	if q.Audience != "" {
		want.Audience = []string{q.Audience}
	}
	if !p.Attended() {
		base := c.request(LoginOptions{})
		if len(want.Scope) == 0 {
			want.Scope = base.Scope
		}
		if len(want.Resource) == 0 {
			want.Resource = base.Resource
		}
		t, err := e.unattended(ctx, c, want)
		if err == nil {
			e.keepSecond(q.Name, key, t)
		}
		return t, err
	}
	if before.RefreshToken == "" {
		return nil, &Error{Kind: LogInFirst, Code: CodeNotRefreshable, Sentence: "profile " + q.Name + ": another token of this login needs its refresh token, and the server gave none",
			Remedy: "put the scope into the profile and log in again"}
	}
	// Nobody may see the new token before the refresh token that came with it is stored.
	if err := e.intend(q.Name); err != nil {
		return nil, e.failed(q.Name, err)
	}
	ask := func() (*oauth.Token, error) { return c.RefreshWith(ctx, before.Token, want) }
	fresh, err := spend(ask)
	if errors.Is(err, oauth.InvalidGrant) {
		if newer := e.overtaken(ctx, q.Name, before); newer != nil && newer.RefreshToken != "" {
			before = newer // another agent was faster
			fresh, err = spend(ask)
		}
	}
	if err != nil {
		if errors.Is(err, oauth.InvalidScope) || errors.Is(err, oauth.InvalidTarget) || errors.Is(err, oauth.ErrScope) || errors.Is(err, oauth.ErrRequest) {
			e.unspent(q.Name)
			return nil, err // what was asked for is wrong, not the login
		}
		return nil, e.failed(q.Name, err)
	}
	kept := *before.Token
	kept.RefreshToken, kept.RefreshExpiresAt = fresh.RefreshToken, fresh.RefreshExpiresAt
	t := &tokens{Token: &kept, key: before.key, fingerprint: before.fingerprint, generation: before.generation + 1}
	if err := e.failed(q.Name, e.commit(ctx, q.Name, t, "got another token of this login")); err != nil {
		return nil, err
	}
	e.keepSecond(q.Name, key, fresh)
	return fresh, nil
}

// attended says whether the profile's login needs a person.
func (e *Engine) attended(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	return l == nil || l.attended
}

func (e *Engine) keepSecond(name, key string, t *oauth.Token) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	if l == nil {
		return
	}
	const most = 20 // of a profile; a script that asks for ever new scopes fills no memory
	if l.others == nil || len(l.others) >= most {
		l.others = map[string]*oauth.Token{}
	}
	l.others[key] = t
}

// unspent takes back an intent: the server refused the request before it looked at the token.
func (e *Engine) unspent(name string) {
	e.mu.Lock()
	if l := e.logins[name]; l != nil {
		l.rec.Spending = time.Time{}
	}
	e.mu.Unlock()
	e.keepRecord(name)
}

// goodFor says that t has at least minTTL left; negative chooses, as in [Engine.Token].
func goodFor(t *oauth.Token, now time.Time, minTTL time.Duration) bool {
	if t.ExpiresAt.IsZero() {
		return !fromTheFuture(t.ObtainedAt, now) && now.Sub(t.ObtainedAt) < unsaidLife
	}
	left := t.ExpiresAt.Sub(now)
	if minTTL < 0 {
		minTTL = min(minTTLDefault, t.ExpiresAt.Sub(t.ObtainedAt)/2)
	}
	return left > 0 && left >= minTTL && !fromTheFuture(t.ObtainedAt, now)
}

// Credential is what one request needs to be let in: an Authorization header, with a fresh proof or signature for exactly this
// method and URL. nonce is the DPoP nonce that the API asked for, "" for the last one known.
func (e *Engine) Credential(ctx context.Context, name, method, address, nonce string) (Credential, error) {
	e.reload()
	if method == "" {
		method = http.MethodGet
	}
	t, c, err := e.inHand(ctx, name)
	if err != nil {
		return Credential{}, Explain(name, err)
	}
	credential, err := e.credential(c, t, method, address, nonce)
	if err != nil {
		return Credential{}, Explain(name, err)
	}
	return credential, nil
}

// inHand returns the profile's token, refreshed if need be, and the client that it is used with.
func (e *Engine) inHand(ctx context.Context, name string) (*tokens, *client, error) {
	if _, err := e.Token(ctx, name, -1); err != nil {
		return nil, nil, err
	}
	t, p, err := e.usable(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	c, err := e.localClient(ctx, p)
	return t, c, err
}

func (e *Engine) credential(c *client, t *tokens, method, address, nonce string) (Credential, error) {
	u, err := url.Parse(address)
	if address != "" && (err != nil || u.Host == "") {
		return Credential{}, &Error{Kind: Misused, Code: CodeNoAPI, Sentence: "the request's URL is not an absolute http or https URL", Remedy: "write it as https://host/path"}
	}
	if t.Type == typeOAuth1 || t.Type == typeDPoP {
		if address == "" {
			return Credential{}, &Error{Kind: Misused, Code: CodeNeedsRequest, Sentence: "profile " + c.profile.Name + ": a " + t.Type + " token is used with a proof made for one request",
				Remedy: "name the request: fob header " + quoteArg(c.profile.Name) + " GET https://…"}
		}
	}
	if t.Type == typeOAuth1 {
		return c.sign1(t.Token, method, address)
	}
	if address == "" { // the header is the same for every request
		address = "https://localhost/"
		c.profile.TokenPlacement = ""
	} else if nonce != "" {
		c.Servers.UseNonce(address, nonce)
	}
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return Credential{}, &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "this request cannot be made: " + err.Error(), Remedy: "see METHOD and URL"}
	}
	if c.profile.TokenPlacement == oauth.InBody {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := c.use().Apply(request, t.Token, c.Servers); err != nil {
		return Credential{}, err
	}
	credential := Credential{URL: request.URL.String()}
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		if name != "Content-Type" && name != "Cache-Control" {
			credential.Header = append(credential.Header, HeaderField{spelled(name), request.Header.Get(name)})
		}
	}
	if request.Body != nil {
		form, err := io.ReadAll(request.Body)
		if err != nil {
			return Credential{}, err
		}
		credential.Form = string(form)
	}
	return credential, nil
}

// spelled is a header's name as its specification writes it.
func spelled(name string) string {
	if name == "Dpop" {
		return "DPoP"
	}
	return name
}

// use says where the profile's API wants the token.
func (c *client) use() oauth.Use {
	p := c.profile
	scheme := p.TokenHeaderScheme
	if scheme == "none" {
		scheme = ""
	}
	return c.Use(oauth.Use{HeaderName: p.TokenHeaderName, Scheme: scheme, Placement: p.TokenPlacement})
}

// Request makes one request to the profile's API, which it never leaves, and returns the answer whatever it is.
func (e *Engine) Request(ctx context.Context, r Request) (Response, error) {
	e.reload()
	response, err := e.request(ctx, r)
	if err != nil {
		return Response{}, Explain(r.Name, err)
	}
	return response, nil
}

const (
	requestTimeout = 60 * time.Second
	responseMax    = 1 << 20
)

func (e *Engine) request(ctx context.Context, r Request) (Response, error) {
	t, c, err := e.inHand(ctx, r.Name)
	if err != nil {
		return Response{}, err
	}
	base := c.profile.APIBaseURL
	if base == "" {
		return Response{}, &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + r.Name + ": Fob sends its token to no address but the profile's API, and it names none", Remedy: "set api_base_url in the profile"}
	}
	to, err := oauth.ResolveURL(base, r.URL)
	if err != nil {
		return Response{}, &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + r.Name + ": " + err.Error(), Remedy: "the profile's token goes to " + base + " only; change api_base_url, or ask there"}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + r.Name + ": this request cannot be made: " + err.Error(), Remedy: "see METHOD and URL"}
	}
	for _, h := range r.Header {
		request.Header.Add(h.Name, h.Value)
	}
	request.Header.Del("Authorization")
	answer, err := e.carrier(c, t, r.Name).RoundTrip(request)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	response := Response{Status: answer.StatusCode}
	body, err := io.ReadAll(io.LimitReader(answer.Body, responseMax+1))
	if err != nil {
		return Response{}, err
	}
	response.Cut = len(body) > responseMax
	response.Body = body[:min(len(body), responseMax)]
	for name, values := range answer.Header {
		for _, v := range values {
			response.Header = append(response.Header, HeaderField{name, v})
		}
	}
	slices.SortFunc(response.Header, func(a, b HeaderField) int { return strings.Compare(a.Name, b.Name) })
	response.StepUp, err = e.stepUp(r.Name, answer, t)
	return response, err
}

// carrier makes requests with the profile's token.
func (e *Engine) carrier(c *client, t *tokens, name string) http.RoundTripper {
	if t.Type == typeOAuth1 {
		o, err := c.oauth1Client()
		if err != nil {
			return cannotCarry{err}
		}
		return &oauth1.Transport{Client: o, Token: asOAuth1(t.Token)}
	}
	carrier := c.Transport(c.profile.APIBaseURL, c.use(), func(context.Context) (*oauth.Token, error) { return t.Token, nil })
	carrier.Refresh = func(ctx context.Context, _ *oauth.Token) (*oauth.Token, error) {
		if err := e.awaitRefresh(ctx, name, forced); err != nil {
			return nil, err
		}
		fresh, _, err := e.usable(ctx, name)
		if err != nil {
			return nil, err
		}
		return fresh.Token, nil
	}
	return carrier
}

// cannotCarry is a transport that cannot carry anything.
type cannotCarry struct{ err error }

func (f cannotCarry) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// stepUp reads from a refusal what login would be let in. When the API asks for the same again right after a login that gave it,
// the error says so: a third login would not help either.
func (e *Engine) stepUp(name string, answer *http.Response, t *tokens) (*StepUp, error) {
	e.mu.Lock()
	var met *oauth.StepUp
	if l := e.logins[name]; l != nil {
		met = l.met
	}
	e.mu.Unlock()
	demand, err := oauth.NeedStepUp(answer.StatusCode, answer.Header, t.Token, met)
	if err != nil || demand == nil {
		return nil, err
	}
	e.mu.Lock()
	if l := e.logins[name]; l != nil {
		l.demand = demand
	}
	e.mu.Unlock()
	s := &StepUp{Reason: demand.Reason, Options: LoginOptions{Scope: demand.Scope, ACRValues: demand.ACRValues}}
	if demand.MaxAge != nil {
		age := int(demand.MaxAge.Seconds())
		s.Options.MaxAge = &age
	}
	if s.Reason == "" {
		s.Reason = "the API asks for a stronger or newer login"
		if len(demand.ACRValues) == 0 && demand.MaxAge == nil {
			s.Reason = "the API asks for more scope: " + strings.Join(demand.Scope, " ")
		}
	}
	return s, nil
}

// Introspect asks the authorization server about the profile's token (RFC 7662): "access_token" or "refresh_token".
func (e *Engine) Introspect(ctx context.Context, name, which string) (Introspection, error) {
	e.reload()
	t, c, err := e.held(ctx, name)
	if err != nil {
		return Introspection{}, Explain(name, err)
	}
	token := t.AccessToken
	switch which {
	case "", "access_token":
		which = "access_token"
	case "refresh_token":
		if token = t.RefreshToken; token == "" {
			return Introspection{}, &Error{Kind: Failed, Code: CodeNotRefreshable, Sentence: "profile " + name + ": this login has no refresh token", Remedy: "ask about the access token"}
		}
	default:
		return Introspection{}, &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no token called " + which, Remedy: "ask about access_token or refresh_token"}
	}
	said, err := c.Introspect(ctx, token, which)
	if err != nil {
		return Introspection{}, Explain(name, err)
	}
	return Introspection{Active: said.Active, Claims: said.Claims, Verified: said.Verified}, nil
}

// held returns the tokens of a login without refreshing them, and the client.
func (e *Engine) held(ctx context.Context, name string) (*tokens, *client, error) {
	t, p, err := e.usable(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	return t, c, err
}

// UserInfo asks who is logged in (OIDC Core §5.3).
func (e *Engine) UserInfo(ctx context.Context, name string) (map[string]any, error) {
	e.reload()
	if _, err := e.Token(ctx, name, -1); err != nil {
		return nil, err
	}
	t, c, err := e.held(ctx, name)
	if err != nil {
		return nil, Explain(name, err)
	}
	claims, err := c.UserInfo(ctx, t.Token)
	if err != nil {
		return nil, Explain(name, err)
	}
	return claims, nil
}

// EndSession is the page that ends the session at the server (OIDC RP-Initiated Logout §2), "" when it has none.
func (e *Engine) EndSession(ctx context.Context, name string) (string, error) {
	e.reload()
	t, c, err := e.held(ctx, name)
	if err != nil {
		return "", Explain(name, err)
	}
	if c.Metadata.EndSessionEndpoint == "" {
		return "", nil
	}
	out, err := c.EndSession(t.IDToken, "")
	if err != nil {
		return "", Explain(name, err)
	}
	return out.URL, nil
}

// Exchange exchanges a token for another one (RFC 8693), which is not kept.
func (e *Engine) Exchange(ctx context.Context, x Exchange) (Handout, error) {
	e.reload()
	t, err := e.exchange(ctx, x)
	if err != nil {
		return Handout{}, Explain(x.Name, err)
	}
	h := handout(x.Name, &tokens{Token: t})
	h.IssuedType = t.IssuedType
	return h, nil
}

func (e *Engine) exchange(ctx context.Context, x Exchange) (*oauth.Token, error) {
	p, ok := e.file.Get(x.Name)
	if !ok {
		return nil, e.unknownProfile(x.Name)
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return nil, err
	}
	r := oauth.ExchangeRequest{
		SubjectToken: oauth.Secret(x.SubjectToken), SubjectTokenType: x.SubjectType,
		ActorToken: oauth.Secret(x.ActorToken), ActorTokenType: x.ActorType, RequestedTokenType: x.RequestedType,
	}
	if x.SubjectProfile != "" {
		if r.SubjectToken, r.SubjectTokenType, err = e.tokenOf(ctx, x.SubjectProfile, x.SubjectType); err != nil {
			return nil, err
		}
	}
	if x.ActorProfile != "" {
		if r.ActorToken, r.ActorTokenType, err = e.tokenOf(ctx, x.ActorProfile, x.ActorType); err != nil {
			return nil, err
		}
	}
	want := c.request(LoginOptions{})
	if len(x.Scope) > 0 {
		want.Scope = x.Scope
	}
	if len(x.Resource) > 0 {
		want.Resource = x.Resource
	}
	if len(x.Audience) > 0 {
		want.Audience = x.Audience
	}
	return c.Exchange(ctx, r, want)
}

// PublicKeys are the public halves of the profile's private keys, as a JWK set to register at the server (RFC 7517 §5).
func (e *Engine) PublicKeys(ctx context.Context, name string) ([]byte, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return nil, e.unknownProfile(name)
	}
	c, err := e.localClient(ctx, p)
	if err != nil {
		return nil, Explain(name, err)
	}
	if c.PrivateKeys == nil {
		return nil, &Error{Kind: Failed, Code: CodeNoSecret, Sentence: "profile " + name + ": there is no private key", Remedy: "make one: fob keys " + quoteArg(name) + " --make ES256"}
	}
	return c.PrivateKeys.Public(), nil
}

// MakeKey makes a private key for alg and stores it as the profile's. One that is there is replaced only if asked.
func (e *Engine) MakeKey(ctx context.Context, name, alg string, replace bool) ([]byte, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return nil, e.unknownProfile(name)
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return nil, Explain(name, err)
	}
	if kept["private_key"] != "" && !replace {
		return nil, &Error{Kind: Failed, Code: CodeProfileExists, Sentence: "profile " + name + ": there is a private key already", Remedy: "the server knows its public half: replace it with --replace, and register the new one"}
	}
	private, keys, err := oauth.GeneratePrivateKey(alg)
	if err != nil {
		return nil, &Error{Kind: Misused, Code: CodeNoSecret, Sentence: "profile " + name + ": " + err.Error(), Remedy: "use ES256, ES384, ES512, EdDSA, PS256 or RS256"}
	}
	if err := e.PutProfile(ctx, p, map[string]string{"private_key": private.Reveal(), "private_key_password": ""}, "", false); err != nil {
		return nil, err
	}
	return keys.WithKeyID(p.PrivateKeyID).Public(), nil
}

// localClient is the client of a profile for what needs no word from the server.
func (e *Engine) localClient(ctx context.Context, p profiles.Profile) (*client, error) {
	return e.clientWith(ctx, p, nil)
}
