package carry

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"fob/profiles"
)

// The formats: a folder of .bru files, and the same in YAML as OpenCollection has it, which Bruno 3 and later write. Both name
// the same settings.

var brunoOAuth2 = dialect{
	grant: "grant_type",
	grants: []words{
		{"authorization_code", profiles.GrantAuthorizationCode}, {"client_credentials", profiles.GrantClientCredentials},
		{"implicit", profiles.GrantImplicit}, {"password", profiles.GrantPassword}, {"resource_owner_password_credentials", profiles.GrantPassword},
	},
	texts: []words{
		{"callback_url", "redirect_uri"}, {"authorization_url", "authorization_endpoint"}, {"access_token_url", "token_endpoint"},
		{"refresh_token_url", "refresh_endpoint"}, {"client_id", "client_id"}, {"client_secret", "client_secret"}, {"scope", "scope"}, {"username", "username"},
	},
	method:  "credentials_placement",
	methods: []words{{"body", "client_secret_post"}, {"basic_auth_header", "client_secret_basic"}},
	ignored: []string{"state", "pkce", "credentials_id", "token_placement", "token_header_prefix", "token_query_key", "token_source", "auto_fetch_token", "auto_refresh_token"},
}

var brunoOAuth1 = dialect{
	texts: []words{
		{"consumer_key", "client_id"}, {"consumer_secret", "client_secret"}, {"callback_url", "redirect_uri"}, {"signature_method", "oauth_signature_method"},
		{"realm", "realm"}, {"placement", "oauth_signature_placement"}, {"include_body_hash", "oauth_body_hash"}, {"private_key", "private_key"},
	},
	tokens:  []string{"access_token", "token_secret", "verifier"},
	ignored: []string{"timestamp", "nonce", "version"},
}

// openCollection are the names of OpenCollection by those of a .bru file, as paths.
var openCollection = map[string][]string{
	"grant_type": {"flow"}, "callback_url": {"callbackUrl"}, "authorization_url": {"authorizationUrl"}, "access_token_url": {"accessTokenUrl"},
	"refresh_token_url": {"refreshTokenUrl"}, "client_id": {"credentials", "clientId"}, "client_secret": {"credentials", "clientSecret"},
	"credentials_placement": {"credentials", "placement"}, "scope": {"scope"}, "username": {"resourceOwner", "username"},
	"password": {"resourceOwner", "password"}, "token_header_prefix": {"tokenConfig", "placement", "header"},
	"token_query_key": {"tokenConfig", "placement", "query"}, "token_source": {"tokenConfig", "source"},

	"consumer_key": {"consumerKey"}, "consumer_secret": {"consumerSecret"}, "access_token": {"accessToken"}, "token_secret": {"accessTokenSecret"},
	"verifier": {"verifier"}, "signature_method": {"signatureMethod"}, "realm": {"realm"}, "placement": {"placement"},
	"include_body_hash": {"includeBodyHash"}, "private_key": {"privateKey", "value"},
}

func isBruno(s Source, n node) bool {
	for name := range s.Files {
		if collectionFile(name) && (path.Ext(name) == ".bru" || path.Base(name) == "opencollection.yml" || path.Base(name) == "bruno.json") {
			return true
		}
	}
	if n.has("opencollection") || n.has("info", "http") {
		return true
	}
	if n.fields != nil && !strings.Contains(s.Text, "\n}") {
		return false
	}
	file := parseBru(s.Text)
	for _, name := range []string{"meta", "auth", "auth:oauth2", "auth:oauth1"} {
		if block, there := file[name]; there && len(block.pairs) > 0 {
			return true
		}
	}
	return false
}

// brunoItem is a collection, a folder or a request, whichever way it is written.
type brunoItem struct {
	name      string
	mode      string // of its authorization; "inherit" and "" take over what stands above
	names     []string
	get       func(string) string
	has       func(string) bool
	extra     func(kind, place string) []bruPair // "authorize" or "token"; "headers", "queryparams" or "body"
	variables []bruPair
	url       string
	scripts   bool
}

