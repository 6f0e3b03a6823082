package session

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fob/oauth"
	"fob/profiles"
)

// Explore finds out what is behind the URL of an API: which authorization server, which scopes, how to come by a client id (RFC
// 9728, RFC 8414). It sends nothing secret, and what it finds names every host that a login would talk to.
func (e *Engine) Explore(ctx context.Context, address string) (Exploration, error) {
	e.reload()
	found, err := e.explore(ctx, address, "")
	if err != nil {
		return Exploration{}, Explain("", err)
	}
	return e.describe(found), nil
}

func (e *Engine) explore(ctx context.Context, address, document string) (*oauth.Exploration, error) {
	found, err := oauth.Explore(ctx, e.http, address, oauth.ExploreOptions{
		ClientDocument: document,
		Registered:     func(issuer string) bool { return e.knownClient(issuer) != nil },
	})
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, oauth.ErrNoServer) && found != nil && found.Open:
		return nil, &Error{Kind: Failed, Code: CodeOpenAPI, Sentence: address + " answered without a token: nothing asks for a login there", Remedy: "give the address that is refused without one", cause: err}
	case errors.Is(err, oauth.ErrNoServer):
		return nil, &Error{Kind: Failed, Code: CodeNoServer, Sentence: address + " names no authorization server, and there is none at its address", Remedy: "add a profile by hand: fob profile add NAME --issuer URL", cause: err}
	}
	return nil, err
}

// knownClient is a profile that has a client at an issuer which Fob did not register.
func (e *Engine) knownClient(issuer string) *profiles.Profile {
	for _, p := range e.file.All() {
		if p.Issuer == issuer && p.ClientID != "" && p.RegistrationClientURI == "" && p.UsesBrowser() {
			return &p
		}
	}
	return nil
}

// describe is an exploration as faces show it.
func (e *Engine) describe(found *oauth.Exploration) Exploration {
	out := Exploration{URL: found.URL, Resource: found.ResourceID(), Scope: found.Scope, Hosts: []ChainHost{}, Servers: []string{}}
	known := e.knownHosts()
	for _, h := range found.Hosts {
		out.Hosts = append(out.Hosts, ChainHost{Host: h.Host, Role: h.Role, Gets: h.Sends, New: !known[h.Host]})
	}
	for _, s := range found.Servers {
		if s.Err != nil {
			out.Notes = append(out.Notes, s.Issuer+" cannot be used: "+Explain("", s.Err).Sentence)
			continue
		}
		out.Servers = append(out.Servers, s.Issuer)
		if out.Client == "" && len(s.Ways) > 0 {
			out.Client = string(s.Ways[0])
		}
	}
	out.Client = cmp.Or(out.Client, string(oauth.WayAsk))
	if id := out.Resource; id != "" && strings.TrimSuffix(id, "/") != strings.TrimSuffix(found.URL, "/") {
		// A departure from RFC 9728 §3.3 that MCP servers need: named, and seen before anything is sent.
		out.Notes = append(out.Notes, "the API calls itself "+id+", which is more than the address given: the token will be for all of it")
	}
	for _, step := range found.Steps {
		if step.Found != "" {
			out.Notes = append(out.Notes, step.What+": "+step.Found)
		}
	}
	for _, p := range e.file.All() {
		if p.APIBaseURL == found.URL || out.Resource != "" && slices.Contains(p.Resource, out.Resource) {
			out.Profiles = append(out.Profiles, p.Name)
		}
	}
	return out
}

// knownHosts are those that some profile talks to already.
func (e *Engine) knownHosts() map[string]bool {
	known := map[string]bool{}
	for _, p := range e.file.All() {
		for _, address := range []string{p.Issuer, p.AuthorizationEndpoint, p.TokenEndpoint, p.APIBaseURL, p.UserinfoEndpoint} {
			if u, err := url.Parse(address); err == nil && u.Host != "" {
				known[u.Host] = true
			}
		}
	}
	return known
}

// Adopt makes a profile for an API that was explored, after a person has seen its hosts, and returns its name. What is found now
// may name no other host than those that were shown.
func (e *Engine) Adopt(ctx context.Context, a Adoption) (string, error) {
	e.reload()
	name, err := e.adoptURL(ctx, a)
	if err != nil {
		return "", Explain("", err)
	}
	return name, nil
}

