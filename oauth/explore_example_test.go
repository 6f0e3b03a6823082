package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"fob/oauth"
)

// From the address of an API to the way to a token for it. Nothing secret is
// sent; a person sees the hosts first.
func ExampleExplore() {
	var address string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/mcp":
			w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+address+`/meta", scope="read"`)
			w.WriteHeader(http.StatusUnauthorized)
		case "/meta":
			fmt.Fprintf(w, `{"resource":"%s/mcp","authorization_servers":[%q]}`, address, address)
		case "/.well-known/oauth-authorization-server":
			fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":"%[1]s/token","registration_endpoint":"%[1]s/register"}`, address)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	address = server.URL

	found, err := oauth.Explore(context.Background(), nil, address+"/mcp", oauth.ExploreOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range found.Hosts {
		fmt.Printf("%s gets %s\n", h.Role, h.Sends)
	}
	as, err := found.Server()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("scope:", found.Scope, "from the", found.ScopeFrom)
	fmt.Println("resource:", strings.TrimPrefix(found.ResourceID(), address))
	fmt.Println("a client id by:", as.Ways)
	// Output:
	// API gets the token, with every call
	// resource metadata gets a request without credentials
	// authorization server gets a request without credentials
	// token endpoint gets the code, the refresh token and the client's credentials
	// registration endpoint gets what this client says about itself
	// scope: [read] from the challenge
	// resource: /mcp
	// a client id by: [registration ask]
}
