// Package oauth1 knows the OAuth 1.0a protocol (RFC 5849) from the side of
// the client: how to obtain a token, and how to sign requests with it. It is
// another protocol than OAuth 2, with which it shares little but a name.
//
// A login is a value that finishes itself: [Client.Authorize] obtains
// temporary credentials and returns an [Authorization]; what the browser
// brings back goes to [Authorization.Redeem], and a code that somebody types
// to [Authorization.RedeemPIN]. Both return a [Token].
//
// A token is no use by itself: each request is signed. [Client.Sign] signs an
// [net/http.Request], [Transport] all requests of an [net/http.Client];
// [Client.Header], [Client.SignedURL] and [Client.SignedForm] return what to
// hand to another program, each good for one request.
//
// Failures of a server are an [*oauth.Error], whose code is the oauth_problem
// of servers that report it; [Explain] says what it means.
package oauth1
