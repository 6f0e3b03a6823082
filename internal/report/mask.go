package report

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"fob/profiles"
)

// mask makes text fit to be shown to the public. What it knows by name it gives the same stand-in everywhere ("profile-1", "host-2"), so
// that a reader can follow it; a number, and no hash, which anybody could compare with the hash of a name that they guess. What only
// looks like something private is taken out by its form.
type mask struct {
	known    map[string]string // what is private, and what stands for it
	count    map[string]int    // how many stand-ins of each kind there are
	taken    int               // how often something was taken out
	replacer *regexp.Regexp    // of all of known; nil when it has to be made again
}

func newMask() *mask { return &mask{known: map[string]string{}, count: map[string]int{}} }

// learn gives text a stand-in of that kind and returns it.
func (m *mask) learn(kind, text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if stand, ok := m.known[strings.ToLower(text)]; ok {
		return stand
	}
	m.count[kind]++
	stand := kind + "-" + strconv.Itoa(m.count[kind])
	m.alias(text, stand)
	return stand
}

// alias lets stand be what stands for text.
func (m *mask) alias(text, stand string) {
	quoted := strconv.Quote(text)
	for _, spelt := range []string{text, quoted[1 : len(quoted)-1], url.QueryEscape(text), url.PathEscape(text)} {
		if spelt = strings.ToLower(spelt); spelt != "" && m.known[spelt] == "" {
			m.known[spelt] = stand
			m.replacer = nil
		}
	}
}

// took counts one thing that was taken out, and is what stands for it.
func (m *mask) took(stand string) string {
	m.taken++
	return stand
}

// host returns what stands for a host. Those of providers that everybody may use, as the presets have them, stay; so do this machine
// and what is no name of anybody's. A port stays.
func (m *mask) host(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	bare := strings.ToLower(strings.Trim(name, "[]"))
	ip := net.ParseIP(bare)
	if bare == "" || bare == "localhost" || standIn.MatchString(bare) || ip != nil && ip.IsLoopback() || slices.Contains(public().hosts, bare) {
		return host
	}
	stand := m.known[bare]
	switch {
	case stand != "":
	case ip != nil:
		stand = m.learn("address", bare)
	default:
		stand = m.learn("host", bare)
		for _, suffix := range public().suffixes { // which provider it is helps, whose account there is nobody's business
			if strings.HasSuffix(bare, suffix) {
				stand += suffix
				m.known[bare] = stand
			}
		}
	}
	m.taken++
	if port != "" {
		stand += ":" + port
	}
	return stand
}

var standIn = regexp.MustCompile(`^(host|address)-\d+(\.|$)`)

// url returns an address with what stands for its host, and of its path what is common; a query is only said to be there.
func (m *mask) url(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && u.Opaque == "" && u.Path == "" {
		return m.took("[address]")
	}
	if u.Host == "" {
		return m.took(u.Scheme + ":[address]")
	}
	said := u.Scheme + "://" + m.host(u.Host)
	if u.User != nil {
		m.taken++
	}
	segments := strings.Split(u.EscapedPath(), "/")
	for i, segment := range segments {
		if segment != "" && !public().segments[strings.ToLower(segment)] {
			segments[i] = m.took("*")
		}
	}
	said += strings.Join(segments, "/")
	if u.RawQuery != "" {
		said += m.took("?…")
	}
	if u.Fragment != "" {
		said += m.took("#…")
	}
	return said
}

// named is a value beside the name of something secret, as forms, headers and JSON spell it: quoted or not, also within a quoted text.
var named = regexp.MustCompile(`(?i)\b([\w-]*(?:token|secret|password|passphrase|passwd|code|state|nonce|assertion|verifier|cookie|authorization|api_?key|login_hint|username|email|sub))` +
	`(\\?["']?\s*[=:]\s*)(\\?"[^"]*"?|'[^']*'?|[^\s&;,"']{2,})`)

