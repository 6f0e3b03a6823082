package oauth

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Dynamic client registration (RFC 7591, OpenID Connect Dynamic Client
// Registration) and its management (RFC 7592).

// What can be wrong with a registration, beyond the codes a server sends.
const (
	// ErrClientMetadata: what stands for a client's metadata is none.
	ErrClientMetadata failure = "the client's metadata cannot be used"
	// ErrRegistration: the server registered something that cannot be used;
	// see MismatchError.
	ErrRegistration failure = "the server's registration cannot be used"
	// ErrInitialToken: the server registers only for an initial access token,
	// or not for this one (RFC 7591 section 3).
	ErrInitialToken failure = "the server registers only with a valid initial access token"
	// ErrForgotten: the server knows neither the registration nor its access
	// token (RFC 7592 sections 2.1, 2.2 and 2.3: 401).
	ErrForgotten failure = "the server has forgotten this registration"
	// ErrFixed: the server does not let the client do this (RFC 7592: 403, 405).
	ErrFixed failure = "the server does not let this be done to the registration"
	// ErrUnmanaged: the server gave no address or token to manage it with.
	ErrUnmanaged failure = "the server gave no means to manage this registration"
)

// Registration is a client as the server has it.
type Registration struct {
	Issuer       string // whose; from the metadata
	ClientID     string
	ClientSecret Secret // empty for a public client
	IssuedAt     time.Time
	// SecretExpiresAt is when ClientSecret ends; zero: never.
	SecretExpiresAt time.Time
	// RegistrationAccessToken opens RegistrationClientURI, where the
	// registration is read, changed and deleted (RFC 7592). Every answer may
	// bring a new one, and the old one is void at once: store it.
	RegistrationAccessToken Secret
	RegistrationClientURI   string
	// Metadata is what the server settled on. Use it, not what was asked.
	Metadata ClientMetadata
	// Renewals counts how often the client was registered anew since it last
	// worked; see RegistrationDue. Who keeps the registration keeps count.
	Renewals int
}

// Format writes client and server, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (r Registration) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "registration "+r.ClientID+" at "+r.Issuer)
}

// MismatchError says what the server settled on that the caller cannot use as
// asked. The registration exists; it comes back beside the error, to be used
// as it is or deleted.
type MismatchError struct {
	RedirectURIs []string // asked for and not registered, in neither spelling of loopback
	AuthMethod   string   // registered, and nothing to do it with
	Scope        []string // asked for and not registered
}

// Error names all that does not fit.
func (e *MismatchError) Error() string {
	var why []string
	if len(e.RedirectURIs) > 0 {
		why = append(why, "the redirect URI "+clean(strings.Join(e.RedirectURIs, ", "), maxURI)+" is not registered")
	}
	if e.AuthMethod != "" {
		why = append(why, "it wants "+clean(e.AuthMethod, maxCode)+" at the token endpoint, which was not asked for and cannot be done")
	}
	if len(e.Scope) > 0 {
		why = append(why, "the scope "+clean(strings.Join(e.Scope, " "), maxDescription)+" is not registered")
	}
	return string(ErrRegistration) + ": " + strings.Join(why, "; ")
}

// Unwrap returns ErrRegistration.
func (e *MismatchError) Unwrap() error { return ErrRegistration }

// registrationError ties the meaning of a refusal to the refusal.
type registrationError struct {
	kind failure
	err  error
}

func (e *registrationError) Error() string   { return string(e.kind) + ": " + e.err.Error() }
func (e *registrationError) Unwrap() []error { return []error{e.kind, e.err} }

