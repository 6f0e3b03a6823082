package oauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Token types of RFC 8693 section 3.
const (
	TokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeRefresh = "urn:ietf:params:oauth:token-type:refresh_token"
	TokenTypeID      = "urn:ietf:params:oauth:token-type:id_token"
	TokenTypeSAML1   = "urn:ietf:params:oauth:token-type:saml1"
	TokenTypeSAML2   = "urn:ietf:params:oauth:token-type:saml2"
	TokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
)

const tokenTypePrefix = "urn:ietf:params:oauth:token-type:"

// TokenType is the URI of a token type's short name ("access_token",
// "id_token", "refresh_token", "saml1", "saml2", "jwt"); anything else it
// returns as it is.
func TokenType(name string) string {
	switch uri := tokenTypePrefix + name; uri {
	case TokenTypeAccess, TokenTypeRefresh, TokenTypeID, TokenTypeSAML1, TokenTypeSAML2, TokenTypeJWT:
		return uri
	}
	return name
}

// ExchangeRequest is what a token exchange starts from (RFC 8693 section 2.1).
// Types are URIs or their short names, see [TokenType].
type ExchangeRequest struct {
	SubjectToken     Secret
	SubjectTokenType string // empty: see GuessTokenType
	ActorToken       Secret // optional: who acts for the subject
	ActorTokenType   string // empty: see GuessTokenType
	// RequestedTokenType may be empty: the server decides.
	RequestedTokenType string
}

// Format writes the types, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (e ExchangeRequest) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "exchange of "+e.SubjectTokenType+" for "+e.RequestedTokenType)
}

// Exchange trades one token for another (RFC 8693): for another audience, for
// somebody to act for, or of another type. r.Resource and r.Audience may name
// several targets. The answer's type is in Token.IssuedType; when it is no
// access token, its Type is [TypeNotApplicable] and it goes into no header.
func (c *Client) Exchange(ctx context.Context, e ExchangeRequest, r TokenRequest) (*Token, error) {
	const what = "token endpoint"
	fail := func(err error) (*Token, error) { return nil, &Error{what: what, Err: err} }
	if e.SubjectToken == "" {
		return fail(requestError("the exchange needs a subject_token"))
	}
	if e.ActorToken == "" && e.ActorTokenType != "" {
		// "MUST NOT be included when actor_token is not" (section 2.1).
		return fail(requestError("there is an actor_token_type and no actor_token"))
	}
	grant := url.Values{"grant_type": {GrantTokenExchange}, "requested_token_type": {TokenType(e.RequestedTokenType)}}
	for _, t := range [...]struct {
		name, kind string
		token      Secret
	}{{"subject_token", e.SubjectTokenType, e.SubjectToken}, {"actor_token", e.ActorTokenType, e.ActorToken}} {
		if t.token == "" {
			continue
		}
		kind, err := typeOf(t.name, t.kind, t.token)
		if err != nil {
			return fail(err)
		}
		grant[t.name], grant[t.name+"_type"] = []string{t.token.Reveal()}, []string{kind}
	}
	t, err := c.ask(ctx, grant, r, nil)
	if err != nil {
		return nil, err
	}
	t.Checks = append(t.Checks, checkIssued(t.IssuedType, TokenType(e.RequestedTokenType)))
	return t, nil
}

// checkIssued: issued_token_type is REQUIRED in the answer (section 2.2.1). A
// server that leaves it out, or gives another type than was asked for, is
// believed and written down.
func checkIssued(issued, requested string) Check {
	check := Check{Name: "issued_token_type", Spec: "RFC 8693 2.2.1", Detail: clean(issued, maxURI)}
	switch {
	case issued == "":
		check.Detail = "missing"
	case requested != "" && issued != requested:
		check.Detail += ", asked for " + clean(requested, maxURI)
	default:
		check.OK = true
	}
	return check
}

// typeOf is the type to declare for a token: the one given unless the token
// plainly is another, else the guess.
func typeOf(name, given string, token Secret) (string, error) {
	given = TokenType(given)
	guess, certain := GuessTokenType(token)
	if given == "" {
		return guess, nil
	}
	mismatch := func(found string) (string, error) {
		return "", requestError("the " + name + " is declared as " + shortType(given) + ", but " + found)
	}
	isJWT := strings.Count(token.Reveal(), ".") >= 2
	switch {
	case certain && guess != given && !(given == TokenTypeJWT && isJWT) && strings.HasPrefix(given, tokenTypePrefix):
		return mismatch("it is: " + shortType(guess))
	case (given == TokenTypeJWT || given == TokenTypeID) && !isJWT:
		return mismatch("it is no JWT")
	case (given == TokenTypeSAML1 || given == TokenTypeSAML2) && guess != given:
		return mismatch("it is no SAML assertion of that version")
	}
	return given, nil
}

func shortType(uri string) string { return strings.TrimPrefix(clean(uri, maxURI), tokenTypePrefix) }

// GuessTokenType says what kind of token this is by its looks (certain: it
// names itself). It is a convenience for exchanges, where the type has to be
// declared; nothing else in this package looks into an access token.
func GuessTokenType(token Secret) (uri string, certain bool) {
	raw := strings.TrimSpace(token.Reveal())
	if xml := samlText(raw); xml != "" {
		switch {
		case strings.Contains(xml, "urn:oasis:names:tc:SAML:2.0:assertion"):
			return TokenTypeSAML2, true
		case strings.Contains(xml, "urn:oasis:names:tc:SAML:1.0:assertion"):
			return TokenTypeSAML1, true
		}
	}
	jwt, err := parseJWT(raw)
	if err != nil {
		return TokenTypeAccess, false // opaque: most are access tokens
	}
	switch typ := strings.TrimPrefix(strings.ToLower(text(jwt.Header, "typ")), "application/"); typ {
	case "at+jwt": // RFC 9068 section 2.1
		return TokenTypeAccess, true
	case "id_token", "id_token+jwt":
		return TokenTypeID, true
	}
	switch text(jwt.Claims, "typ") { // Keycloak's
	case "ID":
		return TokenTypeID, true
	case "Bearer":
		return TokenTypeAccess, true
	case "Refresh", "Offline":
		return TokenTypeRefresh, true
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := jwt.Claims[name]; ok {
				return true
			}
		}
		return false
	}
	switch {
	case has("at_hash", "c_hash", "s_hash"): // only id_tokens have these
		return TokenTypeID, true
	case has("scope", "scp", "client_id"):
		return TokenTypeAccess, false
	case has("nonce"):
		return TokenTypeID, false
	}
	return TokenTypeJWT, false
}

// samlText returns the XML of an assertion, plain or encoded; "" if it is none.
func samlText(s string) string {
	if strings.HasPrefix(s, "<") {
		return s
	}
	xml, err := decodeBase64(s)
	if err != nil || !strings.HasPrefix(strings.TrimSpace(string(xml)), "<") {
		return ""
	}
	return string(xml)
}

// decodeBase64 takes both alphabets, with or without padding and line breaks.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("\r", "", "\n", "", " ", "", "\t", "", "+", "-", "/", "_").Replace(s), "=")
	return base64.RawURLEncoding.DecodeString(s)
}
