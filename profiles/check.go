package profiles

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A check returns what is wrong with one value and what would be right, or "". It is never given an empty value. Its
// text follows "key: " and never repeats the value, which may be a secret that was put into the wrong place.

// nameMax keeps a name on one line of the list and the tray.
const nameMax = 64

func checkName(v string) string {
	switch {
	case strings.TrimSpace(v) != v:
		return "begins or ends with a space; remove it"
	case v[0] == '-':
		return "begins with \"-\", which the command line would take for an option; begin with a letter or a digit"
	case strings.ContainsRune(v, '/'):
		return "has a \"/\" in it; use letters, digits, spaces, \"-\", \"_\" or \".\""
	}
	return checkLabel(v)
}

func checkLabel(v string) string {
	if bad := checkPlain(v); bad != "" {
		return bad
	}
	if n := utf8.RuneCountInString(v); n > nameMax {
		return "has " + strconv.Itoa(n) + " characters; at most " + strconv.Itoa(nameMax) + " fit"
	}
	return ""
}

func checkPlain(v string) string {
	for _, r := range v {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return "has a character that cannot be shown (a line break, a tab or the like); remove it"
		}
	}
	return ""
}

// checkMemberPath holds a way into a JSON object.
func checkMemberPath(v string) string {
	for part := range strings.SplitSeq(v, ".") {
		if part == "" || strings.ContainsFunc(part, unicode.IsSpace) {
			return "is not the name of a member, or several with dots between them; write it like data.id"
		}
	}
	return checkPlain(v)
}

func checkColor(v string) string {
	if _, _, _, ok := RGB(v); ok {
		return ""
	}
	names := make([]string, len(palette))
	for i, c := range palette {
		names[i] = c.Name
	}
	return "is not a color Fob knows; write " + strings.Join(names, ", ") + " or #rrggbb"
}

// plainHTTP is what is wrong with http beyond this machine. A profile may allow it: see allow_http.
const plainHTTP = "sends tokens over plain http, which only this machine (localhost, 127.0.0.1, [::1]) may; use https"

// checkSecure parses a URL that must be https, or http on this machine. The URL is there too when plain http is
// all that is wrong.
func checkSecure(v, example string) (*url.URL, string) {
	if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, "has a space in it; write it like " + example
	}
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return nil, "is not a URL; write it like " + example
	case u.Scheme == "" || u.Host == "" && u.Scheme != "https" && u.Scheme != "http":
		return nil, "is not a complete URL; write it with https:// in front, like " + example
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, "begins with " + u.Scheme + "://; only https is spoken here, like " + example
	case u.Hostname() == "":
		return nil, "names no host; write it like " + example
	case u.User != nil:
		return nil, "holds a user name or password; remove everything up to the \"@\""
	case strings.Contains(v, "#"):
		return nil, "has a #fragment, which is never sent; remove it"
	case !validPort(u.Port()):
		return nil, "has a port that is not between 1 and 65535"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return u, plainHTTP
	}
	return u, ""
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && !ip.Is4In6() && ip.IsLoopback()
}

func checkIssuer(v string) string {
	u, bad := checkSecure(v, "https://login.example.com")
	if u != nil && (u.RawQuery != "" || u.ForceQuery) { // RFC 8414 §2: no query or fragment components
		return "has a query (?…); an issuer has none (RFC 8414 §2)"
	}
	return bad
}

func checkEndpoint(v string) string {
	_, bad := checkSecure(v, "https://login.example.com/token") // its query is kept (RFC 6749 §3.1)
	return bad
}

func checkBaseURL(v string) string {
	u, bad := checkSecure(v, "https://api.example.com/v1")
	if u != nil && (u.RawQuery != "" || u.ForceQuery) {
		return "has a query (?…); give the part that all addresses of the API share"
	}
	return bad
}

func checkResource(v string) string {
	u, err := url.Parse(v)
	switch {
	case err != nil || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "is not a URI; write it like https://api.example.com"
	case !u.IsAbs(): // RFC 8707 §2: MUST be an absolute URI
		return "is not an absolute URI; write it with its scheme, like https://api.example.com (RFC 8707 §2)"
	case strings.Contains(v, "#"): // RFC 8707 §2: MUST NOT include a fragment component
		return "has a #fragment; remove it (RFC 8707 §2)"
	}
	return ""
}