// bruItem reads an item from a .bru file.
func bruItem(file bruFile, fallback string) brunoItem {
	item := brunoItem{name: file["meta"].get("name"), mode: file["auth"].get("mode"), variables: file["vars:pre-request"].pairs}
	if item.name == "" {
		item.name = fallback
	}
	for _, method := range []string{"get", "post", "put", "patch", "delete", "options", "head", "http"} {
		if block, there := file[method]; there {
			item.url, item.mode = block.get("url"), block.get("auth")
		}
	}
	auth := file["auth:"+item.mode]
	if item.mode == "" && len(file["auth:oauth2"].pairs) > 0 { // a file that was cut out of a collection
		item.mode, auth = "oauth2", file["auth:oauth2"]
	}
	item.names, item.get = auth.names(), auth.get
	item.has = func(name string) bool { _, there := auth.lookup(name); return there }
	item.extra = func(kind, place string) []bruPair {
		request := map[string]string{"authorize": "auth_req", "token": "access_token_req", "refresh": "refresh_token_req"}[kind]
		return file["auth:oauth2:additional_params:"+request+":"+place].pairs
	}
	for _, name := range []string{"script:pre-request", "script:post-response", "tests"} {
		item.scripts = item.scripts || strings.TrimSpace(file[name].text) != ""
	}
	return item
}

// openItem reads an item from OpenCollection's YAML.
func openItem(n node, fallback string) brunoItem {
	item := brunoItem{name: n.at("info").get("name"), url: n.at("http").get("url")}
	if item.name == "" {
		item.name = fallback
	}
	auth := n.at("request", "auth")
	if n.has("http") {
		auth = n.at("http", "auth")
	}
	if auth.fields == nil && n.at("runtime", "auth").fields != nil {
		auth = n.at("runtime", "auth")
	}
	item.mode = auth.get("type")
	if auth.scalar {
		item.mode = auth.text
	}
	item.get = func(name string) string {
		value := auth.at(openCollection[name]...).text
		switch {
		case name == "pkce" && auth.has("pkce"):
			return strconv.FormatBool(!auth.at("pkce").yes("disabled"))
		case name == "token_placement" && auth.at("tokenConfig", "placement").has("query"):
			return "url"
		case len(openCollection[name]) == 0:
			return ""
		}
		return value
	}
	for ours, theirs := range openCollection {
		if auth.at(theirs...).scalar {
			item.names = append(item.names, ours)
		}
	}
	slices.Sort(item.names)
	item.has = func(name string) bool { return slices.Contains(item.names, name) }
	item.extra = func(kind, place string) []bruPair {
		request := map[string]string{"authorize": "authorizationRequest", "token": "accessTokenRequest", "refresh": "refreshTokenRequest"}[kind]
		var all []bruPair
		for _, one := range auth.at("additionalParameters", request).list {
			if one.get("placement") == map[string]string{"headers": "header", "queryparams": "query", "body": "body"}[place] {
				all = append(all, bruPair{name: one.get("name"), value: one.get("value")})
			}
		}
		return all
	}
	for _, place := range []node{n.at("request", "variables"), n.at("runtime", "variables")} {
		for _, one := range place.list {
			item.variables = append(item.variables, bruPair{name: one.get("name"), value: openValue(one.at("value")), disabled: one.yes("disabled")})
		}
	}
	item.scripts = len(n.at("request", "scripts").list)+len(n.at("runtime", "scripts").list) > 0
	return item
}

// openValue is a variable's value, which may say its type beside it.
func openValue(n node) string {
	if n.has("data") {
		return n.get("data")
	}
	return n.text
}

