package carry

import (
	"slices"
	"strings"

	"fob/profiles"
)

// The format: Postman's collection schemas v2.0.0 and v2.1.0; the settings of oauth1 and oauth2 are those that its runtime and
// its window know.

var postmanOAuth2 = dialect{
	grant: "grant_type",
	grants: []words{
		{"authorization_code_with_pkce", profiles.GrantAuthorizationCode}, {"authorization_code", profiles.GrantAuthorizationCode},
		{"client_credentials", profiles.GrantClientCredentials}, {"implicit", profiles.GrantImplicit}, {"password_credentials", profiles.GrantPassword},
	},
	texts: []words{
		{"authUrl", "authorization_endpoint"}, {"accessTokenUrl", "token_endpoint"}, {"refreshTokenUrl", "refresh_endpoint"},
		{"clientId", "client_id"}, {"clientSecret", "client_secret"}, {"scope", "scope"}, {"redirect_uri", "redirect_uri"},
		{"username", "username"},
	},
	method:  "client_authentication",
	methods: []words{{"header", "client_secret_basic"}, {"body", "client_secret_post"}},
	tokens:  []string{"accessToken", "refreshToken", "idToken"},
	ignored: []string{"tokenName", "tokenType", "state", "useBrowser", "addTokenTo", "headerPrefix", "challengeAlgorithm", "code_verifier", "authRequestParams",
		"tokenRequestParams", "refreshRequestParams", "silentAuth", "isTokenCacheEnabled", "id"},
}

var postmanOAuth1 = dialect{
	texts: []words{
		{"consumerKey", "client_id"}, {"consumerSecret", "client_secret"}, {"signatureMethod", "oauth_signature_method"}, {"realm", "realm"},
		{"includeBodyHash", "oauth_body_hash"}, {"callback", "redirect_uri"}, {"privateKey", "private_key"},
	},
	tokens:  []string{"token", "tokenSecret", "verifier"},
	ignored: []string{"nonce", "timestamp", "version", "addParamsToHeader", "addEmptyParamsToSign", "disableHeaderEncoding"},
}

const postmanSchema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

func isPostman(_ Source, n node) bool {
	n = postmanRoot(n)
	return n.at("info").has("name") && n.has("item") && (strings.Contains(n.at("info").get("schema"), "postman.com") || n.at("info").has("_postman_id")) ||
		isPostmanEnvironment(n)
}

// postmanRoot is the collection; Postman's API wraps it.
func postmanRoot(n node) node {
	for _, wrap := range []string{"collection", "environment"} {
		if inner := n.at(wrap); len(n.names) == 1 && inner.fields != nil {
			return inner
		}
	}
	return n
}

func isPostmanEnvironment(n node) bool {
	return n.has("values") && (n.get("_postman_variable_scope") != "" || n.has("name", "id") && len(n.at("values").list) > 0 && n.at("values").list[0].has("key", "value"))
}

// postmanVariables adds a list of variables. Disabled ones do not count.
func (v variables) postman(list []node) {
	for _, one := range list {
		name := one.get("key")
		if name == "" {
			name = one.get("id") // v2.0
		}
		if name != "" && one.get("enabled") != "false" && !one.yes("disabled") {
			v[name] = one.get("value")
		}
	}
}

// environmentVariables adds the values of the environment that was given, in any of the ways that tools write one down.
func (r *reading) environmentVariables(v variables) {
	n := postmanRoot(r.environment)
	switch {
	case n.has("values"):
		v.postman(n.at("values").list)
	case n.has("variables"): // Bruno's, in YAML
		for _, one := range n.at("variables").list {
			v[one.get("name")] = one.get("value")
		}
	case n.at("data").fields != nil: // Insomnia's
		v.flatten("", n.at("data"))
	default:
		v.flatten("", n)
	}
}

func readPostman(r *reading) error {
	root := postmanRoot(r.tree)
	if isPostmanEnvironment(root) {
		return readPostmanEnvironment(r, root)
	}
	vars := variables{}
	vars.postman(root.at("variable").list)
	r.environmentVariables(vars)
	name := root.at("info").get("name")
	r.postmanItems(root, name, nil, vars, 0)
	return nil
}