// outOfBand is the redirect URI of an OAuth 1.0a login whose verifier is typed in (RFC 5849 §2.1).
const outOfBand = "oob"

func checkRedirect(v string) string {
	if v == outOfBand {
		return ""
	}
	const example = "http://127.0.0.1:0/callback"
	u, err := url.Parse(v)
	if err != nil || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "is not a URL; write it like " + example
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme == "https":
		return "is https, for which this machine has no certificate; use http, which never leaves it (RFC 8252 §8.3), like " + example
	case u.Scheme != "http":
		return "does not begin with http://; write it like " + example
	case u.User != nil:
		return "holds a user name; write it like " + example
	case host != "127.0.0.1" && host != "localhost" && host != "::1": // RFC 8252 §7.3
		return "does not name this machine; the host is 127.0.0.1, [::1] or localhost, like " + example
	case strings.Contains(v, "#"): // RFC 6749 §3.1.2
		return "has a #fragment; remove it"
	case u.RawQuery != "" || u.ForceQuery:
		return "has a query (?…); remove it"
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "has a port that is not between 0 and 65535"
		}
	}
	return ""
}

func checkClientID(v string) string {
	for _, r := range v { // RFC 6749 appendix A.1: *VSCHAR
		if r < ' ' || r > '~' {
			return "has a character outside printable ASCII (RFC 6749 appendix A.1); copy it again from the server's page"
		}
	}
	if strings.TrimSpace(v) != v {
		return "begins or ends with a space; remove it"
	}
	return ""
}

func checkSecret(v string) string {
	if strings.ContainsFunc(v, unicode.IsControl) {
		return "has a line break or another control character in it; copy it again from the server's page"
	}
	return ""
}

// checkScope holds one scope token: %x21 / %x23-5B / %x5D-7E (RFC 6749 §3.3).
func checkScope(v string) string {
	for _, r := range v {
		switch {
		case r == ' ':
			return "has a space inside one scope; give each scope by itself"
		case r <= ' ' || r > '~' || r == '"' || r == '\\':
			return "has the character " + strconv.QuoteRune(r) + ", which no scope may hold (RFC 6749 §3.3)"
		}
	}
	return ""
}

func checkACR(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "has a space or a control character inside one value; give each value by itself"
	}
	return ""
}

func oneOf(v string, known ...string) string {
	for _, k := range known {
		if k == v {
			return ""
		}
	}
	last := len(known) - 1
	if last == 0 {
		return "is not one that Fob knows; it knows " + known[0]
	}
	return "is not one that Fob knows; it knows " + strings.Join(known[:last], ", ") + " and " + known[last]
}

func checkPrompt(v string) string {
	values := strings.Fields(v)
	for _, value := range values {
		if bad := checkScope(value); bad != "" {
			return "is not a list of words; it knows login, consent, select_account, create and none"
		}
		if value == "none" && len(values) > 1 { // OpenID Connect Core §3.1.2.1
			return "joins none with another value; none stands alone"
		}
	}
	return ""
}

// maxAgeMax is ten years: more is a slip of the unit.
const maxAgeMax = 10 * 365 * 24 * 60 * 60

func checkMaxAge(v string) string {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxAgeMax {
		return "is not a number of seconds; write 0 for a fresh login, or for example 3600 for one hour"
	}
	return ""
}

func checkLoginTimeout(v string) string { return checkSpan(v, time.Second, 24*time.Hour) }

func checkBefore(v string) string { return checkSpan(v, 0, 30*24*time.Hour) }

func checkSpan(v string, low, high time.Duration) string {
	d, err := ParseDuration(v)
	switch {
	case err != nil:
		return err.Error()
	case time.Duration(d) < low || time.Duration(d) > high:
		return "is not between " + Duration(low).String() + " and " + Duration(high).String()
	}
	return ""
}

// checkCommand finds what a start without a shell would stumble over.
func checkCommand(v string) string {
	if bad := checkPlain(v); bad != "" {
		return bad
	}
	if strings.TrimSpace(v) == "" {
		return "is only spaces; write a command like firefox -P work, or leave it empty"
	}
	var open rune
	for _, r := range v {
		switch {
		case open == 0 && (r == '"' || r == '\''):
			open = r
		case r == open:
			open = 0
		}
	}
	if open != 0 && !strings.ContainsRune(v, '\\') { // what a backslash means differs between systems
		return "has a quote that is not closed"
	}
	return ""
}