func (e *Engine) adoptURL(ctx context.Context, a Adoption) (string, error) {
	found, err := e.explore(ctx, a.URL, a.Document)
	if err != nil {
		return "", err
	}
	for _, h := range found.Hosts {
		if !slices.Contains(a.Hosts, h.Host) {
			return "", &Error{Kind: Failed, Code: CodeForeignHost, Sentence: a.URL + " now leads to " + h.Host + ", which was not shown before", Remedy: "look again: fob login --url " + quoteArg(a.URL)}
		}
	}
	server, err := chosen(found, a.Server)
	if err != nil {
		return "", err
	}
	p := profiles.Profile{
		Name: e.freeName(cmp.Or(a.Name, hostName(a.URL))), Issuer: server.Issuer, APIBaseURL: a.URL,
		Scope: a.Scope, DPoPBoundAccessTokens: found.DPoP(), ClientID: a.ClientID,
	}
	if a.Scope == nil {
		p.Scope = found.Scope
	}
	if id := found.ResourceID(); id != "" {
		p.Resource = profiles.List{id}
	}
	if server.Discovery != nil && slices.Contains(server.Discovery.Metadata.ScopesSupported, "offline_access") && !slices.Contains(p.Scope, "offline_access") {
		p.Scope = append(slices.Clone(p.Scope), "offline_access")
	}
	given := map[string]string{}
	if a.ClientSecret != "" {
		given["client_secret"] = a.ClientSecret
	}
	register := false
	if p.ClientID == "" {
		register, err = e.clientBy(ctx, server, a, &p, given)
		if err != nil {
			return "", err
		}
	}
	if register {
		p.ClientID = unregisteredID
	}
	if err := e.PutProfile(ctx, p, given, "", true); err != nil {
		return "", err
	}
	if register {
		if _, _, err := e.register(ctx, p, 0); err != nil {
			said := Explain(p.Name, err)
			if undo := e.RemoveProfile(context.WithoutCancel(ctx), p.Name); undo != nil {
				e.log.Info("adopt", "profile", p.Name, "problem", undo.Error())
			}
			return "", said
		}
	}
	return p.Name, nil
}

// clientBy finds a client id by the ways there are, best first: a client that a profile has at this server, the user's metadata
// document, registration. It returns whether one has to be registered.
func (e *Engine) clientBy(ctx context.Context, server *oauth.ServerFound, a Adoption, p *profiles.Profile, given map[string]string) (register bool, err error) {
	for _, way := range server.Ways {
		switch way {
		case oauth.WayRegistered:
			known := e.knownClient(server.Issuer)
			if known == nil {
				continue
			}
			kept, err := e.readSecrets(ctx, *known)
			if err != nil {
				return false, err
			}
			for key, value := range kept {
				if key != registered {
					given[key] = value
				}
			}
			p.ClientID, p.TokenEndpointAuthMethod, p.RedirectURI = known.ClientID, known.TokenEndpointAuthMethod, known.RedirectURI
			p.TokenEndpointAuthSigningAlg, p.PrivateKeyID, p.TLSClientCertificate = known.TokenEndpointAuthSigningAlg, known.PrivateKeyID, known.TLSClientCertificate
			return false, nil
		case oauth.WayDocument:
			if a.Document == "" {
				continue
			}
			// As a server would read it: what it refuses is better said here than on its page.
			if _, err := oauth.FetchClientDocument(ctx, e.http, a.Document, p.RedirectURIs()[0]); err != nil {
				return false, err
			}
			p.ClientID = a.Document
			return false, nil
		case oauth.WayRegister:
			return true, nil
		}
	}
	return false, &Error{Kind: Failed, Code: CodeNoClient, Sentence: server.Issuer + " neither registers clients by itself nor takes metadata documents", Remedy: "register one there by hand and give its id: --client-id ID"}
}

// chosen is the server that the user chose, or the only one.
func chosen(found *oauth.Exploration, issuer string) (*oauth.ServerFound, error) {
	if issuer == "" {
		server, err := found.Server()
		if errors.Is(err, oauth.ErrChoose) {
			var names []string
			for _, s := range found.Servers {
				if s.Err == nil {
					names = append(names, s.Issuer)
				}
			}
			return nil, &Error{Kind: Misused, Code: CodeChooseServer, Sentence: found.URL + " names several authorization servers: " + strings.Join(names, ", "), Remedy: "choose one: --server ISSUER"}
		}
		return server, err
	}
	for i := range found.Servers {
		if found.Servers[i].Issuer == issuer {
			return &found.Servers[i], found.Servers[i].Err
		}
	}
	return nil, &Error{Kind: Misused, Code: CodeChooseServer, Sentence: found.URL + " does not name the authorization server " + issuer, Remedy: "choose one that it names"}
}

// hostName is what a profile for an address is called.
func hostName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "api"
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// freeName is name, with a number where it is taken.
func (e *Engine) freeName(name string) string {
	free := name
	for n := 2; ; n++ {
		if _, taken := e.file.Get(free); !taken {
			return free
		}
		free = name + " " + strconv.Itoa(n)
	}
}
