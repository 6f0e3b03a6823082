package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"fob/oauth"
)

// A login from discovery to token. The server here is the smallest that can
// answer; in the program a browser and a loopback listener stand between
// Authorize and Redeem.
func Example() {
	ctx := context.Background()
	var issuer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/oauth-authorization-server":
			fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%s/authorize","token_endpoint":"%s/token"}`, issuer, issuer, issuer)
		case "/token":
			fmt.Fprint(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600,"scope":"read"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	issuer = server.URL

	metadata, err := oauth.Discover(ctx, nil, issuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &oauth.Client{ID: "my-app", Metadata: metadata}
	login, err := client.Authorize(ctx, oauth.AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:49152/callback",
		Scope:       []string{"read", "write"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The browser opens login.URL, and this is what arrives on the redirect URI:
	response := url.Values{"code": {"SplxlOBeZQQYbYS6WxSbIA"}, "state": {login.State}}
	token, err := login.Redeem(ctx, response)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("granted:", token.Scope, "of", token.ScopeRequested)
	fmt.Println("lives:", token.ExpiresAt.Sub(token.ObtainedAt))
	fmt.Println("token:", token.AccessToken)
	// Output:
	// granted: [read] of [read write]
	// lives: 1h0m0s
	// token: [secret]
}

// What to do about a refresh that went wrong.
func ExampleTransient() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	}))
	defer server.Close()
	client := &oauth.Client{ID: "my-app", Metadata: &oauth.Metadata{TokenEndpoint: server.URL}}

	_, err := client.Refresh(context.Background(), &oauth.Token{RefreshToken: "tGzv3JOkF0XG5Qx2TlKWIA"})
	switch {
	case oauth.Transient(err):
		fmt.Println("offline, try later")
	case errors.Is(err, oauth.InvalidGrant):
		_, remedy := oauth.InvalidGrant.Explain()
		fmt.Println(remedy)
	}
	// Output: log in again
}
