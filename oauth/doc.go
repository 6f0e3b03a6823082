// Package oauth knows the OAuth 2.0 and OpenID Connect protocols from the side
// of the client. It knows servers and tokens, not users, profiles or storage.
//
// A flow that waits for somebody is a value that finishes itself:
// [Client.Authorize] returns an [Authorization], and [Authorization.Redeem]
// turns the answer of the browser into a [Token]. State, nonce, PKCE, issuer
// and id_token are checked inside, so that no check is the caller's to forget.
//
// Every request to an authorization server takes one road (road.go): client
// authentication, time limit, size limit, no redirects with credentials, and
// one parser for errors. Its failures are an [*Error], which unwraps to its
// [Code]:
//
//	if errors.Is(err, oauth.InvalidGrant) { … }
//
// [Transient] tells a failure that time may heal from one that it will not.
package oauth
