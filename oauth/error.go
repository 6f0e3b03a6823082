package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failure is a constant error. Constants cost nothing at start-up, which
// matters to a command line that must answer in two milliseconds.
type failure string

func (f failure) Error() string { return string(f) }

// What can be wrong with an answer, beyond the codes that a server sends. Ask
// with errors.Is.
const (
	// ErrState: the response does not carry the state of this login (RFC 6749 section 10.12).
	ErrState failure = "the response does not belong to this login (state)"
	// ErrReused: this login has been redeemed before (RFC 6749 section 4.1.2).
	ErrReused failure = "this login was already redeemed; start it again"
	// ErrResponse: the response of the authorization endpoint makes no sense.
	ErrResponse failure = "the response is not a valid authorization response"
	// ErrIssuer: an issuer is not the expected one (RFC 9207, RFC 8414, OpenID Connect).
	ErrIssuer failure = "the issuer is not the expected one"
	// ErrNoIDToken: openid was requested and no id_token came.
	ErrNoIDToken failure = "the answer has no id_token although openid was requested"
	// ErrMalformed: a JWT cannot be read.
	ErrMalformed failure = "not a well-formed JWT"
	// ErrEncrypted: a JWT is encrypted and there is no key for it.
	ErrEncrypted failure = "the JWT is encrypted"
	// ErrAudience: a JWT is for somebody else (aud, azp).
	ErrAudience failure = "it is not for this client"
	// ErrAlgorithm: a JWT is signed with an algorithm that is not expected, or not at all.
	ErrAlgorithm failure = "the algorithm is not accepted"
	// ErrSignature: the signature is wrong.
	ErrSignature failure = "the signature is not valid"
	// ErrNoKey: the issuer publishes no key that fits.
	ErrNoKey failure = "the issuer publishes no key that fits"
	// ErrExpired: a JWT has expired.
	ErrExpired failure = "it has expired"
	// ErrIssuedAt: a JWT comes from the future or from long ago (iat, nbf).
	ErrIssuedAt failure = "its time of issue is not plausible"
	// ErrNonce: the id_token belongs to another login.
	ErrNonce failure = "the id_token does not belong to this login (nonce)"
	// ErrSubject: the subject is missing, or another one than before.
	ErrSubject failure = "the subject is not the expected one"
	// ErrACR: the sign-in is not of the strength that was demanded.
	ErrACR failure = "the sign-in is not of the demanded strength (acr)"
	// ErrAuthTime: the sign-in is missing its time or is older than max_age allows.
	ErrAuthTime failure = "the sign-in is older than allowed (auth_time)"
	// ErrHash: the id_token was issued for another access token, code or state.
	ErrHash failure = "the id_token belongs to another token (at_hash, c_hash, s_hash)"
	// ErrNoToken: the answer has no access token.
	ErrNoToken failure = "the answer has no access_token"
	// ErrTokenType: the token is of a type that cannot be used (RFC 6749 section 7.1).
	ErrTokenType failure = "the token_type is not one that can be used"
	// ErrNoRefreshToken: there is nothing to refresh with.
	ErrNoRefreshToken failure = "there is no refresh token"
	// ErrScope: a refresh asks for more than was granted (RFC 6749 section 6).
	ErrScope failure = "the scope was not granted at login"
	// ErrTooLarge: the answer is larger than 1 MiB.
	ErrTooLarge failure = "the answer is larger than 1 MiB"
	// ErrNotJSON: something else came where a JSON object was due.
	ErrNotJSON failure = "the answer is not a JSON object"
	// ErrRedirect: the server redirects where it must not.
	ErrRedirect failure = "the server redirects elsewhere, which is not followed"
	// ErrTimeout: the answer was not complete in time.
	ErrTimeout failure = "the answer was not complete in time"
	// ErrInsecure: an address is not https (or http on loopback).
	ErrInsecure failure = "the address is not https"
	// ErrNoEndpoint: the server has no endpoint for this.
	ErrNoEndpoint failure = "the server has no such endpoint"
	// ErrMetadata: the server's metadata cannot be used.
	ErrMetadata failure = "the server's metadata cannot be used"
	// ErrStepUp: an API asks for what a new login cannot bring, or brought already.
	ErrStepUp failure = "a new login would not help"
	// ErrDeviceResponse: an answer of the device or backchannel endpoint makes no sense.
	ErrDeviceResponse failure = "the answer does not start a login"
	// ErrIntrospection: an introspection answer makes no sense.
	ErrIntrospection failure = "the answer is not a valid introspection response"
	// ErrRequest: what the caller asks for cannot be requested.
	ErrRequest failure = "the request cannot be made"
)

