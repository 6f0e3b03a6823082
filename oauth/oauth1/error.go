package oauth1

import (
	"fmt"

	"fob/oauth"
)

// failure is a constant error, as in package oauth.
type failure string

func (f failure) Error() string { return string(f) }

// What can be wrong beyond what package oauth names: there are also its
// ErrState, ErrReused, ErrRequest, ErrInsecure, ErrNoEndpoint, ErrRedirect,
// ErrTimeout and ErrTooLarge. Ask with errors.Is.
const (
	// ErrNotConfirmed: oauth_callback_confirmed=true is missing (RFC 5849 section 2.1).
	ErrNotConfirmed failure = "the server does not confirm the callback (oauth_callback_confirmed): " +
		"it speaks OAuth 1.0 from before revision A, with which somebody else could finish this login"
	// ErrAnswer: the answer does not hold what the protocol demands of it (RFC 5849 sections 2.1 and 2.3).
	ErrAnswer failure = "the answer is not one of OAuth 1"
	// ErrPending: a saved login cannot be resumed.
	ErrPending failure = "the saved login cannot be resumed; start it again"
)

// reasoned is one of the Err constants with what is to blame.
type reasoned struct {
	kind error
	why  string
}

func (r *reasoned) Error() string { return r.kind.Error() + ": " + r.why }
func (r *reasoned) Unwrap() error { return r.kind }

func requestError(why string) error { return &reasoned{oauth.ErrRequest, why} }
func answerError(why string) error  { return &reasoned{ErrAnswer, why} }

// at says what was attempted in front of a failure.
func at(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }

// Problems that servers report as oauth_problem (the extension "Problem
// Reporting" of OAuth 1). They are the Code of an [*oauth.Error]. A refusal of
// the user's own, however a server words it, is [oauth.AccessDenied].
const (
	VersionRejected                 oauth.Code = "version_rejected"
	ParameterAbsent                 oauth.Code = "parameter_absent"
	ParameterRejected               oauth.Code = "parameter_rejected"
	TimestampRefused                oauth.Code = "timestamp_refused"
	NonceUsed                       oauth.Code = "nonce_used"
	SignatureMethodRejected         oauth.Code = "signature_method_rejected"
	SignatureInvalid                oauth.Code = "signature_invalid"
	ConsumerKeyUnknown              oauth.Code = "consumer_key_unknown"
	ConsumerKeyRejected             oauth.Code = "consumer_key_rejected"
	ConsumerKeyRefused              oauth.Code = "consumer_key_refused"
	TokenUsed                       oauth.Code = "token_used"
	TokenExpired                    oauth.Code = "token_expired"
	TokenRevoked                    oauth.Code = "token_revoked"
	TokenRejected                   oauth.Code = "token_rejected"
	VerifierInvalid                 oauth.Code = "verifier_invalid"
	AdditionalAuthorizationRequired oauth.Code = "additional_authorization_required"
	PermissionUnknown               oauth.Code = "permission_unknown"
	PermissionDenied                oauth.Code = "permission_denied"
	UserRefused                     oauth.Code = "user_refused"
)

// Explain returns one sentence that says what a code means and one that says
// what to do about it, both lower case and without a period. It knows the
// problems of OAuth 1 and leaves others to [oauth.Code.Explain].
func Explain(code oauth.Code) (sentence, remedy string) {
	switch code {
	case VersionRejected:
		return "the server does not accept oauth_version 1.0", "leave oauth_version out in the profile"
	case ParameterAbsent:
		return "the server misses a parameter", "see which one the server names, and add it to the profile's parameters of that leg"
	case ParameterRejected:
		return "the server does not accept a parameter", "see which one the server names, and remove it from the profile's parameters"
	case TimestampRefused:
		return "the server does not accept the timestamp", "set this computer's clock, or the profile's clock offset if the server's clock is wrong"
	case NonceUsed:
		return "the server has seen this request before", "sign each request anew; a signed header or URL is good for one request"
	case SignatureMethodRejected:
		return "the server does not accept the signature method", "choose another signature method in the profile"
	case SignatureInvalid:
		return "the server computes another signature", "check consumer secret or private key, signature method and the exact URL"
	case ConsumerKeyUnknown:
		return "the server does not know this consumer key", "check the consumer key of the profile"
	case ConsumerKeyRejected:
		return "the server has blocked this consumer key", "ask the provider about the application's registration"
	case ConsumerKeyRefused, UserRefused:
		return "the server does not serve this application or user for now, perhaps because of too many requests", "try again in a while"
	}
	return explainToken(code)
}

func explainToken(code oauth.Code) (sentence, remedy string) {
	switch code {
	case TokenUsed:
		return "the server has seen this token used up", "log in again"
	case TokenExpired:
		return "the token has expired", "log in again"
	case TokenRevoked:
		return "the token was revoked", "log in again"
	case TokenRejected:
		return "the server does not accept the token", "log in again"
	case VerifierInvalid:
		return "the server does not accept the verification code", "log in again, and type the code as the page shows it"
	case AdditionalAuthorizationRequired:
		return "the user has to allow more than before", "log in again and approve"
	case PermissionUnknown:
		return "the user has not yet decided", "approve in the browser first"
	case PermissionDenied:
		return "the user has not allowed this", "log in again and approve, or ask whoever runs the provider for access"
	}
	return code.Explain()
}
