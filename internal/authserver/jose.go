package authserver

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Encryption says how something is encrypted to a client; the zero value is not at all.
type Encryption struct {
	// Alg is RSA-OAEP, RSA-OAEP-256, ECDH-ES or ECDH-ES+A128KW, +A192KW, +A256KW. The client's
	// JWKS needs a key with this alg, or one with the use enc that fits it.
	Alg string
	// Enc is A128CBC-HS256 (also ""), A256CBC-HS512, A128GCM or A256GCM.
	Enc string
}

// keyAlgs and contentAlgs are what can be encrypted with, in either direction.
var (
	keyAlgs = []goidc.KeyEncryptionAlgorithm{
		jose.RSA_OAEP_256, jose.RSA_OAEP, jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A192KW, jose.ECDH_ES_A256KW,
	}
	contentAlgs = []goidc.ContentEncryptionAlgorithm{
		jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512, jose.A128GCM, jose.A192GCM, jose.A256GCM,
	}
)

// encrypt nests a JWS in a JWE for a client (RFC 7519 section 5.2), or leaves it as it is.
func (s *Server) encrypt(c Client, e Encryption, jws string) (string, error) {
	if e.Alg == "" {
		return jws, nil
	}
	keys, err := c.keys()
	if err != nil {
		return "", err
	}
	if keys == nil {
		return "", fmt.Errorf("client %q has no key to encrypt to", c.ID)
	}
	i := slices.IndexFunc(keys.Keys, func(k jose.JSONWebKey) bool { return k.Algorithm == e.Alg })
	if i < 0 {
		i = slices.IndexFunc(keys.Keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" })
	}
	if i < 0 {
		return "", fmt.Errorf("client %q has no key for %s", c.ID, e.Alg)
	}
	if e.Enc == "" {
		e.Enc = string(jose.A128CBC_HS256)
	}
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(e.Alg), Key: keys.Keys[i].Key, KeyID: keys.Keys[i].KeyID}
	enc, err := jose.NewEncrypter(jose.ContentEncryption(e.Enc), to, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		return "", err
	}
	jwe, err := enc.Encrypt([]byte(jws))
	if err != nil {
		return "", err
	}
	text, err := jwe.CompactSerialize()
	if err == nil && s.faults.take(MangledJWE) {
		text = mangle(text, 3)
	}
	return text, err
}

// mangle changes a character in one part of a JWS or JWE.
func mangle(token string, part int) string {
	parts := strings.Split(token, ".")
	i := len(parts[part]) / 2
	other := byte('A')
	if parts[part][i] == other {
		other = 'B'
	}
	parts[part] = parts[part][:i] + string(other) + parts[part][i+1:]
	return strings.Join(parts, ".")
}

// halfHash is at_hash, c_hash and s_hash: the left half of the hash that goes with the signature
// (OpenID Connect Core section 3.3.2.11); for EdDSA that is SHA-512, which Ed25519 uses.
func halfHash(alg, value string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "384"):
		all := sha512.Sum384([]byte(value))
		sum = all[:]
	case strings.HasSuffix(alg, "512"), alg == "EdDSA":
		all := sha512.Sum512([]byte(value))
		sum = all[:]
	default:
		all := sha256.Sum256([]byte(value))
		sum = all[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// signFor signs claims for a client with that algorithm, properly or as a fault wants it. HS* take
// the client's secret for a key (OpenID Connect Core section 10.1).
func (s *Server) signFor(c Client, alg, typ string, claims map[string]any, fault Fault) (string, error) {
	if alg == "" {
		alg = string(goidc.ES256)
	}
	var key jose.JSONWebKey
	var err error
	if strings.HasPrefix(alg, "HS") {
		key.Key = []byte(c.Secret)
	} else if key, err = s.keys.forAlg(alg); err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	switch fault {
	case AlgNone:
		return unsigned(claims)
	case AlgHS256:
		opts = opts.WithHeader("kid", key.KeyID) // go-jose leaves it out with a secret
		key, err = publicAsSecret(key)
		alg = string(goidc.HS256)
	case UnknownKid:
		key.KeyID = "unknown-" + random(4)
	case ForeignKey:
		var foreign jose.JSONWebKey
		foreign, err = newECKey()
		foreign.KeyID = key.KeyID
		alg, key = foreign.Algorithm, foreign
	case UnknownCrit:
		opts = opts.WithHeader("crit", []string{"http://elsewhere.invalid/crit"}).WithHeader("http://elsewhere.invalid/crit", true)
	}
	if err != nil {
		return "", err
	}
	token, err := sign(alg, key, opts, claims)
	if err == nil && fault == BrokenSignature {
		token = mangle(token, 2)
	}
	return token, err
}

// openRequest decrypts a request object if it is encrypted to us (go-oidc knows a JWE by five parts
// that are not empty, and that of ECDH-ES has an empty one), and reads its claims without
// believing them.
func (s *Server) openRequest(object string) (jws string, claims map[string]any) {
	if strings.Count(object, ".") == 4 {
		jwe, err := jose.ParseEncryptedCompact(object, keyAlgs, contentAlgs)
		if err != nil {
			return object, nil
		}
		plain, err := s.decrypt(jwe)
		if err != nil {
			return object, nil
		}
		object = string(plain)
	}
	_, claims, _ = decodeJWT(object)
	return object, claims
}

func (s *Server) decrypt(jwe *jose.JSONWebEncryption) ([]byte, error) {
	for _, key := range s.keys.all() {
		if key.Use == "enc" && key.KeyID == jwe.Header.KeyID {
			return jwe.Decrypt(key.Key)
		}
	}
	return nil, errors.New("no key of that kid")
}

func sign(alg string, key jose.JSONWebKey, opts *jose.SignerOptions, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, opts)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