// Error is the failure of one request, or an error that the authorization
// endpoint sent through the browser. Its texts come from a server, so they are
// printable, bounded, free of markup and free of the request's own secrets.
type Error struct {
	// Code is what the server sent; empty when it sent none.
	Code Code
	// Description is the server's text for developers; often empty.
	Description string
	// URI is the http(s) page the server names for the error. It is text:
	// open it only when somebody clicks it.
	URI string
	// Endpoint is the address asked, without query.
	Endpoint string
	// Status is the HTTP status; 0 when there was no answer.
	Status int
	// Unsent is true when there was no connection to send the request on: the
	// server has not seen it, and nothing of it is spent.
	Unsent bool
	// RetryAfter is how long the server wants to be left alone; 0 when it
	// did not say.
	RetryAfter time.Duration
	// Err says why when there is no Code: a failure of the network, or one
	// of the Err constants.
	Err error

	what string // "token endpoint"
}

// Error says which endpoint, what it answered and what it said.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.what)
	if e.Endpoint != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Endpoint)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	switch {
	case e.Code != "":
		b.WriteString(string(e.Code))
	case e.Err != nil:
		b.WriteString(clean(e.Err.Error(), maxDescription))
	default:
		b.WriteString("the server refused")
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Description != "" {
		b.WriteString(": ")
		b.WriteString(e.Description)
	}
	return b.String()
}

// Unwrap returns the Code when there is one, else Err.
func (e *Error) Unwrap() error {
	if e.Code != "" {
		return e.Code
	}
	return e.Err
}

// CheckError is the refusal of an id_token or of a signed response: the check
// that failed, and all that were made.
type CheckError struct {
	Check  Check   // the one that failed
	Checks []Check // all of them, in the order of the specification
	Err    error   // one of the Err constants, possibly with a cause

	what string // "" is an id_token
}

// Error names the check that failed.
func (e *CheckError) Error() string {
	what := e.what
	if what == "" {
		what = "id_token"
	}
	if e.Check.Detail == "" {
		return fmt.Sprintf("%s, check %s: %v", what, e.Check.Name, e.Err)
	}
	return fmt.Sprintf("%s, check %s: %v: %s", what, e.Check.Name, e.Err, e.Check.Detail)
}

// Unwrap returns Err.
func (e *CheckError) Unwrap() error { return e.Err }

// Transient reports whether the same request may succeed later without
// anybody changing anything: the network is away, the server is down, busy or
// slow, or something on the way answers in its place (ErrPortal). It is false
// for what a server decided (invalid_grant and its like), for a certificate
// that does not verify for another reason, and when the caller gave up.
func Transient(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ErrGuarded) {
		return false
	}
	if errors.Is(err, ErrPortal) {
		return true
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return false
	}
	// A certificate that does not verify, or a peer that does not speak TLS,
	// is somebody's mistake or somebody's attack; waiting heals neither.
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	if errors.As(err, &cert) || errors.As(err, &authority) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.As(err, &alert) {
		return false
	}
	var e *Error
	if errors.As(err, &e) && (e.Code != "" || e.Status != 0) {
		if e.Code.temporary() {
			return true
		}
		if e.Code.known() {
			return false
		}
		return transientStatus(e.Status) || transientCause(e.Err)
	}
	return transientCause(err)
}

// transientStatus: 408 and 429 ask for a later try by definition; 5xx is the
// server's own trouble. 501 and 505 are refusals that stay.
func transientStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500 && status <= 599
}

func transientCause(err error) bool {
	var broken *brokenError
	var proxy *ProxyError
	var netError net.Error
	return errors.As(err, &broken) || errors.As(err, &proxy) || errors.As(err, &netError) ||
		errors.Is(err, ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

// brokenError marks an exchange that broke on the way: HTTP/2 has errors of
// its own that are no net.Error and that nobody outside net/http can name.
type brokenError struct{ err error }

func (b *brokenError) Error() string { return b.err.Error() }
func (b *brokenError) Unwrap() error { return b.err }

// RetryAfter returns how long the server asked to be left alone, 0 if it did
// not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// maxRetryAfter bounds what a server can ask for: a day is longer than any
// real maintenance window, and a wrong header must not silence a profile for
// years.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the Retry-After header (RFC 9110 section 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		// The server's own clock, where it tells it, makes ours irrelevant.
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
