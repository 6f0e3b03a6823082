package profiles

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// made are the parameters that Fob makes for each request itself; an extra parameter never replaces one of them.
func made(name string) bool {
	switch name {
	case "state", "nonce", "code_challenge", "code_challenge_method", "client_id", "redirect_uri", "response_type",
		"grant_type", "code", "code_verifier", "client_assertion", "client_assertion_type":
		return true
	}
	return false
}

// secretName says whether something of this name is a secret, however it is spelled: client_secret, clientSecret,
// Client-Secret.
func secretName(name string) bool {
	switch plainName(name) {
	case "clientsecret", "refreshtoken", "accesstoken", "idtoken", "password", "clientassertion":
		return true
	}
	return false
}

// plainName is a name without its spelling: lower case, no "_", "-" or space.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func checkAuthorizeParameter(v string) string {
	name, _, _ := strings.Cut(v, "=")
	switch name {
	case "scope", "audience", "resource", "response_mode", "prompt", "login_hint", "max_age", "acr_values":
		return name + " has a field of its own; set " + name + " instead" // twice is refused (RFC 6749 §3.1)
	}
	return checkTokenParameter(v)
}

func checkTokenParameter(v string) string {
	name, value, found := strings.Cut(v, "=")
	switch {
	case secretName(name):
		return name + " is a secret and does not belong in a profile; the keychain keeps secrets"
	case made(name):
		return name + " is made by Fob for every request; remove it"
	case !found:
		return "is not a parameter; write it as KEY=VALUE"
	case name == "":
		return "has no name in front of the \"=\"; write it as KEY=VALUE"
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has a name with a space or a character outside ASCII in it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return name + " has a line break or another control character in its value"
	}
	return ""
}

// sentTwice finds a token parameter whose own field is set as well (RFC 6749 §3.2: no parameter more than once).
func (p Profile) sentTwice(name string) bool {
	switch name {
	case "scope":
		return len(p.Scope) > 0
	case "audience":
		return p.Audience != ""
	case "resource":
		return len(p.Resource) > 0
	}
	return false
}

func (m Parameters) names() []string { return slices.Sorted(maps.Keys(m)) }
