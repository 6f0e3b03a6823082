package authserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// Device says how device authorization works (RFC 8628), which is offered when some client may use
// the grant urn:ietf:params:oauth:grant-type:device_code. The user goes to Issuer + "/device", or
// a test calls [Server.ApproveDevice] or [Server.DenyDevice].
type Device struct {
	// Interval is the least time between polls, in whole seconds; 0 is 5 s. Faster ones are
	// answered with slow_down and cost 5 s each.
	Interval time.Duration
	// TTL is how long the codes are good, in whole seconds; 0 is 5 minutes.
	TTL time.Duration
	// NoComplete leaves verification_uri_complete out.
	NoComplete bool
}

func (d Device) interval() time.Duration {
	setDefault(&d.Interval, 5*time.Second)
	return d.Interval
}

func (d Device) ttl() time.Duration {
	setDefault(&d.TTL, 5*time.Minute)
	return d.TTL
}

const devicePath = "/device"

// decision is what a test decides in a user's place.
type decision struct {
	user  User
	allow bool
}

func (s *Server) device() provider.Option {
	return provider.WithDeviceGrant(s.store, s.promptUserCode, func(w http.ResponseWriter, _ *http.Request) error {
		s.render(w, http.StatusOK, page{Name: "deviceDone", Title: "Signed in"})
		return nil
	})
}

// promptUserCode shows the page that asks for the user code.
func (s *Server) promptUserCode(w http.ResponseWriter, r *http.Request) error {
	rec := requestOf(r.Context())
	rec.prompted = true
	p := page{Name: "device", Title: "Connect a device", Action: s.base.Path + devicePath}
	if typed := rec.form.Get("user_code"); typed != "" {
		p.Alert = "This code is not known, or its time is over."
	}
	s.render(w, http.StatusOK, p)
	return nil
}

// answerDevice answers the device authorization endpoint, and says what go-oidc cannot be told.
func (s *Server) answerDevice(a *answer, r *http.Request) {
	s.answerClient(a, r)
	var doc map[string]any
	if a.status != http.StatusOK || json.Unmarshal(a.body.Bytes(), &doc) != nil {
		return
	}
	code := asString(doc["user_code"])
	code = code[:len(code)/2] + "-" + code[len(code)/2:]
	doc["user_code"] = code
	doc["interval"], doc["expires_in"] = seconds(s.opts.Device.interval()), seconds(s.opts.Device.ttl())
	if !s.opts.Device.NoComplete {
		doc["verification_uri_complete"] = asString(doc["verification_uri"]) + "?user_code=" + url.QueryEscape(code)
	}
	if s.faults.take(NoInterval) {
		delete(doc, "interval")
	}
	a.replaceJSON(a.status, doc)
}

// plainCode takes a user code as somebody may type it (RFC 8628 section 6.1: punctuation stripped,
// case ignored).
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if r < 'A' || r > 'Z' {
			return -1
		}
		return r
	}, strings.ToUpper(typed))
}

// ApproveDevice signs the user with that login name in at the verification page and allows
// everything that the device with that user code asks for.
func (s *Server) ApproveDevice(userCode, login string) error {
	u, ok := s.opts.user(login)
	if !ok {
		return fmt.Errorf("authserver: user %q does not exist", login)
	}
	return s.decideDevice(userCode, decision{user: u, allow: true})
}

// DenyDevice refuses what the device with that user code asks for.
func (s *Server) DenyDevice(userCode string) error { return s.decideDevice(userCode, decision{}) }

// decideDevice goes through the verification page without a browser.
func (s *Server) decideDevice(userCode string, d decision) error {
	rec := &request{endpoint: endpointDevicePage, form: url.Values{}, decision: &d}
	ctx := context.WithValue(context.Background(), requestKey{}, rec)
	target := devicePath + "?user_code=" + url.QueryEscape(plainCode(userCode))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("authserver: %w", err)
	}
	a := newAnswer()
	s.protocol.ServeHTTP(a, r)
	if rec.prompted || (a.status != http.StatusOK) == d.allow {
		return fmt.Errorf("authserver: no device waits with the code %q", userCode)
	}
	return nil
}

// SessionByUserCode returns the device authorization with that user code.
func (s *store) SessionByUserCode(_ context.Context, code string) (*goidc.AuthnSession, error) {
	return s.findSession(func(as *goidc.AuthnSession) bool {
		return as.UserCode == code && as.Status == goidc.StatusPending && int(time.Now().Unix()) < as.ExpiresAt
	})
}

// SessionByDeviceCode returns the device authorization with that device code.
func (s *store) SessionByDeviceCode(_ context.Context, code string) (*goidc.AuthnSession, error) {
	return s.findSession(func(as *goidc.AuthnSession) bool { return code != "" && as.DeviceCode == code })
}

// GrantByDeviceCode returns what the user granted to a device.
func (s *store) GrantByDeviceCode(_ context.Context, code string) (*goidc.Grant, error) {
	return s.find(func(f *family) bool { return code != "" && f.Grant.DeviceCode == code })
}

// findSession returns a copy of the first session that fits.
func (s *store) findSession(fits func(*goidc.AuthnSession) bool) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, as := range s.sessions {
		if fits(as) {
			return cloneSession(as), nil
		}
	}
	return nil, goidc.ErrNotFound
}