// postmanItems goes through a collection or a folder. above is the draft that its requests inherit.
func (r *reading) postmanItems(n node, name string, above *draft, vars variables, depth int) {
	r.postmanScripts(n)
	if n.has("variable") && depth > 0 {
		inner := variables{}
		for k, v := range vars {
			inner[k] = v
		}
		inner.postman(n.at("variable").list)
		vars = inner
	}
	own := r.postmanAuth(n.at("auth"), name, above, vars)
	at := len(r.found.Drafts)
	for _, item := range n.at("item").list {
		if item.has("item") {
			r.postmanItems(item, item.get("name"), own, vars, depth+1)
			continue
		}
		r.postmanScripts(item)
		request := item.at("request")
		raw := request.at("url").get("raw")
		if raw == "" {
			raw = request.at("url").text
		}
		if raw == "" {
			raw = request.text // a request may be its address alone
		}
		d := r.postmanAuth(request.at("auth"), item.get("name"), own, vars)
		if d != nil && raw != "" {
			d.bases = append(d.bases, raw)
		}
		if d != nil && d != own {
			d.finish()
		}
	}
	if own != nil && own != above {
		own.finish()
		r.moveUp(at) // what stands higher comes first
	}
}

// moveUp brings the last draft in front of those from at on.
func (r *reading) moveUp(at int) {
	if last := len(r.found.Drafts) - 1; last > at {
		r.found.Drafts = slices.Insert(slices.Delete(slices.Clone(r.found.Drafts), last, last+1), at, r.found.Drafts[last])
	}
}

// postmanAuth makes a draft of a level's own authorization; without one the level inherits.
func (r *reading) postmanAuth(auth node, name string, above *draft, vars variables) *draft {
	kind := auth.get("type")
	settings := auth.at(kind)
	values := map[string]node{}
	var names []string
	for _, one := range settings.list { // v2.1
		values[one.get("key")] = one.at("value")
		names = append(names, one.get("key"))
	}
	for _, key := range settings.names { // v2.0
		values[key] = settings.at(key)
		names = append(names, key)
	}
	get := func(key string) string { return values[key].text }
	switch kind {
	case "":
		return above
	case "noauth":
		return nil
	case "oauth2":
		d := r.draft(name, vars)
		postmanOAuth2.read(d, names, get)
		if get("challengeAlgorithm") == "plain" {
			d.set("code_challenge_method", "plain")
		}
		if prefix, there := values["headerPrefix"]; there && strings.TrimSpace(prefix.text) == "" {
			d.set("token_header_scheme", "none")
		} else {
			d.scheme(prefix.text)
		}
		if get("addTokenTo") == "queryParams" {
			d.set("token_placement", "query")
		}
		d.postmanParameters("authorize", values["authRequestParams"])
		d.postmanParameters("token", values["tokenRequestParams"])
		if len(values["refreshRequestParams"].list) > 0 {
			d.postmanParameters("refresh", values["refreshRequestParams"])
		}
		return d
	case "oauth1":
		d := r.draft(name, vars)
		d.p.GrantType = profiles.GrantOAuth1
		postmanOAuth1.read(d, names, get)
		if get("addParamsToHeader") == "false" {
			d.set("oauth_signature_placement", "query")
		}
		return d
	case "bearer":
		r.bearer(name, get("token"))
	default:
		r.leaveOf("", name, kind+" authorization is not OAuth")
	}
	return nil
}

// bearer leaves out a token that a request carries. One from a variable is somebody else's to fill in.
func (r *reading) bearer(name, token string) {
	if token != "" && onlyVariable(token) == "" {
		r.leave(name, "holds a bearer token; tokens are left out on purpose")
		return
	}
	r.leave(name, "has a bearer token of unknown origin: nothing says where to log in")
}

// postmanParameters reads additional parameters of one kind of request.
func (d *draft) postmanParameters(kind string, list node) {
	for _, one := range list.list {
		name, value := one.get("key"), one.get("value")
		switch {
		case name == "" || one.get("enabled") == "false":
		case one.get("send_as") == "request_header":
			d.header(map[string]string{"authorize": "authorization", "token": "token", "refresh": "refresh"}[kind], name, value)
		case kind == "refresh":
			if value, ok := d.resolved("request_params", value); ok {
				if err := d.p.Set("request_params.refresh/"+name, value); err != nil {
					d.leave("request_params.refresh/"+name, problemText(err))
				}
			}
		default:
			d.parameter(kind, name, value)
		}
	}
}

