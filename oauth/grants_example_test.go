package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
)

// demoSAML is an assertion as an identity provider hands it out, unsigned.
const demoSAML = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="a1"/>`

// demo starts an authorization server on this computer that takes all grants,
// and returns a client of it.
func demo(ctx context.Context) (*authserver.Server, *oauth.Client, error) {
	_, keys, err := oauth.GeneratePrivateKey("ES256")
	if err != nil {
		return nil, nil, err
	}
	const secret = "a-secret-of-more-than-32-bytes-for-HS256"
	server, err := authserver.Start(ctx, authserver.Options{
		Clients: []authserver.Client{{ID: "my-app", Secret: secret, JWKS: string(keys.Public()), GrantTypes: []string{
			oauth.GrantClientCredentials, oauth.GrantPassword, oauth.GrantJWTBearer, oauth.GrantSAML2Bearer,
			oauth.GrantTokenExchange, oauth.GrantDeviceCode, oauth.GrantCIBA, "urn:example:badge", "refresh_token"}}},
		TrustedIssuers: []authserver.TrustedIssuer{{Issuer: "https://ci.example", JWKS: string(keys.Public())}},
		SAMLAssertions: []authserver.SAMLAssertion{{XML: demoSAML, Login: "ada"}},
		CustomGrants:   []authserver.CustomGrant{{Type: "urn:example:badge", Parameters: url.Values{"badge": {"7"}}, Login: "grace"}},
		Device:         authserver.Device{Interval: time.Second},
		CIBA:           authserver.CIBA{Interval: time.Second},
		Introspection:  true,
		DPoP:           &authserver.DPoP{ResourceNonce: true},
	})
	if err != nil {
		return nil, nil, err
	}
	metadata, err := oauth.Discover(ctx, nil, server.Issuer())
	if err != nil {
		return nil, nil, err
	}
	return server, &oauth.Client{ID: "my-app", Secret: secret, Metadata: metadata, PrivateKeys: keys}, nil
}

// A token for a program itself. When it expires, ask again.
func ExampleClient_ClientCredentials() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ClientCredentials(ctx, oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope, token.AccessToken)
	// Output: Bearer [api] [secret]
}

// The legacy grant, for servers that know nothing better.
func ExampleClient_Password() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.Password(ctx, "ada", "engine", oauth.TokenRequest{Scope: []string{"openid", "api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope, token.Claims["sub"])
	// Output: Bearer [openid api] demo-ada
}

// A job that an identity provider vouches for: here it is its own.
func ExampleClient_JWTBearer() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	assertion, err := client.MakeAssertion(oauth.AssertionClaims{Issuer: "https://ci.example", Subject: "job-4711"})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.JWTBearer(ctx, assertion, oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope)
	// Output: Bearer [api]
}

// A SAML assertion becomes a token. The XML may come in base64 as well.
func ExampleClient_SAMLBearer() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.SAMLBearer(ctx, []byte(demoSAML), oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope)
	// Output: Bearer [api]
}

// A token for a service behind the one that the first token is for.
func ExampleClient_Exchange() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := client.Password(ctx, "ada", "engine", oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.Exchange(ctx,
		oauth.ExchangeRequest{SubjectToken: first.AccessToken, SubjectTokenType: "access_token"},
		oauth.TokenRequest{Scope: []string{"api"}, Audience: []string{"billing"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.IssuedType)
	// Output: Bearer urn:ietf:params:oauth:token-type:access_token
}

// A grant that no specification knows.
func ExampleClient_Grant() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.Grant(ctx, "urn:example:badge", url.Values{"badge": {"7"}}, oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope)
	// Output: Bearer [api]
}

// A login that is approved in a browser somewhere else.
func ExampleClient_AuthorizeDevice() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := client.AuthorizeDevice(ctx, oauth.TokenRequest{Scope: []string{"openid", "api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open the page and type the code:", login.VerificationURI != "", len(login.UserCode))
	// Somebody does so.
	if err := server.ApproveDevice(login.UserCode, "grace"); err != nil {
		fmt.Println(err)
		return
	}
	token, err := login.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Claims["sub"])
	// Output:
	// open the page and type the code: true 9
	// Bearer demo-grace
}

// A login that is approved on somebody's phone.
func ExampleClient_AuthorizeBackchannel() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := client.AuthorizeBackchannel(ctx,
		oauth.BackchannelRequest{LoginHint: "ada", BindingMessage: "W4SCT"},
		oauth.TokenRequest{Scope: []string{"openid", "api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("your phone shows", login.BindingMessage)
	// Ada looks at her phone.
	if err := server.ApproveCIBA(server.CIBARequests()[0].ID); err != nil {
		fmt.Println(err)
		return
	}
	token, err := login.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Claims["sub"])
	// Output:
	// your phone shows W4SCT
	// Bearer demo-ada
}

// What the server says about a token.
func ExampleClient_Introspect() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ClientCredentials(ctx, oauth.TokenRequest{Scope: []string{"api"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client.IntrospectionSigningAlg = "ES256" // a signed answer, to keep as a receipt
	seen, err := client.Introspect(ctx, token.AccessToken, "access_token")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(seen.Active, seen.Verified, seen.Claims["scope"])
	// Output: true true api
}

// An http.Client for one API, with a token that is bound to a key: every
// request has a proof of its own, and the API's nonce once it is known.
func ExampleTransport() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	client.DPoP = true
	var token *oauth.Token
	source := func(ctx context.Context) (*oauth.Token, error) {
		if token != nil {
			return token, nil
		}
		var err error
		token, err = client.ClientCredentials(ctx, oauth.TokenRequest{Scope: []string{"api"}})
		return token, err
	}
	api := &http.Client{Transport: client.Transport(server.API(), oauth.Use{}, source)}
	for _, address := range []string{server.API(), "https://elsewhere.example/"} {
		resp, err := api.Get(address)
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Println(resp.Status, token.Type)
		_ = resp.Body.Close()
	}
	// Output:
	// 200 OK DPoP
	// refused
}

// A new token for less than the login allows. Store the result before using
// it: the server may have replaced the refresh token.
func ExampleClient_Refresh() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, client, err := demo(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := client.Password(ctx, "ada", "engine", oauth.TokenRequest{Scope: []string{"api", "profile", "offline_access"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.Refresh(ctx, login, "api")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Type, token.Scope, token.RefreshToken != "")
	// Output: Bearer [api] true
}
