package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// registrar is a registration endpoint that answers what a test says and
// keeps what came.
type registrar struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex // guards what follows
	status int
	answer string // %s is the server's address
	got    []*http.Request
	bodies []map[string]any
}

func newRegistrar(t *testing.T, status int, answer string) *registrar {
	s := &registrar{t: t, status: status, answer: answer}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *registrar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := io.ReadAll(r.Body)
	var body map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &body); err != nil {
			s.t.Error(err)
		}
	}
	s.got, s.bodies = append(s.got, r), append(s.bodies, body)
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, strings.ReplaceAll(s.answer, "%s", s.URL))
}

func (s *registrar) say(status int, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.answer = status, answer
}

func (s *registrar) last() (*http.Request, map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[len(s.got)-1], s.bodies[len(s.bodies)-1]
}

func (s *registrar) metadata() *Metadata {
	return &Metadata{Issuer: s.URL, RegistrationEndpoint: s.URL + "/register"}
}

const fullAnswer = `{"client_id":"c1","client_secret":"secret-0123456789","client_id_issued_at":1700000000,
	"client_secret_expires_at":1800000000,"registration_access_token":"reg-token-1","registration_client_uri":"%s/register/c1",
	"redirect_uris":["http://127.0.0.1/cb","http://localhost/cb"],"token_endpoint_auth_method":"client_secret_post",
	"scope":"a b c","vendor":7}`

func TestRegister(t *testing.T) { // F-184
	s := newRegistrar(t, 201, fullAnswer)
	want := NativeClient(nil, "Fob", "http://127.0.0.1:0/cb", []string{"a", "b"})
	want.Extra = map[string]any{"client_name#fr": "Breloque", "client_id": "mine", "registration_access_token": "x"}
	r, err := Register(t.Context(), s.Client(), s.metadata(), want, "initial-token")
	if err != nil {
		t.Fatal(err)
	}
	req, body := s.last()
	if req.Method != "POST" || req.Header.Get("Authorization") != "Bearer initial-token" ||
		req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", req.Method, req.Header)
	}
	if want := map[string]any{
		"client_name": "Fob", "client_name#fr": "Breloque", "application_type": "native", "token_endpoint_auth_method": "none",
		"redirect_uris": []any{"http://127.0.0.1/cb", "http://localhost/cb"}, "scope": "a b",
		"grant_types": []any{"authorization_code", "refresh_token"}, "response_types": []any{"code"},
	}; !reflect.DeepEqual(body, want) {
		t.Errorf("sent %v", body)
	}
	// The answer overrides the request; what it does not say stays as asked.
	if r.Metadata.TokenEndpointAuthMethod != AuthSecretPost || !slices.Equal(r.Metadata.Scope, []string{"a", "b", "c"}) ||
		r.Metadata.ClientName != "Fob" || r.Metadata.Extra["vendor"] != json.Number("7") {
		t.Errorf("settled %+v", r.Metadata)
	}
	if r.ClientID != "c1" || r.ClientSecret != "secret-0123456789" || r.RegistrationAccessToken != "reg-token-1" ||
		r.RegistrationClientURI != s.URL+"/register/c1" || r.IssuedAt.Unix() != 1700000000 || r.Issuer != s.URL {
		t.Errorf("%+v", r)
	}
	//
	if r.SecretExpired(time.Unix(1799999999, 0)) || !r.SecretExpired(time.Unix(1800000000, 0)) {
		t.Error("the secret's end is not kept")
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, string(text)+fmt.Sprintf("%+v %#v", r, *r), "secret-0123456789", "reg-token-1")
}

