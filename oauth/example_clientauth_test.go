package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"fob/oauth"
)

// A client with a key of its own (private_key_jwt): the public half is
// registered at the server, the private half stays in the keychain.
func ExampleGeneratePrivateKey() {
	private, keys, err := oauth.GeneratePrivateKey("ES256")
	if err != nil {
		fmt.Println(err)
		return
	}
	// private goes into the keychain and comes back as text:
	keys, err = oauth.ParsePrivateKeys([]byte(private.Reveal()), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(keys.Public(), &set); err != nil { // for the server's registration form
		fmt.Println(err)
		return
	}
	fmt.Println("to register:", set.Keys[0]["kty"], set.Keys[0]["alg"], set.Keys[0]["use"])

	client := &oauth.Client{ID: "my-app", PrivateKeys: keys, Metadata: &oauth.Metadata{
		TokenEndpointAuthMethodsSupported: []string{"client_secret_basic", "private_key_jwt"},
	}}
	method, why := client.ChosenAuthMethod()
	fmt.Println(method+":", why)
	fmt.Println(private, keys)
	// Output:
	// to register: EC ES256 sig
	// private_key_jwt: there is a private key, and the server lists it
	// [secret] private keys: 1
}

// The method follows from what the client has and what the server lists, and
// can be set: client_secret_jwt never sends the secret itself.
func ExampleClient_ChosenAuthMethod() {
	client := &oauth.Client{ID: "my-app", Secret: "a secret of at least thirty-two bytes", Metadata: &oauth.Metadata{}}
	fmt.Println(client.ChosenAuthMethod())
	client.Metadata.TokenEndpointAuthMethodsSupported = []string{"client_secret_post", "private_key_jwt"}
	fmt.Println(client.ChosenAuthMethod())
	client.AuthMethod = oauth.AuthSecretJWT
	fmt.Println(client.ChosenAuthMethod())
	// Output:
	// client_secret_basic the server lists no methods, and this is the default
	// client_secret_post there is a client secret, and the server lists it; a private key (private_key_jwt), which the server lists too, would be safer
	// client_secret_jwt chosen in the profile
}

// Mutual TLS: the certificate authenticates the client and binds its tokens.
func ExampleParseCertificate() {
	_, err := oauth.ParseCertificate([]byte("-----BEGIN CERTIFICATE-----\n…"), nil, "")
	fmt.Println(err)
	// With certificate and key:
	//
	//	client := &oauth.Client{ID: "my-app", AuthMethod: oauth.AuthTLS, Certificate: certificate, CertificateBound: true}

	// Output: the request cannot be made: the private key cannot be read: its PEM is damaged: BEGIN and END lines and the base64 between them must be complete
}

// A server that knows no standard method, and answers with a form.
func ExampleCustomAuth() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-App-Key") != "my-app:s3cret-key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		fmt.Fprint(w, "access_token=2YotnFZFEjr1zCsicMWpAA&expires=86400")
	}))
	defer server.Close()
	client := &oauth.Client{
		ID: "my-app", Secret: "s3cret-key", AuthMethod: oauth.AuthCustom,
		CustomAuth: oauth.CustomAuth{Header: map[string]string{"X-App-Key": "{client_id}:{client_secret}"}},
		Metadata:   &oauth.Metadata{TokenEndpoint: server.URL},
		Quirks: &oauth.Quirks{RefreshAnswer: oauth.AnswerQuirk{
			Rename:   map[string]string{"expires": "expires_in"},
			Defaults: map[string]any{"token_type": "Bearer"},
		}},
	}
	token, err := client.Refresh(context.Background(), &oauth.Token{RefreshToken: "tGzv3JOkF0XG5Qx2TlKWIA"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.ExpiresAt.Sub(token.ObtainedAt))
	// Output: Bearer 24h0m0s
}

// What went over the wire, without the secrets, and as a command to repeat it.
func ExampleWithTrace() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer"}`)
	}))
	defer server.Close()
	client := &oauth.Client{ID: "my-app", Secret: "s3cret-key", Metadata: &oauth.Metadata{TokenEndpoint: server.URL}}

	var trace oauth.Trace
	ctx := oauth.WithTrace(context.Background(), &trace)
	if _, err := client.Refresh(ctx, &oauth.Token{RefreshToken: "tGzv3JOkF0XG5Qx2TlKWIA"}); err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range trace.Steps() {
		fmt.Println(step.Explain())
		fmt.Println(strings.ReplaceAll(step.Curl(), server.URL, "https://id.example/token"))
		fmt.Println(step.Answer)
		fmt.Println(step.Notes[0])
	}
	// Output:
	// a new access token is fetched with the refresh token, without you (RFC 6749 section 6)
	// curl -i https://id.example/token \
	//   -H 'Accept: application/json' \
	//   -u "$CLIENT_ID:$CLIENT_SECRET" \
	//   --data-urlencode grant_type=refresh_token \
	//   --data-urlencode refresh_token="$REFRESH_TOKEN"
	// {
	//   "access_token": "[secret]",
	//   "token_type": "Bearer"
	// }
	// client authentication: client_secret_basic: the server lists no methods, and this is the default
}
