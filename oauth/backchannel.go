package oauth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// BackchannelRequest asks for a person's approval on a device of theirs
// (OpenID Connect CIBA Core section 7.1). Exactly one hint says who.
type BackchannelRequest struct {
	LoginHint      string
	LoginHintToken Secret
	IDTokenHint    Secret
	// BindingMessage is shown on both devices, so that people can compare.
	BindingMessage string
	UserCode       Secret
	ACRValues      []string
	// RequestedExpiry is how long the request may wait; 0: as the server likes.
	RequestedExpiry time.Duration
	// ClientNotificationToken is for clients registered for ping, which may
	// poll as well (section 5).
	ClientNotificationToken Secret
}

// Format writes the binding message, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (b BackchannelRequest) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "backchannel request "+b.BindingMessage)
}

// BackchannelAuthorization is a login that waits for approval elsewhere. Show
// BindingMessage, and call Wait. The auth_req_id stays inside.
type BackchannelAuthorization struct {
	BindingMessage string
	ExpiresAt      time.Time
	Interval       time.Duration // between two polls, as the server said

	poll *poller
	acr  []string
}

// AuthorizeBackchannel starts a login by CIBA in poll mode. The scope openid
// is added when it is missing (section 7.1 demands it). The request is signed
// when the client has a BackchannelSigningAlg (section 7.1.1).
func (c *Client) AuthorizeBackchannel(ctx context.Context, b BackchannelRequest, r TokenRequest) (*BackchannelAuthorization, error) {
	const what = "backchannel authentication endpoint"
	fail := func(err error) (*BackchannelAuthorization, error) { return nil, &Error{what: what, Err: err} }
	if c.Metadata == nil {
		return fail(ErrNoEndpoint)
	}
	if !slices.Contains(r.Scope, "openid") {
		r.Scope = append([]string{"openid"}, r.Scope...)
	}
	if err := b.check(c.Metadata); err != nil {
		return fail(err)
	}
	if err := r.check(); err != nil {
		return fail(err)
	}
	m, proof := c.Metadata, r.ProofKey
	if proof == nil {
		var err error
		if proof, err = c.newProofKey(); err != nil {
			return fail(err)
		}
	}
	k := call{
		kind: ForBackchannel, what: what, name: "backchannel_authentication_endpoint",
		endpoint: m.BackchannelAuthenticationEndpoint, listed: m.TokenEndpointAuthMethodsSupported,
		form: r.form(c, b.form()),
	}
	for _, values := range r.Extra {
		k.secrets = append(k.secrets, values...)
	}
	if c.BackchannelSigningAlg != "" {
		request, err := c.signBackchannel(k.form)
		if err != nil {
			return fail(err)
		}
		k.form, k.whole = url.Values{"request": {request.Reveal()}}, true
	}
	ans, err := c.post(ctx, k)
	if err != nil {
		return nil, err
	}
	obj, err := ans.object()
	if err != nil {
		return nil, err
	}
	id := Secret(text(obj, "auth_req_id"))
	if id == "" {
		return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status,
			Err: &reasoned{ErrDeviceResponse, "its auth_req_id is missing"}}
	}
	p := &poller{
		client: c, metadata: m, what: "token endpoint", grantType: GrantCIBA, param: "auth_req_id", code: id,
		scope: unique(r.Scope), resource: unique(r.Resource), proof: proof,
		expires: expiry(c.clock(), obj["expires_in"]), interval: pollInterval(obj["interval"]),
	}
	if p.expires.IsZero() {
		p.expires = c.clock().Add(defaultWait)
	}
	return newBackchannel(p, b.BindingMessage, b.ACRValues), nil
}

func newBackchannel(p *poller, message string, acr []string) *BackchannelAuthorization {
	a := &BackchannelAuthorization{BindingMessage: message, ExpiresAt: p.expires, Interval: p.interval, poll: p, acr: acr}
	p.required = true // section 10.1.1: an OpenID Connect token response
	p.more = func(v *idTokenVerifier) { v.acrWished = acr }
	p.finish = a.finish
	return a
}

// check refuses what cannot work before anybody's phone rings.
func (b BackchannelRequest) check(m *Metadata) error {
	hints := 0
	for _, hint := range [...]string{b.LoginHint, b.LoginHintToken.Reveal(), b.IDTokenHint.Reveal()} {
		if hint != "" {
			hints++
		}
	}
	switch {
	case hints != 1:
		return requestError("CIBA needs exactly one of login_hint, login_hint_token and id_token_hint; there are " +
			strconv.Itoa(hints))
	case !allows(m.BackchannelDeliveryModesSupported, "poll"):
		// Ping and push call the client back, and a desktop has no address.
		return requestError("the server delivers tokens by " +
			clean(strings.Join(m.BackchannelDeliveryModesSupported, ", "), maxDescription) +
			" only, which needs an address it can call; ask whoever runs it for the poll mode")
	case m.Issuer == "":
		return requestError("CIBA needs the issuer: without it the id_token cannot be checked")
	case b.RequestedExpiry < 0 || b.RequestedExpiry%time.Second != 0:
		return requestError("requested_expiry is a positive number of seconds")
	}
	return nil
}

