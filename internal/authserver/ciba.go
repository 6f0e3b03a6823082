package authserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// CIBA says how backchannel authentication works (OpenID Connect CIBA Core 1.0, poll mode), which
// is offered when some client may use the grant urn:openid:params:grant-type:ciba. The user's
// phone is [Server.ApproveCIBA] and [Server.DenyCIBA].
type CIBA struct {
	// Interval is the least time between polls, in whole seconds; 0 is 5 s.
	Interval time.Duration
	// TTL is how long an auth_req_id is good unless requested_expiry says otherwise; 0 is a minute.
	TTL time.Duration
	// SignedOnly refuses requests that are not in a signed request object (section 7.1.1).
	SignedOnly bool
}

func (c CIBA) interval() time.Duration {
	setDefault(&c.Interval, 5*time.Second)
	return c.Interval
}

// CIBARequest is a backchannel request that waits for its user.
type CIBARequest struct {
	// ID is the auth_req_id.
	ID       string
	ClientID string
	// Login is the user whom the hint named.
	Login          string
	Scope          string
	BindingMessage string
	ACRValues      string
	ExpiresAt      time.Time
}

func (s *Server) ciba() []provider.Option {
	c := s.opts.CIBA
	setDefault(&c.TTL, time.Minute)
	opts := []provider.Option{
		provider.WithCIBAGrant(s.store, goidc.CIBADeliveryModePoll),
		provider.WithCIBASessionHandler(s.checkCIBA),
		provider.WithCIBAPollingInterval(seconds(c.interval())),
		provider.WithCIBALifetime(seconds(c.TTL)),
		provider.WithCIBAUserCode(),
		provider.WithCIBAJAR(clientAlgs[0], clientAlgs[1:]...),
	}
	if c.SignedOnly {
		opts = append(opts, provider.WithCIBAJARRequired(clientAlgs[0], clientAlgs[1:]...))
	}
	return opts
}

// maxBindingMessage is "relatively short" (section 7.1): what fits on a phone's lock screen.
const maxBindingMessage = 64

// checkCIBA finds the user that a request means and checks what go-oidc leaves to us (section 13
// has the error codes).
func (s *Server) checkCIBA(_ context.Context, as *goidc.AuthnSession, c *goidc.Client) error {
	if !hasScope(as.Scopes, "openid") {
		return goidc.NewError(goidc.ErrorCodeInvalidScope, "the scope openid is required")
	}
	if len(as.BindingMessage) > maxBindingMessage || strings.ContainsAny(as.BindingMessage, "\r\n") {
		return goidc.NewError(goidc.ErrorCodeInvalidBindingMessage, "the binding_message does not fit on a screen")
	}
	if as.RequestedExpiry != nil && *as.RequestedExpiry <= 0 {
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "requested_expiry is not positive")
	}
	u, err := s.hinted(as)
	if err != nil {
		return err
	}
	if c.CIBAUserCodeIsEnabled && u.Code != "" {
		if as.AuthorizationParameters.UserCode == "" {
			return goidc.NewError(goidc.ErrorCodeMissingUserCode, "this user has a user_code")
		}
		if as.AuthorizationParameters.UserCode != u.Code {
			return goidc.NewError(goidc.ErrorCodeInvalidUserCode, "this is not the user's user_code")
		}
	}
	as.Store[keyLogin] = u.Login
	return nil
}

