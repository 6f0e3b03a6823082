package oauth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// selfSigned makes a certificate for a key.
func selfSigned(t testing.TB, key crypto.Signer, names ...string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pkcs8(key any) []byte { return sure(x509.MarshalPKCS8PrivateKey(key)) }

// Every form that a key comes in gives the same key: R-064, F-094.
func TestParsePrivateKeys(t *testing.T) {
	ec := ecKey(t, elliptic.P256())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := selfSigned(t, ec)
	jwk := sure(jose.JSONWebKey{Key: ec, KeyID: "mine", Algorithm: "ES256", Use: "sig"}.MarshalJSON())
	public := sure(jose.JSONWebKey{Key: ec.Public()}.MarshalJSON())
	p12 := sure(pkcs12.Modern.Encode(ec, cert, nil, "pässword"))
	ecThumb := thumbprint(jose.JSONWebKey{Key: ec})
	tests := []struct {
		name     string
		data     []byte
		password Secret
		kids     []string
		algs     []string // one to sign with for each call of signer, by alg asked
	}{
		{"JWK", jwk, "", []string{"mine"}, []string{"ES256"}},
		{"JWK with BOM", append([]byte("\xef\xbb\xbf\n"), jwk...), "", []string{"mine"}, []string{"ES256"}},
		{"JWK set", fmt.Appendf(nil, `{"keys":[{"kty":"XX"},%s,%s]}`, public, jwk), "", []string{"mine"}, []string{"ES256"}},
		{"PKCS#8", pemOf("PRIVATE KEY", pkcs8(ec)), "", []string{ecThumb}, []string{"ES256"}},
		{"Ed25519", pemOf("PRIVATE KEY", pkcs8(ed)), "", []string{thumbprint(jose.JSONWebKey{Key: ed})}, []string{"EdDSA"}},
		{"SEC 1", append(pemOf("EC PARAMETERS", []byte{6, 1, 1}), pemOf("EC PRIVATE KEY", sure(x509.MarshalECPrivateKey(ec)))...), "", []string{ecThumb}, []string{"ES256"}},
		{"PKCS#1", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(oneKey())), "", nil, []string{"PS256", "RS256", "RS512"}},
		{"wrong label", pemOf("RSA PRIVATE KEY", pkcs8(ec)), "", []string{ecThumb}, nil},
		{"two keys", append(pemOf("PRIVATE KEY", pkcs8(ec)), pemOf("PRIVATE KEY", pkcs8(oneKey()))...), "", nil, []string{"ES256", "PS256"}},
		{"PEM copied out of JSON", []byte(strings.ReplaceAll(string(pemOf("PRIVATE KEY", pkcs8(ec))), "\n", `\n`)), "", []string{ecThumb}, nil},
		{"service account", sure(json.Marshal(map[string]string{"type": "service_account", "private_key_id": "google-1",
			"private_key": string(pemOf("PRIVATE KEY", pkcs8(oneKey())))})), "", []string{"google-1"}, []string{"RS256"}},
		{"DER", pkcs8(ec), "", []string{ecThumb}, nil},
		{"PKCS#12", p12, "pässword", []string{ecThumb}, []string{"ES256"}},
		{"PKCS#12 in base64", []byte(base64.StdEncoding.EncodeToString(p12)), "pässword", []string{ecThumb}, nil},
		{"old PKCS#12", sure(pkcs12.LegacyDES.Encode(oneKey(), selfSigned(t, oneKey()), nil, "pw")), "pw", nil, []string{"RS256"}},
		{"encrypted PKCS#8", []byte(encryptedP256), "open sesame", nil, []string{"ES256"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, err := ParsePrivateKeys(tt.data, tt.password)
			if err != nil {
				t.Fatal(err)
			}
			if tt.kids != nil && !slices.Equal(k.KeyIDs(), tt.kids) {
				t.Errorf("kid %q", k.KeyIDs())
			}
			for _, alg := range tt.algs {
				s, err := k.signer(alg, nil)
				if err != nil {
					t.Fatal(err)
				}
				raw, err := s.sign("JWT", map[string]any{"a": 1})
				if err != nil {
					t.Fatal(err)
				}
				jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
				if err != nil {
					t.Fatal(err)
				}
				var set jose.JSONWebKeySet
				if err := json.Unmarshal(k.Public(), &set); err != nil {
					t.Fatal(err)
				}
				kid := jws.Signatures[0].Header.KeyID
				if found := set.Key(kid); len(found) != 1 || found[0].Use != "sig" {
					t.Fatalf("kid %q in %s", kid, k.Public())
				} else if _, err := jws.Verify(found[0]); err != nil {
					t.Error(err)
				}
			}
			for _, j := range k.keys {
				noSecret(t, string(k.Public()), b64(pkcs8(j.Key)), `"d"`, `"p"`)
			}
		})
	}
}

