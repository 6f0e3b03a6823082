package oauth

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What a trace shows. The rule is to show what is known to be harmless, and to
// mask the rest: a server may name a secret as it likes.

// masker fills a step with what may be seen.
type masker struct {
	step    *Step
	secrets []string // the request's own, wherever they come back
}

// harmless names the parameters of requests that are no secret.
func harmless(name string) bool {
	switch name {
	case "grant_type", "client_id", "redirect_uri", "scope", "resource", "audience", "response_type", "response_mode",
		"code_challenge_method", "dpop_jkt", "prompt", "max_age", "acr_values", "login_hint", "ui_locales",
		"claims_locales", "display", "claims", "authorization_details", "client_assertion_type", "subject_token_type",
		"actor_token_type", "requested_token_type", "requested_subject", "token_type_hint", "request_uri", "iss", "error",
		"error_description", "error_uri", "error_subcode", "post_logout_redirect_uri", "id_token_signed_response_alg",
		"binding_message", "requested_expiry", "username", "access_type", "include_granted_scopes", "kc_idp_hint",
		"connection", "organization", "domain_hint", "hd", "tenant", "policy", "p", "token_type", "expires_in", "session_state":
		return true
	}
	return false
}

func notLetter(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }

// parameter shows a parameter of a request. JWTs are explained in a note.
func (m *masker) parameter(name, value string) Member {
	switch {
	case harmless(name):
		return Member{Name: name, Value: clean(value, maxNote)}
	case name == "state" || name == "nonce" || name == "code_challenge": // with "plain" it is the verifier
		return Member{Name: name, Value: beginning(value), Secret: true}
	}
	m.explainJWT(name, value)
	return Member{Name: m.show(name, maxCode), Value: masked, Secret: true}
}

// show makes a foreign text harmless. What cleaning takes out may have split a
// secret, so it is looked for again.
func (m *masker) show(s string, max int) string {
	return redact(clean(redact(s, m.secrets), max), m.secrets)
}

// beginning shows enough of a random value to recognize it, and not enough to
// use it.
func beginning(s string) string {
	const shown = 4
	if len(s) < 4*shown {
		return masked
	}
	return clean(s[:shown], shown) + "…"
}

func (m *masker) form(form url.Values) []Member {
	var list []Member
	for _, name := range sortedNames(form) {
		for _, v := range form[name] {
			list = append(list, m.parameter(name, v))
		}
	}
	return list
}

func sortedNames[V any](values map[string]V) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// address masks the parameters of a URL, those of its fragment too.
func (m *masker) address(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	u.User = nil
	u.RawQuery = m.query(u.RawQuery)
	fragment := m.query(u.EscapedFragment())
	u.Fragment, u.RawFragment = "", ""
	s = redact(u.String(), m.secrets) // a secret in the path: a webhook, a client's registration
	if fragment != "" {
		s += "#" + fragment
	}
	return s
}

// query keeps the order of the parameters, as people compare them by eye.
func (m *masker) query(raw string) string {
	if raw == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, given := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		switch {
		case err1 != nil || err2 != nil || !given && part != "":
			parts = append(parts, url.QueryEscape(masked)) // a bare word may be a token
		case part != "":
			shown := m.parameter(name, value)
			parts = append(parts, url.QueryEscape(shown.Name)+"="+url.QueryEscape(shown.Value))
		}
	}
	return strings.Join(parts, "&")
}

func (m *masker) requestHeader(header http.Header) []Member {
	var list []Member
	for _, name := range sortedNames(header) {
		for _, v := range header[name] {
			switch name {
			case "Accept", "Content-Type", "User-Agent", "Origin", "Accept-Language":
				list = append(list, Member{Name: name, Value: m.show(v, maxURI)})
			case "Authorization":
				scheme, credentials, _ := strings.Cut(v, " ")
				m.explainJWT("access token", credentials)
				if credentials == "" || strings.ContainsFunc(scheme, notLetter) || len(scheme) > 10 {
					scheme = ""
				}
				list = append(list, Member{Name: name, Value: strings.TrimSpace(scheme + " " + masked), Secret: true})
			default:
				m.explainJWT(name, v)
				list = append(list, Member{Name: name, Value: masked, Secret: true})
			}
		}
	}
	return list
}

