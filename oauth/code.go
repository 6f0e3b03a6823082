package oauth

// Code is an error code as a server sends it ("invalid_grant"). It is an error
// itself, so that errors.Is(err, InvalidGrant) asks for one. A server may send
// codes that are not listed here; they are kept, cut to a safe length.
type Code string

// Error returns the code as it travels.
func (c Code) Error() string { return string(c) }

// Codes of RFC 6749, sections 4.1.2.1 and 5.2.
const (
	InvalidRequest          Code = "invalid_request"
	InvalidClient           Code = "invalid_client"
	InvalidGrant            Code = "invalid_grant"
	UnauthorizedClient      Code = "unauthorized_client"
	UnsupportedGrantType    Code = "unsupported_grant_type"
	InvalidScope            Code = "invalid_scope"
	AccessDenied            Code = "access_denied"
	UnsupportedResponseType Code = "unsupported_response_type"
	ServerError             Code = "server_error"
	TemporarilyUnavailable  Code = "temporarily_unavailable"
)

// Codes of OpenID Connect Core, section 3.1.2.6, and of its extension
// "Unmet Authentication Requirements".
const (
	InteractionRequired             Code = "interaction_required"
	LoginRequired                   Code = "login_required"
	AccountSelectionRequired        Code = "account_selection_required"
	ConsentRequired                 Code = "consent_required"
	InvalidRequestURI               Code = "invalid_request_uri"
	InvalidRequestObject            Code = "invalid_request_object"
	RequestNotSupported             Code = "request_not_supported"
	RequestURINotSupported          Code = "request_uri_not_supported"
	RegistrationNotSupported        Code = "registration_not_supported"
	UnmetAuthenticationRequirements Code = "unmet_authentication_requirements"
)

// Codes of RFC 6750 section 3.1, RFC 9470 section 3, RFC 7009 section 2.2.1,
// RFC 8707 section 2, RFC 9396 section 5 and RFC 9449 sections 5 and 8.
const (
	InvalidToken                   Code = "invalid_token"
	InsufficientScope              Code = "insufficient_scope"
	InsufficientUserAuthentication Code = "insufficient_user_authentication"
	UnsupportedTokenType           Code = "unsupported_token_type"
	InvalidTarget                  Code = "invalid_target"
	InvalidAuthorizationDetails    Code = "invalid_authorization_details"
	InvalidDPoPProof               Code = "invalid_dpop_proof"
	UseDPoPNonce                   Code = "use_dpop_nonce"
)

// Codes of RFC 8628 section 3.5 (device) and of CIBA Core, sections 11 and 13.
const (
	AuthorizationPending  Code = "authorization_pending"
	SlowDown              Code = "slow_down"
	ExpiredToken          Code = "expired_token"
	ExpiredLoginHintToken Code = "expired_login_hint_token"
	UnknownUserID         Code = "unknown_user_id"
	MissingUserCode       Code = "missing_user_code"
	InvalidUserCode       Code = "invalid_user_code"
	InvalidBindingMessage Code = "invalid_binding_message"
	TransactionFailed     Code = "transaction_failed"
)

// Codes of RFC 7591 section 3.2.2 (registration). A pushed authorization
// request (RFC 9126 section 2.3) uses the codes of RFC 6749 and
// invalid_redirect_uri.
const (
	InvalidRedirectURI          Code = "invalid_redirect_uri"
	InvalidClientMetadata       Code = "invalid_client_metadata"
	InvalidSoftwareStatement    Code = "invalid_software_statement"
	UnapprovedSoftwareStatement Code = "unapproved_software_statement"
)

// temporary reports whether the code itself promises that a later try may
// succeed.
func (c Code) temporary() bool {
	switch c {
	case ServerError, TemporarilyUnavailable, SlowDown, AuthorizationPending:
		return true
	}
	return false
}

// known reports whether the code is one of those listed in this file.
func (c Code) known() bool {
	sentence, _ := c.explain()
	return sentence != ""
}

// Explain returns one sentence that says what the code means and one that
// says what to do about it, both lower case and without a period. A code
// that nobody registered gets a general pair.
func (c Code) Explain() (sentence, remedy string) {
	if sentence, remedy = c.explain(); sentence != "" {
		return sentence, remedy
	}
	return "the server refused, with a reason of its own",
		"look the code up in the provider's documentation"
}

