package oauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"fob/oauth"
)

// A server that knows nobody is told who asks. What it settles on is what
// counts, and is kept until it is due again.
func ExampleRegister() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"client_id":"s6BhdRkqt3","redirect_uris":["http://127.0.0.1/callback"],
			"token_endpoint_auth_method":"none","scope":"read"}`)
	}))
	defer server.Close()
	metadata := &oauth.Metadata{Issuer: server.URL, RegistrationEndpoint: server.URL}
	const redirect = "http://127.0.0.1:0/callback"

	want := oauth.NativeClient(metadata, "My app", redirect, []string{"read"})
	registration, err := oauth.Register(context.Background(), nil, metadata, want, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &oauth.Client{ID: registration.ClientID, Secret: registration.ClientSecret,
		AuthMethod: registration.Metadata.TokenEndpointAuthMethod, Metadata: metadata}
	fmt.Println("asked for:", want.RedirectURIs)
	fmt.Println("registered:", client.ID, client.AuthMethod, registration.Metadata.RedirectURIs)

	// A login ended with invalid_client: the server has forgotten.
	due, why, _ := oauth.RegistrationDue(registration, server.URL, redirect, oauth.InvalidClient, time.Now())
	fmt.Println(due, why)
	// Output:
	// asked for: [http://127.0.0.1/callback http://localhost/callback]
	// registered: s6BhdRkqt3 none [http://127.0.0.1/callback]
	// true the server has forgotten the registration
}
