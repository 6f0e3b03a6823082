package session

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"fob/oauth"
	"fob/profiles"
)

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
	t, p, err := e.fresh(ctx, name, -1)
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

// localClient is the client of a profile for what needs no word from the server.
func (e *Engine) localClient(ctx context.Context, p profiles.Profile) (*client, error) {
	return e.clientWith(ctx, p, nil)
}
