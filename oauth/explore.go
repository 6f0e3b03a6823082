package oauth

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What Explore may end with.
const (
	// ErrNoServer: the API says of no authorization server, and there is none at
	// its own address.
	ErrNoServer failure = "the API names no authorization server, and there is none at its address"
	// ErrChoose: the API names several servers, and a person must choose.
	ErrChoose failure = "the API names several authorization servers; choose one"
)

// ExploreOptions change how an API is explored.
type ExploreOptions struct {
	// Resource is how resource metadata is found and believed; its challenges
	// are the API's own.
	Resource ResourceOptions
	// ClientDocument is the address of the caller's client ID metadata
	// document, "" for none.
	ClientDocument string
	// Registered reports whether there is a client_id for an issuer already,
	// from a preset or a profile. nil: for none.
	Registered func(issuer string) bool
	// NoPost leaves out the POST that MCP servers are asked by when their GET
	// says nothing.
	NoPost bool
}

// Exploration is the way from an API's address to a token for it: what was
// found, and every host on it. Nothing secret was sent to find it. Show Hosts
// before anything is.
type Exploration struct {
	URL        string
	Status     int         // of the API's answer
	Method     string      // by which it was asked last: GET or POST
	Challenges []Challenge // of its WWW-Authenticate
	// Open says that the API answered without a token.
	Open bool
	// Resource is what the API says about itself; nil if nothing.
	Resource *ResourceMetadata
	// Scope is what to ask for: what the challenge demands, else all that
	// the resource metadata lists, else nothing in particular.
	Scope     []string
	ScopeFrom string // "challenge", "resource metadata" or ""
	// Servers are the authorization servers, in the API's order.
	Servers []ServerFound
	Hosts   []ChainHost
	Steps   []ExploreStep
	// Guard goes on to keep what follows out of private networks: make the
	// login's client with Guard.Client.
	Guard *Guard
}

// ServerFound is an authorization server that an API leads to.
type ServerFound struct {
	Issuer    string
	Discovery *Discovery  // nil when Err says why
	Ways      []ClientWay // to come by a client_id, best first
	Err       error
}

// ChainHost is a host on the way, and what it gets to see.
type ChainHost struct {
	Host  string // with the port, if it is not the usual one
	Role  string // "API", "resource metadata", "token endpoint", …
	Why   string // who named it
	Sends string // what it will be sent
	// New says that nobody typed this host: it came from a document.
	New bool
}

// ExploreStep is one thing that was done to find the way.
type ExploreStep struct {
	What    string // "API", "resource metadata", "authorization server"
	Address string
	Status  int // 0: no answer
	Found   string
	Err     error
}

// ResourceID is what to ask a token for (RFC 8707); "" when the API said
// nothing, since servers of that age refuse the parameter.
func (e *Exploration) ResourceID() string {
	if e.Resource == nil {
		return ""
	}
	return e.Resource.Resource
}

// DPoP reports whether the API demands tokens bound to a key: by its metadata,
// or because all its challenges are DPoP (RFC 9449 section 7.1).
func (e *Exploration) DPoP() bool {
	if e.Resource != nil && e.Resource.DPoPBoundAccessTokensRequired {
		return true
	}
	dpop := false
	for _, c := range e.Challenges {
		if c.Scheme == "bearer" {
			return false
		}
		dpop = dpop || c.Scheme == "dpop"
	}
	return dpop
}

// Server returns the authorization server to use, if there is but one that can
// be. The error is ErrChoose, ErrNoServer, or what was wrong with the one.
func (e *Exploration) Server() (*ServerFound, error) {
	var good []*ServerFound
	for i := range e.Servers {
		if e.Servers[i].Err == nil {
			good = append(good, &e.Servers[i])
		}
	}
	switch {
	case len(good) == 1:
		return good[0], nil
	case len(good) > 1:
		return nil, ErrChoose
	case len(e.Servers) > 0:
		return nil, e.Servers[0].Err
	}
	return nil, ErrNoServer
}

const (
	// probeTimeout: an API that streams instead of answering is not waited for.
	probeTimeout = 10 * time.Second
	// maxServers of one API; real ones name one or two.
	maxServers = 8
)

