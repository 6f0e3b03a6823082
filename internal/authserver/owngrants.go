package authserver

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// Grants that go-oidc does not know.
const (
	grantPassword goidc.GrantType = "password"
	grantSAML     goidc.GrantType = "urn:ietf:params:oauth:grant-type:saml2-bearer"
)

// SAMLAssertion is an assertion that the SAML 2.0 bearer grant takes (RFC 7522).
type SAMLAssertion struct {
	// XML is compared byte for byte; nothing else of it is looked at.
	XML string
	// Login is the user that it stands for.
	Login string
}

// CustomGrant is a grant of RFC 6749 section 4.5.
type CustomGrant struct {
	// Type is the grant_type, an absolute URI.
	Type string
	// Parameters must come with exactly these values.
	Parameters url.Values
	// Login is the user for whom it hands out tokens.
	Login string
}

// ownGrant reports whether a grant is ours and not go-oidc's.
func (o Options) ownGrant(grant goidc.GrantType) bool {
	return grant == grantPassword || grant == grantSAML ||
		slices.ContainsFunc(o.CustomGrants, func(g CustomGrant) bool { return g.Type == string(grant) })
}

// ownGrants are those of ours that some client may use.
func (o Options) ownGrants() []string {
	var all []string
	for _, c := range append([]Client{{GrantTypes: o.GrantTypes}}, o.Clients...) {
		for _, g := range c.GrantTypes {
			if o.ownGrant(goidc.GrantType(g)) && !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

// assertions configures what of go-oidc stands behind every grant in which the request itself says
// for whom it is: the JWT bearer grant.
func (s *Server) assertions() []provider.Option {
	if len(s.opts.ownGrants()) == 0 && !s.opts.offersGrant(goidc.GrantJWTBearer) {
		return nil
	}
	return []provider.Option{provider.WithJWTBearerGrant(s.assertedSubject)}
}

// disguise turns a grant of ours into a JWT bearer grant for go-oidc, which then authenticates the
// client, asks [Server.assertedSubject] and hands out tokens. False says that the answer is made.
func (s *Server) disguise(a *answer, r *http.Request) bool {
	rec := requestOf(r.Context())
	grant := goidc.GrantType(r.PostForm.Get("grant_type"))
	rec.grant = grant
	switch {
	case grant == goidc.GrantJWTBearer && !s.opts.offersGrant(grant):
	case grant == goidc.GrantTokenExchange:
		s.prepareExchange(r)
		return true
	case !s.opts.ownGrant(grant):
		return true
	case slices.Contains(s.opts.ownGrants(), string(grant)):
		if r.Header.Get("Authorization") == "" && !r.PostForm.Has("client_id") && !r.PostForm.Has("client_assertion") {
			a.refuse(http.StatusUnauthorized, "invalid_client", "no client")
			return false
		}
		rec.asserted = r.PostForm
		r.PostForm = url.Values{}
		for k, v := range rec.asserted {
			r.PostForm[k] = v
		}
		r.PostForm.Set("grant_type", string(goidc.GrantJWTBearer))
		r.PostForm.Set("assertion", "ours")
		return true
	}
	a.refuse(http.StatusBadRequest, "unsupported_grant_type", "this grant is not offered")
	return false
}

// grantsOf lets a client use the disguise if it may use what is under it.
func (s *Server) grantsOf(rec *request, c *goidc.Client) []goidc.GrantType {
	if rec.asserted == nil {
		return c.GrantTypes
	}
	if slices.Contains(c.GrantTypes, rec.grant) {
		return append(slices.Clone(c.GrantTypes), goidc.GrantJWTBearer)
	}
	return slices.DeleteFunc(slices.Clone(c.GrantTypes), func(g goidc.GrantType) bool { return g == goidc.GrantJWTBearer })
}

var errNotGranted = errors.New("nobody is named by this request")

// assertedSubject says for whom a request is that names its user itself. go-oidc answers an error
// with invalid_grant.
func (s *Server) assertedSubject(ctx context.Context, assertion string) (goidc.JWTBearerResult, error) {
	rec := requestOf(ctx)
	if rec.asserted == nil {
		sub, err := s.trustedSubject(assertion)
		if err != nil {
			return goidc.JWTBearerResult{}, err
		}
		if u, ok := s.opts.named(sub); ok {
			sub = u.Sub
		}
		return goidc.JWTBearerResult{Subject: sub}, nil
	}
	u, err := s.assertedUser(rec)
	if err != nil {
		return goidc.JWTBearerResult{}, err
	}
	return goidc.JWTBearerResult{Subject: u.Sub, Store: map[string]any{
		keyAuthTime: strconv.FormatInt(time.Now().Unix(), 10), keyACR: s.reachedACR(nil),
	}}, nil
}

// assertedUser is assertedSubject for the grants of ours.
func (s *Server) assertedUser(rec *request) (User, error) {
	form := rec.asserted
	switch rec.grant {
	case grantPassword:
		u, ok := s.opts.user(form.Get("username"))
		if !ok || subtle.ConstantTimeCompare([]byte(u.Password), []byte(form.Get("password"))) != 1 {
			return u, errors.New("that user name and password do not go together")
		}
		return u, nil
	case grantSAML:
		return s.samlUser(form.Get("assertion"))
	}
	for _, g := range s.opts.CustomGrants {
		if g.Type != string(rec.grant) {
			continue
		}
		for k, want := range g.Parameters {
			if !slices.Equal(form[k], want) {
				return User{}, errors.New("the parameter " + k + " is not what it has to be")
			}
		}
		if u, ok := s.opts.user(g.Login); ok {
			return u, nil
		}
	}
	return User{}, errNotGranted
}

// samlUser knows a SAML assertion by its bytes. RFC 7522 section 2.1 has it base64url-encoded,
// without line breaks, and says that it should not be padded; here it must not.
func (s *Server) samlUser(encoded string) (User, error) {
	xml, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || encoded == "" || strings.ContainsAny(encoded, "\r\n") {
		return User{}, errors.New("the assertion is not base64url without padding")
	}
	i := slices.IndexFunc(s.opts.SAMLAssertions, func(a SAMLAssertion) bool { return a.XML == string(xml) })
	if i < 0 {
		return User{}, errors.New("the SAML assertion is not known")
	}
	u, ok := s.opts.user(s.opts.SAMLAssertions[i].Login)
	if !ok {
		return u, errNotGranted
	}
	return u, nil
}
