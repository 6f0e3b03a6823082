package oauth

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// world is an API and an authorization server on two origins. Texts may hold
// %api and %as. It fails the test when anything secret arrives.
type world struct {
	t       *testing.T
	api, as *httptest.Server
	mu      sync.Mutex // guards asked
	asked   []string
}

type page struct {
	status int
	header map[string]string
	body   string
}

func newWorld(t *testing.T, api, as map[string]page) *world {
	w := &world{t: t}
	w.api, w.as = w.serve("api", api), w.serve("as", as)
	return w
}

func (w *world) fill(s string) string {
	return strings.NewReplacer("%api", w.api.URL, "%as", w.as.URL).Replace(s)
}

func (w *world) serve(name string, pages map[string]page) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, name+" "+r.Method+" "+r.URL.Path)
		w.mu.Unlock()
		for _, h := range []string{"Authorization", "Cookie", "DPoP", "Proxy-Authorization"} {
			if r.Header.Get(h) != "" {
				w.t.Errorf("%s %s got %s", r.Method, r.URL, h)
			}
		}
		p, ok := pages[r.Method+" "+r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		for k, v := range p.header {
			rw.Header().Set(k, w.fill(v))
		}
		rw.WriteHeader(p.status)
		_, _ = io.WriteString(rw, w.fill(p.body))
	}))
	w.t.Cleanup(srv.Close)
	return srv
}

// client brings cookies for both, which must not be sent.
func (w *world) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range []*httptest.Server{w.api, w.as} {
		u, _ := url.Parse(s.URL)
		jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "secret"}})
	}
	return &http.Client{Jar: jar}
}

const (
	oauthPlace  = "GET /.well-known/oauth-authorization-server"
	resourceDoc = "GET /.well-known/oauth-protected-resource"
	asDoc       = `{"issuer":"%as","authorization_endpoint":"%as/authorize","token_endpoint":"%as/token","jwks_uri":"https://keys.example/k",
		"registration_endpoint":"%as/register","mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t"}}`
)

func refuses(challenge string) page {
	return page{401, map[string]string{"WWW-Authenticate": challenge}, "{}"}
}

