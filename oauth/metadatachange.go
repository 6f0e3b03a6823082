package oauth

import (
	"net/url"
	"slices"
)

// MetadataChange names what a person should be asked about before credentials
// follow new metadata: another issuer, an endpoint on another host, a new
// endpoint on a host that was in no endpoint before. Paths and capabilities
// are the server's own business.
func MetadataChange(old, new *Metadata) []string {
	if old == nil || new == nil {
		return nil
	}
	var list []string
	if old.Issuer != new.Issuer {
		list = append(list, "issuer: "+clean(old.Issuer, maxURI)+" → "+clean(new.Issuer, maxURI))
	}
	before, after := old.endpoints(), new.endpoints()
	var hosts []string
	for _, e := range before {
		hosts = append(hosts, e.origin)
	}
	for _, e := range after {
		i := slices.IndexFunc(before, func(b namedEndpoint) bool { return b.name == e.name })
		switch {
		case i >= 0 && before[i].origin != e.origin:
			list = append(list, clean(e.name, maxURI)+": "+clean(before[i].origin, maxURI)+" → "+clean(e.origin, maxURI))
		case i < 0 && !slices.Contains(hosts, e.origin):
			list = append(list, clean(e.name, maxURI)+": new, at "+clean(e.origin, maxURI))
		}
	}
	return list
}

// namedEndpoint is an endpoint of the metadata by its registered name.
type namedEndpoint struct{ name, origin string }

// endpoints lists all endpoints that the metadata names, in a fixed order.
func (m *Metadata) endpoints() []namedEndpoint {
	var list []namedEndpoint
	add := func(name, address string) {
		if u, err := url.Parse(address); err == nil && address != "" {
			list = append(list, namedEndpoint{name, origin(u)})
		}
	}
	for _, f := range m.members() {
		if f.endpoint {
			add(f.name, *f.str)
		}
	}
	var aliases []string
	for name := range m.MTLSEndpointAliases {
		aliases = append(aliases, name)
	}
	slices.Sort(aliases)
	for _, name := range aliases {
		add(memberAliases+"."+name, m.MTLSEndpointAliases[name])
	}
	return list
}

// Grants returns the grant types the server supports: those it lists, else
// what the specification says silence means (RFC 8414 section 2).
func (m *Metadata) Grants() []string {
	if m.GrantTypesSupported == nil {
		return []string{"authorization_code", "implicit"}
	}
	return m.GrantTypesSupported
}

// AuthMethods returns the methods of client authentication that the server
// supports at its token endpoint, by the same rule.
func (m *Metadata) AuthMethods() []string {
	if m.TokenEndpointAuthMethodsSupported == nil {
		return []string{AuthSecretBasic}
	}
	return m.TokenEndpointAuthMethodsSupported
}