// What a server may settle on that cannot be used is named: R-071.
func TestRegisterMismatch(t *testing.T) {
	want := ClientMetadata{
		RedirectURIs:            []string{"http://127.0.0.1:7777/cb", "http://localhost:7777/cb"},
		TokenEndpointAuthMethod: AuthNone, Scope: []string{"read", "write"},
	}
	tests := []struct {
		name, answer string
		want         MismatchError
	}{
		{"says nothing", `{"client_id":"c"}`, MismatchError{}},
		{"other port of loopback", `{"client_id":"c","redirect_uris":["http://127.0.0.1/cb"]}`, MismatchError{}},
		{"one of the twins", `{"client_id":"c","redirect_uris":["http://localhost:7777/cb"]}`, MismatchError{}},
		{"another redirect", `{"client_id":"c","redirect_uris":["https://evil.example/cb","http://127.0.0.1:7777/CB"]}`,
			MismatchError{RedirectURIs: want.RedirectURIs}},
		{"no redirects", `{"client_id":"c","redirect_uris":[]}`, MismatchError{RedirectURIs: want.RedirectURIs}},
		{"a secret it gives", `{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_basic"}`, MismatchError{}},
		{"a secret it keeps", `{"client_id":"c","token_endpoint_auth_method":"client_secret_basic"}`,
			MismatchError{AuthMethod: "client_secret_basic without a client secret"}},
		{"a key nobody has", `{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}`, MismatchError{AuthMethod: "private_key_jwt"}},
		{"less scope", `{"client_id":"c","scope":"read"}`, MismatchError{Scope: []string{"write"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newRegistrar(t, 201, tt.answer)
			r, err := Register(t.Context(), s.Client(), s.metadata(), want, "")
			if r == nil || r.ClientID != "c" {
				t.Fatalf("%+v, %v", r, err)
			}
			if req, _ := s.last(); req.Header.Get("Authorization") != "" {
				t.Error("an Authorization header of nothing")
			}
			var e *MismatchError
			if !errors.As(err, &e) {
				e = new(MismatchError)
			} else if !errors.Is(err, ErrRegistration) || Transient(err) {
				t.Error(err)
			}
			if !reflect.DeepEqual(*e, tt.want) {
				t.Errorf("%v, want %+v", err, tt.want)
			}
			for _, named := range append(tt.want.RedirectURIs, tt.want.Scope...) {
				if !strings.Contains(err.Error(), named) {
					t.Errorf("%s is not named: %v", named, err)
				}
			}
		})
	}
}

// Hostile and refusing answers are told by name.
func TestRegisterRefused(t *testing.T) {
	tests := []struct {
		name   string
		status int
		answer string
		want   error
	}{
		{"redirect URI", 400, `{"error":"invalid_redirect_uri","error_description":"no http"}`, InvalidRedirectURI},
		{"metadata", 400, `{"error":"invalid_client_metadata"}`, InvalidClientMetadata},
		{"statement", 400, `{"error":"invalid_software_statement"}`, InvalidSoftwareStatement},
		{"unapproved", 400, `{"error":"unapproved_software_statement"}`, UnapprovedSoftwareStatement},
		{"401", 401, ``, ErrInitialToken},
		{"401 with a code", 401, `{"error":"invalid_token"}`, InvalidToken},
		{"403", 403, `{"error":"access_denied"}`, ErrInitialToken},
		{"no client_id", 201, `{"client_secret":"x"}`, ErrRegistration},
		{"client_id of no type", 201, `{"client_id":7}`, ErrRegistration},
		{"twice", 201, `{"client_id":"a","client_id":"b"}`, ErrNotJSON},
		{"redirect_uris of no type", 201, `{"client_id":"a","redirect_uris":"x"}`, ErrClientMetadata},
		{"scope of no type", 201, `{"client_id":"a","scope":7}`, ErrClientMetadata},
		{"jwks of no type", 201, `{"client_id":"a","jwks":7}`, ErrClientMetadata},
		{"plain http management", 201, `{"client_id":"a","registration_client_uri":"http://id.example/c"}`, ErrRegistration},
		{"a page", 200, `<html>`, ErrPortal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newRegistrar(t, tt.status, tt.answer)
			r, err := Register(t.Context(), s.Client(), s.metadata(), ClientMetadata{}, "initial-token")
			if r != nil || !errors.Is(err, tt.want) || Transient(err) != errors.Is(err, ErrPortal) {
				t.Fatalf("%+v, %v", r, err)
			}
			printable(t, err.Error())
			noSecret(t, err.Error(), "initial-token")
		})
	}
	t.Run("redirected", func(t *testing.T) {
		elsewhere := newRegistrar(t, 201, `{"client_id":"a"}`)
		s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
		defer s.Close()
		_, err := Register(t.Context(), nil, &Metadata{RegistrationEndpoint: s.URL}, ClientMetadata{}, "initial-token")
		if !errors.Is(err, ErrRedirect) || len(elsewhere.got) != 0 {
			t.Error(err)
		}
	})
	for _, m := range []*Metadata{nil, {}, {RegistrationEndpoint: "http://id.example/r"}} {
		if _, err := Register(t.Context(), nil, m, ClientMetadata{}, ""); !errors.Is(err, ErrNoEndpoint) && !errors.Is(err, ErrInsecure) {
			t.Error(err) // no TLS
		}
	}
	// A server on the net must not have the token sent to this computer.
	r := &Registration{Issuer: "https://id.example"}
	if err := r.take(map[string]any{"client_id": "a", "registration_client_uri": "http://127.0.0.1/x"}, "https://id.example/r"); !errors.Is(err, ErrRegistration) {
		t.Error(err)
	}
}

