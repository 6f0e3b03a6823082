package oauth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// maxKeyFile: a chain of certificates with an RSA key is under 20 KB.
const maxKeyFile = 1 << 20

// ParsePrivateKeys reads the client's keys from whatever they are kept in: a
// JWK or JWK set (RFC 7517), PEM with one or more keys (PKCS#8, also encrypted;
// PKCS#1; SEC 1) and their certificates, PKCS#12 (as it is or in base64), or
// the JSON of a Google service account. A key without kid gets its thumbprint
// (RFC 7638). The error is an ErrRequest; it says what is wrong with the key
// and never what is in it.
func ParsePrivateKeys(data []byte, password Secret) (*PrivateKeys, error) {
	if len(data) > maxKeyFile {
		return nil, keyError("it is larger than 1 MiB")
	}
	p := keyParser{password: password}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	var err error
	switch {
	case len(trimmed) == 0:
		return nil, keyError("it is empty")
	case trimmed[0] == '{':
		err = p.json(trimmed)
	case bytes.Contains(trimmed, []byte("-----BEGIN ")):
		err = p.pem(trimmed)
	case data[0] == 0x30: // an ASN.1 SEQUENCE
		err = p.der(data)
	default:
		der, decodeErr := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(trimmed), nil)))
		if decodeErr != nil || len(der) == 0 || der[0] != 0x30 {
			return nil, keyError("it is none of JWK, PEM and PKCS#12")
		}
		err = p.der(der)
	}
	if err != nil {
		return nil, err
	}
	return p.finish()
}

func keyError(why string) error { return requestError("the private key cannot be read: " + why) }

type keyParser struct {
	password Secret
	keys     []jose.JSONWebKey
	certs    []*x509.Certificate
	public   bool // there was a public key
	skipped  error
}

// finish ties certificates to their keys and names the nameless.
func (p *keyParser) finish() (*PrivateKeys, error) {
	if len(p.keys) == 0 {
		switch {
		case p.skipped != nil:
			return nil, p.skipped
		case p.public || len(p.certs) > 0:
			return nil, keyError("it holds the public half only; give the private key")
		}
		return nil, keyError("there is no key in it")
	}
	for i := range p.keys {
		k := &p.keys[i]
		for at, c := range p.certs {
			if len(k.Certificates) == 0 && samePublic(k.Key, c) {
				k.Certificates = append([]*x509.Certificate{c}, chainAbove(c, p.certs[at+1:])...)
			}
		}
		if k.KeyID == "" {
			k.KeyID = thumbprint(*k)
		}
	}
	return &PrivateKeys{keys: p.keys}, nil
}

// chainAbove takes the issuers of leaf from the certificates that follow it.
func chainAbove(leaf *x509.Certificate, rest []*x509.Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, c := range rest {
		if bytes.Equal(leaf.RawIssuer, c.RawSubject) && !bytes.Equal(leaf.Raw, c.Raw) {
			chain, leaf = append(chain, c), c
		}
	}
	return chain
}

