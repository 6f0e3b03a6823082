// Package authserver knows how a strict authorization server answers: it is the demo that a
// first-time user signs in to, and the witness that the tests of every other package speak to.
//
// The protocol is github.com/luikyv/go-oidc, which is certified and not ours; it shares no code
// with package oauth, because a witness that shares code proves nothing. On top stand the pages,
// the families of refresh tokens with reuse detection, the state file, a small protected API and
// the switches that make the server misbehave in a chosen way ([Fault]).
//
// Time is time.Now throughout, also inside go-oidc, so in a testing/synctest bubble the server
// lives in the bubble's time. Call it there through [Server.Transport], without a network.
//
// # What it offers
//
// The zero [Options] is the demo: code flow with PKCE and refresh for one public client. Everything
// else is offered because some [Client] may use it, or because an option says so:
//
//   - Grants, by Client.GrantTypes: client_credentials; device authorization ([Device],
//     [Server.ApproveDevice]); CIBA in poll mode ([CIBA], [Server.ApproveCIBA]); token exchange;
//     JWT bearer ([TrustedIssuer]); SAML 2.0 bearer ([SAMLAssertion]); password; any URN
//     ([CustomGrant]). Hybrid and implicit response types, by Client.ResponseTypes.
//   - Client authentication, by Client.AuthMethod: every method of OpenID Connect and RFC 8705.
//     Options.MutualTLS adds the address that asks for certificates; [ClientCertificate] and
//     [SelfSignedCertificate] make some, [RootCAs] trusts the server.
//   - Requests: [PAR], [JAR], Options.AuthorizationDetailsTypes (RAR), Options.ClaimsParameter,
//     Options.Resources, Options.ACRValues.
//   - Bound tokens: [DPoP] with nonces, Client.CertificateBoundTokens.
//   - Answers: JARM (Options.JARM), id_tokens in every algorithm, [Encryption] to the client's key,
//     signed userinfo, introspection plain and in a JWT (Options.Introspection).
//   - Clients that come by themselves: [Registration], Options.ClientMetadataDocuments.
//   - A protected API at Issuer + "/api/whoami", "/api/strong" (wants the last of ACRValues) and
//     "/api/admin" (wants the scope admin), with metadata by Options.ResourceMetadata.
//   - Faults, and the quirks of well-known servers, by [Faults.Set].
//
// # How a request goes
//
// ServeHTTP notes what this package has to know of a request (type request), then go-oidc answers
// into memory (type answer); what it leaves out is completed, faults spoil it, and it is sent.
// id_tokens, response JWTs and userinfo are signed here a second time, so that every algorithm,
// encryption and fault is in one place. Where go-oidc has no grant for it, a request goes through
// its JWT bearer grant in disguise, so that it authenticates the client all the same.
//
// State that outlives a restart (Options.State) is keys and grants; clients that registered
// themselves, pending logins, nonces and opaque tokens are not.
package authserver
