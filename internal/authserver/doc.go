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
package authserver
