package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// rar configures rich authorization requests (RFC 9396).
func (s *Server) rar() []provider.Option {
	types := make([]goidc.AuthDetailType, len(s.opts.AuthorizationDetailsTypes))
	for i, t := range s.opts.AuthorizationDetailsTypes {
		types[i] = goidc.AuthDetailType(t)
	}
	if len(types) == 0 {
		return nil
	}
	return []provider.Option{provider.WithRAR(types[0], types[1:]...), provider.WithRARDetailsComparator(within)}
}

// within holds what a token request asks for to what was granted (section 6).
func within(_ context.Context, requested, granted []goidc.AuthDetail) error {
	for _, d := range requested {
		if !slices.ContainsFunc(granted, func(g goidc.AuthDetail) bool { return reflect.DeepEqual(d, g) }) {
			return goidc.NewError(goidc.ErrorCodeInvalidAuthDetails, "more than was granted")
		}
	}
	return nil
}

// checkDetails refuses authorization_details that go-oidc would silently ignore (section 5: "not a
// JSON array", "missing type").
func (s *Server) checkDetails(raw string) error {
	if raw == "" || len(s.opts.AuthorizationDetailsTypes) == 0 {
		return nil
	}
	var details []goidc.AuthDetail
	if err := json.Unmarshal([]byte(raw), &details); err != nil {
		return errors.New("authorization_details is no array of objects")
	}
	for _, d := range details {
		if !slices.Contains(s.opts.AuthorizationDetailsTypes, string(d.Type())) {
			return errors.New("authorization_details has a type that is not known here")
		}
	}
	return nil
}

// grantDetails is what the user grants of the details that were asked for: all, or less by a fault
// (section 7: the granted details may differ from the requested ones).
func (s *Server) grantDetails(asked []goidc.AuthDetail) []goidc.AuthDetail {
	if len(asked) == 0 || !s.faults.take(FewerDetails) {
		return asked
	}
	less := goidc.AuthDetail{}
	for k, v := range asked[0] {
		if list, ok := v.([]any); ok && len(list) > 1 {
			v = list[:1]
		}
		less[k] = v
	}
	return []goidc.AuthDetail{less}
}