// Explore asks an API what it takes to call it, without credentials: its 401
// (RFC 6750 section 3), its resource metadata (RFC 9728), and the metadata of
// the authorization servers that it names (RFC 8414); where it names none, of
// the server at its own address, as MCP's older specification has it. Every
// fetch is under a Guard. What was found so far comes back beside an error.
func Explore(ctx context.Context, hc *http.Client, apiURL string, o ExploreOptions) (*Exploration, error) {
	u, err := parseEndpoint("API", apiURL)
	if err != nil {
		return nil, err
	}
	guard, err := NewGuard(apiURL)
	if err != nil {
		return nil, err
	}
	hc = guard.Client(hc)
	defer hc.CloseIdleConnections()
	e := &Exploration{URL: apiURL, Guard: guard}
	e.meet(u, "API", "you named it", "the token, with every call")
	if err := e.probe(ctx, hc, u, o); err != nil {
		return e, err
	}
	if err := e.findResource(ctx, hc, o); err != nil {
		return e, err
	}
	e.chooseScope()
	if e.Resource != nil && len(e.Resource.AuthorizationServers) > 0 {
		for _, issuer := range e.Resource.AuthorizationServers[:min(len(e.Resource.AuthorizationServers), maxServers)] {
			e.findServer(ctx, hc, o, []string{issuer}, "the resource metadata names it (authorization_servers)")
		}
	} else {
		base := u.Scheme + "://" + u.Host
		e.findServer(ctx, hc, o, []string{base, base + "/"}, "the API names no server, and this is its own address")
		if found := e.Servers[0]; found.Err != nil && notFound(found.Err) {
			e.Servers = nil
		}
	}
	if _, err := e.Server(); err != nil && !errors.Is(err, ErrChoose) {
		return e, err
	}
	return e, nil
}

// probe asks the API as nobody, to be told what is missing. MCP servers often
// know only POST.
func (e *Exploration) probe(ctx context.Context, hc *http.Client, u *url.URL, o ExploreOptions) error {
	err := e.ask(ctx, hc, u, http.MethodGet, nil)
	if err != nil {
		return err
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		if !o.NoPost && len(e.Challenges) == 0 {
			return e.ask(ctx, hc, u, http.MethodPost, []byte(initialize))
		}
	}
	return nil
}

// initialize is how a conversation with an MCP server begins. It changes
// nothing there.
const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",` +
	`"capabilities":{},"clientInfo":{"name":"fob","version":"1"}}}`

func (e *Exploration) ask(ctx context.Context, hc *http.Client, u *url.URL, method string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return &Error{what: "API", Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Accept", "application/json, text/event-stream") // both are demanded
		req.Header.Set("Content-Type", "application/json")
	}
	ans, err := send(ctx, hc, req, &errand{what: "API", timeout: probeTimeout, follow: body == nil, now: time.Now(), pages: true})
	step := ExploreStep{What: "API", Address: method + " " + withoutQuery(u), Err: err}
	var refused *Error
	switch {
	case err == nil:
		e.Status, e.Challenges = ans.status, ParseChallenges(ans.header)
		step.Found = e.found()
	case errors.As(err, &refused) && refused.Status != 0 && !transientCause(refused.Err):
		// A login page of the web kind, or an answer too large: no challenge.
		e.Status, e.Challenges = refused.Status, nil
		step.Found, err = "an answer without a challenge", nil
	}
	e.Method, step.Status = method, e.Status
	e.Open = err == nil && e.Status >= 200 && e.Status <= 299
	e.Steps = append(e.Steps, step)
	return err
}

// found says what the API's answer was worth.
func (e *Exploration) found() string {
	var schemes []string
	for _, c := range e.Challenges {
		schemes = append(schemes, clean(c.Scheme, maxCode))
	}
	switch {
	case len(schemes) > 0:
		return "it wants " + strings.Join(schemes, ", ")
	case e.Status >= 200 && e.Status <= 299:
		return "it answers without a token"
	}
	return "an answer without a challenge"
}

// findResource looks for the API's resource metadata. That there is none is
// no error; that there is one which cannot be used is.
func (e *Exploration) findResource(ctx context.Context, hc *http.Client, o ExploreOptions) error {
	opts := o.Resource
	opts.Challenges = e.Challenges
	named := ""
	for _, c := range e.Challenges {
		if named == "" {
			named = c.Params["resource_metadata"]
		}
	}
	step := ExploreStep{What: whatResource}
	if at, err := url.Parse(named); named != "" && err == nil {
		step.Address = withoutQuery(at)
		e.meet(at, whatResource, "the API's 401 names it (resource_metadata)", "a request without credentials")
	}
	m, err := DiscoverResource(ctx, hc, e.URL, opts)
	var failed *Error
	if errors.As(err, &failed) {
		step.Address, step.Status = failed.Endpoint, failed.Status
	}
	if errors.Is(err, ErrNoEndpoint) && named == "" {
		step.Found, err = "none", nil
	}
	if step.Err = err; m != nil {
		at, _ := url.Parse(m.Place)
		step.Address, step.Status, step.Found = withoutQuery(at), http.StatusOK, "resource "+clean(m.Resource, maxURI)
		e.Resource = m
	}
	e.Steps = append(e.Steps, step)
	return err
}