// What is private by its form. The order counts: an address is taken before a word in it would be.
var forms = []struct {
	form *regexp.Regexp
	by   func(m *mask, found string) string
}{
	{regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>|\\)\]}]+`), func(m *mask, found string) string {
		trimmed := strings.TrimRight(found, ".,;:!?")
		return m.url(trimmed) + found[len(trimmed):]
	}},
	{regexp.MustCompile(`(?i)[\pL\pN._%+'-]+@[\pL\pN.-]+`), func(m *mask, _ string) string { return m.took("[account]") }},
	{regexp.MustCompile(`\beyJ[\w-]+(\.[\w-]*)*`), func(m *mask, _ string) string { return m.took("[token]") }},
	{regexp.MustCompile(`(?i)\b(bearer|basic|dpop|negotiate)\s+[\w.~+/=-]{6,}`), func(m *mask, _ string) string { return m.took("[authorization]") }},
	{named, func(m *mask, found string) string {
		part := named.FindStringSubmatch(found)
		if codes[strings.Trim(part[3], "\"'\\")] {
			return found
		}
		return part[1] + part[2] + m.took("[hidden]")
	}},
	// Sentences of ours that end with an account: nobody may know its name any more, and it may have anything in it.
	{regexp.MustCompile(`(?s)\b(?:logged in|got a token) as .+`), func(m *mask, found string) string {
		said := found[:strings.Index(found, " as ")] + " as " + m.took("[account]")
		if other := ", another account than before"; strings.HasSuffix(found, other) {
			said += other
		}
		return said
	}},
	{regexp.MustCompile(`(?s)\bthis profile is always .+, and this was .+`), func(m *mask, _ string) string {
		return "this profile is always " + m.took("[account]") + ", and this was " + m.took("[account]")
	}},
	// A home directory of somebody else's, or of this user's spelt differently.
	{regexp.MustCompile(`(?i)((?:[a-z]:)?[/\\]+(?:home|users|documents and settings)[/\\]+)[^/\\\s"':;,]+`), func(m *mask, found string) string {
		cut := strings.LastIndexAny(found, `/\`)
		return found[:cut+1] + m.took("[user]")
	}},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), func(m *mask, _ string) string { return m.took("[id]") }},
	{regexp.MustCompile(`(?i)\[?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\w+)?\]?`), func(m *mask, found string) string {
		address, _, _ := strings.Cut(strings.Trim(found, "[]"), "%")
		if net.ParseIP(address) == nil { // a time of day
			return found
		}
		return m.host(address)
	}},
	{regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`), func(m *mask, found string) string { return m.host(found) }},
	{regexp.MustCompile(`(?i)(?:^|[\s"'‹(\[<=,:;])(?:\*\.)?(?:[\pL\pN-]+\.)+\pL{2,}`), func(m *mask, found string) string {
		start := strings.IndexFunc(found, func(r rune) bool { return r == '-' || unicode.IsLetter(r) || unicode.IsNumber(r) })
		name := found[start:]
		if ends[strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))] || strings.HasPrefix(name, "org.") || strings.HasPrefix(name, "app.fob.") {
			return found
		}
		return found[:start] + m.host(name)
	}},
	{regexp.MustCompile(`[\pL\pN_+=~-]{20,}`), func(m *mask, found string) string {
		if !opaque(found) {
			return found
		}
		return m.took(fmt.Sprintf("[%d characters]", len([]rune(found))))
	}},
}

// codes are values after "code=" that are words of ours or of the protocol: errors.
var codes = map[string]bool{}

func init() {
	for _, word := range strings.Fields(`network keychain login_timeout captive_portal locked unlocked internal disk_full disk_refuses busy invalid_request invalid_client invalid_grant unauthorized_client
		unsupported_grant_type invalid_scope access_denied server_error temporarily_unavailable invalid_token insufficient_scope slow_down authorization_pending expired_token
		login_required consent_required interaction_required invalid_dpop_proof use_dpop_nonce unknown_profile agent_stopping expired cancelled`) {
		codes[word] = true
	}
}

// ends are what file names end with, which are no hosts.
var ends = map[string]bool{"json": true, "log": true, "md": true, "sock": true, "lock": true, "age": true, "go": true, "service": true, "desktop": true, "exe": true, "conf": true, "txt": true, "zip": true}

// opaque says of a long word that nobody would write it: it has digits and letters, or changes case within.
func opaque(word string) bool {
	digits, lower, upper := false, false, false
	for _, r := range word {
		digits = digits || r >= '0' && r <= '9'
		lower = lower || r >= 'a' && r <= 'z'
		upper = upper || r >= 'A' && r <= 'Z'
	}
	return digits && (lower || upper) || lower && upper || digits && !strings.ContainsAny(word, "-:")
}

