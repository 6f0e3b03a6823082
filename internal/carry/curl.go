package carry

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"fob/profiles"
)

// A curl command: what it calls is an API, or a token endpoint when it asks for a token.

// curlArguments are curl's flags with an argument, as its manual has them, by their short and long names.
var curlArguments = strings.Fields(`H header d data data-ascii data-binary data-raw data-urlencode json u user X request F form form-string o output A user-agent
	e referer b cookie c cookie-jar x proxy U proxy-user E cert key cacert capath cert-type key-type pass m max-time connect-timeout retry retry-delay retry-max-time
	T upload-file w write-out K config D dump-header C continue-at r range url resolve connect-to oauth2-bearer url-query interface max-redirs z time-cond
	unix-socket abstract-unix-socket ciphers tls-max aws-sigv4 limit-rate noproxy proto proto-default socks5 socks5-hostname y Y t Q trace trace-ascii stderr variable`)

// request is what a curl command asks for.
type request struct {
	address  string
	headers  []string
	data     []string
	user     string
	bearer   string
	get      bool
	asks     url.Values // the form, when it asks for a token
	insecure bool
	proxy    string
}

func isCurl(s Source, _ node) bool {
	return s.Files == nil && strings.Contains(s.Text, "curl") && len(s.Text) < 1<<20 && slices.ContainsFunc(commands(s.Text), func(words []string) bool { return curlAt(words) >= 0 })
}

// curlAt is where the name curl stands in a command, behind what sets its environment; -1 when it is another one.
func curlAt(words []string) int {
	for i, word := range words {
		switch {
		case word == "curl" || word == "curl.exe" || strings.HasSuffix(word, "/curl"):
			return i
		case word == "$" || word == "sudo" || word == "env" || strings.Contains(word, "=") && !strings.HasPrefix(word, "-") && !strings.Contains(word, "/"):
		default:
			return -1
		}
	}
	return -1
}

func readCurl(r *reading) error {
	var all []request
	for _, words := range commands(r.source.Text) {
		if at := curlAt(words); at >= 0 {
			all = append(all, curlRequest(words[at+1:]))
		}
	}
	if len(all) == 0 {
		return errors.New("holds no curl command")
	}
	d := r.draft("", variables{})
	for i := range all {
		d.curl(&all[i])
	}
	if d.name == "" {
		for _, key := range []string{"api_base_url", "token_endpoint"} {
			if u, err := url.Parse(strings.Join(d.p.Get(key), "")); err == nil && u.Hostname() != "" && d.name == "" {
				d.name = u.Hostname()
			}
		}
	}
	d.finish()
	return nil
}

// curlRequest reads the words behind curl.
func curlRequest(words []string) request {
	var q request
	take := func(name, value string) {
		switch name {
		case "H", "header":
			q.headers = append(q.headers, value)
		case "d", "data", "data-ascii", "data-binary", "data-raw":
			q.data = append(q.data, value)
		case "data-urlencode":
			key, text, found := strings.Cut(value, "=")
			if found {
				value = key + "=" + url.QueryEscape(text)
			}
			q.data = append(q.data, value)
		case "F", "form", "form-string":
			key, text, _ := strings.Cut(value, "=")
			q.data = append(q.data, key+"="+url.QueryEscape(text))
		case "u", "user":
			q.user = value
		case "oauth2-bearer":
			q.bearer = value
		case "url":
			q.address = value
		case "G", "get":
			q.get = true
		case "k", "insecure":
			q.insecure = true
		case "x", "proxy":
			q.proxy = value
		}
	}
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case strings.HasPrefix(word, "--"):
			name, value, given := strings.Cut(word[2:], "=")
			if !given && slices.Contains(curlArguments, name) && i+1 < len(words) {
				i++
				value = words[i]
			}
			take(name, value)
		case strings.HasPrefix(word, "-") && len(word) > 1:
			for j := 1; j < len(word); j++ { // -sSL and -XPOST are both usual
				name := word[j : j+1]
				if !slices.Contains(curlArguments, name) {
					take(name, "")
					continue
				}
				value := word[j+1:]
				if value == "" && i+1 < len(words) {
					i++
					value = words[i]
				}
				take(name, value)
				break
			}
		case q.address == "":
			q.address = word
		}
	}
	if q.address != "" && !strings.Contains(q.address, "://") {
		q.address = "https://" + q.address
	}
	if form, err := url.ParseQuery(strings.Join(q.data, "&")); err == nil && form.Get("grant_type") != "" && !q.get {
		q.asks = form
	}
	return q
}

