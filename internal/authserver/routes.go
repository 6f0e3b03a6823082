package authserver

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// endpoint names a part of the server, in Stats.Requests too.
type endpoint string

const (
	endpointDiscovery  endpoint = "discovery"
	endpointJWKS       endpoint = "jwks"
	endpointAuthorize  endpoint = "authorize"
	endpointPAR        endpoint = "par"
	endpointToken      endpoint = "token"
	endpointRevoke     endpoint = "revoke"
	endpointRegister   endpoint = "register"
	endpointResource   endpoint = "resource_metadata"
	endpointIntrospect endpoint = "introspect"
	endpointDevice     endpoint = "device_authorization"
	endpointDevicePage endpoint = "device"
	endpointCIBA       endpoint = "bc-authorize"
	endpointUserinfo   endpoint = "userinfo"
	endpointLogout     endpoint = "logout"
	endpointAPI        endpoint = "api"
	endpointHome       endpoint = "home"
	endpointOther      endpoint = "other"
)

const (
	apiPath       = "/api/whoami"
	wellKnownOIDC = "/.well-known/openid-configuration"
	wellKnownAS   = "/.well-known/oauth-authorization-server"
)

// maxBody is more than any request here needs.
const maxBody = 64 << 10

// request is what this package knows of the HTTP request that go-oidc is answering; go-oidc hands
// its context through to every callback.
type request struct {
	endpoint    endpoint
	url         string            // as the client sees it, without query
	form        url.Values        // query and body
	grant       goidc.GrantType   // at the token endpoint
	asserted    url.Values        // the form of a grant of ours
	issuedType  string            // of a token exchange, where go-oidc would say another
	document    *goidc.Client     // fetched from its client_id, once it was
	path        string            // without the issuer's
	object      map[string]any    // claims of the request object, not verified
	decision    *decision         // of a test in a user's place
	prompted    bool              // the page that asks for a user code was shown
	keepRefresh bool              // the fault NoRefreshToken: do not rotate this time
	audience    []string          // of the token being made
	client      *goidc.Client     // the client last looked up, once it was
	certificate *x509.Certificate // the client's, on the address for mutual TLS
}

// param returns a parameter of the request, or of its request object.
func (r *request) param(name string) string {
	if v := r.form.Get(name); v != "" {
		return v
	}
	return asString(r.object[name])
}

// audiences returns the parameter audience, which may come more than once.
func (r *request) audiences() []string {
	if in := stringsIn(r.object["audience"]); len(in) > 0 {
		return in
	}
	return r.form["audience"]
}

type requestKey struct{}

// requestOf returns the request of a context, or an empty one.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// endpointOf says what a path leads to, and the path go-oidc knows it by. Paths that go-oidc has
// and this server does not offer lead nowhere.
func (s *Server) endpointOf(path string) (endpoint, string) {
	// RFC 8414 section 3.1: the well-known part goes between the host and the issuer's path.
	if path == wellKnownAS+s.base.Path {
		return endpointDiscovery, wellKnownOIDC
	}
	if rest, ok := strings.CutPrefix(path, wellKnownResource+s.base.Path); ok && s.opts.ResourceMetadata && s.resourcePath(rest) {
		return endpointResource, rest
	}
	path, ok := strings.CutPrefix(path, s.base.Path)
	switch {
	case !ok:
		return endpointOther, ""
	case path == "" || path == "/":
		return endpointHome, ""
	case path == wellKnownOIDC:
		return endpointDiscovery, path
	case path == "/jwks":
		return endpointJWKS, path
	case path == "/authorize" || strings.HasPrefix(path, "/authorize/"):
		return endpointAuthorize, path
	case path == "/par" && s.opts.PAR != nil:
		return endpointPAR, path
	case path == "/device_authorization" && s.opts.offersGrant(goidc.GrantDeviceCode):
		return endpointDevice, path
	case (path == devicePath || strings.HasPrefix(path, devicePath+"/")) && s.opts.offersGrant(goidc.GrantDeviceCode):
		return endpointDevicePage, path
	case path == "/bc-authorize" && s.opts.offersGrant(goidc.GrantCIBA):
		return endpointCIBA, path
	case path == "/introspect" && s.opts.Introspection:
		return endpointIntrospect, path
	case (path == "/register" || strings.HasPrefix(path, "/register/")) && s.opts.Registration != nil:
		return endpointRegister, path
	case path == "/token":
		return endpointToken, path
	case path == "/revoke":
		return endpointRevoke, path
	case path == "/userinfo":
		return endpointUserinfo, path
	case path == "/logout" || strings.HasPrefix(path, "/logout/"):
		return endpointLogout, path
	case s.resourcePath(path):
		return endpointAPI, path
	}
	return endpointOther, ""
}

