package carry

import (
	"slices"
	"strings"

	"fob/profiles"
)

// The format: OpenAPI 3.0 and 3.1 §4.8.27 (Security Scheme Object), 3.2's device flow, and the securityDefinitions of version 2.

// openAPIFlows are the flows of OpenAPI; those of version 2 have other names.
var openAPIFlows = []words{
	{"authorizationCode", profiles.GrantAuthorizationCode}, {"clientCredentials", profiles.GrantClientCredentials}, {"implicit", profiles.GrantImplicit},
	{"password", profiles.GrantPassword}, {"deviceAuthorization", profiles.GrantDeviceCode},
	{"accessCode", profiles.GrantAuthorizationCode}, {"application", profiles.GrantClientCredentials},
}

var openAPIFlow = dialect{
	texts: []words{
		{"authorizationUrl", "authorization_endpoint"}, {"tokenUrl", "token_endpoint"}, {"refreshUrl", "refresh_endpoint"},
		{"deviceAuthorizationUrl", "device_authorization_endpoint"},
	},
	ignored: []string{"scopes", "type", "flow", "description"},
}

func isOpenAPI(_ Source, n node) bool {
	return strings.HasPrefix(n.get("openapi"), "3.") || n.get("swagger") == "2.0"
}

func readOpenAPI(r *reading) error {
	title := r.tree.at("info").get("title")
	schemes := r.tree.at("components", "securitySchemes")
	if r.tree.has("swagger") {
		schemes = r.tree.at("securityDefinitions")
	}
	many := 0
	for _, name := range schemes.names {
		if kind := schemes.at(name).get("type"); kind == "oauth2" || kind == "openIdConnect" {
			many += max(1, len(schemes.at(name, "flows").names))
		}
	}
	for _, name := range schemes.names {
		scheme := schemes.at(name)
		if reference := scheme.get("$ref"); reference != "" {
			inner, ok := strings.CutPrefix(reference, "#/components/securitySchemes/")
			if scheme = schemes.at(inner); !ok || scheme.has("$ref") {
				r.leave(name, "is defined in another document, which is not fetched")
				continue
			}
		}
		called := title
		if many > 1 || title == "" || r.tree.at("info").get("x-fob") == "profiles" {
			called = name
		}
		switch scheme.get("type") {
		case "oauth2":
			r.openAPIOAuth2(name, called, scheme)
		case "openIdConnect":
			d := r.openAPIDraft(called)
			address := strings.TrimSuffix(scheme.get("openIdConnectUrl"), "/.well-known/openid-configuration")
			d.set("issuer", strings.TrimSuffix(address, "/.well-known/oauth-authorization-server"))
			d.set("scope", r.openAPIScopes(name, nil)...)
			d.finish()
		default:
			r.leave(name, scheme.get("type")+" security is not OAuth")
		}
	}
	if len(schemes.names) == 0 {
		r.leave(title, "the document has no securitySchemes")
	}
	return nil
}

func (r *reading) openAPIOAuth2(name, called string, scheme node) {
	flows := scheme.at("flows")
	if r.tree.has("swagger") {
		flows = node{}
		flows.add(scheme.get("flow"), scheme)
	}
	for _, flow := range flows.names {
		if strings.HasPrefix(flow, "x-") {
			continue
		}
		title := called
		if len(flows.names) > 1 {
			title += " " + flow
		}
		d := r.openAPIDraft(title)
		d.grant(flow, openAPIFlows)
		settings := flows.at(flow)
		names := slices.DeleteFunc(slices.Clone(settings.names), func(name string) bool { return strings.HasPrefix(name, "x-") })
		openAPIFlow.read(d, names, func(name string) string { return r.absolute(settings.get(name)) })
		if address := scheme.get("oauth2MetadataUrl"); address != "" { // 3.2
			d.set("issuer", strings.TrimSuffix(address, "/.well-known/oauth-authorization-server"))
		}
		d.set("scope", r.openAPIScopes(name, settings.at("scopes").names)...)
		d.finish()
	}
}

// openAPIScopes are those of a flow's scopes that the document asks for everywhere; where it says nothing, all there are.
func (r *reading) openAPIScopes(name string, all []string) []string {
	for _, requirement := range r.tree.at("security").list {
		scopes := requirement.at(name).texts()
		if len(all) > 0 {
			scopes = slices.DeleteFunc(scopes, func(scope string) bool { return !slices.Contains(all, scope) })
		}
		if len(scopes) > 0 {
			return scopes
		}
	}
	return all
}

