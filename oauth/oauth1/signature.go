package oauth1

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	_ "crypto/sha1"   // HMAC-SHA1 and RSA-SHA1
	_ "crypto/sha256" // HMAC-SHA256 and RSA-SHA256
	_ "crypto/sha512" // HMAC-SHA512 and RSA-SHA512
	"encoding/base64"
	"hash"

	"fob/oauth"
)

// signatureMethod is what differs between the methods of RFC 5849 section 3.4.
type signatureMethod struct {
	hash crypto.Hash // 0: nothing is signed (PLAINTEXT)
	rsa  bool
}

// methodNamed is a switch and no map: nothing is computed at start.
func methodNamed(name string) (m signatureMethod, known bool) {
	switch name {
	case HMACSHA1:
		return signatureMethod{hash: crypto.SHA1}, true
	case HMACSHA256:
		return signatureMethod{hash: crypto.SHA256}, true
	case HMACSHA512:
		return signatureMethod{hash: crypto.SHA512}, true
	case RSASHA1:
		return signatureMethod{hash: crypto.SHA1, rsa: true}, true
	case RSASHA256:
		return signatureMethod{hash: crypto.SHA256, rsa: true}, true
	case RSASHA512:
		return signatureMethod{hash: crypto.SHA512, rsa: true}, true
	case Plaintext:
		return signatureMethod{}, true
	}
	return signatureMethod{}, false
}

// hasher is the method's; PLAINTEXT has none.
func (c *Client) hasher() hash.Hash {
	m, _ := methodNamed(c.method())
	return m.hash.New()
}

// signature signs a base string.
func (c *Client) signature(base string, tokenSecret oauth.Secret) (string, error) {
	m, _ := methodNamed(c.method())
	switch {
	case m.hash == 0:
		return c.key(tokenSecret), nil // section 3.4.4
	case m.rsa: // section 3.4.3: RSASSA-PKCS1-v1_5
		h := m.hash.New()
		h.Write([]byte(base))
		signed, err := c.PrivateKey.Sign(rand.Reader, h.Sum(nil), m.hash)
		if err != nil {
			return "", requestError("the private key does not sign: " + clean(err.Error(), maxDescription))
		}
		return base64.StdEncoding.EncodeToString(signed), nil
	}
	mac := hmac.New(func() hash.Hash { return m.hash.New() }, []byte(c.key(tokenSecret))) // section 3.4.2
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// key is the two secrets with an "&" between them, "which MUST be included
// even when either secret is empty" (RFC 5849 section 3.4.2).
func (c *Client) key(tokenSecret oauth.Secret) string {
	return escape(c.ConsumerSecret.Reveal()) + "&" + escape(tokenSecret.Reveal())
}
