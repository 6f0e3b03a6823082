package oauth1

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"fob/oauth"
)

// OutOfBand is the callback of a client that cannot receive one, and of one
// whose callback was registered beforehand (RFC 5849 section 2.1).
const OutOfBand = "oob"

// Authorization is a login that waits for the browser. It remembers the
// temporary credentials; open URL in a browser and give what comes back on
// the callback to Redeem, or the code that the page shows to RedeemPIN.
type Authorization struct {
	URL string // the page to open
	// Token is the temporary oauth_token. The callback repeats it: it tells
	// this login from others, as state does in OAuth 2.
	Token       string
	CallbackURI string // where the response will arrive, or OutOfBand
	CreatedAt   time.Time

	client *Client

	mu       sync.Mutex // guards secret and redeemed
	secret   oauth.Secret
	redeemed bool
}

// Authorize starts a login: it obtains temporary credentials (RFC 5849 section
// 2.1) and makes the URL to open. callbackURI is an absolute URI; OutOfBand
// or "" when the page shall show a code, or when the server knows the URI.
func (c *Client) Authorize(ctx context.Context, callbackURI string) (*Authorization, error) {
	const what = "temporary credentials"
	if callbackURI == "" {
		callbackURI = OutOfBand
	}
	if err := checkCallback(callbackURI); err != nil {
		return nil, at(what, err)
	}
	// What cannot work is refused before anything is sent.
	page, err := parseEndpoint(c.AuthorizationEndpoint)
	if err != nil {
		return nil, at("authorization endpoint", err)
	}
	if _, err := parseEndpoint(c.TokenEndpoint); err != nil {
		return nil, at("token endpoint", err)
	}
	for name := range c.AuthorizeParams {
		if ofProtocol(name) {
			return nil, at("authorization endpoint", requestError("the parameter "+name+" is set by the login itself"))
		}
	}
	extra := []pair{{"oauth_callback", callbackURI}}
	values, err := c.post(ctx, c.TemporaryCredentialEndpoint, nil, extra, c.RequestTokenParams)
	if err != nil {
		return nil, at(what, err)
	}
	t, err := c.readToken(values)
	if err != nil {
		return nil, at(what, err)
	}
	if values["oauth_callback_confirmed"] != "true" {
		return nil, at(what, ErrNotConfirmed)
	}
	a := &Authorization{Token: t.Token.Reveal(), CallbackURI: callbackURI, CreatedAt: t.ObtainedAt, client: c, secret: t.Secret}
	a.URL = pageURL(page, append(pairsOf(c.AuthorizeParams), pair{"oauth_token", a.Token}))
	return a, nil
}

// pageURL adds parameters to the endpoint, whose own query is kept (RFC 5849
// section 2.2).
func pageURL(page *url.URL, params []pair) string {
	u := *page
	u.RawQuery = join(u.RawQuery, encodeForm(params))
	return u.String()
}

func checkCallback(uri string) error {
	if uri == OutOfBand {
		return nil
	}
	if u, err := url.Parse(uri); err != nil || !u.IsAbs() || strings.Contains(uri, "#") {
		return requestError("the callback " + clean(uri, maxURI) + " is not an absolute URI without fragment")
	}
	return nil
}

// Format writes the server's address, whatever the verb: fmt reads unexported
// fields without asking their types, and would print the secret.
func (a *Authorization) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "login at "+a.endpoint())
}

// LogValue makes log/slog write the server's address only.
func (a *Authorization) LogValue() slog.Value { return slog.StringValue("login at " + a.endpoint()) }

func (a *Authorization) endpoint() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return ""
	}
	return withoutQuery(u)
}