// curl takes what one request says into the draft.
func (d *draft) curl(q *request) {
	for _, header := range q.headers {
		name, value, _ := strings.Cut(header, ":")
		value = strings.TrimSpace(value)
		scheme, credential, _ := strings.Cut(value, " ")
		switch {
		case !strings.EqualFold(strings.TrimSpace(name), "authorization"):
		case strings.EqualFold(scheme, "Basic") && q.asks != nil:
			if user, ok := basicUser(credential); ok {
				q.user = user
			}
		case strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP") || strings.EqualFold(scheme, "Token"):
			q.bearer = credential
			if strings.EqualFold(scheme, "DPoP") {
				d.set("dpop_bound_access_tokens", "true")
			} else if !strings.EqualFold(scheme, "Bearer") {
				d.set("token_header_scheme", scheme)
			}
		default:
			d.leave("Authorization", scheme+" authorization is not OAuth")
		}
	}
	if q.bearer != "" && !strings.Contains(q.bearer, unknownWord) {
		d.leave("access token", "tokens are left out on purpose; a login gets fresh ones")
	}
	if q.insecure {
		d.leave("tls_skip_verify", "curl's -k switches the check of the server off; say tls_skip_verify=true yourself if you must")
	}
	if q.asks != nil {
		d.tokenRequest(q)
		return
	}
	if q.user != "" {
		d.leave("user", "a user name and password for the API are not OAuth")
	}
	d.plain("api_base_url", q.address, func(address string) {
		address, _, _ = strings.Cut(address, "?")
		if d.p.APIBaseURL == "" {
			if u, err := url.Parse(address); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
				if u.User != nil {
					d.leave("user", "a user name and password for the API are not OAuth")
				}
				d.set("api_base_url", u.Scheme+"://"+u.Host)
			} else {
				d.leave("api_base_url", "only https is spoken here, and http on this machine")
			}
		}
	})
}

// plain uses a value unless the shell would have to work it out.
func (d *draft) plain(what, value string, use func(string)) {
	switch {
	case strings.Contains(value, unknownWord):
		d.leave(what, "is worked out by the shell, which Fob does not run")
	case value != "":
		use(value)
	}
}

// tokenRequest reads a request to a token endpoint (RFC 6749 §4).
func (d *draft) tokenRequest(q *request) {
	set := func(key string) func(string) { return func(v string) { d.set(key, v) } }
	d.plain("token_endpoint", q.address, set("token_endpoint"))
	id, secret, basic := strings.Cut(q.user, ":")
	form := q.asks
	get := func(name string) string {
		value := form.Get(name)
		form.Del(name)
		return value
	}
	if q.user == "" {
		id, secret, basic = get("client_id"), "", false
	}
	d.plain("client_id", id, set("client_id"))
	posted := get("client_secret")
	if secret == "" {
		secret = posted
	}
	get("client_id")
	grant := get("grant_type")
	d.plain("client_secret", secret, func(v string) { d.secret("client_secret", v) })
	switch {
	case basic:
		d.set("token_endpoint_auth_method", "client_secret_basic")
	case posted != "":
		d.set("token_endpoint_auth_method", "client_secret_post")
	}
	switch grant {
	case "authorization_code", "refresh_token":
		d.token("code", get("code"))
		d.plain("redirect_uri", get("redirect_uri"), set("redirect_uri"))
	default:
		d.plain("grant_type", grant, func(v string) {
			d.set("grant_type", v)
			d.p.GrantType = d.p.Grant()
			if d.p.CustomGrant() {
				d.p.GrantType = v
			}
		})
	}
	d.token("refresh_token", get("refresh_token"))
	d.plain("scope", get("scope"), set("scope"))
	d.plain("audience", get("audience"), set("audience"))
	for _, resource := range form["resource"] {
		d.plain("resource", resource, func(v string) { d.set("resource", append(d.p.Get("resource"), v)...) })
	}
	form.Del("resource")
	d.plain("username", get("username"), set("username"))
	d.password("password", get("password"))
	for _, name := range []string{"subject_token_type", "actor_token_type", "requested_token_type"} {
		d.plain(name, get(name), func(v string) { d.set(name, v) })
	}
	for _, name := range []string{"subject_token", "actor_token", "assertion", "client_assertion", "device_code", "auth_req_id"} {
		d.token(name, get(name))
	}
	for _, name := range []string{"client_assertion_type", "code_verifier", "state", "nonce"} {
		get(name)
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d.plain("token_params."+name, form.Get(name), func(v string) { d.parameter("token", name, v) })
	}
	if d.p.Grant() == profiles.GrantAuthorizationCode && d.p.Issuer == "" && d.p.AuthorizationEndpoint == "" {
		d.leave("authorization_endpoint", "a token request does not say where one logs in; give the issuer")
	}
}