func (p *keyParser) json(data []byte) error {
	var set struct {
		Keys       []json.RawMessage `json:"keys"`
		PrivateKey string            `json:"private_key"` // of a Google service account
		KeyID      string            `json:"private_key_id"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return keyError("it begins like a JWK and is not valid JSON")
	}
	switch {
	case set.PrivateKey != "":
		if err := p.pem([]byte(set.PrivateKey)); err != nil {
			return err
		}
		for i := range p.keys {
			p.keys[i].KeyID = set.KeyID
		}
		return nil
	case set.Keys == nil:
		if err := p.jwk(data); err != nil {
			return err
		}
		return nil
	}
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		// RFC 7517 section 5: ignore the keys of a set that are not understood.
		if err := p.jwk(raw); err != nil && p.skipped == nil {
			p.skipped = err
		}
	}
	return nil
}

func (p *keyParser) jwk(data []byte) error {
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(data); err != nil {
		var kind struct {
			Kty, Crv string
		}
		_ = json.Unmarshal(data, &kind)
		switch kind.Kty {
		case "":
			return keyError("it is JSON without kty, so no JWK")
		case "RSA", "EC", "OKP", "oct":
			return keyError("its members do not make a JWK of type " + clean(strings.TrimSpace(kind.Kty+" "+kind.Crv), maxCode))
		}
		return keyError("the JWK has the unknown type " + clean(kind.Kty, maxCode) + "; RSA, EC and OKP (Ed25519) are known")
	}
	if _, symmetric := k.Key.([]byte); symmetric {
		return keyError("the JWK is symmetric (oct); give a shared secret as client_secret")
	}
	if k.IsPublic() {
		p.public = true
		return nil
	}
	if !k.Valid() {
		return keyError("the JWK's members do not fit each other")
	}
	return p.add(k)
}

// add takes a key that signatures can be made with.
func (p *keyParser) add(k jose.JSONWebKey) error {
	switch key := k.Key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 2048 { // RFC 7518 sections 3.3 and 4.3
			return keyError(fmt.Sprintf("the RSA key has %d bits, and 2048 are the least that is accepted", bits))
		}
	case *ecdsa.PrivateKey:
		if algsOf(key) == nil {
			return keyError("its curve is " + key.Curve.Params().Name + "; P-256, P-384 and P-521 can be used")
		}
	case ed25519.PrivateKey:
	default:
		return keyError("it is neither RSA nor EC (P-256, P-384, P-521) nor Ed25519")
	}
	p.keys = append(p.keys, k)
	return nil
}

func (p *keyParser) pem(data []byte) error {
	if bytes.Contains(data, []byte(`-----\n`)) { // copied out of JSON
		data = bytes.ReplaceAll(data, []byte(`\n`), []byte("\n"))
	}
	found := false
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		found = true
		if err := p.block(block); err != nil {
			return err
		}
	}
	if !found {
		return keyError("its PEM is damaged: BEGIN and END lines and the base64 between them must be complete")
	}
	return nil
}

func (p *keyParser) block(block *pem.Block) error {
	if block.Headers["DEK-Info"] != "" {
		return keyError("it is encrypted in OpenSSL's old way, which is not safe; convert it with: openssl pkcs8 -topk8 -in FILE")
	}
	switch block.Type {
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return p.plain(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		if p.password == "" {
			return keyError("it is encrypted; give its password")
		}
		der, err := decryptPKCS8(block.Bytes, []byte(p.password.Reveal()))
		if err != nil {
			return err
		}
		return p.plain(der)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return keyError("a certificate beside it is damaged")
		}
		p.certs = append(p.certs, c)
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		p.public = true
	case "OPENSSH PRIVATE KEY":
		return keyError("it is in OpenSSH's own format; convert a copy with: ssh-keygen -p -m PKCS8 -f COPY")
	case "EC PARAMETERS":
	default:
		p.skipped = keyError("the PEM block " + clean(block.Type, maxCode) + " is not known")
	}
	return nil
}

// plain reads a key in DER: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017) or SEC 1
// (RFC 5915), whatever its label says.
func (p *keyParser) plain(der []byte) error {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if rsaKey, rsaErr := x509.ParsePKCS1PrivateKey(der); rsaErr == nil {
			key, err = rsaKey, nil
		} else if ecKey, ecErr := x509.ParseECPrivateKey(der); ecErr == nil {
			key, err = ecKey, nil
		}
	}
	if err != nil {
		return keyError("it is damaged, or of a kind that is not known; RSA, EC (P-256, P-384, P-521) and Ed25519 are")
	}
	return p.add(jose.JSONWebKey{Key: key})
}

// der reads what has no label: a bare key or PKCS#12 (RFC 7292).
func (p *keyParser) der(der []byte) error {
	if p.plain(der) == nil {
		return nil
	}
	key, leaf, above, err := pkcs12.DecodeChain(der, p.password.Reveal())
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && p.password == "":
		return keyError("the PKCS#12 file is encrypted; give its password")
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return keyError("the password does not open the PKCS#12 file")
	case err != nil:
		return keyError("it is no PKCS#12 file with one key and its certificate; " +
			"openssl pkcs12 -in FILE -nodes makes PEM of others")
	}
	p.certs = append(append(p.certs, leaf), above...)
	return p.add(jose.JSONWebKey{Key: key})
}