// chooseScope: what the challenge says is enough (RFC 6750 section 3), and
// what the metadata lists is all there is.
func (e *Exploration) chooseScope() {
	for _, c := range e.Challenges {
		if scope := scopeTokens(strings.Fields(c.Params["scope"])); len(scope) > 0 && (c.Scheme == "bearer" || c.Scheme == "dpop") {
			e.Scope, e.ScopeFrom = scope, "challenge"
			return
		}
	}
	if e.Resource == nil {
		return
	}
	if scope := scopeTokens(e.Resource.ScopesSupported); len(scope) > 0 {
		e.Scope, e.ScopeFrom = scope, "resource metadata"
	}
}

// scopeTokens are those of a list that a scope may consist of.
func scopeTokens(list []string) []string {
	return slices.DeleteFunc(unique(list), func(s string) bool { return strings.ContainsFunc(s, badScopeRune) })
}

// findServer asks an issuer for its metadata, by the first of its spellings
// that the document uses, too.
func (e *Exploration) findServer(ctx context.Context, hc *http.Client, o ExploreOptions, spellings []string, why string) {
	s := ServerFound{Issuer: spellings[0]}
	for _, issuer := range spellings {
		s.Discovery, s.Err = DiscoverWith(ctx, hc, issuer, DiscoverOptions{OAuthFirst: true})
		if s.Err == nil {
			s.Issuer = issuer
			break
		}
		if !errors.Is(s.Err, ErrIssuer) {
			break
		}
	}
	step := ExploreStep{What: "authorization server", Err: s.Err}
	at, err := url.Parse(s.Issuer)
	if err == nil && at.Host != "" {
		step.Address = withoutQuery(at)
		e.meet(at, "authorization server", why, "a request without credentials")
	}
	var failed *Error
	if errors.As(s.Err, &failed) {
		step.Status = failed.Status
	}
	if s.Err == nil {
		m := s.Discovery.Metadata
		step.Status, step.Found = http.StatusOK, "issuer "+clean(m.Issuer, maxURI)
		s.Ways = ClientWays(m, o.Registered != nil && o.Registered(m.Issuer), o.ClientDocument)
		e.meetEndpoints(m)
	}
	e.Steps = append(e.Steps, step)
	e.Servers = append(e.Servers, s)
}

// meetEndpoints notes the hosts that a login at a server may lead to.
func (e *Exploration) meetEndpoints(m *Metadata) {
	for _, p := range m.endpoints() {
		if u, err := url.Parse(p.origin); err == nil {
			role := strings.ReplaceAll(strings.TrimPrefix(p.name, memberAliases+"."), "_", " ")
			e.meet(u, clean(role, maxCode), "the server's metadata names it ("+clean(p.name, maxURI)+")", sentTo(role))
		}
	}
}

// sentTo says what an endpoint gets to see.
func sentTo(role string) string {
	switch role {
	case "authorization endpoint":
		return "the browser, where you sign in"
	case "token endpoint":
		return "the code, the refresh token and the client's credentials"
	case "registration endpoint":
		return "what this client says about itself"
	case "jwks uri":
		return "a request without credentials"
	case "userinfo endpoint":
		return "the token"
	case "revocation endpoint", "introspection endpoint":
		return "the tokens and the client's credentials"
	case "end session endpoint":
		return "the browser, at logout"
	}
	return "the request for a login, and the client's credentials"
}

// meet notes a host and its role once. Only the first host, the API's, was
// named by a person.
func (e *Exploration) meet(u *url.URL, role, why, sends string) {
	_, host, _ := strings.Cut(origin(u), "://")
	h := ChainHost{Host: clean(host, maxURI), Role: role, Why: why, Sends: sends}
	h.New = len(e.Hosts) > 0 && h.Host != e.Hosts[0].Host
	if !slices.ContainsFunc(e.Hosts, func(x ChainHost) bool { return x.Host == h.Host && x.Role == h.Role }) {
		e.Hosts = append(e.Hosts, h)
	}
}

// notFound reports whether a server answered that there is nothing.
func notFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status <= 499 && !errors.Is(err, ErrIssuer)
}