func readBruno(r *reading) error {
	if r.source.Files == nil {
		vars := variables{}
		r.environmentVariables(vars)
		if r.tree.has("opencollection") || r.tree.has("info", "http") {
			r.openTree(r.tree, nil, vars, 0)
			return nil
		}
		r.brunoLevel(bruItem(parseBru(r.source.Text), r.source.Name), nil, vars, true)
		return nil
	}
	var roots []string
	for _, name := range slices.Sorted(maps.Keys(r.source.Files)) {
		if dir := path.Dir(name); (path.Base(name) == "bruno.json" || path.Base(name) == "opencollection.yml") && !slices.Contains(roots, dir) {
			roots = append(roots, dir)
		}
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	for _, root := range roots {
		if err := r.brunoCollection(root); err != nil {
			return err
		}
	}
	return nil
}

// openTree reads a collection that is one YAML file, with its items in it.
func (r *reading) openTree(n node, above *draft, vars variables, depth int) {
	own, inner := r.brunoEnter(openItem(n, r.source.Name), above, vars)
	at := len(r.found.Drafts)
	for _, item := range n.at("items").list {
		r.openTree(item, own, inner, depth+1)
	}
	if own != nil && own != above {
		own.finish()
		r.moveUp(at)
	}
}

// brunoCollection reads the folder of one collection.
func (r *reading) brunoCollection(root string) error {
	files := map[string]string{}
	for name, text := range r.source.Files {
		if root == "." {
			files[name] = text
		} else if inside, ok := strings.CutPrefix(name, root+"/"); ok {
			files[inside] = text
		}
	}
	vars := variables{}
	r.brunoEnvironment(files, vars)
	r.environmentVariables(vars)
	name := r.source.Name
	if n, err := parse(files["bruno.json"]); err == nil && n.get("name") != "" {
		name = n.get("name")
	}
	return r.brunoFolder(files, "", name, nil, vars, 0)
}

// brunoEnvironment takes the values of the environment that was asked for, or of the only one there is.
func (r *reading) brunoEnvironment(files map[string]string, vars variables) {
	var names []string
	for name := range files {
		if path.Dir(name) == "environments" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		r.found.Environments = append(r.found.Environments, base(name))
		if base(name) != r.options.Within && (len(names) > 1 || r.options.Within != "" || r.options.Environment != nil) {
			continue
		}
		if path.Ext(name) == ".bru" {
			for _, pair := range parseBru(files[name])["vars"].pairs {
				if !pair.disabled {
					vars[pair.name] = pair.value
				}
			}
		} else if n, err := parse(files[name]); err == nil {
			for _, one := range n.at("variables").list {
				if !one.yes("disabled") && !one.yes("secret") {
					vars[one.get("name")] = openValue(one.at("value"))
				}
			}
		}
	}
}

// brunoFolder reads a folder's own settings, its requests and the folders below it.
func (r *reading) brunoFolder(files map[string]string, dir, name string, above *draft, vars variables, depth int) error {
	if depth > maxDepth {
		return errors.New("the folders are nested too deeply")
	}
	heads := []string{"folder.bru", "folder.yml"}
	if dir == "" {
		heads = []string{"collection.bru", "opencollection.yml"}
	}
	own, inner := above, vars
	for _, head := range heads {
		text, there := files[path.Join(dir, head)]
		if !there {
			continue
		}
		item, ok := r.brunoFile(head, text, name)
		if ok {
			own, inner = r.brunoEnter(item, above, vars)
		}
	}
	at := len(r.found.Drafts)
	var below []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		inside := file
		if dir != "" {
			var ok bool
			if inside, ok = strings.CutPrefix(file, dir+"/"); !ok {
				continue
			}
		}
		sub, _, deeper := strings.Cut(inside, "/")
		switch {
		case deeper && dir == "" && sub == "environments":
		case deeper:
			if !slices.Contains(below, sub) {
				below = append(below, sub)
			}
		case slices.Contains(heads, sub) || sub == "bruno.json":
		default:
			if item, ok := r.brunoFile(sub, files[file], base(sub)); ok {
				r.brunoLevel(item, own, inner, false)
			}
		}
	}
	for _, sub := range below {
		if err := r.brunoFolder(files, path.Join(dir, sub), sub, own, inner, depth+1); err != nil {
			return err
		}
	}
	if own != nil && own != above {
		own.finish()
		r.moveUp(at)
	}
	return nil
}

func (r *reading) brunoFile(name, text, fallback string) (brunoItem, bool) {
	if path.Ext(name) == ".bru" {
		return bruItem(parseBru(text), fallback), true
	}
	n, err := parse(text)
	if err != nil {
		r.leave(name, err.Error())
		return brunoItem{}, false
	}
	return openItem(n, fallback), n.has("info") || n.has("request") || n.has("http")
}

// brunoLevel reads an item without others below it.
func (r *reading) brunoLevel(item brunoItem, above *draft, vars variables, alone bool) {
	own, _ := r.brunoEnter(item, above, vars)
	if own != nil && own != above {
		own.finish()
	}
}

