package carry

import (
	"strings"

	"fob/profiles"
)

// The formats: version 4, JSON with a list of resources, which every Insomnia since 2017 reads, and version 5, YAML with a tree.
// The settings are AuthTypeOAuth1 and AuthTypeOAuth2 of its source.

var insomniaOAuth2 = dialect{
	grant: "grantType",
	grants: []words{
		{"authorization_code", profiles.GrantAuthorizationCode}, {"client_credentials", profiles.GrantClientCredentials},
		{"implicit", profiles.GrantImplicit}, {"password", profiles.GrantPassword},
	},
	texts: []words{
		{"authorizationUrl", "authorization_endpoint"}, {"accessTokenUrl", "token_endpoint"}, {"clientId", "client_id"}, {"clientSecret", "client_secret"},
		{"scope", "scope"}, {"redirectUrl", "redirect_uri"}, {"audience", "audience"}, {"resource", "resource"}, {"username", "username"},
	},
	method:  "credentialsInBody",
	methods: []words{{"false", "client_secret_basic"}, {"true", "client_secret_post"}},
	tokens:  []string{"accessToken", "refreshToken", "identityToken", "code"},
	ignored: []string{"type", "state", "usePkce", "pkceMethod", "responseType", "tokenPrefix", "origin", "useDefaultBrowser", "launchBrowserManually",
		"clientIdIssuedAt", "clientSecretExpiresAt"},
}

var insomniaOAuth1 = dialect{
	texts: []words{
		{"consumerKey", "client_id"}, {"consumerSecret", "client_secret"}, {"signatureMethod", "oauth_signature_method"}, {"realm", "realm"},
		{"callback", "redirect_uri"}, {"includeBodyHash", "oauth_body_hash"}, {"privateKey", "private_key"},
	},
	tokens:  []string{"tokenKey", "tokenSecret", "verifier"},
	ignored: []string{"type", "nonce", "timestamp", "version"},
}

func isInsomnia(_ Source, n node) bool {
	return n.get("_type") == "export" && n.has("resources") || strings.Contains(n.get("type"), ".insomnia.rest/5")
}

func readInsomnia(r *reading) error {
	if r.tree.has("resources") {
		r.insomnia4()
		return nil
	}
	vars := variables{}
	env := r.tree.at("environments")
	vars.flatten("", env.at("data"))
	for _, sub := range env.at("subEnvironments").list {
		r.found.Environments = append(r.found.Environments, sub.get("name"))
		if r.options.Within != "" && sub.get("name") == r.options.Within {
			vars.flatten("", sub.at("data"))
		}
	}
	r.environmentVariables(vars)
	r.insomniaItems(r.tree.at("collection").list, nil, vars)
	if r.tree.get("type") != "" && !strings.HasPrefix(r.tree.get("type"), "collection.") && len(r.found.Drafts) == 0 {
		r.leave(r.tree.get("name"), "is no collection of Insomnia; export the collection")
	}
	return nil
}

// insomniaItems goes through folders and requests as version 5 writes them.
func (r *reading) insomniaItems(items []node, above *draft, vars variables) {
	for _, item := range items {
		r.insomniaScripts(item.at("scripts").get("preRequest"), item.at("scripts").get("afterResponse"))
		inner := vars
		if item.at("environment").fields != nil {
			inner = variables{}
			for k, v := range vars {
				inner[k] = v
			}
			inner.flatten("", item.at("environment"))
		}
		d := r.insomniaAuth(item, above, inner)
		if d != nil && item.get("url") != "" {
			d.bases = append(d.bases, item.get("url"))
		}
		at := len(r.found.Drafts)
		r.insomniaItems(item.at("children").list, d, inner)
		if d != nil && d != above {
			d.finish()
			r.moveUp(at)
		}
	}
}

// insomnia4 makes a tree of the flat list of version 4 and goes through it.
func (r *reading) insomnia4() {
	children := map[string][]node{}
	var roots []node
	vars := variables{}
	bases := map[string]bool{}
	for _, resource := range r.tree.at("resources").list {
		switch resource.get("_type") {
		case "workspace":
			roots = append(roots, resource)
		case "environment":
			if !bases[resource.get("parentId")] { // the base environment stands below the workspace, others below the base
				bases[resource.get("_id")] = true
				vars.flatten("", resource.at("data"))
				continue
			}
			r.found.Environments = append(r.found.Environments, resource.get("name"))
			if resource.get("name") == r.options.Within && r.options.Within != "" {
				vars.flatten("", resource.at("data"))
			}
		case "request", "request_group":
			children[resource.get("parentId")] = append(children[resource.get("parentId")], resource)
		}
	}
	r.environmentVariables(vars)
	seen := map[string]bool{}
	var descend func(parent string, above *draft, vars variables, depth int)
	descend = func(parent string, above *draft, vars variables, depth int) {
		if seen[parent] || depth > maxNesting { // a folder within itself
			return
		}
		seen[parent] = true
		for _, item := range children[parent] {
			inner := vars
			if item.at("environment").fields != nil && len(item.at("environment").names) > 0 {
				inner = variables{}
				for k, v := range vars {
					inner[k] = v
				}
				inner.flatten("", item.at("environment"))
			}
			r.insomniaScripts(item.get("preRequestScript"), item.get("afterResponseScript"))
			d := r.insomniaAuth(item, above, inner)
			if d != nil && item.get("url") != "" {
				d.bases = append(d.bases, item.get("url"))
			}
			at := len(r.found.Drafts)
			descend(item.get("_id"), d, inner, depth+1)
			if d != nil && d != above {
				d.finish()
				r.moveUp(at)
			}
		}
	}
	for _, root := range roots {
		descend(root.get("_id"), nil, vars, 0)
	}
	if len(roots) == 0 {
		descend("", nil, vars, 0)
	}
}

