package profiles

import (
	"net/netip"
	"strings"
)

// Weakness is a switch of a profile that makes its login less safe than Fob would by itself. It is shown as a badge:
// nothing is weak by silence.
type Weakness struct {
	Key      string // the field that makes it so
	Sentence string // what can happen
}

// Weaknesses are what this profile allows and others do not, in the order of the fields.
func (p Profile) Weaknesses() []Weakness {
	var all []Weakness
	add := func(is bool, key, sentence string) {
		if is {
			all = append(all, Weakness{key, sentence})
		}
	}
	in := func(placement string) bool { return p.TokenPlacement == placement }
	code := p.Grant() == GrantAuthorizationCode

	add(len(p.CustomAuthQuery) > 0, "custom_auth_query", "The client secret is sent in addresses, which servers and proxies log.")
	add(p.Grant() == GrantPassword, "grant_type", "Fob sees the password, and whoever has it can do more than the token allows.")
	add(p.Grant() == GrantImplicit, "grant_type", "The token passes through the browser, where it can leak and be swapped.")
	add(code && strings.Contains(" "+p.ResponseType+" ", " token "), "response_type", "A token passes through the browser, where it can leak and be swapped.")
	add(code && p.CodeChallengeMethod == "plain", "code_challenge_method", "Whoever reads the authorization request can redeem the code.")
	add(code && p.CodeChallengeMethod == "none", "code_challenge_method", "Whoever reads the redirect can redeem the code.")
	add(p.Grant() == GrantOAuth1 && p.OAuthSignatureMethod == "PLAINTEXT", "oauth_signature_method", "Requests are not signed: the secrets themselves are sent with each.")
	add(p.UsesBrowser() && listensBeyond(p.ListenAddress), "listen_address", "Others on the network can reach the listener while a login waits.")
	add(in("body"), "token_placement", "The token stands in request bodies, which APIs log more often than headers.")
	add(in("query"), "token_placement", "The token stands in addresses, which servers, proxies and histories keep.")
	add(p.AllowBearerTokens, "allow_bearer_tokens", "A token that is not bound to Fob's key is taken: whoever steals it can use it.")
	add(p.AllowHTTP, "allow_http", "Plain http is allowed: everybody on the way can read and use the tokens.")
	add(p.TLSSkipVerify, "tls_skip_verify", "Nobody checks who the server is: everybody on the way can read and use the tokens.")
	if p.Quirks != "" {
		if q, err := p.ServerQuirks(); err == nil {
			add(q.TokenMethod == "GET", "quirks", "The code and the client secret are sent in addresses, which servers and proxies log.")
			add(q.secretInQuery(), "quirks", "A secret or token is sent in addresses, which servers and proxies log.")
			add(q.NoNonce, "quirks", "ID tokens are not bound to the login: a stolen one can be played in.")
		}
	}
	return all
}

// listensBeyond says whether an address is reached from other machines.
func listensBeyond(address string) bool {
	if address == "" {
		return false
	}
	a, err := netip.ParseAddrPort(address)
	return err != nil || !a.Addr().IsLoopback()
}
