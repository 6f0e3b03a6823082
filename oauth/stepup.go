package oauth

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StepUp is what an API demands of a new login, because the token in hand is
// not enough: more scope (RFC 6750 section 3.1), or a stronger or fresher
// sign-in (RFC 9470).
type StepUp struct {
	// Scope is for the new login: all that was granted, and what is missing.
	Scope     []string
	ACRValues []string       // one of them is needed
	MaxAge    *time.Duration // the sign-in may not be older
	Reason    string         // the API's words, made harmless
	Code      Code           // InsufficientScope or InsufficientUserAuthentication

	asked string // what the API said, to know it again
}

// NeedStepUp reads the refusal of an API: status and header of its answer to a
// request with t. It returns nil, nil when the refusal asks for no step-up.
//
// last is the step-up that led to t, nil if none did. When the API asks for the
// same again, a third login would not help either, and the error is ErrStepUp.
func NeedStepUp(status int, header http.Header, t *Token, last *StepUp) (*StepUp, error) {
	if t == nil || status != http.StatusUnauthorized && status != http.StatusForbidden {
		return nil, nil
	}
	for _, c := range ParseChallenges(header) {
		if c.Scheme != "bearer" && c.Scheme != "dpop" {
			continue
		}
		var s *StepUp
		var err error
		switch Code(c.Params["error"]) {
		case InsufficientScope:
			s, err = moreScope(c, t)
		case InsufficientUserAuthentication:
			s, err = betterSignIn(c, t)
		default:
			continue
		}
		if err != nil {
			return nil, &Error{what: "API", Status: status, Err: err}
		}
		s.Code, s.Reason = Code(c.Params["error"]), clean(c.Params["error_description"], maxDescription)
		if last != nil && last.asked == s.asked {
			return nil, &Error{what: "API", Status: status, Err: &reasoned{ErrStepUp,
				"the API asks for the same again right after a login that gave it (" + clean(s.asked, maxDescription) + ")"}}
		}
		return s, nil
	}
	return nil, nil
}

// moreScope: the union of what was granted and what is required. Asking for
// the missing part alone would lose the rest.
func moreScope(c Challenge, t *Token) (*StepUp, error) {
	required := unique(strings.Fields(c.Params["scope"]))
	if len(required) == 0 {
		return nil, &reasoned{ErrStepUp, "the API wants more scope and does not say which"}
	}
	if !slices.ContainsFunc(required, func(s string) bool { return !slices.Contains(t.Scope, s) }) {
		return nil, &reasoned{ErrStepUp, "the API wants the scope " + clean(strings.Join(required, " "), maxDescription) +
			", and the token has it already"}
	}
	granted := t.GrantScope
	if len(granted) == 0 {
		granted = t.Scope
	}
	slices.Sort(required)
	return &StepUp{
		Scope: unique(append(slices.Clone(granted), required...)),
		asked: "scope " + strings.Join(required, " "),
	}, nil
}

// betterSignIn: "acr_values" and "max_age" go into a new authorization request
// (RFC 9470 sections 3 and 4). A challenge without either asks for a new sign-in.
func betterSignIn(c Challenge, t *Token) (*StepUp, error) {
	s := &StepUp{Scope: t.GrantScope, ACRValues: unique(strings.Fields(c.Params["acr_values"]))}
	if len(s.Scope) == 0 {
		s.Scope = t.Scope
	}
	if n, err := strconv.ParseInt(c.Params["max_age"], 10, 32); err == nil && n >= 0 {
		age := time.Duration(n) * time.Second
		s.MaxAge = &age
	}
	s.asked = strings.TrimSpace("acr_values " + strings.Join(s.ACRValues, " "))
	switch {
	case s.MaxAge != nil:
		s.asked += " max_age " + s.MaxAge.String()
	case len(s.ACRValues) == 0:
		s.MaxAge = new(time.Duration)
		s.asked = "a new sign-in"
	}
	return s, nil
}

// Apply puts the demand into a login's request. What the id_token then says
// about the sign-in is checked (RFC 9470 section 4).
func (s *StepUp) Apply(r *AuthorizationRequest) {
	r.Scope = unique(append(slices.Clone(r.Scope), s.Scope...))
	if len(s.ACRValues) > 0 {
		r.ACRValues, r.RequireACR = s.ACRValues, true
	}
	if s.MaxAge != nil {
		r.MaxAge = s.MaxAge
	}
}

// ParseChallenges reads the WWW-Authenticate lines of an answer (RFC 9110
// section 11.6.1).
func ParseChallenges(header http.Header) []Challenge {
	return parseChallenges(header.Values("WWW-Authenticate"))
}