// encryptedP256 is what "openssl pkcs8 -topk8 -v2 aes256" of OpenSSL 3 wrote.
const encryptedP256 = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjo/r3v+exu8QICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIPA63KFtV3aZfNo2+hMXOcEgZD3
mvNk+Bm80OBVeB4flfQwNNoJ1tQfxcJuVBkX0m3zAk+RvKt5BoFiJHMPelSgNPwc
jWOgwwRJXICBiTT3t2CCk82GDEFnFo0Xlr5sg1cTil65rfF5btpJ7lzgiXs0C1Mv
FsFmu1zUdKGII52pPtYulnSnhz879a+dJr9OB/iPQuCbVNEWSad64Dr1aHic+/A=
-----END ENCRYPTED PRIVATE KEY-----
`

// A key that cannot be used is refused with a reason, and without its content.
func TestParsePrivateKeysRefuses(t *testing.T) {
	ec := ecKey(t, elliptic.P256())
	weak := sure(rsa.GenerateKey(rand.Reader, 1024))
	p224 := sure(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	cert := selfSigned(t, ec)
	p12 := sure(pkcs12.Modern.Encode(ec, cert, nil, "pw"))
	tests := []struct {
		name, data string
		password   Secret
		want       string
	}{
		{"empty", " \n", "", "empty"},
		{"text", "hello there", "", "none of JWK, PEM and PKCS#12"},
		{"broken JSON", `{"kty":`, "", "not valid JSON"},
		{"other JSON", `{"a":1}`, "", "no JWK"},
		{"symmetric", `{"kty":"oct","k":"c2VjcmV0LW9mLW1pbmU"}`, "", "client_secret"},
		{"unknown kty", `{"kty":"AKP","priv":"c2VjcmV0"}`, "", "unknown type AKP"},
		{"damaged members", `{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"c2VjcmV0"}`, "", "type EC P-256"},
		{"public JWK", string(sure(jose.JSONWebKey{Key: ec.Public()}.MarshalJSON())), "", "public half"},
		{"public PEM", string(pemOf("PUBLIC KEY", sure(x509.MarshalPKIXPublicKey(ec.Public())))), "", "public half"},
		{"certificate", string(pemOf("CERTIFICATE", cert.Raw)), "", "public half"},
		{"empty set", `{"keys":[]}`, "", "no key"},
		{"set of unknown", `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, "", "symmetric"},
		{"short RSA", string(pemOf("PRIVATE KEY", pkcs8(weak))), "", "1024 bits"},
		{"odd curve", string(pemOf("PRIVATE KEY", pkcs8(p224))), "", "P-224"},
		{"damaged PEM", "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----", "", "damaged"},
		{"damaged DER", string(pemOf("PRIVATE KEY", []byte("garbage"))), "", "damaged"},
		{"OpenSSH", string(pemOf("OPENSSH PRIVATE KEY", []byte("garbage"))), "", "ssh-keygen"},
		{"old encryption", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----", "", "openssl pkcs8"},
		{"no password", encryptedP256, "", "give its password"},
		{"wrong password", encryptedP256, "guess", "password does not open"},
		{"PKCS#12 without password", string(p12), "", "password"},
		{"PKCS#12 wrong password", string(p12), "guess", "password does not open"},
		{"PKCS#12 damaged", string(p12[:len(p12)/2]), "pw", "no PKCS#12"},
		{"too large", strings.Repeat("x", maxKeyFile+1), "", "1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, err := ParsePrivateKeys([]byte(tt.data), tt.password)
			if !errors.Is(err, ErrRequest) || k != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, %v", k, err)
			}
			noSecret(t, err.Error(), "c2VjcmV0", "secret-of-mine", "hello")
		})
	}
}

// The key is picked by its use, its algorithm and what the server lists: R-104.
func TestSigner(t *testing.T) {
	set := &PrivateKeys{keys: []jose.JSONWebKey{
		{Key: oneKey(), KeyID: "enc", Use: "enc"},
		{Key: oneKey(), KeyID: "rsa"},
		{Key: otherKey(), KeyID: "ps", Algorithm: "PS512"},
		{Key: ecKey(t, elliptic.P256()), KeyID: "ec"},
		{Key: ecKey(t, elliptic.P521()), KeyID: "ec512", Use: "sig"},
	}}
	tests := []struct {
		alg      string
		listed   []string
		kid, got string // got "": refused
	}{
		{"", nil, "rsa", "RS256"},
		{"", []string{"ES256"}, "ec", "ES256"},
		{"", []string{"RS256", "PS256"}, "rsa", "PS256"},
		{"", []string{"PS512"}, "rsa", "PS512"},
		{"ES512", nil, "ec512", "ES512"},
		{"PS256", []string{"RS256"}, "rsa", "PS256"}, // the profile's word counts
		{"EdDSA", nil, "", ""},
		{"", []string{"EdDSA"}, "", ""},
		{"none", nil, "", ""},
		{"HS256", nil, "", ""},
	}
	for _, tt := range tests {
		s, err := set.signer(tt.alg, tt.listed)
		if s.alg != tt.got || s.jwk.KeyID != tt.kid || (err == nil) != (tt.got != "") {
			t.Errorf("%q of %v: %s with %s, %v", tt.alg, tt.listed, s.jwk.KeyID, s.alg, err)
		}
		if err != nil && (!errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "ec512 is for ES512")) {
			t.Error(err)
		}
	}
	if ids := set.WithKeyID("ps").KeyIDs(); ids[0] != "ps" || len(ids) != 5 {
		t.Error(ids)
	}
	if ids := set.WithKeyID("new").KeyIDs(); ids[0] != "new" || set.KeyIDs()[0] != "enc" {
		t.Error(ids)
	}
	for kid, want := range map[string]int{"enc": 1, "rsa": 1, "": 3} {
		if got := set.decryptionKeys(kid, jose.RSA_OAEP_256); len(got) != want {
			t.Errorf("%q: %d keys to decrypt with", kid, len(got))
		}
	}
	if got := set.decryptionKeys("", jose.ECDH_ES); len(got) != 1 || got[0].KeyID != "ec" {
		t.Errorf("%d keys", len(got))
	}
	if _, err := (*PrivateKeys)(nil).signer("", nil); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// What goes to the server is public, complete, and one that we can keep