func TestExplore(t *testing.T) {
	good := map[string]page{oauthPlace: {200, nil, asDoc}}
	prm := page{200, nil, `{"resource":"%api/mcp","authorization_servers":["%as"],"scopes_supported":["all","more"]}`}
	two := page{200, nil, `{"resource":"%api/mcp","authorization_servers":["%as","https://unreachable.invalid"]}`}
	tests := []struct {
		name    string
		api, as map[string]page
		opts    ExploreOptions
		want    error
		method  string
		scope   string
		ways    []ClientWay
		servers int
	}{
		{name: "challenge that names it", api: map[string]page{
			"GET /mcp":  refuses(`Bearer resource_metadata="%api/meta", scope="read write"`),
			"GET /meta": prm,
		}, as: good, method: "GET", scope: "read write", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "challenge without words", api: map[string]page{
			"GET /mcp": refuses(`Bearer`), resourceDoc + "/mcp": prm,
		}, as: good, method: "GET", scope: "all more", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "metadata at the root", api: map[string]page{
			"GET /mcp": refuses(`Bearer`), resourceDoc: prm,
		}, as: good, method: "GET", scope: "all more", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "MCP that knows only POST", api: map[string]page{
			"GET /mcp": {405, nil, ""}, "POST /mcp": refuses(`Bearer resource_metadata="%api/meta"`), "GET /meta": prm,
		}, as: good, method: "POST", scope: "all more", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "no challenge at all", api: map[string]page{
			"GET /mcp": {403, nil, ""}, resourceDoc + "/mcp": prm,
		}, as: good, method: "GET", scope: "all more", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "redirect to a login page", api: map[string]page{
			"GET /mcp": {302, map[string]string{"Location": "%as/page"}, ""}, resourceDoc + "/mcp": prm,
		}, as: good, method: "GET", scope: "all more", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "a client id there is", api: map[string]page{"GET /mcp": refuses(`Bearer`), resourceDoc + "/mcp": prm}, as: good,
			opts:   ExploreOptions{Registered: func(issuer string) bool { return strings.HasPrefix(issuer, "http://127.0.0.1:") }},
			method: "GET", scope: "all more", ways: []ClientWay{WayRegistered, WayRegister, WayAsk}, servers: 1},
		{name: "no metadata, server at the API's address", api: map[string]page{
			"GET /mcp": refuses(`Bearer`), oauthPlace: {200, nil, strings.ReplaceAll(asDoc, "%as", "%api")},
		}, method: "GET", ways: []ClientWay{WayRegister, WayAsk}, servers: 1},
		{name: "and with a slash", api: map[string]page{
			"GET /mcp": refuses(`Bearer`), oauthPlace: {200, nil, `{"issuer":"%api/","token_endpoint":"%api/token"}`},
		}, method: "GET", ways: []ClientWay{WayAsk}, servers: 1},

		{name: "nothing anywhere", api: map[string]page{"GET /mcp": {200, nil, "{}"}}, want: ErrNoServer, method: "GET"},
		{name: "no POST by choice", api: map[string]page{"GET /mcp": {405, nil, ""}, "POST /mcp": refuses(`Bearer`)},
			opts: ExploreOptions{NoPost: true}, want: ErrNoServer, method: "GET"},
		{name: "metadata of another resource", api: map[string]page{
			"GET /mcp": refuses(`Bearer resource_metadata="%api/meta"`), "GET /meta": {200, nil, `{"resource":"https://bank.example","authorization_servers":["%as"]}`},
		}, as: good, want: ErrResource, method: "GET"},
		{name: "server that is another", api: map[string]page{"GET /mcp": refuses(`Bearer`), resourceDoc + "/mcp": prm},
			as: map[string]page{oauthPlace: {200, nil, `{"issuer":"https://evil.example"}`}}, want: ErrIssuer, method: "GET", scope: "all more", servers: 1},
		{name: "server down", api: map[string]page{"GET /mcp": refuses(`Bearer`), resourceDoc + "/mcp": prm},
			as: map[string]page{oauthPlace: {503, nil, ""}}, want: ErrNotJSON, method: "GET", scope: "all more", servers: 1},
		{name: "an issuer that cannot be one", api: map[string]page{"GET /mcp": refuses(`Bearer`),
			resourceDoc + "/mcp": {200, nil, `{"resource":"%api/mcp","authorization_servers":["http://id.example"]}`}}, want: ErrInsecure, method: "GET", servers: 1},
		{name: "one of two", api: map[string]page{"GET /mcp": refuses(`Bearer`), resourceDoc + "/mcp": two}, as: good,
			method: "GET", ways: []ClientWay{WayRegister, WayAsk}, servers: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.api, tt.as)
			e, err := Explore(t.Context(), w.client(), w.api.URL+"/mcp", tt.opts)
			if e == nil || !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Fatalf("%+v, %v, want %v", e, err, tt.want)
			}
			if e.Method != tt.method || strings.Join(e.Scope, " ") != tt.scope || len(e.Servers) != tt.servers {
				t.Errorf("%s, scope %q, %d servers", e.Method, e.Scope, len(e.Servers))
			}
			if len(e.Hosts) == 0 || e.Hosts[0].Role != "API" || e.Hosts[0].New || len(e.Steps) == 0 || e.Steps[0].What != "API" {
				t.Errorf("%+v %+v", e.Hosts, e.Steps)
			}
			if err != nil {
				return
			}
			s, err := e.Server()
			if err != nil || !slices.Equal(s.Ways, tt.ways) || s.Discovery.Metadata.Issuer != s.Issuer {
				t.Errorf("%+v, %v", s, err)
			}
			for _, h := range e.Hosts {
				if typed := "http://"+h.Host == w.api.URL; h.New == typed {
					t.Errorf("%+v", h)
				}
			}
			if want := e.Resource != nil; want != (e.ResourceID() == w.api.URL+"/mcp") {
				t.Errorf("resource %q", e.ResourceID())
			}
		})
	}
}

