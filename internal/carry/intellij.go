package carry

import (
	"maps"
	"strings"

	"fob/profiles"
)

// The format: http-client.env.json of JetBrains' HTTP Client, whose environments have Security.Auth; the private file, which
// goes on top of it, is given as the environment. VS Code's Kulala reads the same.

var intelliJOAuth2 = dialect{
	grant: "Grant Type",
	grants: []words{
		{"Authorization Code", profiles.GrantAuthorizationCode}, {"Client Credentials", profiles.GrantClientCredentials}, {"Implicit", profiles.GrantImplicit},
		{"Password", profiles.GrantPassword}, {"Device Authorization", profiles.GrantDeviceCode}, {"Token Exchange", profiles.GrantTokenExchange},
	},
	texts: []words{
		{"Auth URL", "authorization_endpoint"}, {"Token URL", "token_endpoint"}, {"Device Auth URL", "device_authorization_endpoint"},
		{"Revoke URL", "revocation_endpoint"}, {"Redirect URL", "redirect_uri"}, {"Client ID", "client_id"}, {"Client Secret", "client_secret"},
		{"Scope", "scope"}, {"Username", "username"}, {"Subject Token Type", "subject_token_type"}, {"Requested Token Type", "requested_token_type"},
	},
	method:  "Client Credentials",
	methods: []words{{"basic", "client_secret_basic"}, {"in body", "client_secret_post"}, {"none", "none"}},
	tokens:  []string{"Subject Token"},
	ignored: []string{"Type", "PKCE", "Custom Request Parameters", "Custom Headers", "Acquire Automatically", "Use ID Token", "Password", "Start Polling After Browser", "Open Complete URI"},
}

func isIntelliJ(_ Source, n node) bool {
	for _, name := range n.names {
		if n.at(name, "Security").has("Auth") {
			return true
		}
	}
	return false
}

func readIntelliJ(r *reading) error {
	shared := r.tree.at("$shared")
	for _, name := range r.tree.names {
		if name != "$shared" {
			r.found.Environments = append(r.found.Environments, name)
		}
		if name == "$shared" || r.options.Within != "" && name != r.options.Within {
			continue
		}
		vars := variables{}
		vars.flatten("", shared)
		vars.flatten("", r.tree.at(name))
		vars.flatten("", r.environment.at("$shared"))
		vars.flatten("", r.environment.at(name))
		auth := over(over(shared.at("Security", "Auth"), r.tree.at(name, "Security", "Auth")), r.environment.at(name, "Security", "Auth"))
		for _, id := range auth.names {
			if kind := auth.at(id).get("Type"); kind != "OAuth2" {
				r.leave(id, kind+" authorization is not OAuth")
				continue
			}
			r.intelliJAuth(id, name, auth.at(id), vars)
		}
	}
	return nil
}

// over is a tree with another one on top of it.
func over(below, above node) node {
	if above.fields == nil {
		if above.scalar || above.list != nil {
			return above
		}
		return below
	}
	out := node{names: append([]string(nil), below.names...), fields: maps.Clone(below.fields)}
	for _, name := range above.names {
		out.add(name, over(below.at(name), above.at(name)))
	}
	return out
}

func (r *reading) intelliJAuth(id, environment string, auth node, vars variables) {
	d := r.draft(id, vars)
	d.set("environment", profileName(environment))
	names := auth.names
	intelliJOAuth2.read(d, names, auth.get)
	d.password("Password", auth.get("Password"))
	if strings.EqualFold(auth.at("PKCE").get("Code Challenge Method"), "plain") {
		d.set("code_challenge_method", "plain")
	}
	if auth.yes("Use ID Token") {
		d.leave("Use ID Token", "Fob hands out the ID token when asked: `fob token --id-token`")
	}
	for _, name := range auth.at("Custom Request Parameters").names {
		value := auth.at("Custom Request Parameters", name)
		use := value.get("Use")
		if value.fields != nil {
			value = value.at("Value")
		}
		for _, one := range value.texts() {
			if use != "In Token Request" && d.p.UsesBrowser() {
				d.parameter("authorize", name, one)
			}
			if use != "In Auth Request" && len(d.p.Get(name)) == 0 {
				d.parameter("token", name, one)
			}
		}
	}
	for _, name := range auth.at("Custom Headers").names {
		value := auth.at("Custom Headers", name)
		if value.fields != nil {
			value = value.at("Value")
		}
		d.header("token", name, value.text)
	}
	for _, name := range []string{"baseUrl", "base_url", "host", "apiUrl", "url"} {
		if d.p.APIBaseURL == "" && vars[name] != "" {
			if value, unknown := vars.resolve(vars[name]); unknown == "" {
				d.p.APIBaseURL = webAddress(value)
			}
		}
	}
	d.finish()
}