func TestManageRegistration(t *testing.T) {
	s := newRegistrar(t, 201, fullAnswer)
	r, err := Register(t.Context(), s.Client(), s.metadata(), ClientMetadata{ClientName: "Fob"}, "")
	if err != nil {
		t.Fatal(err)
	}

	// the token an answer brings replaces the old one at once.
	s.say(200, `{"client_id":"c1","registration_access_token":"reg-token-2","registration_client_uri":"%s/register/c1","client_name":"Fob 2"}`)
	read, err := r.Read(t.Context(), s.Client())
	if err != nil {
		t.Fatal(err)
	}
	req, body := s.last()
	if req.Method != "GET" || req.Header.Get("Authorization") != "Bearer reg-token-1" || body != nil || req.URL.Path != "/register/c1" {
		t.Errorf("%s %v %v", req.Method, req.Header, body)
	}
	if read.RegistrationAccessToken != "reg-token-2" || read.ClientSecret != "secret-0123456789" || read.Metadata.ClientName != "Fob 2" ||
		len(read.Metadata.RedirectURIs) != 0 || r.RegistrationAccessToken != "reg-token-1" {
		t.Errorf("%+v", read)
	}

	// everything, but what the server alone decides.
	s.say(200, `{"client_id":"c1","client_secret":"secret-new-one","client_secret_expires_at":0}`)
	want := r.Metadata
	want.Scope = []string{"a"}
	want.Extra = map[string]any{
		"vendor": "kept", "registration_access_token": "x", "registration_client_uri": "x",
		"client_secret_expires_at": 1, "client_id_issued_at": 1, "client_id": "other",
	}
	updated, err := read.Update(t.Context(), s.Client(), want)
	if err != nil {
		t.Fatal(err)
	}
	req, body = s.last()
	if req.Method != "PUT" || req.Header.Get("Authorization") != "Bearer reg-token-2" {
		t.Errorf("%s %v", req.Method, req.Header)
	}
	if want := map[string]any{
		"client_id": "c1", "client_secret": "secret-0123456789", "client_name": "Fob", "scope": "a", "vendor": "kept",
		"redirect_uris": []any{"http://127.0.0.1/cb", "http://localhost/cb"}, "token_endpoint_auth_method": "client_secret_post",
	}; !reflect.DeepEqual(body, want) {
		t.Errorf("sent %v", body)
	}
	if updated.ClientSecret != "secret-new-one" || updated.RegistrationAccessToken != "reg-token-2" ||
		updated.SecretExpired(time.Now().AddDate(100, 0, 0)) { // 0 is never
		t.Errorf("%+v", updated)
	}

	s.say(204, ``)
	if err := updated.Delete(t.Context(), s.Client()); err != nil {
		t.Fatal(err)
	}
	if req, _ = s.last(); req.Method != "DELETE" || req.Header.Get("Authorization") != "Bearer reg-token-2" {
		t.Errorf("%s %v", req.Method, req.Header)
	}

	for status, want := range map[int]error{401: ErrForgotten, 404: ErrForgotten, 403: ErrFixed, 405: ErrFixed} {
		s.say(status, `{"error":"invalid_token","error_description":"reg-token-2"}`)
		_, readErr := updated.Read(t.Context(), s.Client())
		for _, err := range []error{readErr, updated.Delete(t.Context(), s.Client())} {
			if !errors.Is(err, want) || Transient(err) {
				t.Errorf("%d: %v", status, err)
				continue
			}
			noSecret(t, err.Error(), "reg-token-2")
		}
	}
	s.say(200, `{"client_id":"c2"}`)
	if _, err := updated.Read(t.Context(), s.Client()); !errors.Is(err, ErrRegistration) {
		t.Errorf("another client's: %v", err)
	}
	if err := new(Registration).Delete(t.Context(), s.Client()); !errors.Is(err, ErrUnmanaged) {
		t.Error(err)
	}
}