// Every host of the chain is named before anything is sent there: R-204.
func TestExploreHosts(t *testing.T) {
	w := newWorld(t, map[string]page{
		"GET /mcp": refuses(`DPoP resource_metadata="%as/meta"`),
	}, map[string]page{
		"GET /meta": {200, nil, `{"resource":"%api/mcp","authorization_servers":["%as"]}`},
		oauthPlace:  {200, nil, asDoc},
	})
	e, err := Explore(t.Context(), nil, w.api.URL+"/mcp", ExploreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	want := []struct {
		host, role string
		new        bool
	}{
		{host(w.api), "API", false},
		{host(w.as), "resource metadata", true},
		{host(w.as), "authorization server", true},
		{host(w.as), "authorization endpoint", true},
		{host(w.as), "token endpoint", true},
		{"keys.example", "jwks uri", true},
		{host(w.as), "registration endpoint", true},
		{"mtls.example", "token endpoint", true},
	}
	if len(e.Hosts) != len(want) {
		t.Fatalf("%+v", e.Hosts)
	}
	for i, h := range e.Hosts {
		if h.Host != want[i].host || h.Role != want[i].role || h.New != want[i].new || h.Why == "" || h.Sends == "" {
			t.Errorf("%d: %+v, want %+v", i, h, want[i])
		}
	}
	//
	if !e.DPoP() {
		t.Error("an API that challenges with DPoP alone wants DPoP")
	}
	for _, other := range []*Exploration{{}, {Challenges: []Challenge{{Scheme: "dpop"}, {Scheme: "bearer"}}}} {
		if other.DPoP() {
			t.Errorf("%+v does not", other)
		}
	}
	if !(&Exploration{Resource: &ResourceMetadata{DPoPBoundAccessTokensRequired: true}}).DPoP() {
		t.Error("an API that says so wants DPoP")
	}
	// Several servers are a person's choice: R-202.
	if _, err := (&Exploration{Servers: make([]ServerFound, 2)}).Server(); !errors.Is(err, ErrChoose) {
		t.Error(err)
	}
}

// A chain that begins on the net does not end in somebody's network: R-203.
func TestExploreHostile(t *testing.T) {
	const api = "https://93.184.216.34/mcp"
	for _, inside := range []string{"https://10.0.0.5", "https://192.168.1.1", "https://127.0.0.1", "https://[::1]", "https://169.254.169.254", "https://100.64.1.1",
		"http://localhost:8080", "https://[::ffff:10.0.0.5]", "https://[fd00::1]"} {
		for _, where := range []string{"metadata", "server"} {
			var asked []string
			hc := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.URL.Host)
				rec := httptest.NewRecorder()
				switch {
				case r.URL.Path == "/mcp" && where == "metadata":
					rec.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+inside+`/meta"`)
					rec.WriteHeader(401)
				case r.URL.Path == "/mcp":
					rec.WriteHeader(401)
				case r.URL.Path == "/.well-known/oauth-protected-resource/mcp":
					_, _ = rec.WriteString(`{"resource":"` + api + `","authorization_servers":["` + inside + `"]}`)
				default:
					rec.WriteHeader(404)
				}
				return rec.Result(), nil
			})}
			_, err := Explore(t.Context(), hc, api, ExploreOptions{})
			if !errors.Is(err, ErrGuarded) || Transient(err) {
				t.Errorf("%s as %s: %v", inside, where, err)
			}
			for _, host := range asked {
				if host != "93.184.216.34" {
					t.Errorf("%s was asked", host)
				}
			}
		}
	}
	for _, bad := range []string{"", "http://api.example/", "https://u:p@api.example/", "ftp://x/", "https://api.example/#a"} {
		if e, err := Explore(t.Context(), nil, bad, ExploreOptions{}); err == nil || e != nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Scopes come from strangers and end in a terminal and in a request: what is
// no scope-token (RFC 6749 section 3.3) is left out.
func TestExploredScopesAreScopes(t *testing.T) {
	e := &Exploration{Resource: &ResourceMetadata{ScopesSupported: []string{"read", "\x1b[2Jwrite", "a b", "", "\u202eevil", "read"}}}
	if e.chooseScope(); !slices.Equal(e.Scope, []string{"read"}) {
		t.Errorf("%q", e.Scope)
	}
	e = &Exploration{Challenges: []Challenge{{"bearer", map[string]string{"scope": "one \u202etwo thr\\ee"}}}}
	if e.chooseScope(); !slices.Equal(e.Scope, []string{"one"}) || e.ScopeFrom != "challenge" {
		t.Errorf("%q", e.Scope)
	}
}
