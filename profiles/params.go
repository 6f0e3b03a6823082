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
	case "clientsecret", "refreshtoken", "accesstoken", "idtoken", "password", "clientassertion",
		"privatekey", "privatekeypassword", "tlsclientkey", "registrationaccesstoken", "initialaccesstoken",
		"subjecttoken", "actortoken", "assertion", "loginhinttoken", "usercode":
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

// secretParameter says whether a parameter that stands in the file holds a secret in plain text. A template of the
// custom authentication names the place of the secret, not the secret.
func (f *Field) secretParameter(name, raw string) bool {
	switch f.Key {
	case "custom_auth_query", "custom_auth_body", "custom_auth_headers":
		return secretPlace(name) && !strings.Contains(raw, "{client_secret}")
	case "request_params", "request_headers":
		if _, after, found := strings.Cut(name, "/"); found {
			name = after
		}
		if f.Key == "request_headers" {
			return secretPlace(name)
		}
	}
	return secretName(name)
}

// secretPlace says whether a secret is what one expects under this name of a parameter or a header.
func secretPlace(name string) bool {
	switch plainName(name) {
	case "authorization", "proxyauthorization", "cookie", "dpop":
		return true
	}
	return secretName(name)
}

func checkAuthorizeParameter(v string) string {
	name, value, _ := strings.Cut(v, "=")
	switch name {
	case "scope", "audience", "resource", "response_mode", "prompt", "login_hint", "max_age", "acr_values", "claims", "display",
		"ui_locales", "id_token_hint", "authorization_details", "request", "request_uri":
		if value == "" {
			break // leaves it out
		}
		if name == "request" || name == "request_uri" {
			return name + " is made by Fob when requests are signed or pushed; remove it"
		}
		return name + " has a field of its own; set " + name + " instead" // twice is refused (RFC 6749 §3.1)
	}
	return checkTokenParameter(v)
}

func checkTokenParameter(v string) string {
	name, value, found := strings.Cut(v, "=")
	switch {
	case secretName(name):
		return name + " is a secret and does not belong in a profile; the keychain keeps secrets"
	case made(name) && (value != "" || !found || !optional(name)):
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

// optional says whether a parameter that Fob makes may be left out, by an empty value. What protects the login may not.
func optional(name string) bool {
	switch name {
	case "client_id", "redirect_uri", "response_type":
		return true
	}
	return false
}

// requestKinds are the kinds of requests that request_params and request_headers can address.
var requestKinds = []string{"authorization", "par", "token", "refresh", "device", "ciba", "revocation", "introspection", "userinfo"}

func checkRequestParameter(v string) string {
	key, value, found := strings.Cut(v, "=")
	kind, name, dotted := strings.Cut(key, "/")
	switch {
	case !found:
		return "is not a parameter; write it as KIND/NAME=VALUE, like refresh/resource="
	case !dotted || !slices.Contains(requestKinds, kind):
		return "does not begin with a kind of request; write " + strings.Join(requestKinds, "/, ") + "/ in front of the name"
	case name == "token" && (kind == "revocation" || kind == "introspection"):
		return name + " is made by Fob for every request; remove it"
	}
	return checkTokenParameter(name + "=" + value)
}

func checkRequestHeader(v string) string {
	key, value, found := strings.Cut(v, "=")
	name := key
	if kind, after, cut := strings.Cut(key, "/"); cut {
		if !slices.Contains(requestKinds, kind) {
			return "does not begin with a kind of request; write " + strings.Join(requestKinds, "/, ") + "/ in front of the name, or the name alone"
		}
		name = after
	}
	switch {
	case secretPlace(name):
		return name + " is a secret and does not belong in a profile; the keychain keeps secrets"
	case !found:
		return "is not a header; write it as NAME=VALUE, or KIND/NAME=VALUE for one kind of request"
	}
	return checkHeader(name, value)
}

// checkHeader refuses what is no header, and those that make a request what it is.
func checkHeader(name, value string) string {
	if bad := checkHeaderName(name); name == "" || bad != "" {
		return "has a name that no header can have; write it like X-Example"
	}
	switch strings.ToLower(name) {
	case "host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade":
		return name + " is made by Fob for every request; remove it"
	}
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) }) {
		return name + " has a line break or another control character in its value"
	}
	return ""
}

// checkHeaderName holds a token (RFC 9110 §5.6.2).
func checkHeaderName(v string) string {
	for _, r := range v {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return "has a character that does not belong there; use letters, digits and \"-\""
		}
	}
	return ""
}

func checkParameterName(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("=&#+%", r) }) {
		return "is not the name of a parameter; use letters, digits and \"_\""
	}
	return ""
}

// checkTemplateParameter checks a parameter of the custom authentication.
func checkTemplateParameter(v string) string {
	name, value, found := strings.Cut(v, "=")
	switch {
	case !found:
		return "is not a parameter; write it as KEY=VALUE, like key={client_secret}"
	case name == "":
		return "has no name in front of the \"=\"; write it as KEY=VALUE, like key={client_secret}"
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has a name with a space or a character outside ASCII in it"
	}
	return checkTemplate(name, value)
}

func checkTemplateHeader(v string) string {
	name, value, found := strings.Cut(v, "=")
	if !found {
		return "is not a header; write it as NAME=VALUE, like X-Api-Key={client_secret}"
	}
	if bad := checkHeader(name, value); bad != "" {
		return bad
	}
	return checkTemplate(name, value)
}

// checkTemplate refuses a secret in plain text, and a placeholder that stands for nothing.
func checkTemplate(name, value string) string {
	if secretPlace(name) && !strings.Contains(value, "{client_secret}") {
		return name + " is a secret and does not belong in a profile; write {client_secret} where it goes, the keychain keeps the value"
	}
	return checkPlaces(name, value, "{client_id}", "{client_secret}")
}

// checkPlaces finds what is wrong with the placeholders of a template.
func checkPlaces(name, value string, places ...string) string {
	rest := value
	for _, place := range places {
		rest = strings.ReplaceAll(rest, place, "")
	}
	switch {
	case strings.ContainsFunc(value, unicode.IsControl):
		return name + " has a line break or another control character in its value"
	case strings.ContainsAny(rest, "{}"):
		return name + " has a placeholder that Fob does not know; it knows " + strings.Join(places, " and ")
	}
	return ""
}

// checkOAuth1Parameter checks a parameter of an OAuth 1.0a request; those of the protocol are Fob's (RFC 5849 §3.1).
func checkOAuth1Parameter(v string) string {
	if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "oauth_") {
		return name + " is made by Fob for every request; remove it"
	}
	return checkTokenParameter(v)
}

// sentTwice finds a token parameter whose own field is set as well (RFC 6749 §3.2: no parameter more than once).
func (p Profile) sentTwice(name string) bool {
	if p.TokenParams[name] == "" {
		return false // it is left out
	}
	switch name {
	case "scope":
		return len(p.Scope) > 0
	case "audience":
		return p.Audience != ""
	case "resource":
		return len(p.Resource) > 0
	case "authorization_details":
		return p.AuthorizationDetails != ""
	case "username":
		return p.Username != ""
	}
	return false
}

func (m Parameters) names() []string { return slices.Sorted(maps.Keys(m)) }