// hinted returns the user whom one of the three hints names. A login_hint is a login name or an
// e-mail address; a login_hint_token is a JWT of a trusted issuer.
func (s *Server) hinted(as *goidc.AuthnSession) (User, error) {
	unknown := goidc.NewError(goidc.ErrorCodeUnknownUserID, "nobody here is meant by the hint")
	switch {
	case as.LoginHint != "":
		i := slices.IndexFunc(s.opts.Users, func(u User) bool { return u.Login == as.LoginHint || u.Email == as.LoginHint })
		if i < 0 {
			return User{}, unknown
		}
		return s.opts.Users[i], nil
	case as.LoginHintToken != "":
		sub, err := s.trustedSubject(as.LoginHintToken)
		if errors.Is(err, errAssertionExpired) {
			return User{}, goidc.NewError(goidc.ErrorCodeExpiredLoginHintToken, "the login_hint_token has expired")
		}
		if err != nil {
			return User{}, goidc.NewError(goidc.ErrorCodeInvalidRequest, "login_hint_token: "+err.Error())
		}
		if u, ok := s.opts.named(sub); ok {
			return u, nil
		}
		return User{}, unknown
	}
	if u, ok := s.opts.bySub(asString(as.IDTokenHintClaims["sub"])); ok {
		return u, nil
	}
	return User{}, unknown
}

// CIBARequests returns the backchannel requests that wait for their users, oldest first.
func (s *Server) CIBARequests() []CIBARequest {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var all []CIBARequest
	for _, as := range s.store.sessions {
		if as.AuthReqID != "" && as.Status == goidc.StatusPending && time.Now().Unix() < int64(as.ExpiresAt) {
			all = append(all, CIBARequest{
				ID: as.AuthReqID, ClientID: as.ClientID, Login: asString(as.Store[keyLogin]), Scope: as.Scopes,
				BindingMessage: as.BindingMessage, ACRValues: as.ACRValues, ExpiresAt: time.Unix(int64(as.ExpiresAt), 0),
			})
		}
	}
	slices.SortFunc(all, func(a, b CIBARequest) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return all
}

// ApproveCIBA allows everything that the backchannel request with that auth_req_id asks for; "" is
// the oldest that waits.
func (s *Server) ApproveCIBA(id string) error {
	as, err := s.waitingCIBA(id)
	if err != nil {
		return err
	}
	as.Store[keyACR] = s.reachedACR(wantedACRs(as))
	u, _ := s.opts.user(asString(as.Store[keyLogin]))
	if _, err = s.approve(as, u, time.Now(), as.Scopes); err == nil {
		ctx := context.Background()
		if err = s.store.SaveSession(ctx, as); err == nil {
			err = s.provider.GrantCIBARequest(ctx, as.AuthReqID)
		}
	}
	if err != nil {
		return fmt.Errorf("authserver: auth_req_id %s: %w", as.AuthReqID, err)
	}
	return nil
}

// DenyCIBA refuses the backchannel request with that auth_req_id; "" is the oldest that waits.
func (s *Server) DenyCIBA(id string) error {
	as, err := s.waitingCIBA(id)
	if err != nil {
		return err
	}
	err = s.provider.DenyCIBARequest(context.Background(), as.AuthReqID, goidc.NewError(goidc.ErrorCodeAccessDenied, "the user said no"))
	if err != nil {
		return fmt.Errorf("authserver: auth_req_id %s: %w", as.AuthReqID, err)
	}
	return nil
}

func (s *Server) waitingCIBA(id string) (*goidc.AuthnSession, error) {
	waiting := s.CIBARequests()
	i := slices.IndexFunc(waiting, func(r CIBARequest) bool { return id == "" || r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("authserver: no backchannel request %s waits", strconv.Quote(id))
	}
	return s.store.SessionByAuthReqID(context.Background(), waiting[i].ID)
}

// answerCIBA answers the backchannel authentication endpoint.
func (s *Server) answerCIBA(a *answer, r *http.Request) {
	s.answerClient(a, r)
}

// SessionByAuthReqID returns a backchannel request.
func (s *store) SessionByAuthReqID(_ context.Context, id string) (*goidc.AuthnSession, error) {
	return s.findSession(func(as *goidc.AuthnSession) bool { return id != "" && as.AuthReqID == id })
}

// GrantByAuthReqID returns what the user granted to a backchannel request.
func (s *store) GrantByAuthReqID(_ context.Context, id string) (*goidc.Grant, error) {
	return s.find(func(f *family) bool { return id != "" && f.Grant.AuthReqID == id })
}
