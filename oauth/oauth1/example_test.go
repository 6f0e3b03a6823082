package oauth1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"fob/oauth"
	"fob/oauth/oauth1"
)

// A login from start to signed request. The server here is the smallest that
// can answer; in the program a browser and a loopback listener stand between
// Authorize and Redeem.
func ExampleClient_Authorize() {
	ctx := context.Background()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/request_token":
			fmt.Fprint(w, "oauth_token=hh5s93j4hdidpola&oauth_token_secret=hdhd0244k9j7ao03&oauth_callback_confirmed=true")
		case "/access_token":
			fmt.Fprint(w, "oauth_token=nnch734d00sl2jdk&oauth_token_secret=pfkkdhi9sl3r4s00&screen_name=jane")
		default:
			scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			fmt.Fprintf(w, "a photo, asked for with %s", scheme)
		}
	}))
	defer server.Close()

	client := &oauth1.Client{
		ConsumerKey:                 "dpf43f3p2l4k3l03",
		ConsumerSecret:              "kd94hf93k423kf44",
		TemporaryCredentialEndpoint: server.URL + "/request_token",
		AuthorizationEndpoint:       server.URL + "/authorize",
		TokenEndpoint:               server.URL + "/access_token",
	}
	login, err := client.Authorize(ctx, "http://127.0.0.1:49152/callback")
	if err != nil {
		fmt.Println(err)
		return
	}
	// The browser opens login.URL, and this is what arrives on the callback:
	response := url.Values{"oauth_token": {login.Token}, "oauth_verifier": {"hfdp7dh39dks9884"}}
	token, err := login.Redeem(ctx, response)
	if errors.Is(err, oauth.AccessDenied) {
		fmt.Println("the user said no")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Extra["screen_name"], token.Token)

	api := &http.Client{Transport: &oauth1.Transport{Client: client, Token: token}}
	resp, err := api.Get(server.URL + "/photos?file=vacation.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Println(string(text), err)
	// Output:
	// jane [secret]
	// a photo, asked for with OAuth <nil>
}

// One request with a form, which is signed along.
func ExampleClient_Sign() {
	client := &oauth1.Client{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", SignatureMethod: oauth1.HMACSHA256}
	token := &oauth1.Token{Token: "nnch734d00sl2jdk", Secret: "pfkkdhi9sl3r4s00"}

	form := url.Values{"status": {"Hello Ladies + Gentlemen"}}
	request, err := http.NewRequest("POST", "https://api.example.com/1/update", strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := client.Sign(request, token); err != nil {
		fmt.Println(err)
		return
	}
	for _, part := range strings.Split(request.Header.Get("Authorization"), ", ") {
		name, _, _ := strings.Cut(part, "=")
		fmt.Println(name)
	}
	// Output:
	// OAuth oauth_consumer_key
	// oauth_token
	// oauth_signature_method
	// oauth_timestamp
	// oauth_nonce
	// oauth_version
	// oauth_signature
}