func (r *reading) openAPIDraft(name string) *draft {
	d := r.draft(name, variables{})
	if server := r.openAPIServer(); server != "" {
		if good := webAddress(server); good != "" {
			d.p.APIBaseURL = good
		} else {
			d.leave("api_base_url", problemText(profiles.ValidateValue("api_base_url", server)))
		}
	}
	return d
}

// openAPIServer is the first server, with the defaults of its variables.
func (r *reading) openAPIServer() string {
	if r.tree.has("swagger") {
		if host := r.tree.get("host"); host != "" {
			return "https://" + host + r.tree.get("basePath")
		}
		return ""
	}
	servers := r.tree.at("servers").list
	if len(servers) == 0 {
		return ""
	}
	address := servers[0].get("url")
	for _, name := range servers[0].at("variables").names {
		address = strings.ReplaceAll(address, "{"+name+"}", servers[0].at("variables", name).get("default"))
		if len(address) > maxValue {
			return ""
		}
	}
	return address
}

// absolute completes an address that is relative to the first server (OpenAPI 3.1 §4.8.30: "URL"s may be relative).
func (r *reading) absolute(address string) string {
	server := r.openAPIServer()
	if !strings.HasPrefix(address, "/") || server == "" {
		return address
	}
	scheme, rest, _ := strings.Cut(server, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + address
}

func writeOpenAPI(w *writing) error {
	schemes := map[string]any{}
	security := []map[string][]string{}
	servers := []map[string]string{}
	for _, out := range w.items {
		name := openAPIName(out.p.Name)
		for schemes[name] != nil {
			name += "_"
		}
		scopes := []string{}
		for _, scope := range out.p.Scope {
			scopes = append(scopes, scope)
		}
		flow := theirs(openAPIFlows, out.p.Grant())
		switch {
		case out.p.Issuer != "" && out.p.Grant() == profiles.GrantAuthorizationCode && out.p.AuthorizationEndpoint == "" && out.p.TokenEndpoint == "":
			schemes[name] = map[string]any{"type": "openIdConnect", "openIdConnectUrl": strings.TrimSuffix(out.take("issuer"), "/") + "/.well-known/openid-configuration"}
			out.done("grant_type")
			if strings.HasSuffix(out.p.Issuer, "/") {
				out.refuse("issuer", "has only the address of the metadata, which has no \"/\" at the end of the issuer")
			}
		case flow == "":
			out.refuse("grant_type", "has no flow for the grant "+out.p.Grant())
			continue
		default:
			settings := map[string]any{}
			openAPIFlow.write(out, func(name, value string) { settings[name] = value })
			all := map[string]string{}
			for _, scope := range scopes {
				all[scope] = ""
			}
			settings["scopes"] = all
			schemes[name] = map[string]any{"type": "oauth2", "flows": map[string]any{flow: settings}}
			out.done("grant_type")
		}
		out.done("scope")
		security = append(security, map[string][]string{name: scopes})
		if name != out.p.Name {
			out.refuse("name", "takes letters, digits, \".\", \"-\" and \"_\" in a name alone; it is "+name+" there")
		}
		if base := out.p.APIBaseURL; base != "" {
			if len(servers) == 0 {
				servers = append(servers, map[string]string{"url": base})
			}
			if servers[0]["url"] == base && !strings.ContainsAny(base, "{}") {
				out.done("api_base_url")
			} else {
				out.refuse("api_base_url", "has servers for the whole document, and another profile's stands there")
			}
		} else if len(servers) > 0 {
			out.done("api_base_url")
		}
	}
	if len(schemes) == 0 {
		return nil
	}
	title := "Fob"
	if len(w.items) == 1 {
		title = w.items[0].p.Name
	}
	document := map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": title, "version": "1", "x-fob": "profiles"}, "paths": map[string]any{},
		"components": map[string]any{"securitySchemes": schemes}, "security": security,
	}
	if len(servers) > 0 {
		document["servers"] = servers
	}
	return w.json("fob.openapi.json", document)
}

// openAPIName makes a name out of any that a component may have (OpenAPI 3.0 §4.7.7).
func openAPIName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
	return name
}
