package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// ProofKey is the private key that a login's tokens are bound to (RFC 9449).
// It stays with the tokens for as long as the login lives: a public client's
// refresh token works with no other (section 5).
type ProofKey struct {
	alg jose.SignatureAlgorithm
	jwk jose.JSONWebKey
}

// NewProofKey makes a key for alg: ES256, ES384, ES512, EdDSA, PS256 or RS256.
func NewProofKey(alg string) (*ProofKey, error) {
	var key any
	var err error
	switch jose.SignatureAlgorithm(alg) {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case jose.PS256, jose.PS384, jose.PS512, jose.RS256, jose.RS384, jose.RS512:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		return nil, requestError("DPoP proofs cannot be signed with " + clean(alg, maxCode))
	}
	if err != nil {
		return nil, err
	}
	return &ProofKey{alg: jose.SignatureAlgorithm(alg), jwk: jose.JSONWebKey{Key: key, Algorithm: alg}}, nil
}

// ParseProofKey reads what ProofKey.Private returned.
func ParseProofKey(private Secret) (*ProofKey, error) {
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON([]byte(private.Reveal())); err != nil || !k.Valid() || k.IsPublic() ||
		!fits(k.Public().Key, jose.SignatureAlgorithm(k.Algorithm)) {
		return nil, requestError("this is no DPoP key")
	}
	return &ProofKey{alg: jose.SignatureAlgorithm(k.Algorithm), jwk: k}, nil
}

// Private returns the key as a JWK, to be stored with the tokens.
func (k *ProofKey) Private() Secret {
	text, err := k.jwk.MarshalJSON()
	if err != nil {
		return ""
	}
	return Secret(text)
}

// Thumbprint is the key's SHA-256 JWK thumbprint (RFC 7638): dpop_jkt and the
// jkt of bound tokens.
func (k *ProofKey) Thumbprint() string {
	sum, err := k.jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Format writes the thumbprint, whatever the verb.
func (k ProofKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.describe()) }

// LogValue makes log/slog write the thumbprint only.
func (k ProofKey) LogValue() slog.Value { return slog.StringValue(k.describe()) }

func (k ProofKey) describe() string { return "DPoP key " + k.Thumbprint() }

// proof makes the DPoP proof for one request (RFC 9449 section 4.2). access is
// the token it is used with, empty at the authorization server.
func (k *ProofKey) proof(method string, u *url.URL, access Secret, nonce string, iat int64) (string, error) {
	public := k.jwk.Public()
	public.Algorithm, public.KeyID, public.Use = "", "", ""
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.jwk.Key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{jose.HeaderType: "dpop+jwt", "jwk": public},
	})
	if err != nil {
		return "", requestError("the DPoP key does not fit " + string(k.alg))
	}
	claims := map[string]any{"jti": randomText(), "htm": method, "htu": proofTarget(u), "iat": iat}
	if access != "" {
		sum := sha256.Sum256([]byte(access.Reveal()))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", requestError("the DPoP key cannot sign")
	}
	return jws.CompactSerialize()
}

// proofTarget is htu: the address "without query and fragment parts", in the
// normal form that a server will compare (RFC 9449 section 4.3, RFC 3986
// section 6.2.2 and 6.2.3): host in lower case, no default port, a path.
func proofTarget(u *url.URL) string {
	v := url.URL{Path: u.Path, RawPath: u.RawPath}
	path := v.EscapedPath()
	if path == "" {
		path = "/"
	}
	return origin(u) + path
}

// prove adds the proof to a request to the authorization server.
func (c *Client) prove(out *outgoing, method string, key *ProofKey) error {
	proof, err := key.proof(method, out.endpoint, "", c.servers().nonce(roleAS, out.endpoint), c.serverTime(out.endpoint).Unix())
	if err != nil {
		return err
	}
	out.header.Set("DPoP", proof)
	return nil
}

// newProofKey returns the key for a new login, nil when DPoP is not wanted.
func (c *Client) newProofKey() (*ProofKey, error) {
	if !c.DPoP {
		return nil, nil
	}
	alg, err := c.dpopAlg()
	if err != nil {
		return nil, err
	}
	return NewProofKey(alg)
}

// dpopAlg: the profile's, else the first of the usual ones that the server
// lists (dpop_signing_alg_values_supported, RFC 9449 section 5.1).
func (c *Client) dpopAlg() (string, error) {
	var listed []string
	if c.Metadata != nil {
		listed = c.Metadata.DPoPSigningAlgsSupported
	}
	if c.DPoPAlg != "" {
		if !allows(listed, c.DPoPAlg) {
			return "", requestError("the server takes no DPoP proofs signed with " + clean(c.DPoPAlg, maxCode) +
				"; it lists " + clean(strings.Join(listed, ", "), maxDescription))
		}
		return c.DPoPAlg, nil
	}
	for _, alg := range [...]string{"ES256", "EdDSA", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"} {
		if allows(listed, alg) && (!c.Strict || strictAlg(alg)) {
			return alg, nil
		}
	}
	return "", requestError("the server lists no DPoP algorithm that is known here: " +
		clean(strings.Join(listed, ", "), maxDescription))
}