// parses again: F-182.
func TestGeneratePrivateKey(t *testing.T) {
	for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "RSA-OAEP-256", "ECDH-ES"} {
		private, made, err := GeneratePrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKeys([]byte(private.Reveal()), "")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made.Public(), again.Public()) {
			t.Errorf("%s differs", alg)
		}
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		if err := json.Unmarshal(made.Public(), &set); err != nil || len(set.Keys) != 1 {
			t.Fatal(err)
		}
		use := "sig"
		if alg == "RSA-OAEP-256" || alg == "ECDH-ES" {
			use = "enc"
			if len(made.decryptionKeys("", jose.KeyAlgorithm(alg))) != 1 {
				t.Errorf("%s does not decrypt", alg)
			}
		}
		if k := set.Keys[0]; k["alg"] != alg || k["use"] != use || k["kid"] != made.KeyIDs()[0] || k["d"] != "" {
			t.Errorf("%s: %v", alg, k)
		}
	}
	if _, _, err := GeneratePrivateKey("HS256"); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	if s := string((*PrivateKeys)(nil).Public()); !strings.Contains(s, `"keys": []`) {
		t.Error(s)
	}
}

// A certificate stays with its key, and only with its key.
func TestKeyWithCertificate(t *testing.T) {
	ec, other := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	cert, stranger := selfSigned(t, ec), selfSigned(t, other)
	data := slices.Concat(pemOf("CERTIFICATE", stranger.Raw), pemOf("CERTIFICATE", cert.Raw), pemOf("PRIVATE KEY", pkcs8(ec)))
	k, err := ParsePrivateKeys(data, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := k.signer("", nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.sign("", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := parseJWT(raw)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert.Raw)
	if got := text(jwt.Header, "x5t#S256"); got != b64(sum[:]) {
		t.Errorf("x5t#S256 %q", got)
	}
	if !strings.Contains(string(k.Public()), base64.StdEncoding.EncodeToString(cert.Raw)) {
		t.Error("no x5c in the public key")
	}
	tlsCert, err := ParseCertificate(pemOf("CERTIFICATE", cert.Raw), pemOf("PRIVATE KEY", pkcs8(ec)), "")
	if err != nil || !bytes.Equal(tlsCert.Certificate[0], cert.Raw) {
		t.Errorf("%v", err)
	}
	if _, err := ParseCertificate(pemOf("CERTIFICATE", stranger.Raw), pemOf("PRIVATE KEY", pkcs8(ec)), ""); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

func TestPrivateKeysNeverPrint(t *testing.T) {
	private, k, err := GeneratePrivateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	d := text(sure(decodeObject([]byte(private.Reveal()))), "d")
	raw := sure(k.keys[0].Key.(*ecdsa.PrivateKey).Bytes())
	number := new(big.Int).SetBytes(raw).String()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", k)
	out := fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k) + log.String() + string(sure(json.Marshal(k)))
	noSecret(t, out, d, number, k.KeyIDs()[0])
	if !strings.Contains(out, "private keys: 1") {
		t.Error(out)
	}
}

func FuzzPrivateKeys(f *testing.F) {
	f.Add([]byte(encryptedP256), "open sesame")
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), "")
	f.Add([]byte(`{"keys":[null,7,{"kty":"EC"}]}`), "")
	f.Add([]byte{0x30, 0x80, 0, 0}, "x")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		k, err := ParsePrivateKeys(data, Secret(password))
		if (k == nil) == (err == nil) {
			t.Fatalf("%v, %v", k, err)
		}
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Error(err)
			}
			printable(t, err.Error())
			return
		}
		for _, j := range k.keys {
			if j.IsPublic() || j.KeyID == "" {
				t.Errorf("%T", j.Key)
			}
		}
	})
}
