package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// PrivateKeys are the client's own keys: for signing (assertions, request
// objects) and for decrypting what the server encrypts to it, by their use.
// They never print.
type PrivateKeys struct {
	keys []jose.JSONWebKey // private, each with a kid
}

// Format writes how many keys there are, whatever the verb.
func (k PrivateKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.describe()) }

// LogValue makes log/slog write how many keys there are.
func (k PrivateKeys) LogValue() slog.Value { return slog.StringValue(k.describe()) }

// MarshalJSON writes how many keys there are: private keys do not travel by accident.
func (k PrivateKeys) MarshalJSON() ([]byte, error) { return json.Marshal(k.describe()) }

func (k PrivateKeys) describe() string {
	if len(k.keys) == 0 {
		return "no private key"
	}
	return fmt.Sprintf("private keys: %d", len(k.keys))
}

// GeneratePrivateKey makes a key for alg, and returns it as a JWK to be kept.
// Signature algorithms give a key with use sig; the key management algorithms
// RSA-OAEP, RSA-OAEP-256 and ECDH-ES (also with A128KW, A192KW, A256KW) one
// with use enc.
func GeneratePrivateKey(alg string) (Secret, *PrivateKeys, error) {
	k := jose.JSONWebKey{Algorithm: alg, Use: "sig"}
	var err error
	switch {
	case strings.HasPrefix(alg, "RSA-OAEP"), strings.HasPrefix(alg, "ECDH-ES"):
		k.Use = "enc"
	}
	switch {
	case alg == "ES256" || k.Use == "enc" && strings.HasPrefix(alg, "ECDH-ES"):
		k.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == "ES384":
		k.Key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case alg == "ES512":
		k.Key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case alg == "EdDSA":
		_, k.Key, err = ed25519.GenerateKey(rand.Reader)
	case len(alg) == 5 && (alg[:2] == "RS" || alg[:2] == "PS") && slices.Contains(algsOf(&rsa.PrivateKey{}), alg),
		alg == "RSA-OAEP", alg == "RSA-OAEP-256":
		k.Key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		return "", nil, requestError("no private key can be made for the algorithm " + clean(alg, maxCode) +
			"; ES256, EdDSA, PS256 and RS256 are usual")
	}
	if err != nil {
		return "", nil, err
	}
	k.KeyID = thumbprint(k)
	text, err := k.MarshalJSON()
	if err != nil {
		return "", nil, err
	}
	return Secret(text), &PrivateKeys{keys: []jose.JSONWebKey{k}}, nil
}

// WithKeyID returns the keys as the server knows them: a key that has this
// kid becomes the first choice; if none has, the first one gets it.
func (k *PrivateKeys) WithKeyID(kid string) *PrivateKeys {
	if k == nil || len(k.keys) == 0 || kid == "" {
		return k
	}
	keys := slices.Clone(k.keys)
	if i := slices.IndexFunc(keys, func(j jose.JSONWebKey) bool { return j.KeyID == kid }); i >= 0 {
		chosen := keys[i]
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, chosen)
	} else {
		keys[0].KeyID = kid
	}
	return &PrivateKeys{keys: keys}
}

// KeyIDs lists the keys' kid members, the first choice first.
func (k *PrivateKeys) KeyIDs() []string {
	if k == nil {
		return nil
	}
	list := make([]string, len(k.keys))
	for i := range k.keys {
		list[i] = k.keys[i].KeyID
	}
	return list
}

// Public returns the JWK set (RFC 7517 section 5) of the public halves, to
// register at the server. A key that does not say what it is for is published
// for signatures: servers pick their keys by use.
func (k *PrivateKeys) Public() []byte {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	if k != nil {
		for i := range k.keys {
			p := k.keys[i].Public()
			if p.Use == "" {
				p.Use = "sig"
			}
			if algs := algsOf(k.keys[i].Key); p.Algorithm == "" && len(algs) == 1 {
				p.Algorithm = algs[0]
			}
			set.Keys = append(set.Keys, p)
		}
	}
	text, err := json.MarshalIndent(set, "", "  ")
	if err != nil {
		return []byte(`{"keys":[]}`) // unreachable: every key was marshalled for its thumbprint
	}
	return text
}

// algsOf lists the signature algorithms that a private key can make, the one
// to choose first first (RFC 7518 section 3.1, RFC 8037 section 3.1).
func algsOf(key any) []string {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return []string{"PS256", "RS256", "PS384", "RS384", "PS512", "RS512"}
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PrivateKey:
		return []string{"EdDSA"}
	}
	return nil
}

// signingKey is one key and the algorithm it signs with.
type signingKey struct {
	alg string
	jwk jose.JSONWebKey
}

