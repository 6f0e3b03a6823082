package oauth

import (
	"errors"
	"time"
)

// ErrForgottenAgain means that a new registration did not help either.
const ErrForgottenAgain failure = "the server does not know the client it has just registered"

// Forgotten reports whether an error of the authorization or token endpoint
// may mean that the server no longer knows the client, as servers that keep
// registrations in memory or expire them do.
func Forgotten(err error) bool {
	return errors.Is(err, InvalidClient) || errors.Is(err, UnauthorizedClient) || errors.Is(err, ErrForgotten)
}

// RegistrationDue decides whether a client must be registered, given the
// registration kept for it (nil: none) and the failure of the last request
// that used it (nil: none failed). A registration belongs to one issuer and
// one redirect URI. It is made anew for another one, when its secret has
// expired, and once when the server has forgotten it: who registers for that
// sets Renewals one higher than before, and to zero when a login succeeds.
// ErrForgottenAgain ends what would be a loop.
func RegistrationDue(r *Registration, issuer, redirectURI string, failed error, now time.Time) (due bool, why string, err error) {
	switch {
	case r == nil || r.ClientID == "":
		return true, "there is no registration yet", nil
	case r.Issuer != issuer:
		return true, "the registration is at another server", nil
	case !r.Metadata.RegistersRedirect(redirectURI):
		return true, "the registration is for another redirect URI", nil
	case Forgotten(failed) && r.Renewals > 0:
		return false, "", &reasoned{ErrForgottenAgain, "ask whoever runs " + clean(issuer, maxURI) + ", or set a client_id"}
	case Forgotten(failed):
		return true, "the server has forgotten the registration", nil
	case r.SecretExpired(now):
		return true, "the client secret has expired", nil
	}
	return false, "", nil
}