func (m *masker) answerHeader(header http.Header) []Member {
	var list []Member
	for _, name := range sortedNames(header) {
		for _, v := range header[name] {
			switch name {
			case "Content-Type", "Date", "Retry-After", "Cache-Control", "Content-Length", "Dpop-Nonce", "Server", "Etag",
				"X-Request-Id", "X-Correlation-Id", "Request-Id", "X-Ms-Request-Id", "X-Github-Request-Id", "X-Okta-Request-Id":
				list = append(list, Member{Name: name, Value: m.show(v, maxURI)})
			case "Www-Authenticate":
				list = append(list, Member{Name: name, Value: withoutTokens(m.show(v, maxNote))})
			case "Location":
				list = append(list, Member{Name: name, Value: m.address(v)})
			case "Set-Cookie":
				list = append(list, Member{Name: name, Value: masked, Secret: true})
			}
		}
	}
	return list
}

func (m *masker) requestBody(req *http.Request) string {
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return ""
	}
	return m.text(data, m.step.Kind, true)
}

func (m *masker) answer(ans *answer) string {
	if len(ans.body) == 0 {
		return ""
	}
	if strings.HasPrefix(ans.header.Get("Content-Type"), "application/jwt") ||
		strings.HasPrefix(ans.header.Get("Content-Type"), "application/token-introspection+jwt") {
		m.explainJWT("the answer", strings.TrimSpace(string(ans.body)))
		return masked
	}
	ok := ans.status >= 200 && ans.status <= 299
	return m.text(ans.body, ans.errand.kind, ok)
}

// text shows a body: JSON member by member, a form parameter by parameter,
// anything else without what could be a token, and not at all where a token was
// due: what that looks like is the server's business.
func (m *masker) text(body []byte, kind RequestKind, ok bool) string {
	obj, err := decodeObject(body)
	if err == nil {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if enc.Encode(m.value("", obj, kind)) != nil {
			return ""
		}
		return cutLines(out.String())
	}
	s := string(body)
	if form, err := url.ParseQuery(strings.TrimSpace(s)); err == nil && !strings.ContainsAny(s, "<{ \n") && answersAsForm(form) {
		var parts []string
		for _, name := range sortedNames(form) {
			for _, v := range form[name] {
				parts = append(parts, m.show(name, maxCode)+"="+clean(m.member(name, v, kind), maxNote))
			}
		}
		return cutLines(strings.Join(parts, "&"))
	}
	if bringsSecrets(kind) && (ok || namesToken(s)) {
		return masked + " (" + strconv.Itoa(len(body)) + " bytes, neither a JSON object nor a form)"
	}
	return withoutTokens(m.show(s, maxNote))
}

// bringsSecrets: the answers to these requests are worth a token.
func bringsSecrets(kind RequestKind) bool {
	switch kind {
	case ForPAR, ForToken, ForRefresh, ForDevice, ForBackchannel, ForRegistration:
		return true
	}
	return false
}

// answersAsForm: it has a name that answers have. A bare token with "=" at its
// end reads as a form, too.
func answersAsForm(form url.Values) bool {
	for _, name := range [...]string{"access_token", "error", "id_token", "refresh_token", "token_type", "error_description"} {
		if form.Has(name) {
			return true
		}
	}
	return false
}

func namesToken(s string) bool {
	s = strings.ToLower(s)
	for _, name := range [...]string{"access_token", "refresh_token", "id_token", "device_code", "auth_req_id", "client_secret"} {
		if strings.Contains(s, name) {
			return true
		}
	}
	return false
}

// cutLines bounds a text that keeps its lines.
func cutLines(s string) string {
	if len(s) > maxTraced {
		s = strings.ToValidUTF8(s[:maxTraced], "") + "…"
	}
	return strings.TrimSpace(s)
}