func (b BackchannelRequest) form() url.Values {
	form := url.Values{
		"login_hint": {b.LoginHint}, "login_hint_token": {b.LoginHintToken.Reveal()},
		"id_token_hint": {b.IDTokenHint.Reveal()}, "binding_message": {b.BindingMessage},
		"user_code": {b.UserCode.Reveal()}, "acr_values": {strings.Join(b.ACRValues, " ")},
		"client_notification_token": {b.ClientNotificationToken.Reveal()},
	}
	if b.RequestedExpiry > 0 {
		form.Set("requested_expiry", strconv.FormatInt(int64(b.RequestedExpiry/time.Second), 10))
	}
	for name, values := range form {
		if values[0] == "" {
			delete(form, name)
		}
	}
	return form
}

// signBackchannel makes the signed request (section 7.1.1): all parameters
// are claims, and none stands outside but client authentication.
func (c *Client) signBackchannel(form url.Values) (Secret, error) {
	form, err := tidy(c.params(ForBackchannel, form))
	if err != nil {
		return "", err
	}
	claims := make(map[string]any, len(form)+1)
	for name, values := range form {
		if claims[name] = values[0]; len(values) > 1 {
			claims[name] = values
		}
	}
	now := c.clock()
	if u, err := url.Parse(c.Metadata.BackchannelAuthenticationEndpoint); err == nil {
		now = c.serverTime(u)
	}
	for name, value := range map[string]any{
		"iss": c.ID, "aud": c.Metadata.Issuer, "jti": randomText(), "iat": now.Unix(),
		"nbf": now.Add(-beforeNow).Unix(), "exp": now.Add(requestObjectLife).Unix(),
	} {
		claims[name] = value
	}
	key, err := c.PrivateKeys.signer(c.BackchannelSigningAlg, nil)
	if err != nil {
		return "", err
	}
	compact, err := key.sign("JWT", claims)
	return Secret(compact), err
}

// finish makes the checks that CIBA adds to those of an id_token (section
// 10.3.1): its bond to this request and to the refresh token. Push must have
// them; where a server sends them in poll mode as well, they have to hold.
func (a *BackchannelAuthorization) finish(t *Token, id Secret) error {
	const authReqID, refreshHash = "urn:openid:params:jwt:claim:auth_req_id", "urn:openid:params:jwt:claim:rt_hash"
	refuse := func(c Check, err error) error {
		t.Checks = append(t.Checks, c)
		return &CheckError{Check: c, Checks: t.Checks, Err: err}
	}
	check := Check{Name: "auth_req_id", Spec: "CIBA Core 10.3.1", Detail: "not sent, not needed", OK: true}
	if claim, present := t.Claims[authReqID]; present {
		if check.Detail = "of this request"; claim != id.Reveal() {
			check.Detail, check.OK = "of another request", false
			return refuse(check, ErrHash)
		}
	}
	t.Checks = append(t.Checks, check)
	jwt, err := parseJWT(t.IDToken.Reveal())
	if err != nil || t.RefreshToken == "" {
		return nil
	}
	v := &idTokenVerifier{jwt: jwt, alg: jose.SignatureAlgorithm(text(jwt.Header, "alg"))}
	check = Check{Name: "rt_hash", Spec: "CIBA Core 10.3.1"}
	check.Detail, err = v.checkHash(refreshHash, t.RefreshToken.Reveal(), false)
	if check.OK = err == nil; err != nil {
		return refuse(check, err)
	}
	t.Checks = append(t.Checks, check)
	return nil
}

// Wait polls until the person has approved or declined; see
// [DeviceAuthorization.Wait].
func (a *BackchannelAuthorization) Wait(ctx context.Context) (*Token, error) { return a.poll.wait(ctx) }

// Poll asks once; see [DeviceAuthorization.Poll].
func (a *BackchannelAuthorization) Poll(ctx context.Context) (*Token, error) { return a.poll.poll(ctx) }

// Save returns the login as text, for [Client.ResumeBackchannel] after a
// restart. It is as secret as the token that it will become.
func (a *BackchannelAuthorization) Save() (Secret, error) {
	s, err := a.poll.save()
	if err != nil {
		return "", err
	}
	s.Message, s.ACR = a.BindingMessage, a.acr
	return s.text()
}

// ResumeBackchannel continues a login that was saved. The client has to be
// the one that began it.
func (c *Client) ResumeBackchannel(saved Secret) (*BackchannelAuthorization, error) {
	s, p, err := c.resume("backchannel authentication", saved)
	if err != nil {
		return nil, err
	}
	if s.GrantType != GrantCIBA {
		return nil, &Error{what: "backchannel authentication", Err: requestError("the saved login is no CIBA login")}
	}
	return newBackchannel(p, s.Message, s.ACR), nil
}

// Format says what it is, whatever the verb, and never the auth_req_id.
func (a BackchannelAuthorization) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, a.describe())
}

// LogValue makes log/slog write what it is only.
func (a BackchannelAuthorization) LogValue() slog.Value { return slog.StringValue(a.describe()) }

func (a BackchannelAuthorization) describe() string {
	return "backchannel login until " + a.ExpiresAt.UTC().Format(time.RFC3339)
}