// text returns text with everything private taken out.
func (m *mask) text(text string) string {
	if len(m.known) > 0 && m.replacer == nil {
		words := make([]string, 0, len(m.known))
		for word := range m.known {
			words = append(words, word)
		}
		sort.Slice(words, func(i, j int) bool { // the longest first
			return len(words[i]) > len(words[j]) || len(words[i]) == len(words[j]) && words[i] < words[j]
		})
		for i, word := range words {
			words[i] = regexp.QuoteMeta(word)
		}
		m.replacer = regexp.MustCompile(`(?i)` + strings.Join(words, "|"))
	}
	replacer := m.replacer
	for _, f := range forms[:1] { // an address has a host that may be known, and a path that must go
		text = f.form.ReplaceAllStringFunc(text, func(found string) string { return f.by(m, found) })
	}
	if replacer != nil {
		text = m.words(replacer, text)
	}
	for _, f := range forms[1:] {
		text = f.form.ReplaceAllStringFunc(text, func(found string) string { return f.by(m, found) })
	}
	return text
}

// words puts the stand-ins in the place of what is known, where it is a word of its own or too long to be there by chance.
func (m *mask) words(replacer *regexp.Regexp, text string) string {
	var out strings.Builder
	for text != "" {
		at := replacer.FindStringIndex(text)
		if at == nil {
			break
		}
		found := text[at[0]:at[1]]
		if len(found) < 8 && (letterBefore(out.String()+text[:at[0]]) || letterAfter(text[at[1]:])) {
			out.WriteString(text[:at[0]+1]) // within another word
			text = text[at[0]+1:]
			continue
		}
		out.WriteString(text[:at[0]] + m.took(m.known[strings.ToLower(found)]))
		text = text[at[1]:]
	}
	return out.String() + text
}

var letterEnd, letterStart = regexp.MustCompile(`[\pL\pN_]$`), regexp.MustCompile(`^[\pL\pN_]`)

func letterBefore(text string) bool { return letterEnd.MatchString(text) }
func letterAfter(text string) bool  { return letterStart.MatchString(text) }

// common is what is no secret of anybody's, from the presets that come with Fob.
type common struct {
	hosts    []string
	suffixes []string // of hosts that have a name of the customer's in front
	segments map[string]bool
}

var public = sync.OnceValue(func() common {
	c := common{segments: map[string]bool{}}
	for _, word := range strings.Fields(`o oauth oauth2 oauth1 oauth2.0 v1 v2 v3 v2.0 authorize authorization auth token tokens revoke revocation introspect introspection userinfo me realms
		protocol openid-connect .well-known openid-configuration oauth-authorization-server oauth-protected-resource jwks jwks.json keys certs par device device_authorization bc-authorize
		connect api login callback logout endsession end_session register registration request access common organizations consumers mcp sse
		hello status details watch refresh profiles profile discover settings attach demo doctor stop prompt proxies proxy copy fill credential exchange trace explore adopt store lock unlock
		handover report cancel begin poll complete`) {
		c.segments[word] = true
	}
	c.suffixes = strings.Fields(".okta.com .oktapreview.com .auth0.com .onelogin.com .amazoncognito.com .b2clogin.com .ciamlogin.com .my.salesforce.com")
	for _, preset := range profiles.Presets() {
		for _, field := range profiles.Fields() {
			if field.Kind != profiles.KindURL {
				continue
			}
			for _, value := range preset.Profile.Get(field.Key) {
				_, rest, _ := strings.Cut(value, "://")
				host, rest, _ := strings.Cut(rest, "/")
				host, _, _ = strings.Cut(host, ":")
				if cut := strings.LastIndex(host, "}."); cut >= 0 && strings.Count(host[cut+2:], ".") >= 1 {
					c.suffixes = append(c.suffixes, host[cut+1:])
				} else if host != "" && !strings.ContainsAny(host, "{}") {
					c.hosts = append(c.hosts, strings.ToLower(host))
				}
				for segment := range strings.SplitSeq(rest, "/") {
					if !strings.ContainsAny(segment, "{}?") {
						c.segments[strings.ToLower(segment)] = true
					}
				}
			}
		}
	}
	return c
})