func (c Code) explain() (sentence, remedy string) {
	switch c {
	case InvalidRequest:
		return "the server could not make sense of the request",
			"check redirect URI, scopes and extra parameters of the profile against the provider's documentation"
	case InvalidClient:
		return "the server does not accept this client",
			"check client id, client secret and client authentication method of the profile"
	case InvalidGrant:
		return "the login is no longer valid at the server: expired, revoked, or already used",
			"log in again"
	case UnauthorizedClient:
		return "this client may not use this way to get a token",
			"allow the grant for the client at the provider"
	case UnsupportedGrantType:
		return "the server does not know this way to get a token",
			"choose another grant type in the profile"
	case InvalidScope:
		return "the server does not grant one of the scopes",
			"check the scopes of the profile against those the provider allows for this client"
	case AccessDenied:
		return "the login was declined, by you or by the provider",
			"log in again and approve, or ask whoever runs the provider for access"
	case UnsupportedResponseType:
		return "the server does not support the authorization code flow for this client",
			"allow the code flow for the client at the provider"
	case ServerError:
		return "the server met a problem of its own",
			"try again in a while"
	case TemporarilyUnavailable:
		return "the server is overloaded or under maintenance",
			"try again in a while"
	}
	return c.explainOpenID()
}

func (c Code) explainOpenID() (sentence, remedy string) {
	switch c {
	case InteractionRequired:
		return "the server needs to show you a page before it goes on", "log in again without prompt=none"
	case LoginRequired:
		return "the server wants you to sign in first", "log in again without prompt=none"
	case AccountSelectionRequired:
		return "the server wants you to choose an account", "log in again without prompt=none, or set a login hint"
	case ConsentRequired:
		return "the server wants your consent first", "log in again without prompt=none and approve"
	case InvalidRequestURI:
		return "the server does not accept the request_uri", "log in again; if it stays, turn pushed requests off in the profile"
	case InvalidRequestObject:
		return "the server does not accept the signed request", "check the signing key and algorithm of the profile"
	case RequestNotSupported:
		return "the server does not support signed requests", "turn signed requests off in the profile"
	case RequestURINotSupported:
		return "the server does not support request_uri", "turn request_uri off in the profile"
	case RegistrationNotSupported:
		return "the server does not support the registration parameter", "remove it from the profile's extra parameters"
	case UnmetAuthenticationRequirements:
		return "the server cannot reach the strength of sign-in that was asked for", "check acr_values of the profile"
	}
	return c.explainToken()
}

func (c Code) explainToken() (sentence, remedy string) {
	switch c {
	case InvalidToken:
		return "the token is expired, revoked or malformed", "refresh it, or log in again"
	case InsufficientScope:
		return "the token lacks a scope that this needs", "add the scope to the profile and log in again"
	case InsufficientUserAuthentication:
		return "the sign-in behind the token is too weak or too old for this", "log in again as the server asks (acr_values, max_age)"
	case UnsupportedTokenType:
		return "the server cannot revoke this kind of token", "revoke the refresh token instead, or wait for the token to expire"
	case InvalidTarget:
		return "the server does not know the resource or audience", "check resource and audience of the profile"
	case InvalidAuthorizationDetails:
		return "the server does not accept the authorization_details", "check their type and members in the profile"
	case InvalidDPoPProof:
		return "the server does not accept the DPoP proof", "check this computer's clock and the profile's DPoP algorithm"
	case UseDPoPNonce:
		return "the server wants its nonce in the DPoP proof", "try again"
	}
	return c.explainWaiting()
}

func (c Code) explainWaiting() (sentence, remedy string) {
	switch c {
	case AuthorizationPending:
		return "the server is still waiting for you to approve", "approve on the other device"
	case SlowDown:
		return "the server is asked too often", "wait a moment"
	case ExpiredToken:
		return "the time to approve ran out", "start the login again"
	case ExpiredLoginHintToken:
		return "the login hint has expired", "get a new login_hint_token"
	case UnknownUserID:
		return "the server does not know this user", "check the login hint of the profile"
	case MissingUserCode:
		return "the server wants a user code", "set the user code"
	case InvalidUserCode:
		return "the server does not accept the user code", "check the user code"
	case InvalidBindingMessage:
		return "the server does not accept the binding message", "use a short plain text"
	case TransactionFailed:
		return "the login could not be completed at the server", "start the login again"
	}
	return c.explainRegistration()
}

func (c Code) explainRegistration() (sentence, remedy string) {
	switch c {
	case InvalidRedirectURI:
		return "the server does not accept the redirect URI", "register the profile's redirect URI at the provider, exactly as written"
	case InvalidClientMetadata:
		return "the server does not accept what the client says about itself", "check the registration's fields"
	case InvalidSoftwareStatement:
		return "the server does not accept the software statement", "get a valid software statement"
	case UnapprovedSoftwareStatement:
		return "the software statement is not approved here", "ask whoever runs the provider to approve it"
	}
	return "", ""
}