// header gives the requests of a kind one more header.
func (d *draft) header(kind, name, value string) {
	key := "request_headers." + kind + "/" + name
	value, ok := d.resolved(key, value)
	if !ok {
		return
	}
	if err := d.p.Set(key, value); err != nil {
		d.leave(key, problemText(err))
	}
}

func (r *reading) postmanScripts(n node) {
	for _, event := range n.at("event").list {
		if script := event.at("script"); len(script.at("exec").texts()) > 0 && strings.Join(script.at("exec").texts(), "") != "" {
			r.leave(event.get("listen")+" scripts", "Fob runs no scripts")
		}
	}
}

// readPostmanEnvironment makes a profile of an environment whose variables are named for what they are.
func readPostmanEnvironment(r *reading, root node) error {
	vars := variables{}
	vars.postman(root.at("values").list)
	var names []string
	for _, one := range root.at("values").list {
		if one.get("enabled") != "false" {
			names = append(names, one.get("key"))
		}
	}
	r.named(root.get("name"), names, vars)
	return nil
}

// meanings are names that people give to variables, without their spelling.
var meanings = map[string]string{
	"issuer": "issuer", "issuerurl": "issuer", "authority": "issuer",
	"authurl": "authorization_endpoint", "authorizationurl": "authorization_endpoint", "authorizeurl": "authorization_endpoint", "authorizationendpoint": "authorization_endpoint",
	"tokenurl": "token_endpoint", "accesstokenurl": "token_endpoint", "tokenendpoint": "token_endpoint",
	"clientid": "client_id", "clientsecret": "client_secret", "scope": "scope", "scopes": "scope", "audience": "audience", "resource": "resource",
	"redirecturi": "redirect_uri", "redirecturl": "redirect_uri", "callbackurl": "redirect_uri", "granttype": "grant_type",
	"baseurl": "api_base_url", "apibaseurl": "api_base_url", "apiurl": "api_base_url", "username": "username",
}

// named makes a profile of variables by what their names mean.
func (r *reading) named(name string, names []string, vars variables) {
	d := r.draft(name, vars)
	var other []string
	for _, variable := range names {
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(variable))
		key, known := meanings[plain]
		switch value := vars[variable]; {
		case value == "":
		case strings.HasSuffix(plain, "token"):
			d.token(variable, value)
		case plain == "password":
			d.password(variable, value)
		case !known:
			other = append(other, variable)
		case key == "client_secret":
			d.secret(key, value)
		default:
			d.set(key, value)
		}
	}
	if d.p.ClientID == "" && d.p.Issuer == "" && d.p.TokenEndpoint == "" {
		for _, l := range d.left {
			r.leave(l.What, l.Why)
		}
		r.leave(name, "no variable in it is named as a setting of OAuth; give the environment beside a collection with --environment")
		return
	}
	for _, variable := range other {
		d.leave(variable, "is a variable that means nothing to Fob")
	}
	d.finish()
}

type postmanValue struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
	Type  string `json:"type"`
}

func writePostman(w *writing) error {
	type item map[string]any
	var folders []item
	variables := []postmanValue{}
	environment := []map[string]any{}
	for _, out := range w.items {
		kind := "oauth2"
		var auth []postmanValue
		put := func(name, value string) { auth = append(auth, postmanValue{name, value, "string"}) }
		if out.p.Grant() == profiles.GrantOAuth1 {
			kind = "oauth1"
			writePostmanOAuth1(out, put)
		} else if postmanOAuth2.write(out, put) {
			auth = writePostmanOAuth2(out, auth)
		} else {
			continue
		}
		token := out.variable + "_access_token"
		if kind == "oauth2" {
			put("accessToken", "{{"+token+"}}")
			environment = append(environment, map[string]any{"key": token, "value": "", "type": "secret", "enabled": true})
		}
		for _, place := range out.places {
			environment = append(environment, map[string]any{"key": place, "value": "", "type": "secret", "enabled": true})
		}
		base := out.take("api_base_url")
		if base != "" {
			variables = append(variables, postmanValue{out.variable + "_base_url", base, "string"})
			base = "{{" + out.variable + "_base_url}}"
		}
		folder := item{"name": out.p.Name, "auth": map[string]any{"type": kind, kind: auth}, "item": []item{}}
		if base != "" {
			folder["item"] = []item{{"name": "Call the API", "request": map[string]any{"method": "GET", "header": []any{}, "url": map[string]any{"raw": base, "host": []string{base}}}}}
		}
		folders = append(folders, folder)
	}
	if len(folders) == 0 {
		return nil
	}
	name := "Fob"
	if len(w.items) == 1 {
		name = w.items[0].p.Name
	}
	err := w.json("fob.postman_collection.json", map[string]any{"info": map[string]any{"name": name, "schema": postmanSchema}, "item": folders, "variable": variables})
	if err != nil {
		return err
	}
	return w.json("fob.postman_environment.json", map[string]any{"name": name, "values": environment, "_postman_variable_scope": "environment"})
}