// Register registers a client at the server's registration_endpoint (RFC 7591
// section 3). The initial access token is for servers that want one. What the
// server settled on overrides what was asked and is checked against it: beside
// a *MismatchError the registration comes back too. A nil hc means a client
// with TLS 1.2 or later.
func Register(ctx context.Context, hc *http.Client, m *Metadata, want ClientMetadata, initial Secret) (*Registration, error) {
	const what = "registration endpoint"
	if m == nil || m.RegistrationEndpoint == "" {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	body := want.object()
	unnameable(body)
	ans, err := manage(ctx, hc, what, http.MethodPost, m.RegistrationEndpoint, initial, body)
	if err != nil {
		return nil, err
	}
	obj, err := ans.object()
	if err != nil {
		if ans.status == http.StatusUnauthorized || ans.status == http.StatusForbidden {
			err = &registrationError{ErrInitialToken, err}
		}
		return nil, err
	}
	r := &Registration{Issuer: m.Issuer, Metadata: want}
	if err := r.take(obj, m.RegistrationEndpoint); err != nil {
		return nil, ans.unusable(err)
	}
	return r, r.check(want)
}

// Read asks the server for the registration as it is now (RFC 7592 section
// 2.1). r itself stays; store the result in its place.
func (r *Registration) Read(ctx context.Context, hc *http.Client) (*Registration, error) {
	return r.ask(ctx, hc, http.MethodGet, nil, ClientMetadata{})
}

// Update replaces the registered metadata with want (RFC 7592 section 2.2):
// all of it, "omitted fields" are deleted. Begin with r.Metadata. Store the
// result in r's place: secret and access token may be new ones. As with
// Register, a *MismatchError comes beside the result.
func (r *Registration) Update(ctx context.Context, hc *http.Client, want ClientMetadata) (*Registration, error) {
	body := want.object()
	// "This request MUST include all client metadata fields as returned …"
	// and "MUST NOT include" what the server alone decides.
	unnameable(body)
	body["client_id"] = r.ClientID
	if r.ClientSecret != "" {
		body["client_secret"] = r.ClientSecret.Reveal() // omitted would mean: delete it
	}
	next, err := r.ask(ctx, hc, http.MethodPut, body, want)
	if err != nil {
		return nil, err
	}
	return next, next.check(want)
}

// Delete ends the registration, and with it all its tokens (RFC 7592 section
// 2.3). ErrForgotten means that it was gone already.
func (r *Registration) Delete(ctx context.Context, hc *http.Client) error {
	const what = "client configuration endpoint"
	ans, err := r.manage(ctx, hc, what, http.MethodDelete, nil)
	if err != nil {
		return err
	}
	if ans.status >= 200 && ans.status <= 299 {
		return nil
	}
	_, err = ans.object()
	return r.refused(ans, err)
}

// SecretExpired reports whether the client secret has ended, so that the
// client must be registered anew.
func (r *Registration) SecretExpired(now time.Time) bool {
	return r.ClientSecret != "" && !r.SecretExpiresAt.IsZero() && !now.Before(r.SecretExpiresAt)
}

func (r *Registration) ask(ctx context.Context, hc *http.Client, method string, body map[string]any,
	asked ClientMetadata) (*Registration, error) {
	const what = "client configuration endpoint"
	ans, err := r.manage(ctx, hc, what, method, body)
	if err != nil {
		return nil, err
	}
	obj, err := ans.object()
	if err != nil {
		return nil, r.refused(ans, err)
	}
	if id := text(obj, "client_id"); id != "" && id != r.ClientID {
		return nil, ans.unusable(&reasoned{ErrRegistration, "the answer is about another client"})
	}
	next := *r
	next.Metadata = asked
	if err := next.take(obj, r.RegistrationClientURI); err != nil {
		return nil, ans.unusable(err)
	}
	return &next, nil
}

func (r *Registration) manage(ctx context.Context, hc *http.Client, what, method string, body map[string]any) (*answer, error) {
	if r.RegistrationClientURI == "" || r.RegistrationAccessToken == "" {
		return nil, &Error{what: what, Err: ErrUnmanaged}
	}
	return manage(ctx, hc, what, method, r.RegistrationClientURI, r.RegistrationAccessToken, body)
}

// refused tells what a refusal means (RFC 7592 section 2).
func (r *Registration) refused(ans *answer, err error) error {
	switch ans.status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusGone:
		return &registrationError{ErrForgotten, err}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return &registrationError{ErrFixed, err}
	}
	return err
}

// manage makes one request about a registration.
func manage(ctx context.Context, hc *http.Client, what, method, endpoint string, token Secret, body map[string]any) (*answer, error) {
	u, err := parseEndpoint(what, endpoint)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*answer, error) { return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: err} }
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return fail(&reasoned{ErrRequest, "a member of the client's metadata is not JSON"})
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(data))
	if err != nil {
		return fail(ErrRequest)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	job := &errand{what: what, kind: ForRegistration, now: time.Now()}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
		job.secrets = []string{token.Reveal()}
	}
	if secret, ok := body["client_secret"].(string); ok {
		job.secrets = append(job.secrets, secret)
	}
	return send(ctx, hc, req, job)
}

