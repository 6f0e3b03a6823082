package oauth

import (
	"net/http"
	"net/url"
	"strings"
)

// Curl returns the step as a curl command for a POSIX shell. What was masked
// stands as a variable of the same name: $CLIENT_SECRET, $CODE.
func (s Step) Curl() string {
	words := []string{"curl", "-i"}
	if s.Method != http.MethodGet && (s.Method != http.MethodPost || len(s.Form) == 0 && s.Body == "") {
		words = append(words, "-X", quote(s.Method))
	}
	words = append(words, curlAddress(s.URL))
	if s.Certificate {
		words = append(words, `--cert "$CLIENT_CERTIFICATE"`, `--key "$CLIENT_KEY"`)
	}
	for _, h := range s.Header {
		switch {
		case h.Name == "Content-Type" && len(s.Form) > 0: // curl's own
		case h.Name == "Authorization" && h.Secret && strings.HasPrefix(h.Value, "Basic "):
			words = append(words, `-u "$CLIENT_ID:$CLIENT_SECRET"`)
		case h.Name == "Authorization" && h.Secret:
			scheme := strings.TrimSuffix(h.Value, masked) // letters and a space
			words = append(words, "-H", `"Authorization: `+scheme+`$ACCESS_TOKEN"`)
		case h.Secret:
			words = append(words, "-H", quote(h.Name+": ")+`"`+variable(h.Name)+`"`)
		default:
			words = append(words, "-H", quote(h.Name+": "+h.Value))
		}
	}
	for _, p := range s.Form {
		name := url.QueryEscape(p.Name) + "="
		if p.Secret {
			words = append(words, "--data-urlencode", quote(name)+`"`+variable(p.Name)+`"`)
			continue
		}
		words = append(words, "--data-urlencode", quote(name+p.Value))
	}
	if s.Body != "" {
		words = append(words, "--data-raw", quote(s.Body))
	}
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case strings.HasPrefix(w, "-") && i > 1:
			b.WriteString(" \\\n  ")
		default:
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// curlAddress is a URL with variables where its parameters were masked. The
// fragment stays with the browser.
func curlAddress(address string) string {
	address, _, _ = strings.Cut(address, "#")
	base, query, found := strings.Cut(address, "?")
	if !found {
		return quote(address)
	}
	out, literal := "", base+"?"
	for i, part := range strings.Split(query, "&") {
		if i > 0 {
			literal += "&"
		}
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil || plain != masked && !strings.HasSuffix(plain, "…") {
			literal += part
			continue
		}
		named, err := url.QueryUnescape(name)
		if err != nil {
			named = "value"
		}
		out += quote(literal+name+"=") + `"` + variable(named) + `"`
		literal = ""
	}
	if literal == "" {
		return out
	}
	return out + quote(literal)
}

// quote makes a text one word of a shell, or a part of one. internal/forms has a Shell that does the same for a token's forms: this
// package imports nothing of Fob's, and a client of OAuth is no place to export a shell's rules from.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// variable is the shell variable that stands for a masked value.
func variable(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, name)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "V" + name
	}
	return "$" + name
}

// Explain says in one sentence what the step is for and where that is
// specified, lower case and without a period.
func (s Step) Explain() string {
	switch s.Kind {
	case ForAuthorization:
		if strings.Contains(s.What, "redirect") || strings.Contains(s.What, "response") {
			return "the server sends the browser back with a one-time code or an error, and with the state that ties it to this login (RFC 6749 section 4.1.2)"
		}
		return "the browser is sent to the server, where you sign in and consent; state, nonce and PKCE tie the answer to this login (RFC 6749 section 4.1.1, RFC 7636 section 4.3)"
	case ForPAR:
		return "the parameters of the login go to the server directly, so that nobody can read or change them in the browser (RFC 9126)"
	case ForToken:
		return s.explainGrant()
	case ForRefresh:
		return "a new access token is fetched with the refresh token, without you (RFC 6749 section 6)"
	case ForDevice:
		return "the server is asked for the code that you type on another device (RFC 8628 section 3.1)"
	case ForBackchannel:
		return "the server is asked to contact you on your phone or another channel (OpenID Connect CIBA section 7)"
	case ForRevocation:
		return "the server is told that a token is not needed any more (RFC 7009 section 2.1)"
	case ForIntrospection:
		return "the server is asked what a token is worth (RFC 7662 section 2.1)"
	case ForUserInfo:
		return "the server is asked who the token's owner is (OpenID Connect Core section 5.3)"
	case ForRegistration:
		return "the client introduces itself to the server, or manages what it said (RFC 7591 section 3, RFC 7592)"
	}
	switch s.What {
	case "discovery":
		return "the server's metadata says where its endpoints are and what it supports (RFC 8414 section 3, OpenID Connect Discovery section 4)"
	case "key set":
		return "the server's public keys are fetched, to verify what it signs (RFC 7517 section 5)"
	case stillKnown:
		return "the server is asked whether it still knows the client that was registered there; one that does not would keep the browser on a page of its own (RFC 6749 section 4.1.2.1)"
	case "resource metadata", "protected resource metadata":
		return "the API says which authorization servers issue its tokens (RFC 9728 section 3)"
	}
	return "a public document is fetched from the server"
}

func (s Step) explainGrant() string {
	grant := ""
	for _, p := range s.Form {
		if p.Name == "grant_type" {
			grant = p.Value
		}
	}
	if u, err := url.Parse(s.URL); grant == "" && err == nil {
		grant = u.Query().Get("grant_type")
	}
	switch grant {
	case "authorization_code":
		return "the one-time code is exchanged for tokens; code_verifier proves that this login began here (RFC 6749 section 4.1.3, RFC 7636 section 4.5)"
	case "client_credentials":
		return "the client gets a token for itself; no person is involved (RFC 6749 section 4.4)"
	case "password":
		return "a user's name and password are exchanged for tokens, which only old servers still allow (RFC 6749 section 4.3)"
	case "urn:ietf:params:oauth:grant-type:device_code":
		return "the server is asked whether you have approved on the other device (RFC 8628 section 3.4)"
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		return "a signed JWT is exchanged for a token (RFC 7523 section 2.1)"
	case "urn:ietf:params:oauth:grant-type:saml2-bearer":
		return "a SAML assertion is exchanged for a token (RFC 7522 section 2.1)"
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		return "one token is exchanged for another (RFC 8693 section 2.1)"
	case "urn:openid:params:grant-type:ciba":
		return "the server is asked whether you have approved on the other channel (OpenID Connect CIBA section 10.1)"
	}
	return "a token is asked for with a grant type of the server's own (RFC 6749 section 4.5)"
}