func TestRegistrationDue(t *testing.T) {
	now := time.Unix(1000, 0)
	const redirect = "http://127.0.0.1:5555/cb"
	good := Registration{Issuer: "https://id.example", ClientID: "c", ClientSecret: "s",
		Metadata: ClientMetadata{RedirectURIs: []string{"http://127.0.0.1:7777/cb"}}}
	with := func(f func(*Registration)) *Registration { r := good; f(&r); return &r }
	tests := []struct {
		name     string
		r        *Registration
		redirect string
		failed   error
		due      bool
		err      error
	}{
		{"none", nil, redirect, nil, true, nil},
		{"good, whatever the port", &good, redirect, nil, false, nil},
		{"other issuer", with(func(r *Registration) { r.Issuer += "/" }), redirect, nil, true, nil},
		{"other path", &good, "http://127.0.0.1:7777/other", nil, true, nil},
		{"other host", &good, "http://localhost:7777/cb", nil, true, nil},
		{"expired", with(func(r *Registration) { r.SecretExpiresAt = now }), redirect, nil, true, nil},
		{"forgotten at the token endpoint", &good, redirect, &Error{Code: InvalidClient}, true, nil},
		{"forgotten at the authorization endpoint", &good, redirect, &Error{Code: UnauthorizedClient}, true, nil},
		{"forgotten at the management endpoint", &good, redirect, &registrationError{ErrForgotten, io.EOF}, true, nil},
		{"forgotten again", with(func(r *Registration) { r.Renewals = 1 }), redirect, &Error{Code: InvalidClient}, false, ErrForgottenAgain},
		{"another error", &good, redirect, &Error{Code: InvalidGrant}, false, nil},
		{"network", &good, redirect, io.ErrUnexpectedEOF, false, nil},
	}
	for _, tt := range tests {
		due, why, err := RegistrationDue(tt.r, "https://id.example", tt.redirect, tt.failed, now)
		if due != tt.due || (why != "") != tt.due || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v %q %v", tt.name, due, why, err)
		}
	}
}

