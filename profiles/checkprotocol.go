package profiles

import (
	"encoding/json"
	"encoding/pem"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// among holds a value to the choices of its field.
func among(v string, choices []Choice) string {
	known := make([]string, 0, len(choices))
	for _, c := range choices {
		if c.Value == v {
			return ""
		}
		if c.Value != "" {
			known = append(known, c.Value)
		}
	}
	return oneOf(v, known...)
}

// checkGrant holds a grant to those that Fob knows, an absolute URI (RFC 6749 §4.5), or a word of the server's own, as
// some have against the standard. A word that is nearly one of the known is a slip.
func checkGrant(v string) string {
	if slices.Contains(knownGrants, v) || checkResource(v) == "" {
		return ""
	}
	if bad := checkParameterName(v); bad != "" {
		return "is neither a grant that Fob knows nor an absolute URI (RFC 6749 §4.5)"
	}
	for _, known := range append([]string{"code", "refresh_token", "device", "saml", "jwt", "oauth"}, knownGrants...) {
		if edits(strings.ToLower(v), known) <= 2 { // two letters are a slip, more are another word
			return oneOf(v, knownGrants...)
		}
	}
	return ""
}

func checkBool(v string) string {
	if v != "true" && v != "false" {
		return "is neither true nor false"
	}
	return ""
}

// checkKey is of secrets that have several lines: keys, assertions. What they hold is for their use to find out.
func checkKey(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return "has a control character in it; give PKCS#12 as base64, everything else as text"
	}
	return ""
}

// checkCertificates holds PEM with certificates and nothing else. A private key would be a secret in plain text.
func checkCertificates(v string) string {
	if strings.Contains(v, "PRIVATE KEY") {
		return "holds a private key, which is a secret; give the certificate alone here, and its key as tls_client_key"
	}
	rest, found := []byte(v), false
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil && !found:
			return "is not PEM; it begins with -----BEGIN CERTIFICATE----- and ends with -----END CERTIFICATE-----"
		case block == nil:
			if strings.Contains(string(rest), "-----BEGIN") {
				return "has a certificate that is cut off; copy it again up to -----END CERTIFICATE-----"
			}
			return ""
		case block.Type != "CERTIFICATE":
			return "holds something that is not a certificate; give certificates alone"
		}
		found = true
	}
}

func checkLocale(v string) string {
	for part := range strings.SplitSeq(v, "-") { // RFC 5646 §2.1: alphanumeric subtags of at most eight characters
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			return "is not a language; write it like de or de-CH (RFC 5646)"
		}
	}
	return ""
}

// checkTokenType holds a short name or a URI (RFC 8693 §3).
func checkTokenType(v string) string {
	if slices.Contains(tokenTypes[:], v) || checkResource(v) == "" {
		return ""
	}
	return oneOf(v, tokenTypes[:]...) + "; any other is an absolute URI (RFC 8693 §3)"
}

// checkTokenTypeName holds what a server may write as token_type (RFC 6749 §8.1: a name or a URI).
func checkTokenTypeName(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "has a character outside printable ASCII; write what the server answers as token_type, or none"
	}
	return ""
}

func checkAssertionAudience(v string) string {
	if v == "issuer" || v == "token_endpoint" || checkResource(v) == "" {
		return ""
	}
	return "is neither issuer nor token_endpoint nor an absolute URI"
}

func checkAssertionLifetime(v string) string { return checkSpan(v, time.Second, 24*time.Hour) }

func checkRequestTimeout(v string) string { return checkSpan(v, time.Second, 10*time.Minute) }

func checkEpoch(v string) string {
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 0 || n > 1<<33 {
		return "is not a time in seconds since 1970; 0 is never"
	}
	return ""
}

func checkPositive(v string) string {
	if n, err := strconv.Atoi(v); err != nil || n < 1 || n > maxAgeMax {
		return "is not a number of seconds; write for example 120"
	}
	return ""
}

// checkProxy takes what net/http can go through. A password in it would be a secret in plain text.
func checkProxy(v string) string {
	const example = "http://proxy.example.com:3128"
	if v == "none" {
		return ""
	}
	u, err := url.Parse(v)
	switch {
	case err != nil || strings.ContainsFunc(v, unicode.IsSpace):
		return "is not a URL; write it like " + example
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
		return "is not a proxy Fob can use; write it with http://, https:// or socks5:// in front, like " + example
	case u.Hostname() == "" || !validPort(u.Port()):
		return "names no host; write it like " + example
	case u.User != nil:
		return "holds a user name or password, which do not belong in a profile; set the system's proxy for one that asks for them"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "has something behind the host; write it like " + example
	}
	return ""
}

// checkListen holds an address to listen on, by its number: names can mean another machine.
func checkListen(v string) string {
	text := v
	if strings.HasPrefix(text, ":") {
		text = "0.0.0.0" + text
	}
	if a, err := netip.ParseAddrPort(text); err != nil || a.Port() == 0 {
		return "is not an address to listen on; write it with its port, like 0.0.0.0:8400"
	}
	return ""
}

// checkObject holds a JSON object without a member twice, and gives back its members.
func checkObject(v, example string) ([]member, string) {
	if !json.Valid([]byte(v)) {
		return nil, "is not JSON; write it like " + example
	}
	text := strings.TrimSpace(v)
	if text[0] != '{' {
		return nil, "is " + kindOf(text) + "; write an object, like " + example
	}
	members := objectMembers(text)
	for i, m := range members {
		for _, other := range members[:i] {
			if other.key == m.key {
				return nil, "has " + strconv.Quote(m.key) + " twice; remove one"
			}
		}
	}
	return members, ""
}

// checkClaims holds a claims request (OpenID Connect Core §5.5).
func checkClaims(v string) string {
	members, bad := checkObject(v, `{"id_token":{"email":null}}`)
	if bad != "" {
		return bad
	}
	for _, m := range members {
		if (m.key == "id_token" || m.key == "userinfo") && m.raw[0] != '{' && m.raw != "null" {
			return m.key + " is " + kindOf(m.raw) + "; write an object of claims (OpenID Connect Core §5.5)"
		}
	}
	return ""
}

// checkDetails holds authorization details: an array of objects, each with its type (RFC 9396 §2).
func checkDetails(v string) string {
	const example = `[{"type":"payment"}]`
	if !json.Valid([]byte(v)) {
		return "is not JSON; write it like " + example
	}
	text := strings.TrimSpace(v)
	if text[0] != '[' {
		return "is " + kindOf(text) + "; write an array, like " + example
	}
	for _, e := range arrayElements(text) {
		members, bad := checkObject(e.raw, `{"type":"payment"}`)
		if bad != "" {
			return "has an element that " + bad
		}
		if i := slices.IndexFunc(members, func(m member) bool { return m.key == "type" }); i < 0 || members[i].raw[0] != '"' || members[i].raw == `""` {
			return "has an element without its type; write each like " + `{"type":"payment"} (RFC 9396 §2)`
		}
	}
	return ""
}

// checkAssertionClaims leaves to Fob and to their own fields what they make.
func checkAssertionClaims(v string) string {
	members, bad := checkObject(v, `{"scope":"read"}`)
	if bad != "" {
		return bad
	}
	for _, m := range members {
		switch m.key {
		case "iss", "sub", "aud":
			field := map[string]string{"iss": "assertion_issuer", "sub": "assertion_subject", "aud": "assertion_audience"}[m.key]
			return m.key + " has a field of its own; set " + field + " instead"
		case "exp", "iat", "nbf", "jti":
			return m.key + " is made by Fob for every assertion; remove it"
		}
	}
	return ""
}