// brunoEnter makes a draft of an item's own authorization; without one the item inherits.
func (r *reading) brunoEnter(item brunoItem, above *draft, vars variables) (*draft, variables) {
	if item.scripts {
		r.leave("scripts", "Fob runs no scripts")
	}
	if len(item.variables) > 0 {
		inner := maps.Clone(vars)
		for _, pair := range item.variables {
			if !pair.disabled {
				inner[pair.name] = pair.value
			}
		}
		vars = inner
	}
	own := r.brunoAuth(item, above, vars)
	target := own
	if item.mode == "bearer" && strings.HasPrefix(onlyVariable(item.get("token")), "process.env.") {
		target = above // Fob's own: the settings stand above, the token comes from `fob exec`
	}
	if target != nil && item.url != "" {
		if value, unknown := vars.resolve(item.url); unknown == "" && target.p.APIBaseURL == "" {
			if good := webAddress(value); good != "" && onlyVariable(item.url) != "" {
				target.p.APIBaseURL = good
			}
		}
		target.bases = append(target.bases, item.url)
	}
	return own, vars
}

func (r *reading) brunoAuth(item brunoItem, above *draft, vars variables) *draft {
	switch item.mode {
	case "", "inherit":
		return above
	case "none":
		return nil
	case "oauth2":
		d := r.draft(item.name, vars)
		brunoOAuth2.read(d, item.names, item.get)
		if item.has("token_header_prefix") && item.get("token_header_prefix") == "" {
			d.set("token_header_scheme", "none")
		} else {
			d.scheme(item.get("token_header_prefix"))
		}
		if item.get("token_placement") == "url" {
			d.set("token_placement", "query")
			if key := item.get("token_query_key"); key != "" && key != "access_token" {
				d.leave("token_query_key", "Fob's parameter is access_token (RFC 6750 §2.3)")
			}
		}
		if item.get("token_source") == "id_token" {
			d.leave("token_source", "Fob hands out the ID token when asked: `fob token --id-token`")
		}
		for _, kind := range []string{"authorize", "token"} {
			for _, place := range []string{"queryparams", "body"} {
				for _, pair := range item.extra(kind, place) {
					if !pair.disabled {
						d.parameter(kind, pair.name, pair.value)
					}
				}
			}
			for _, pair := range item.extra(kind, "headers") {
				if !pair.disabled {
					d.header(map[string]string{"authorize": "authorization", "token": "token"}[kind], pair.name, pair.value)
				}
			}
		}
		return d
	case "oauth1":
		d := r.draft(item.name, vars)
		d.p.GrantType = profiles.GrantOAuth1
		get := item.get
		if key := get("private_key"); strings.HasPrefix(key, "@file(") {
			d.leave("private_key", "is in another file, which is not opened; set private_key=@FILE")
			get = func(name string) string {
				if name == "private_key" {
					return ""
				}
				return item.get(name)
			}
		}
		brunoOAuth1.read(d, item.names, get)
		return d
	case "bearer":
		if !strings.HasPrefix(onlyVariable(item.get("token")), "process.env.") {
			r.bearer(item.name, item.get("token"))
		}
	default:
		r.leave(item.name, item.mode+" authorization is not OAuth")
	}
	return nil
}

