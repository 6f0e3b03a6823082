package oauth

// Quirks are a server's departures from the specifications, as data: what to
// send otherwise and how to read what comes. The zero value departs from
// nothing. They act at six points: token request and answer, refresh request
// and answer, and the requests to the API, revocation and introspection.
type Quirks struct {
	TokenMethod    string // "GET" sends token requests as a query; "" is POST
	ScopeSeparator string // between scopes, in requests and answers; "" is a space

	// Added query parameters of requests. {client_id}, {client_secret} and
	// {access_token} in a value stand for the client's own.
	TokenQuery, RefreshQuery, APIQuery, RevokeQuery, IntrospectQuery map[string]string

	TokenAnswer, RefreshAnswer AnswerQuirk

	// ErrorMember and ErrorDescriptionMember are the dotted paths of members
	// that hold an error code and its text in an answer with status 200.
	ErrorMember, ErrorDescriptionMember string

	NoNonce       bool // the server does not return the nonce in its id_token
	NoRedirectURI bool // the token request must not repeat redirect_uri
}

// AnswerQuirk says how to read a token answer.
type AnswerQuirk struct {
	Form     bool              // it is form-encoded whatever its Content-Type says
	Rename   map[string]string // dotted path of a member → its registered name
	Defaults map[string]any    // members that the server leaves out
}