// writePostmanOAuth2 adds what is more than a text.
func writePostmanOAuth2(out *outgoing, auth []postmanValue) []postmanValue {
	put := func(name string, value any, kind string) { auth = append(auth, postmanValue{name, value, kind}) }
	if out.p.Grant() == profiles.GrantAuthorizationCode {
		switch out.p.CodeChallengeMethod {
		case "", "S256":
			put("challengeAlgorithm", "S256", "string")
			if out.p.CodeChallengeMethod != "" {
				out.refuse("code_challenge_method", "says S256 for every login, which is Fob's default")
			}
		case "plain":
			put("challengeAlgorithm", "plain", "string")
			out.done("code_challenge_method")
		default: // read back, it is protected again
			for i := range auth {
				if auth[i].Key == "grant_type" {
					auth[i].Value = "authorization_code"
				}
			}
			out.refuse("code_challenge_method", "has it as a grant without PKCE; Fob reads that with PKCE again")
		}
	}
	if word, there := out.scheme(); there {
		put("headerPrefix", word, "string")
	}
	switch out.p.TokenPlacement {
	case "query":
		put("addTokenTo", "queryParams", "string")
		out.done("token_placement")
	case "header":
		put("addTokenTo", "header", "string")
		out.refuse("token_placement", "puts the token into the header anyway, which is Fob's default")
	case "":
		put("addTokenTo", "header", "string")
	default:
		out.refuse("token_placement", "cannot put the token into the body")
	}
	var authorize, token []any
	parameter := func(name, value, as string) any {
		return map[string]any{"key": name, "value": value, "enabled": true, "send_as": as}
	}
	for _, key := range []string{"audience", "resource"} {
		if values := out.p.Get(key); len(values) == 1 && !out.foreign(key, values[0]) {
			token = append(token, parameter(key, values[0], "request_body"))
			if out.p.UsesBrowser() {
				authorize = append(authorize, parameter(key, values[0], "request_url"))
			}
			out.done(key)
		}
	}
	if out.p.UsesBrowser() {
		for _, key := range []string{"prompt", "login_hint", "acr_values", "max_age", "response_mode", "display", "ui_locales"} {
			if values := out.p.Get(key); len(values) > 0 && !out.foreign(key, values[0]) {
				authorize = append(authorize, parameter(key, strings.Join(values, " "), "request_url"))
				out.done(key)
			}
		}
		authorize = append(authorize, out.parameters("authorize_params", func(name, value string) any { return parameter(name, value, "request_url") })...)
	}
	token = append(token, out.parameters("token_params", func(name, value string) any { return parameter(name, value, "request_body") })...)
	if len(authorize) > 0 {
		put("authRequestParams", authorize, "any")
	}
	if len(token) > 0 {
		put("tokenRequestParams", token, "any")
	}
	return auth
}

// parameters writes extra parameters; an empty one, which leaves something out, is Fob's own.
func (o *outgoing) parameters(key string, write func(name, value string) any) []any {
	var all []any
	complete := true
	for _, pair := range o.p.Get(key) {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" || o.foreign(key, pair) || slices.Contains([]string{"audience", "resource", "prompt"}, name) {
			complete = false
			continue
		}
		all = append(all, write(name, value))
	}
	if complete {
		o.done(key)
	} else if o.why[key] == "" {
		o.refuse(key, "cannot leave a parameter out by an empty value")
	}
	return all
}

func writePostmanOAuth1(out *outgoing, put func(string, string)) {
	postmanOAuth1.write(out, put)
	out.done("grant_type")
	switch out.p.OAuthSignaturePlacement {
	case "query":
		put("addParamsToHeader", "false")
		out.done("oauth_signature_placement")
	case "header":
		out.refuse("oauth_signature_placement", "puts it into the header anyway, which is Fob's default")
	case "":
		put("addParamsToHeader", "true")
	}
}
