package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
)

// PKCS#8 keys encrypted with PBES2 (RFC 8018 section 6.2): what "openssl
// pkcs8 -topk8" and "openssl genpkey -aes256" have written since 2014.
// The standard library reads plain ones only.

// maxIterations: OpenSSL's default is 2,048, OWASP's advice 600,000; beyond
// ten millions a file would only keep us busy.
const maxIterations = 10_000_000

type encryptedKey struct {
	Algorithm struct {
		Scheme asn1.ObjectIdentifier
		Params struct {
			KDF struct {
				Algorithm asn1.ObjectIdentifier
				Params    asn1.RawValue
			}
			Cipher struct {
				Algorithm asn1.ObjectIdentifier
				IV        []byte
			}
		}
	}
	Data []byte
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

func decryptPKCS8(der, password []byte) ([]byte, error) {
	unknown := keyError("it is encrypted in a way that is not known; PBES2 with AES is: openssl pkcs8 -topk8 -v2 aes256 -in FILE")
	var k encryptedKey
	var kdf pbkdf2Params
	if _, err := asn1.Unmarshal(der, &k); err != nil || k.Algorithm.Scheme.String() != "1.2.840.113549.1.5.13" {
		return nil, unknown
	}
	p := &k.Algorithm.Params
	if p.KDF.Algorithm.String() != "1.2.840.113549.1.5.12" {
		return nil, unknown
	}
	if _, err := asn1.Unmarshal(p.KDF.Params.FullBytes, &kdf); err != nil || kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, unknown
	}
	var size int
	switch p.Cipher.Algorithm.String() { // NIST's aes128-CBC, aes192-CBC, aes256-CBC
	case "2.16.840.1.101.3.4.1.2":
		size = 16
	case "2.16.840.1.101.3.4.1.22":
		size = 24
	case "2.16.840.1.101.3.4.1.42":
		size = 32
	}
	prf := map[string]func() hash.Hash{
		"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New,
		"1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
	}[kdf.PRF.Algorithm.String()]
	if size == 0 || prf == nil || len(p.Cipher.IV) != aes.BlockSize || len(k.Data) == 0 || len(k.Data)%aes.BlockSize != 0 {
		return nil, unknown
	}
	key, err := pbkdf2.Key(prf, string(password), kdf.Salt, kdf.Iterations, size)
	if err != nil {
		return nil, unknown
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, unknown
	}
	plain := make([]byte, len(k.Data))
	cipher.NewCBCDecrypter(block, p.Cipher.IV).CryptBlocks(plain, k.Data)
	// Whoever guesses here has the file: how it fails tells nothing more.
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize || plain[0] != 0x30 {
		return nil, keyError("the password does not open it")
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, keyError("the password does not open it")
		}
	}
	return plain[:len(plain)-pad], nil
}