// unnameable takes out what a client must not say of itself (RFC 7592 section
// 2.2; RFC 7591 section 2 has the server choose the others).
func unnameable(body map[string]any) {
	for _, name := range [...]string{
		"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
		"client_id", "client_secret",
	} {
		delete(body, name)
	}
}

// take reads a client information response (RFC 7591 section 3.2.1, RFC 7592
// section 3), which came from an address, over what was there.
func (r *Registration) take(obj map[string]any, from string) error {
	str := func(name string) (string, error) {
		v, found := obj[name]
		delete(obj, name)
		s, ok := v.(string)
		if found && v != nil && !ok {
			return "", &reasoned{ErrRegistration, name + " has the wrong type"}
		}
		return s, nil
	}
	var values [4]string
	for i, name := range [...]string{"client_id", "client_secret", "registration_access_token", "registration_client_uri"} {
		var err error
		if values[i], err = str(name); err != nil {
			return err
		}
	}
	if r.ClientID = cmp.Or(values[0], r.ClientID); r.ClientID == "" {
		return &reasoned{ErrRegistration, "the answer has no client_id"}
	}
	// The new token is the only one that is still good (RFC 7592 section 3).
	r.RegistrationAccessToken = Secret(cmp.Or(values[2], r.RegistrationAccessToken.Reveal()))
	if uri := values[3]; uri != "" {
		if why := badEndpoint(uri, r.mayBeLocal()); why != "" {
			return &reasoned{ErrRegistration, "registration_client_uri " + why}
		}
		// Nobody was asked whether the token may go to another host, nor
		// whether a DELETE may.
		if at := originOf(uri); at != originOf(from) && at != originOf(r.Issuer) {
			return &reasoned{ErrRegistration, "registration_client_uri is at " + clean(at, maxURI) + ", and the server is elsewhere"}
		}
		r.RegistrationClientURI = uri
	}
	if at, ok := NumericDate(obj["client_id_issued_at"]); ok {
		r.IssuedAt = at
	}
	expires, said := NumericDate(obj["client_secret_expires_at"])
	delete(obj, "client_id_issued_at")
	delete(obj, "client_secret_expires_at")
	if err := r.Metadata.take(obj); err != nil {
		return err
	}
	switch method := r.Metadata.TokenEndpointAuthMethod; {
	case values[1] != "":
		r.ClientSecret, r.SecretExpiresAt = Secret(values[1]), time.Time{}
	case method != "" && !sharesSecret(method):
		r.ClientSecret, r.SecretExpiresAt = "", time.Time{}
	}
	if said {
		r.SecretExpiresAt = time.Time{}
		if expires.Unix() > 0 { // "0 if it will not expire"
			r.SecretExpiresAt = expires
		}
	}
	return nil
}

// mayBeLocal: a server on the net must not send the token to this computer.
func (r *Registration) mayBeLocal() bool {
	u, err := url.Parse(r.Issuer)
	return r.Issuer == "" || err == nil && loopback(u)
}

func sharesSecret(method string) bool {
	return method == AuthSecretBasic || method == AuthSecretPost || method == AuthSecretJWT
}

// check compares what the server settled on with what was asked (RFC 7591
// section 3.2.1: "the client … SHOULD check the values in the response to
// determine if the registration is sufficient for use").
func (r *Registration) check(want ClientMetadata) error {
	var e MismatchError
	for _, uri := range want.RedirectURIs {
		if !slices.ContainsFunc(LoopbackTwins(uri), r.Metadata.RegistersRedirect) {
			e.RedirectURIs = append(e.RedirectURIs, uri)
		}
	}
	switch method := r.Metadata.TokenEndpointAuthMethod; method {
	case "", AuthNone:
	case AuthSecretBasic, AuthSecretPost, AuthSecretJWT:
		if r.ClientSecret == "" {
			e.AuthMethod = method + " without a client secret"
		}
	default: // needs keys or a certificate, which only who asked for it has
		if method != want.TokenEndpointAuthMethod {
			e.AuthMethod = method
		}
	}
	for _, s := range want.Scope {
		if !slices.Contains(r.Metadata.Scope, s) {
			e.Scope = append(e.Scope, s)
		}
	}
	if e.RedirectURIs == nil && e.AuthMethod == "" && e.Scope == nil {
		return nil
	}
	return &e
}