func writeBruno(w *writing) error {
	name := "Fob"
	if len(w.items) == 1 {
		name = w.items[0].p.Name
	}
	if err := w.json("bruno.json", map[string]any{"version": "1", "name": name, "type": "collection", "ignore": []string{"node_modules", ".git"}}); err != nil {
		return err
	}
	seq := 0
	for _, out := range w.items {
		var auth []bruPair
		put := func(name, value string) { auth = append(auth, bruPair{name: name, value: value}) }
		mode := "oauth2"
		if out.p.Grant() == profiles.GrantOAuth1 {
			mode = "oauth1"
			brunoOAuth1.write(out, put)
			out.done("grant_type")
		} else if brunoOAuth2.write(out, put) {
			writeBrunoOAuth2(out, put)
		} else {
			continue
		}
		upper := strings.ToUpper(out.variable)
		for i := range auth { // Bruno takes what shall not stand in a file from its environment
			if slices.Contains(out.places, onlyVariable(auth[i].value)) {
				auth[i].value = "{{process.env." + strings.ToUpper(onlyVariable(auth[i].value)) + "}}"
			}
		}
		seq++
		var folder bruWriter
		folder.block("meta", bruPair{name: "name", value: out.p.Name}, bruPair{name: "seq", value: strconv.Itoa(seq)})
		folder.block("auth", bruPair{name: "mode", value: mode})
		folder.block("auth:"+mode, auth...)
		if mode == "oauth2" {
			writeBrunoParameters(out, &folder)
		}
		if base := out.take("api_base_url"); base != "" {
			folder.block("vars:pre-request", bruPair{name: "base_url", value: base})
			var call bruWriter
			call.block("meta", bruPair{name: "name", value: "Call the API"}, bruPair{name: "type", value: "http"}, bruPair{name: "seq", value: "1"})
			authorization := "inherit"
			if mode == "oauth2" {
				authorization = "bearer"
			}
			call.block("get", bruPair{name: "url", value: "{{base_url}}"}, bruPair{name: "body", value: "none"}, bruPair{name: "auth", value: authorization})
			if mode == "oauth2" {
				call.block("auth:bearer", bruPair{name: "token", value: "{{process.env." + upper + "_ACCESS_TOKEN}}"})
			}
			w.file(path.Join(out.variable, "Call the API.bru"), call.String())
		}
		w.file(path.Join(out.variable, "folder.bru"), folder.String())
	}
	if seq == 0 {
		w.files = nil
	}
	return nil
}

// writeBrunoOAuth2 adds what is more than a text.
func writeBrunoOAuth2(out *outgoing, put func(name, value string)) {
	if out.p.Grant() == profiles.GrantAuthorizationCode {
		put("pkce", strconv.FormatBool(out.p.CodeChallengeMethod != "none"))
		switch out.p.CodeChallengeMethod {
		case "none":
			out.refuse("code_challenge_method", "has it as a login without PKCE; Fob reads that with PKCE again")
		case "plain":
			out.refuse("code_challenge_method", "knows PKCE with S256 alone")
		case "S256":
			out.refuse("code_challenge_method", "says S256 for every login, which is Fob's default")
		}
	}
	put("credentials_id", out.variable)
	switch out.p.TokenPlacement {
	case "query":
		put("token_placement", "url")
		put("token_query_key", "access_token")
		out.done("token_placement")
	case "header":
		out.refuse("token_placement", "puts the token into the header anyway, which is Fob's default")
		fallthrough
	case "":
		put("token_placement", "header")
	default:
		out.refuse("token_placement", "cannot put the token into the body")
	}
	word, there := out.scheme()
	if !there {
		word = "Bearer"
	}
	put("token_header_prefix", word)
	put("auto_fetch_token", "true")
	put("auto_refresh_token", "true")
}

// writeBrunoParameters writes parameters beyond the usual ones, each kind in a block of its own.
func writeBrunoParameters(out *outgoing, folder *bruWriter) {
	var authorize, token []bruPair
	for _, key := range []string{"audience", "resource"} {
		if values := out.p.Get(key); len(values) == 1 && !out.foreign(key, values[0]) {
			token = append(token, bruPair{name: key, value: values[0]})
			if out.p.UsesBrowser() {
				authorize = append(authorize, bruPair{name: key, value: values[0]})
			}
			out.done(key)
		}
	}
	pair := func(name, value string) any { return bruPair{name: name, value: value} }
	if out.p.UsesBrowser() {
		for _, key := range []string{"prompt", "login_hint", "acr_values", "max_age", "response_mode", "display", "ui_locales"} {
			if values := out.p.Get(key); len(values) > 0 && !out.foreign(key, values[0]) {
				authorize = append(authorize, bruPair{name: key, value: strings.Join(values, " ")})
				out.done(key)
			}
		}
		for _, one := range out.parameters("authorize_params", pair) {
			authorize = append(authorize, one.(bruPair))
		}
	}
	for _, one := range out.parameters("token_params", pair) {
		token = append(token, one.(bruPair))
	}
	if len(authorize) > 0 {
		folder.block("auth:oauth2:additional_params:auth_req:queryparams", authorize...)
	}
	if len(token) > 0 {
		folder.block("auth:oauth2:additional_params:access_token_req:body", token...)
	}
}