// ServeHTTP answers a request: whatever go-oidc says is computed into memory first, then completed
// or spoilt, then sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A name that somebody points at 127.0.0.1 must not make this server theirs (DNS rebinding).
	if !strings.EqualFold(r.Host, s.base.Host) && (s.mtlsHost == "" || !strings.EqualFold(r.Host, s.mtlsHost)) {
		http.Error(w, "this server is "+s.issuer, http.StatusMisdirectedRequest)
		return
	}
	ep, path := s.endpointOf(r.URL.Path)
	s.counts.add(func(st *Stats) { st.Requests[string(ep)]++ })
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	rec := &request{endpoint: ep, url: s.urlOf(r), form: r.Form, path: path, certificate: s.certificateOf(r)}
	if object := r.Form.Get("request"); object != "" {
		object, rec.object = s.openRequest(object)
		for _, form := range []url.Values{r.Form, r.PostForm} {
			if form.Has("request") {
				form.Set("request", object)
			}
		}
		if q := r.URL.Query(); q.Has("request") {
			q.Set("request", object)
			r.URL.RawQuery = q.Encode()
		}
	}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, rec))
	if id := r.Form.Get("client_id"); s.opts.ClientMetadataDocuments && isDocumentID(id) {
		rec.document, _ = s.documentClient(r.Context(), id) // here, and not while s.turn is held
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	r.URL = &u
	// go-oidc holds JWTs of the client to the issuer and this.
	r.RequestURI = path

	a := newAnswer()
	switch ep {
	case endpointOther:
		s.renderNotFound(a)
	case endpointHome:
		s.renderHome(a)
	case endpointToken:
		if !s.answerToken(a, r) {
			return // the client is gone
		}
	case endpointPAR:
		s.answerPAR(a, r)
	case endpointDevice:
		s.answerDevice(a, r)
	case endpointCIBA:
		s.answerCIBA(a, r)
	case endpointRegister:
		s.answerRegister(a, r)
	case endpointResource:
		s.answerResource(a, path)
	case endpointIntrospect:
		s.answerIntrospect(a, r)
	case endpointRevoke:
		s.answerRevoke(a, r)
	case endpointAPI:
		s.answerWhoami(a, r)
	case endpointUserinfo:
		s.answerUserinfo(a, r)
	case endpointDiscovery:
		s.answerDiscovery(a, r)
	case endpointJWKS:
		s.answerJWKS(a, r)
	case endpointAuthorize, endpointDevicePage, endpointLogout:
		s.answerPages(a, r)
	}
	a.send(w, r)
}

// answerPages answers what a person's browser asks for.
func (s *Server) answerPages(a *answer, r *http.Request) {
	s.armor(a.Header())
	// Only the forms of our own pages are held to our own origin; a client may begin at
	// /authorize by a POST from anywhere (OpenID Connect Core section 3.1.2.1).
	if strings.Count(r.URL.Path, "/") > 1 {
		s.pages.ServeHTTP(a, r)
	} else if r.URL.Path == devicePath {
		q := r.URL.Query()
		if code := plainCode(q.Get("user_code")); code != "" {
			q.Set("user_code", code)
			r.URL.RawQuery = q.Encode()
		}
		s.protocol.ServeHTTP(a, r)
	} else if err := once(r.Form, "resource", "audience"); err != nil {
		s.renderProblem(a, http.StatusBadRequest, "invalid_request", err.Error())
	} else {
		if t := r.Form.Get("response_type"); t != "" && !slices.Contains(strings.Fields(t), "code") && r.Method == http.MethodGet {
			// go-oidc demands PKCE also where there is no code to protect.
			q := r.URL.Query()
			q.Set("code_challenge_method", "S256")
			q.Set("code_challenge", hash("no code"))
			r.URL.RawQuery = q.Encode()
		}
		s.protocol.ServeHTTP(a, r)
	}
	if requestOf(r.Context()).endpoint == endpointAuthorize {
		if err := s.completeResponse(r.Context(), a); err != nil {
			a.header.Del("Location")
			s.renderProblem(a, http.StatusInternalServerError, "server_error", err.Error())
		}
	}
}
