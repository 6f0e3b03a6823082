package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Proof Key for Code Exchange (RFC 7636). S256 is the only method: "plain"
// protects nothing against whoever reads the request (section 7.2), and a
// server that ignores PKCE ignores S256 as well.

// randomText returns 256 random bits as 43 characters that need no escaping:
// a code_verifier as section 4.1 recommends it, and as good a state or nonce.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// challengeS256 is BASE64URL-ENCODE(SHA256(ASCII(code_verifier))), section 4.2.
func challengeS256(verifier Secret) string {
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