func (r *reading) insomniaScripts(scripts ...string) {
	if strings.TrimSpace(strings.Join(scripts, "")) != "" {
		r.leave("scripts", "Fob runs no scripts")
	}
}

// insomniaAuth makes a draft of an item's own authentication; without one it inherits.
func (r *reading) insomniaAuth(item node, above *draft, vars variables) *draft {
	auth := item.at("authentication")
	get := auth.get
	name := item.get("name")
	if auth.yes("disabled") {
		return nil
	}
	switch auth.get("type") {
	case "":
		return above
	case "none":
		return nil
	case "oauth2":
		d := r.draft(name, vars)
		if get("grantType") == "mcp_auth_flow" {
			r.leave(name, "is Insomnia's login of an MCP server; `fob login --url` finds it from the server's address")
			return nil
		}
		names := auth.names
		if get("credentialsInBody") == "" && get("clientSecret") != "" {
			names = append(names[:len(names):len(names)], "credentialsInBody")
		}
		insomniaOAuth2.read(d, names, get)
		if get("pkceMethod") == "plain" && auth.yes("usePkce") {
			d.set("code_challenge_method", "plain")
		}
		if response := get("responseType"); d.p.GrantType == profiles.GrantImplicit && response != "none" {
			d.set("response_type", response)
		}
		if get("tokenPrefix") == "NO_PREFIX" {
			d.set("token_header_scheme", "none")
		} else {
			d.scheme(get("tokenPrefix"))
		}
		if origin := get("origin"); origin != "" {
			d.header("token", "Origin", origin)
		}
		return d
	case "oauth1":
		d := r.draft(name, vars)
		d.p.GrantType = profiles.GrantOAuth1
		insomniaOAuth1.read(d, auth.names, get)
		return d
	case "bearer", "singleToken":
		r.bearer(name, get("token"))
	default:
		r.leave(name, get("type")+" authentication is not OAuth")
	}
	return nil
}

func writeInsomnia(w *writing) error {
	type resource = map[string]any
	name := "Fob"
	if len(w.items) == 1 {
		name = w.items[0].p.Name
	}
	data := map[string]string{}
	var requests []resource
	for _, out := range w.items {
		auth := map[string]any{"type": "oauth2"}
		put := func(name, value string) { auth[name] = value }
		if out.p.Grant() == profiles.GrantOAuth1 {
			auth["type"] = "oauth1"
			insomniaOAuth1.write(out, put)
			out.done("grant_type")
			if auth["includeBodyHash"] != nil {
				auth["includeBodyHash"] = true
			}
		} else if insomniaOAuth2.write(out, put) {
			writeInsomniaOAuth2(out, auth)
		} else {
			continue
		}
		for key, value := range auth { // its variables are members of an object
			if text, is := value.(string); is && onlyVariable(text) != "" {
				auth[key] = "{{ _." + onlyVariable(text) + " }}"
			}
		}
		for _, place := range out.places {
			data[place] = ""
		}
		url := ""
		if base := out.take("api_base_url"); base != "" {
			data[out.variable+"_base_url"] = base
			url = "{{ _." + out.variable + "_base_url }}"
		}
		requests = append(requests, resource{
			"_id": "req_" + out.variable, "_type": "request", "parentId": "wrk_fob", "name": out.p.Name, "method": "GET", "url": url,
			"authentication": auth, "headers": []any{}, "parameters": []any{}, "body": map[string]any{},
		})
	}
	if len(requests) == 0 {
		return nil
	}
	resources := []resource{
		{"_id": "wrk_fob", "_type": "workspace", "parentId": nil, "name": name, "description": "", "scope": "collection"},
		{"_id": "env_fob", "_type": "environment", "parentId": "wrk_fob", "name": "Base Environment", "data": data},
	}
	return w.json("fob.insomnia.json", map[string]any{"_type": "export", "__export_format": 4, "__export_source": "fob", "resources": append(resources, requests...)})
}

// writeInsomniaOAuth2 adds what is more than a text.
func writeInsomniaOAuth2(out *outgoing, auth map[string]any) {
	if method, said := auth["credentialsInBody"]; said {
		auth["credentialsInBody"] = method == "true"
	}
	switch method := out.p.CodeChallengeMethod; {
	case out.p.Grant() != profiles.GrantAuthorizationCode:
	case method == "none":
		auth["usePkce"] = false
		out.refuse("code_challenge_method", "has it as a login without PKCE; Fob reads that with PKCE again")
	case method == "plain":
		auth["usePkce"], auth["pkceMethod"] = true, "plain"
		out.done("code_challenge_method")
	default:
		auth["usePkce"], auth["pkceMethod"] = true, "S256"
		out.refuse("code_challenge_method", "says S256 for every login, which is Fob's default")
	}
	if out.p.Grant() == profiles.GrantImplicit && out.p.ResponseType != "" {
		if out.p.ResponseType == "id_token" || out.p.ResponseType == "id_token token" || out.p.ResponseType == "token" {
			auth["responseType"] = out.take("response_type")
		}
	}
	if word, there := out.scheme(); there {
		auth["tokenPrefix"] = word
		if word == "" {
			auth["tokenPrefix"] = "NO_PREFIX"
		}
	}
}
