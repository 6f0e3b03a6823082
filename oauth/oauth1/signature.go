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

var methods = map[string]signatureMethod{
	HMACSHA1:   {hash: crypto.SHA1},
	HMACSHA256: {hash: crypto.SHA256},
	HMACSHA512: {hash: crypto.SHA512},
	RSASHA1:    {hash: crypto.SHA1, rsa: true},
	RSASHA256:  {hash: crypto.SHA256, rsa: true},
	RSASHA512:  {hash: crypto.SHA512, rsa: true},
	Plaintext:  {},
}

// signature signs a base string.
func (c *Client) signature(base string, tokenSecret oauth.Secret) (string, error) {
	m := methods[c.method()]
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