// value masks the strings in a JSON value. Numbers and flags are no secrets.
func (m *masker) value(name string, v any, kind RequestKind) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[m.show(name, maxURI)] = m.value(name, inner, kind)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.value(name, v[i], kind)
		}
		return out
	case string:
		return m.member(name, v, kind)
	}
	return v
}

// member shows a string of an answer, by what the answer is.
func (m *masker) member(name, s string, kind RequestKind) string {
	show := func() string { return m.show(s, maxNote) }
	switch kind {
	case "": // a public document
		return show()
	case ForUserInfo, ForIntrospection: // about a person or a token: personal, not secret
		if secretName(name) {
			break
		}
		return show()
	case ForRegistration:
		if secretName(name) || name == "software_statement" || name == "registration_client_uri" {
			break
		}
		return show()
	}
	switch {
	case strings.HasPrefix(name, "error") || name == "message" || name == "hint" || name == "detail" || name == "title":
		return withoutTokens(m.show(s, maxNote))
	case name == "trace_id" || name == "correlation_id" || name == "request_id" || name == "timestamp" ||
		name == "issued_token_type" || name == "verification_uri" || name == "verification_url" || name == "type":
		return show()
	case harmless(name):
		return show()
	case name == "":
		return masked
	}
	m.explainJWT(name, s)
	return masked
}

// secretName: names of members that hold a secret, in documents that
// otherwise hold none.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range [...]string{"secret", "password", "access_token", "refresh_token", "id_token", "assertion", "api_key", "apikey", "cookie"} {
		if strings.Contains(name, word) {
			return !strings.HasSuffix(name, "_alg") && !strings.HasSuffix(name, "_enc") && !strings.HasSuffix(name, "_expires_at") &&
				!strings.HasSuffix(name, "_lifetime") && !strings.HasSuffix(name, "_access_tokens")
		}
	}
	return false
}

// explainJWT notes what a JWT says: without its signature it is of no use to
// anybody, and what it says is what people look for.
func (m *masker) explainJWT(name, compact string) {
	if strings.Count(compact, ".") != 2 && strings.Count(compact, ".") != 4 {
		return
	}
	jwt, err := parseJWT(compact)
	if err != nil {
		return
	}
	for _, claim := range [...]string{"nonce", "state"} {
		if s, ok := jwt.Claims[claim].(string); ok && name != "Dpop" {
			jwt.Claims[claim] = beginning(s)
		}
	}
	note := m.show(name, maxCode) + ": " + m.compact(jwt.Header)
	if jwt.Claims != nil {
		note += " " + m.compact(jwt.Claims)
	} else {
		note += " (encrypted)"
	}
	m.step.Notes = append(m.step.Notes, note)
}

func (m *masker) compact(v map[string]any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(m.claims("", v)) != nil {
		return "{}"
	}
	return clean(out.String(), maxNote)
}

// claims shows what a JWT says, but for what a person put there as a secret,
// and for JWTs inside it.
func (m *masker) claims(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for inner, value := range v {
			out[clean(inner, maxURI)] = m.claims(inner, value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.claims(name, v[i])
		}
		return out
	case string:
		if secretName(name) || strings.Count(v, ".") == 2 && strings.HasPrefix(v, "ey") {
			return masked
		}
		return m.show(v, maxURI)
	}
	return v
}

// longToken: no word has as many letters and digits in a row.
const longToken = 20

// withoutTokens takes out of a text what could be a token. UUIDs stay: support
// desks ask for them.
func withoutTokens(s string) string {
	var b strings.Builder
	for s != "" {
		n, digit := 0, false
		for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= '0' && s[n] <= '9' || s[n] == '_' || s[n] == '-') {
			digit = digit || s[n] >= '0' && s[n] <= '9'
			n++
		}
		switch {
		case n >= longToken && digit && !isUUID(s[:n]):
			b.WriteString("[…]")
		default:
			b.WriteString(s[:n])
		}
		if s = s[n:]; s != "" {
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String()
}

func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
}
