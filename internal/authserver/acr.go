package authserver

import (
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// wantedACRs are the authentication contexts that a request asks for: acr_values, or the claim acr
// of the claims parameter (OpenID Connect Core section 5.5.1.1).
func wantedACRs(as *goidc.AuthnSession) []string {
	wanted := strings.Fields(as.ACRValues)
	if as.Claims != nil {
		if acr, ok := as.Claims.IDTokenClaim("acr"); ok {
			wanted = append(wanted, acr.Values...)
			if acr.Value != "" {
				wanted = append(wanted, acr.Value)
			}
		}
	}
	return wanted
}

// reachedACR is the authentication context that a sign-in reaches when these are wanted: the first
// that the server knows, else the weakest.
func (s *Server) reachedACR(wanted []string) string {
	if len(s.opts.ACRValues) == 0 {
		return ""
	}
	if !s.faults.take(ACRIgnored) {
		for _, acr := range wanted {
			if slices.Contains(s.opts.ACRValues, acr) {
				return acr
			}
		}
	}
	return s.opts.ACRValues[0]
}

// enoughACR reports whether an earlier sign-in will do.
func (s *Server) enoughACR(have string, wanted []string) bool {
	return len(s.opts.ACRValues) == 0 || len(wanted) == 0 || slices.Contains(wanted, have)
}

// unmetACR reports whether a request asked for an authentication context that is not known.
func (s *Server) unmetACR(rec *request) bool {
	return len(s.opts.ACRValues) > 0 && slices.ContainsFunc(strings.Fields(rec.param("acr_values")), func(acr string) bool {
		return !slices.Contains(s.opts.ACRValues, acr)
	})
}
