package session

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"fob/loopback"
	"fob/oauth"
	"fob/oauth/oauth1"
	"fob/profiles"
)

// OAuth 1.0a (RFC 5849) has no access token that could be sent as it is: each request is signed with the token's secret. Here
// its token is an oauth.Token of type "OAuth" with the secret among its further members, so that everything else about a login
// (storing, showing, forgetting) is the same.

const (
	typeDPoP          = "DPoP"  // RFC 9449 §7.1
	typeOAuth1        = "OAuth" // the scheme of its Authorization header (RFC 5849 §3.5.1)
	oauth1TokenSecret = "oauth_token_secret"
	outOfBand         = "oob" // RFC 5849 §2.1
)

// oauth1Client is the OAuth 1.0a client of a profile.
func (c *client) oauth1Client() (*oauth1.Client, error) {
	p := c.profile
	o := &oauth1.Client{
		ConsumerKey: p.ClientID, ConsumerSecret: c.secrets.get("client_secret"), SignatureMethod: p.OAuthSignatureMethod,
		Placement: oauth1.Placement(p.OAuthSignaturePlacement), Realm: p.Realm, BodyHash: p.OAuthBodyHash, AllowHTTP: p.AllowHTTP,
		TemporaryCredentialEndpoint: p.TemporaryCredentialEndpoint, AuthorizationEndpoint: p.AuthorizationEndpoint, TokenEndpoint: p.TokenEndpoint,
		RequestTokenParams: values(p.TemporaryCredentialParams), AuthorizeParams: values(p.AuthorizeParams), AccessTokenParams: values(p.TokenParams),
		HTTP: c.HTTP, Timeout: c.Timeout,
	}
	if c.PrivateKeys != nil {
		signer, err := c.PrivateKeys.RSA()
		if err != nil {
			return nil, profileMistake(p, "private_key", err)
		}
		o.PrivateKey = signer
	}
	if offset, ok := c.Servers.ClockOffset(p.TokenEndpoint); ok {
		o.ClockOffset = offset
	}
	return o, nil
}

// byOAuth1 is the three legs of OAuth 1.0a, received on loopback; where the server shows a code instead, it is typed in
// (see [Engine.Begin]).
func (e *Engine) byOAuth1(ctx context.Context, c *client, a *attempt) (*oauth.Token, error) {
	o, err := c.oauth1Client()
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.profile.RedirectURIs(), outOfBand) {
		name := quoteArg(c.profile.Name)
		return nil, &Error{Kind: Misused, Code: CodeOutOfBand, Sentence: "profile " + c.profile.Name + ": this server shows a code to type in",
			Remedy: "get the page with fob login --print-url " + name + ", then fob login --complete CODE " + name}
	}
	receiver, err := listen(c.profile)
	if err != nil {
		return nil, err
	}
	defer receiver.Close()
	receiver.QueryOnly, receiver.StateOf, receiver.Hold = true, loopback.OAuth1Token, c.profile.Pinned()
	pending, err := o.Authorize(ctx, receiver.RedirectURI())
	if err != nil {
		return nil, err
	}
	browsed(ctx, "authorization request", pending.URL, "")
	a.show(LoginEvent{Kind: "open", URL: pending.URL, Browser: c.profile.Browser, RedirectURI: receiver.RedirectURI()})
	response, err := receiver.Wait(ctx, pending.Token)
	if err != nil {
		return nil, err
	}
	a.answered.Store(true)
	browsed(ctx, "redirect", receiver.RedirectURI()+"?"+response.Encode(), "")
	token, err := pending.Redeem(ctx, response)
	return e.told(ctx, c, receiver, asToken(token), err)
}

// asToken is an OAuth 1.0a token as the rest of Fob holds one.
func asToken(t *oauth1.Token) *oauth.Token {
	if t == nil {
		return nil
	}
	extra := map[string]any{oauth1TokenSecret: t.Secret.Reveal()}
	for name, value := range t.Extra {
		extra[name] = value
	}
	if t.SessionHandle != "" {
		extra["oauth_session_handle"] = t.SessionHandle.Reveal()
	}
	return &oauth.Token{AccessToken: t.Token, Type: typeOAuth1, ObtainedAt: t.ObtainedAt, ExpiresAt: t.ExpiresAt, Extra: extra}
}

// asOAuth1 is the way back.
func asOAuth1(t *oauth.Token) *oauth1.Token {
	secret, _ := t.Extra[oauth1TokenSecret].(string)
	return &oauth1.Token{Token: t.AccessToken, Secret: oauth.Secret(secret), ExpiresAt: t.ExpiresAt, ObtainedAt: t.ObtainedAt}
}

// sign1 is the credential of one bodyless request, where the profile wants it.
func (c *client) sign1(t *oauth.Token, method, address string) (Credential, error) {
	o, err := c.oauth1Client()
	if err != nil {
		return Credential{}, err
	}
	switch oauth1.Placement(c.profile.OAuthSignaturePlacement) {
	case oauth1.InQuery:
		signed, err := o.SignedURL(method, address, asOAuth1(t))
		return Credential{URL: signed}, err
	case oauth1.InBody:
		form, err := o.SignedForm(method, address, url.Values{}, asOAuth1(t))
		return Credential{URL: address, Form: form.Encode()}, err
	}
	value, err := o.Header(method, address, asOAuth1(t))
	return Credential{URL: address, Header: []HeaderField{{"Authorization", value}}}, err
}

// account1 names who logged in, by what servers send beside an OAuth 1.0a token.
func account1(t *oauth.Token) string {
	for _, name := range []string{"screen_name", "username", "fullname", "user_id", "user_nsid"} {
		if text, ok := t.Extra[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

var errPendingUnknown = errors.New("no login of Fob's waits for this answer")

// pendingLife is how long a login that is completed by hand may wait.
const pendingLife = time.Hour

// isOAuth1 says that the profile speaks OAuth 1.0a.
func isOAuth1(p profiles.Profile) bool { return p.Grant() == profiles.GrantOAuth1 }
