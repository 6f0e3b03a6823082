package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Proof Key for Code Exchange (RFC 7636). S256 is what a login uses. "plain"
// protects nothing against whoever reads the request (section 7.2); it and
// no PKCE at all are for servers that know no better, only by name and never
// because something failed.

// Values of AuthorizationRequest.CodeChallengeMethod.
const (
	ChallengeS256  = "S256"
	ChallengePlain = "plain" // RFC 7636 section 4.2, against section 7.2
	ChallengeNone  = "none"  // no PKCE
)

// badVerifier: code-verifier = 43*128unreserved (section 4.1).
func badVerifier(s string) bool {
	return len(s) < 43 || len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
	})
}

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
