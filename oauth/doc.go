// Package oauth knows the OAuth 2.0 and OpenID Connect protocols from the side
// of the client. It knows servers and tokens, not users, profiles or storage.
//
// # A login
//
// [Discover] asks an issuer for its [Metadata], a [Client] is one registration
// there, and [Client.Authorize] starts a login. What waits for somebody is a
// value that finishes itself: [Authorization.Redeem] turns the answer of the
// browser into a [Token]. State, nonce, PKCE, issuer and id_token are checked
// inside, so that no check is the caller's to forget; [Token.Checks] says which
// were made. [Authorization.Save] and [Client.Resume] put a login away. The
// package example shows it from end to end.
//
// Requests are pushed (RFC 9126) where the server takes that and signed (RFC
// 9101) where it is asked for; responses may be signed (JARM), hybrid or in a
// form. None of it is left out because something failed.
//
// # Other grants
//
// [Client.AuthorizeDevice] (RFC 8628) and [Client.AuthorizeBackchannel] (CIBA)
// start logins that are approved elsewhere; call Wait. [Client.ClientCredentials],
// [Client.JWTBearer] (RFC 7523), [Client.SAMLBearer] (RFC 7522),
// [Client.Exchange] (RFC 8693), [Client.Password] and, for any other,
// [Client.Grant] need nobody. [Client.Refresh] renews what came with a refresh
// token. Each has an example.
//
// # Client authentication
//
// [Client.ChosenAuthMethod] picks the method from what the client has and what
// the server lists, and says why; Client.AuthMethod chooses. Keys come from
// [ParsePrivateKeys] or [GeneratePrivateKey], certificates (RFC 8705) from
// [ParseCertificate].
//
// # Using a token
//
// [Transport] adds tokens to the requests to one API and to no other, with
// DPoP proofs (RFC 9449) and their nonces; [Use] and [Token.Header] do it for one
// request. [NeedStepUp] reads a refusal that asks for a stronger login (RFC
// 9470). [Client.UserInfo], [Client.Introspect], [Client.Revoke] and
// [Client.EndSession] are the server's other endpoints.
//
// # From an API's address to a token
//
// [Explore] asks an API which servers issue its tokens (RFC 9728), under a
// [Guard] that keeps strangers' addresses out of private networks, and names
// every host on the way. [Register] registers a client (RFC 7591);
// [ClientDocument] makes a client ID metadata document.
//
// # Errors
//
// Every request to an authorization server takes one road (road.go): client
// authentication, time limit, 1 MiB limit, no redirects with credentials, and one
// parser for errors. Its failures are an [*Error], which unwraps to its
// [Code], or to one of the Err constants:
//
//	if errors.Is(err, oauth.InvalidGrant) { … }
//
// [Transient] tells a failure that time may heal from one that it will not,
// [Code.Explain] and [Error.Advice] say what one means and what to do. An id_token
// that does not hold is a [*CheckError] with all checks that were made.
//
// # Strictness
//
// The zero value of a field is what the specifications say. Client.Strict
// holds both sides to FAPI 2.0. What is weaker is only done when a field says
// so, and what departs from the specifications is data: [Quirks].
//
// # Secrets
//
// [Secret] never prints, nor does any struct of this package that holds one.
// A [Trace] records every exchange with the secrets masked, to be shown,
// explained and replayed ([Step.Curl]).
package oauth
