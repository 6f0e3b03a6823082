package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"fob/internal/authserver"
	"fob/oauth"
)

// exampleServer is the tests' authorization server, which approves at once.
func exampleServer(o authserver.Options, c authserver.Client) (*authserver.Server, *oauth.Metadata) {
	c.ID, c.RedirectURIs = "my-app", []string{"http://127.0.0.1:49152/callback"}
	o.Clients, o.AutoApprove = []authserver.Client{c}, "ada"
	server, err := authserver.Start(context.Background(), o)
	if err != nil {
		panic(err)
	}
	metadata, err := oauth.Discover(context.Background(), nil, server.Issuer())
	if err != nil {
		panic(err)
	}
	return server, metadata
}

// browse stands for the browser and the listener on the redirect URI.
func browse(login *oauth.Authorization) url.Values {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for address := login.URL; ; {
		resp, err := browser.Get(address)
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			panic(err)
		}
		if to.Hostname() == "127.0.0.1" && to.Port() == "49152" {
			values, _ := url.ParseQuery(to.RawQuery + to.EscapedFragment())
			return values
		}
		address = to.String()
	}
}

// A pushed authorization request (RFC 9126): where the server has the endpoint,
// nothing has to be said. The browser carries a reference only.
func ExampleClient_Authorize_pushed() {
	server, metadata := exampleServer(authserver.Options{PAR: &authserver.PAR{Required: true}}, authserver.Client{})
	defer server.Close()

	client := &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err := client.Authorize(context.Background(), oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback", Scope: []string{"openid"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := url.Parse(login.URL)
	for name := range u.Query() {
		if name != "client_id" && name != "request_uri" {
			fmt.Println("too much in the browser:", name)
		}
	}
	token, err := login.Redeem(context.Background(), browse(login))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Claims["sub"])
	// Output: demo-ada
}

// A signed request and a signed response: JAR (RFC 9101) and JARM.
func ExampleClient_Authorize_signed() {
	private, keys, err := oauth.GeneratePrivateKey("ES256")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = private // to be stored as a secret; keys.Public() is what the server gets
	server, metadata := exampleServer(authserver.Options{JAR: &authserver.JAR{Required: true}, JARM: true},
		authserver.Client{AuthMethod: oauth.AuthPrivateKeyJWT, JWKS: string(keys.Public())})
	defer server.Close()

	client := &oauth.Client{ID: "my-app", Metadata: metadata, PrivateKeys: keys, RequireSignedRequestObject: true}
	login, err := client.Authorize(context.Background(), oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback", Scope: []string{"openid"}, ResponseMode: "query.jwt",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	response := browse(login)
	fmt.Println("signed:", response.Has("response"), "plain:", response.Has("code"))
	fmt.Println("this login's:", login.ResponseState(response) == login.State)
	token, err := login.Redeem(context.Background(), response)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Claims["sub"])
	// Output:
	// signed: true plain: false
	// this login's: true
	// demo-ada
}

// A hybrid response: an id_token through the browser, the tokens from the token
// endpoint. It arrives in the fragment, which a listener gets through a page.
func ExampleClient_Authorize_hybrid() {
	server, metadata := exampleServer(authserver.Options{}, authserver.Client{ResponseTypes: []string{"code", "code id_token"},
		GrantTypes: []string{"authorization_code", "implicit"}})
	defer server.Close()

	client := &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err := client.Authorize(context.Background(), oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback", Scope: []string{"openid"}, ResponseType: "code id_token",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("arrives by", login.Delivery())
	token, err := login.Redeem(context.Background(), browse(login))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, check := range token.Checks {
		if check.Name == "front channel c_hash" || check.Name == "both id_tokens" {
			fmt.Println(check.Name+":", check.Detail)
		}
	}
	// Output:
	// arrives by fragment
	// front channel c_hash: fits
	// both id_tokens: same issuer and subject
}

// The legacy implicit grant: the browser carries the token itself. There is no
// code, no PKCE and no refresh token; OAuth 2.1 removed it.
func ExampleClient_Authorize_implicit() {
	server, metadata := exampleServer(authserver.Options{}, authserver.Client{ResponseTypes: []string{"code", "token"},
		GrantTypes: []string{"authorization_code", "implicit"}})
	defer server.Close()

	client := &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err := client.Authorize(context.Background(), oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback", Scope: []string{"api"}, ResponseType: "token",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := login.Redeem(context.Background(), browse(login))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(login.Delivery(), token.Type, token.RefreshToken == "")
	// Output: fragment Bearer true
}

// A login that is begun in one process and finished in another.
func ExampleAuthorization_Save() {
	server, metadata := exampleServer(authserver.Options{}, authserver.Client{})
	defer server.Close()

	client := &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err := client.Authorize(context.Background(), oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback", Scope: []string{"openid"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	saved, err := login.Save() // a secret: it holds the PKCE verifier
	if err != nil {
		fmt.Println(err)
		return
	}
	response := browse(login)

	// Elsewhere, later:
	client = &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err = client.Resume(saved)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := login.Redeem(context.Background(), response)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Claims["sub"])
	// Output: demo-ada
}

// What an API says when a token is not enough becomes the next login.
func ExampleNeedStepUp() {
	refused := http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="files.write"`}}
	token := &oauth.Token{AccessToken: "2YotnFZFEjr1zCsicMWpAA", Scope: []string{"files.read"}}
	demand, err := oauth.NeedStepUp(http.StatusForbidden, refused, token, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	request := oauth.AuthorizationRequest{}
	demand.Apply(&request)
	fmt.Println(request.Scope)
	_, err = oauth.NeedStepUp(http.StatusForbidden, refused, token, demand)
	fmt.Println(err)
	// Output:
	// [files.read files.write]
	// API: a new login would not help: the API asks for the same again right after a login that gave it (scope files.write) (status 403)
}
