package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fob/internal/authserver"
)

// clientSecret is that of every confidential client of the full server. It is long enough for a signature, and a word that no
// output may hold.
const clientSecret = "canary-client-secret-0123456789abcdef"

// fullServer [nonce] [twoservers] [noregistration]: starts a server that offers everything the scripts need, with a client for each
// grant: script (code), tv (device), phone (CIBA), legacy (password), svc (client credentials), gateway (token exchange), pop (DPoP)
// and watcher, which may introspect. Confidential ones have the secret $SECRET, which is in the file secret too.
func fullServer(ts *testscript.TestScript, _ bool, args []string) {
	loopback := authserver.DemoClient().RedirectURIs
	client := func(id, secret string, grants ...string) authserver.Client {
		return authserver.Client{ID: id, Secret: secret, GrantTypes: grants, RedirectURIs: loopback, PostLogoutRedirectURIs: loopback}
	}
	pop := client("pop", "", "authorization_code", "refresh_token")
	pop.DPoPBoundTokens = true
	options := authserver.Options{
		Clients: []authserver.Client{
			client("script", "", "authorization_code", "refresh_token"),
			client("tv", "", "urn:ietf:params:oauth:grant-type:device_code", "refresh_token"),
			client("phone", clientSecret, "urn:openid:params:grant-type:ciba", "refresh_token"),
			client("legacy", clientSecret, "password", "refresh_token"),
			client("svc", clientSecret, "client_credentials"),
			client("gateway", clientSecret, "urn:ietf:params:oauth:grant-type:token-exchange"),
			client("watcher", clientSecret, "authorization_code", "refresh_token"),
			pop,
		},
		AutoApprove: authserver.DemoUsers()[0].Login,
		DPoP:        &authserver.DPoP{ResourceNonce: slices.Contains(args, "nonce")},
		Device:      authserver.Device{Interval: time.Second}, CIBA: authserver.CIBA{Interval: time.Second},
		Introspection: true, ResourceMetadata: true, ACRValues: []string{"basic", "mfa"}, Scopes: []string{"admin"},
		AuthMethods: []string{"private_key_jwt"},
	}
	if !slices.Contains(args, "noregistration") {
		options.Registration = &authserver.Registration{}
	}
	if slices.Contains(args, "twoservers") {
		for range 2 {
			other, err := authserver.Start(context.Background(), authserver.Options{})
			ts.Check(err)
			ts.Defer(func() { other.Close() })
			options.ResourceServers = append(options.ResourceServers, other.Issuer())
		}
	}
	s, err := authserver.Start(context.Background(), options)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv("ISSUER", s.Issuer())
	ts.Setenv("API", s.API())
	ts.Setenv("SECRET", clientSecret)
	ts.Check(os.WriteFile(ts.MkAbs("secret"), []byte(clientSecret+"\n"), 0o600))
	servers[ts.MkAbs(".")] = s
}

// approving N device|deny|ciba|wait COMMAND…: runs a command, does as a person with a second device would when the command has said
// what to do, and holds it to its exit code. What it printed is in the file printed.
func approving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: approving N device|deny|ciba COMMAND…")
	}
	s := servers[ts.MkAbs(".")]
	said := "type this code: "
	if args[1] == "ciba" {
		said = "approve the login of "
	}
	converse(ts, args[0], said, args[2:], func(_ *os.Process, line string) {
		_, typed, _ := strings.Cut(line, said)
		switch args[1] {
		case "device":
			ts.Check(s.ApproveDevice(typed, "ada"))
		case "deny":
			ts.Check(s.DenyDevice(typed))
		case "ciba":
			waiting := s.CIBARequests()
			if len(waiting) != 1 {
				ts.Fatalf("%d logins wait for the phone, want 1", len(waiting))
			}
			ts.Check(s.ApproveCIBA(waiting[0].ID))
		default:
			ts.Fatalf("a person cannot %s", args[1])
		}
	})
}

// elsewhere FILE: another program logs in as ada with the client legacy; its refresh token is in the file.
func elsewhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: elsewhere FILE")
	}
	form := url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "scope": {"openid offline_access api"}}
	request, err := http.NewRequest(http.MethodPost, ts.Getenv("ISSUER")+"/token", strings.NewReader(form.Encode()))
	ts.Check(err)
	request.SetBasicAuth("legacy", clientSecret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	ts.Check(json.NewDecoder(response.Body).Decode(&answer))
	if answer.RefreshToken == "" {
		ts.Fatalf("no refresh token: %s", response.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(answer.RefreshToken+"\n"), 0o600))
}

// setEnv NAME FILE: sets a variable to a file's content, without the space around it.
func setEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// redirected is a browser on another computer: it reads an address from standard input, goes wherever the server sends it, and
// prints the first address that is not the server's.
func redirected() {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err == nil {
		line, err = follow(strings.TrimSpace(line))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(line)
}

func follow(address string) (string, error) {
	first, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 10 {
		response, err := client.Get(address)
		if err != nil {
			return "", err
		}
		response.Body.Close()
		to, err := response.Location()
		if err != nil {
			return "", fmt.Errorf("%s: %w", response.Status, err)
		}
		if address = to.String(); to.Host != first.Host {
			return address, nil
		}
	}
	return "", errors.New("the server redirects without end")
}
