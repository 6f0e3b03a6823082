//go:build e2e && linux

package e2e

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What a client needs, by hand and without Fob's code: the tests of the servers themselves are done with it.

// reply is an answer of a server.
type reply struct {
	status int
	header http.Header
	body   map[string]any // of a JSON object
	text   string
}

// send sends a form (GET without one) and reads the answer. Headers are "Name: value".
func send(t *testing.T, hc *http.Client, address string, form url.Values, headers ...string) reply {
	t.Helper()
	method, body := "GET", io.Reader(nil)
	if form != nil {
		method, body = "POST", strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, address, body)
	must(t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return do(t, hc, r, headers...)
}

// sendJSON sends a JSON object with any method.
func sendJSON(t *testing.T, hc *http.Client, method, address string, value any, headers ...string) reply {
	t.Helper()
	text, err := json.Marshal(value)
	must(t, err)
	r, err := http.NewRequest(method, address, strings.NewReader(string(text)))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	return do(t, hc, r, headers...)
}

func do(t *testing.T, hc *http.Client, r *http.Request, headers ...string) (answer reply) {
	t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := hc.Do(r)
	must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	answer = reply{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &answer.body) // what is no object has none
	return answer
}

// refuses holds that the answer is this error.
func (r reply) refuses(t *testing.T, what string, status int, code string) {
	t.Helper()
	if r.status != status || r.body["error"] != code {
		t.Errorf("%s: %d %v (%v), want %d %s", what, r.status, r.body["error"], r.body["error_description"], status, code)
	}
}

// grants holds that the answer has this member, and returns it.
func (r reply) grants(t *testing.T, what, member string) string {
	t.Helper()
	value, _ := r.body[member].(string)
	if r.status > 201 || value == "" {
		t.Fatalf("%s: %d %v (%v), want a %s", what, r.status, r.body["error"], r.body["error_description"], member)
	}
	return value
}

// walk is a browser that follows redirects and keeps cookies, until one leads away from the server: the redirect URI's answer.
func walk(t *testing.T, hc *http.Client, address string) *url.URL {
	t.Helper()
	browser := *hc
	if browser.Jar == nil {
		jar, err := cookiejar.New(nil)
		must(t, err)
		browser.Jar = jar
	}
	at, err := url.Parse(address)
	must(t, err)
	home := at.Host
	for range 10 {
		answer := send(t, &browser, at.String(), nil)
		location := answer.header.Get("Location")
		if location == "" {
			t.Fatalf("%s%s answers %d and no redirect", at.Host, at.Path, answer.status)
		}
		at, err = at.Parse(location)
		must(t, err)
		if at.Host != home {
			return at
		}
	}
	t.Fatal("redirects without end")
	return nil
}

const verifier = "a-verifier-that-is-long-enough-for-rfc-7636-and-no-secret"

// authorization is the parameters of an authorization request, more or others added.
func authorization(client, scope string, more ...string) url.Values {
	challenge := sha256.Sum256([]byte(verifier))
	v := url.Values{
		"client_id": {client}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1:9/callback"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {b64(challenge[:])}, "code_challenge_method": {"S256"}, "scope": {scope},
	}
	return with(v, more...)
}

// with sets pairs; an empty value removes the parameter.
func with(v url.Values, pairs ...string) url.Values {
	v = maps.Clone(v)
	for i := 0; i < len(pairs); i += 2 {
		v[pairs[i]] = []string{pairs[i+1]}
		if pairs[i+1] == "" {
			delete(v, pairs[i])
		}
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// timed adds the times and the id that an assertion has.
func timed(claims map[string]any) map[string]any {
	claims = maps.Clone(claims)
	claims["iat"], claims["nbf"], claims["exp"], claims["jti"] = time.Now().Unix(), time.Now().Unix(), time.Now().Add(time.Minute).Unix(), rand.Text()
	return claims
}

// parsePEM reads a PKCS #8 key.
func parsePEM(t *testing.T, text string) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return key.(crypto.Signer)
}

// signJWT signs claims; key is a crypto.Signer, or the secret of HS256.
func signJWT(t *testing.T, alg string, key any, header, claims map[string]any) string {
	t.Helper()
	header = maps.Clone(header)
	if header == nil {
		header = map[string]any{}
	}
	header["alg"] = alg
	h, err := json.Marshal(header)
	must(t, err)
	c, err := json.Marshal(claims)
	must(t, err)
	input := b64(h) + "." + b64(c)
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	switch alg {
	case "HS256":
		mac := hmac.New(sha256.New, []byte(key.(string)))
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
		must(t, err)
		signature = make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
	case "RS256":
		signature, err = rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	case "PS256":
		signature, err = rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "EdDSA":
		signature = ed25519.Sign(key.(ed25519.PrivateKey), []byte(input))
	default:
		t.Fatalf("no such algorithm here: %s", alg)
	}
	must(t, err)
	return input + "." + b64(signature)
}

// encryptJWT encrypts for an RSA key: RSA-OAEP-256 and A256GCM (RFC 7518 §4.3, §5.3).
func encryptJWT(t *testing.T, key *rsa.PublicKey, kid, jwt string) string {
	t.Helper()
	header, err := json.Marshal(map[string]any{"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": kid})
	must(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, secret, nil)
	must(t, err)
	block, err := aes.NewCipher(secret)
	must(t, err)
	gcm, err := cipher.NewGCM(block)
	must(t, err)
	iv := make([]byte, gcm.NonceSize())
	rand.Read(iv)
	sealed := gcm.Seal(nil, iv, []byte(jwt), []byte(b64(header)))
	end := len(sealed) - gcm.Overhead()
	return strings.Join([]string{b64(header), b64(wrapped), b64(iv), b64(sealed[:end]), b64(sealed[end:])}, ".")
}

// claimsOf reads a JWT without looking at its signature.
func claimsOf(t *testing.T, jwt string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		must(t, err)
		if len(parts) == 5 && i == 1 {
			return header, nil // encrypted
		}
		must(t, json.Unmarshal(text, into))
	}
	return header, claims
}

// dpop makes DPoP proofs with a key of its own.
type dpop struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newDPoP(t *testing.T) *dpop {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return &dpop{t, key}
}

// proof is a header for the request; token and nonce may be "".
func (d *dpop) proof(method, address, token, nonce string) string {
	d.t.Helper()
	point, err := d.key.PublicKey.Bytes()
	must(d.t, err)
	claims := map[string]any{"htm": method, "htu": address, "iat": time.Now().Unix(), "jti": rand.Text()}
	if token != "" {
		ath := sha256.Sum256([]byte(token))
		claims["ath"] = b64(ath[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	return "DPoP: " + signJWT(d.t, "ES256", d.key, map[string]any{"typ": "dpop+jwt", "jwk": jwk}, claims)
}

// post posts with a proof, and once more with the nonce that the server demands.
func (d *dpop) post(hc *http.Client, address string, form url.Values) reply {
	d.t.Helper()
	first := send(d.t, hc, address, form, d.proof("POST", address, "", ""))
	nonce := first.header.Get("DPoP-Nonce")
	if first.body["error"] != "use_dpop_nonce" || nonce == "" {
		d.t.Fatalf("%s: %d %v, and the nonce %q: want use_dpop_nonce", address, first.status, first.body["error"], nonce)
	}
	return send(d.t, hc, address, form, d.proof("POST", address, "", nonce))
}

func basic(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString(fmt.Append(nil, url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// challengeParameter is a quoted parameter of WWW-Authenticate.
func challengeParameter(challenge, name string) string {
	_, rest, _ := strings.Cut(challenge, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