// signer picks the key to sign with: the first that can do alg; without alg,
// the first that can do one of those listed by the server; RS256 for RSA where
// the server lists none, for that is what every server knows.
func (k *PrivateKeys) signer(alg string, listed []string) (signingKey, error) {
	if k == nil || len(k.keys) == 0 {
		return signingKey{}, requestError("there is no private key; give one as private_key (JWK, PEM or PKCS#12)")
	}
	for i := range k.keys {
		j := k.keys[i]
		if j.Use == "enc" {
			continue
		}
		for _, can := range algsOf(j.Key) {
			switch {
			case j.Algorithm != "" && j.Algorithm != can:
			case alg != "" && alg != can:
			case alg == "" && listed != nil && !slices.Contains(listed, can):
			case alg == "" && listed == nil && j.Algorithm == "" && can == "PS256":
			default:
				return signingKey{alg: can, jwk: j}, nil
			}
		}
	}
	if alg != "" {
		return signingKey{}, requestError("no private key signs with " + clean(alg, maxCode) + ": " + k.abilities())
	}
	return signingKey{}, requestError("no private key signs with what the server lists (" +
		clean(strings.Join(listed, ", "), maxDescription) + "): " + k.abilities())
}

// abilities says what the keys are, to somebody who gave the wrong one.
func (k *PrivateKeys) abilities() string {
	var list []string
	for i := range k.keys {
		j := k.keys[i]
		can := strings.Join(algsOf(j.Key), ", ")
		switch {
		case j.Use == "enc":
			can = "decryption only"
		case j.Algorithm != "":
			can = j.Algorithm
		}
		list = append(list, "key "+clean(j.KeyID, maxCode)+" is for "+can)
	}
	return strings.Join(list, "; ")
}

// sign makes a JWS in compact form (RFC 7515) of claims. typ is its explicit
// type (RFC 8725 section 3.11); "" leaves it out.
func (s signingKey) sign(typ string, claims map[string]any) (string, error) {
	opts := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	if typ != "" {
		opts.ExtraHeaders[jose.HeaderType] = typ
	}
	if s.jwk.KeyID != "" {
		opts.ExtraHeaders["kid"] = s.jwk.KeyID
	}
	if len(s.jwk.Certificates) > 0 { // RFC 7515 section 4.1.8
		sum := sha256.Sum256(s.jwk.Certificates[0].Raw)
		opts.ExtraHeaders["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg), Key: s.jwk.Key}, opts)
	if err != nil {
		return "", requestError("the key does not fit " + s.alg)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", requestError("the claims cannot be written as JSON")
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", requestError("the key cannot sign with " + s.alg)
	}
	return jws.CompactSerialize()
}

// macKey is the client secret as a key for alg (OpenID Connect Core section
// 10.1: its UTF-8 octets). HMAC fills a short key with zeros (RFC 2104 section
// 2); go-jose wants that done first.
func macKey(secret Secret, alg string) []byte {
	size := map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}[alg]
	key := []byte(secret.Reveal())
	if missing := size - len(key); missing > 0 {
		key = append(key, make([]byte, missing)...)
	}
	return key
}

// decryptionKeys returns the keys that may open a JWE with this key management
// algorithm, those with its kid alone if there are any.
func (k *PrivateKeys) decryptionKeys(kid string, alg jose.KeyAlgorithm) []jose.JSONWebKey {
	if k == nil {
		return nil
	}
	var all, named []jose.JSONWebKey
	for i := range k.keys {
		j := k.keys[i]
		_, isRSA := j.Key.(*rsa.PrivateKey)
		_, isEC := j.Key.(*ecdsa.PrivateKey)
		fit := isRSA && strings.HasPrefix(string(alg), "RSA") || isEC && strings.HasPrefix(string(alg), "ECDH-ES")
		if j.Use == "sig" || !fit || j.Use == "enc" && j.Algorithm != "" && j.Algorithm != string(alg) {
			continue
		}
		all = append(all, j)
		if kid != "" && j.KeyID == kid {
			named = append(named, j)
		}
	}
	if len(named) > 0 {
		return named
	}
	return all
}

// thumbprint is the SHA-256 JWK thumbprint (RFC 7638), the kid of keys without.
func thumbprint(k jose.JSONWebKey) string {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// ParseCertificate reads a client certificate for Client.Certificate: its
// chain and its private key, in PEM (one text or two) or PKCS#12. key may be
// empty when certificate holds both.
func ParseCertificate(certificate, key []byte, password Secret) (*tls.Certificate, error) {
	data := certificate
	if len(key) > 0 {
		data = slices.Concat(certificate, []byte("\n"), key)
	}
	keys, err := ParsePrivateKeys(data, password)
	if err != nil {
		return nil, err
	}
	for i := range keys.keys {
		if chain := keys.keys[i].Certificates; len(chain) > 0 {
			out := &tls.Certificate{PrivateKey: keys.keys[i].Key, Leaf: chain[0]}
			for _, c := range chain {
				out.Certificate = append(out.Certificate, c.Raw)
			}
			return out, nil
		}
	}
	return nil, requestError("no certificate fits the private key; give the certificate that was issued for this key")
}

// samePublic reports whether a certificate is for this private key.
func samePublic(key any, cert *x509.Certificate) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(cert.PublicKey)
}

// RSA returns the first RSA key, for protocols that sign with it outside
// JOSE (OAuth 1.0a). The error says that there is none.
func (k *PrivateKeys) RSA() (crypto.Signer, error) {
	if k != nil {
		for i := range k.keys {
			if key, ok := k.keys[i].Key.(*rsa.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, requestError("there is no RSA key among the private keys")
}