func TestNativeClient(t *testing.T) {
	tests := []struct {
		name   string
		m      *Metadata
		method string
		grants int
	}{
		{"nothing known", nil, AuthNone, 2},
		{"lists none", &Metadata{TokenEndpointAuthMethodsSupported: []string{"client_secret_basic", "none"},
			GrantTypesSupported: []string{"authorization_code"}}, AuthNone, 1},
		{"no public clients", &Metadata{TokenEndpointAuthMethodsSupported: []string{"private_key_jwt", "client_secret_post"},
			GrantTypesSupported: []string{"authorization_code", "refresh_token"}}, AuthSecretPost, 2},
	}
	for _, tt := range tests {
		c := NativeClient(tt.m, "Fob", "http://localhost:7777/cb", nil)
		if c.TokenEndpointAuthMethod != tt.method || len(c.GrantTypes) != tt.grants || c.ApplicationType != "native" ||
			!slices.Equal(c.RedirectURIs, []string{"http://localhost:7777/cb", "http://127.0.0.1:7777/cb"}) {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
	for in, want := range map[string]int{"http://[::1]:1/cb": 1, "https://localhost/cb": 1, "com.example:/cb": 1, "%": 1, "http://127.0.0.1:0": 2} {
		if got := LoopbackTwins(in); len(got) != want || strings.Contains(got[0], ":0") {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestClientMetadataRoundTrip(t *testing.T) {
	var c, again ClientMetadata
	in := `{"redirect_uris":["a"],"scope":"x y","jwks":{"keys":[]},"dpop_bound_access_tokens":true,"default_max_age":60,"logo_uri":null}`
	if err := json.Unmarshal([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &again); err != nil || !reflect.DeepEqual(c, again) || len(c.Extra) != 1 || len(c.Scope) != 2 {
		t.Errorf("%v\n%+v\n%+v", err, c, again)
	}
	// Every field has a registered name.
	held := map[any]bool{&c.Scope: true, &c.JWKS: true, &c.Extra: true}
	for _, f := range c.members() {
		switch {
		case f.str != nil:
			held[f.str] = true
		case f.list != nil:
			held[f.list] = true
		default:
			held[f.flag] = true
		}
	}
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if !held[v.Field(i).Addr().Interface()] {
			t.Errorf("%s has no registered name", v.Type().Field(i).Name)
		}
	}
}

func FuzzRegistrationAnswer(f *testing.F) {
	f.Add(201, fullAnswer)
	f.Add(400, `{"error":"invalid_redirect_uri"}`)
	f.Add(200, `{"client_id":"a","client_secret_expires_at":"0","scope":["a"],"registration_client_uri":"http://x"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		ans := &answer{errand: &errand{what: "registration endpoint"}, status: status, header: http.Header{}, body: []byte(body)}
		obj, err := ans.object()
		if err != nil {
			printable(t, err.Error())
			return
		}
		r := &Registration{Issuer: "https://id.example"}
		if err := r.take(obj, "https://x/r"); err != nil {
			printable(t, ans.unusable(err).Error())
			return
		}
		if r.ClientID == "" || r.RegistrationClientURI != "" && !strings.HasPrefix(strings.ToLower(r.RegistrationClientURI), "https://") {
			t.Errorf("%+v", r)
		}
		if err := r.check(NativeClient(nil, "x", "http://127.0.0.1/cb", []string{"a"})); err != nil {
			printable(t, err.Error())
		}
		if _, err := json.Marshal(r.Metadata); err != nil {
			t.Error(err)
		}
	})
}

// The access token of a registration goes to the server that gave it, and to
// no host that it names.
func TestRegistrationStaysAtItsServer(t *testing.T) {
	elsewhere := newRegistrar(t, 200, `{}`)
	s := newRegistrar(t, 201, `{"client_id":"a","registration_access_token":"t-0123456789","registration_client_uri":"`+elsewhere.URL+`/c"}`)
	if r, err := Register(t.Context(), s.Client(), s.metadata(), ClientMetadata{}, ""); !errors.Is(err, ErrRegistration) || r != nil {
		t.Errorf("%v, %v", r, err)
	}
	s.say(201, fullAnswer)
	r, err := Register(t.Context(), s.Client(), s.metadata(), ClientMetadata{}, "")
	if err != nil {
		t.Fatal(err)
	}
	s.say(200, `{"client_id":"c1","registration_client_uri":"`+elsewhere.URL+`/c"}`)
	if _, err := r.Read(t.Context(), s.Client()); !errors.Is(err, ErrRegistration) {
		t.Error(err)
	}
	if len(elsewhere.got) != 0 {
		t.Error("it was asked")
	}
}
