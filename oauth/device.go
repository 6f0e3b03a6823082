package oauth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// DeviceAuthorization is a login that is approved in a browser somewhere else
// (RFC 8628). Show VerificationURI and UserCode, and call Wait. The
// device_code stays inside: it is worth the token.
type DeviceAuthorization struct {
	UserCode        string
	VerificationURI string
	// VerificationURIComplete has the code in it, for a QR code; it may be
	// empty. Show UserCode beside it, so that people can compare (section
	// 3.3.1).
	VerificationURIComplete string
	ExpiresAt               time.Time
	Interval                time.Duration // between two polls, as the server said

	poll *poller
}

// AuthorizeDevice starts a login on another device (RFC 8628 section 3.1).
func (c *Client) AuthorizeDevice(ctx context.Context, r TokenRequest) (*DeviceAuthorization, error) {
	const what = "device authorization endpoint"
	fail := func(err error) (*DeviceAuthorization, error) { return nil, &Error{what: what, Err: err} }
	if c.Metadata == nil {
		return fail(ErrNoEndpoint)
	}
	if err := r.check(); err != nil {
		return fail(err)
	}
	m, proof := c.Metadata, r.ProofKey
	if proof == nil {
		var err error
		if proof, err = c.newProofKey(); err != nil {
			return fail(err)
		}
	}
	form := r.form(c, nil)
	var secrets []string
	for _, values := range r.Extra {
		secrets = append(secrets, values...)
	}
	ans, err := c.post(ctx, call{
		kind: ForDevice, what: what, name: "device_authorization_endpoint", endpoint: m.DeviceAuthorizationEndpoint,
		listed: m.TokenEndpointAuthMethodsSupported, form: form, secrets: secrets,
	})
	if err != nil {
		return nil, err
	}
	obj, err := ans.object()
	if err != nil {
		return nil, err
	}
	d := &DeviceAuthorization{
		UserCode: text(obj, "user_code"), VerificationURI: pageFor(c, text(obj, "verification_uri")),
		VerificationURIComplete: pageFor(c, text(obj, "verification_uri_complete")),
		ExpiresAt:               expiry(c.clock(), obj["expires_in"]), Interval: pollInterval(obj["interval"]),
	}
	if d.VerificationURI == "" {
		d.VerificationURI = pageFor(c, text(obj, "verification_url")) // Google's, from before the RFC
	}
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = c.clock().Add(defaultWait)
	}
	code := Secret(text(obj, "device_code"))
	for name, bad := range map[string]bool{
		"device_code": code == "", "user_code": d.UserCode == "" || clean(d.UserCode, maxCode) != d.UserCode,
		"verification_uri": d.VerificationURI == "",
	} {
		if bad {
			return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status,
				Err: &reasoned{ErrDeviceResponse, "its " + name + " is missing or cannot be used"}}
		}
	}
	d.poll = &poller{
		client: c, metadata: m, what: "token endpoint", grantType: or(c.DeviceGrantType, GrantDeviceCode),
		param: or(c.DeviceCodeParam, "device_code"), code: code, scope: unique(r.Scope), resource: unique(r.Resource),
		proof: proof, expires: d.ExpiresAt, interval: d.Interval,
	}
	return d, nil
}

// pageFor keeps an address that a person will be sent to only when it is one
// of a page.
func pageFor(c *Client, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' }) ||
		!secure(u) && !(c.AllowHTTP && u.Scheme == "http") {
		return ""
	}
	return u.String()
}

func or(s, instead string) string {
	if s != "" {
		return s
	}
	return instead
}

// Wait polls the token endpoint, no faster than the server allows, until
// somebody has approved (section 3.4). It stops at any error but
// authorization_pending, slow_down and a network that is away; at the end of
// the code's life with ExpiredToken; and when ctx ends, after which it can be
// called again.
func (d *DeviceAuthorization) Wait(ctx context.Context) (*Token, error) { return d.poll.wait(ctx) }

// Poll asks the token endpoint once, waiting first if it was asked just now.
// AuthorizationPending, SlowDown and a Transient error mean: not yet.
func (d *DeviceAuthorization) Poll(ctx context.Context) (*Token, error) { return d.poll.poll(ctx) }

// Save returns the login as text, for [Client.ResumeDevice] after a restart.
// It is as secret as the token that it will become.
func (d *DeviceAuthorization) Save() (Secret, error) {
	s, err := d.poll.save()
	if err != nil {
		return "", err
	}
	s.UserCode, s.URI, s.URIFull = d.UserCode, d.VerificationURI, d.VerificationURIComplete
	return s.text()
}

// ResumeDevice continues a login that was saved. The client has to be the one
// that began it.
func (c *Client) ResumeDevice(saved Secret) (*DeviceAuthorization, error) {
	s, p, err := c.resume("device authorization", saved)
	if err != nil {
		return nil, err
	}
	if s.UserCode == "" {
		return nil, &Error{what: "device authorization", Err: requestError("the saved login is no device login")}
	}
	return &DeviceAuthorization{UserCode: s.UserCode, VerificationURI: s.URI, VerificationURIComplete: s.URIFull,
		ExpiresAt: p.expires, Interval: p.interval, poll: p}, nil
}

// Format writes where to go, whatever the verb, and never the device_code.
func (d DeviceAuthorization) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.describe()) }

// LogValue makes log/slog write where to go only.
func (d DeviceAuthorization) LogValue() slog.Value { return slog.StringValue(d.describe()) }

func (d DeviceAuthorization) describe() string { return "device login at " + d.VerificationURI }
