//go:build e2e && linux

package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// oauth1Server is an OAuth 1.0a server on Debian's python3-oauthlib: oauth1/server.py.
type oauth1Server struct {
	*foreign
	*authority // path("ca.pem") is what to trust with --tls
	t          *testing.T

	base      string                    // before /request_token, /authorize, /access_token and /api
	consumers map[string]oauth1Consumer // by signature method: HMAC-SHA1, RSA-SHA256, PLAINTEXT …; each may use only its own
}

type oauth1Consumer struct {
	Key           string `json:"oauth_consumer_key"`
	Secret        string `json:"oauth_consumer_secret"`
	PrivateKeyPEM string `json:"private_key_pem"` // of RSA-*
}

// startOAuth1 starts it: --tls (https alone, for which path("ca.pem") is to be trusted), --json (answers as JSON, not as forms).
func startOAuth1(t *testing.T, args ...string) *oauth1Server {
	t.Helper()
	s := &oauth1Server{t: t, authority: newAuthority(t)}
	python := "/usr/bin/python3" // the system's own has the system's packages
	if _, err := os.Stat(python); err != nil {
		python = "python3"
	}
	s.foreign = startForeign(t, "OAuth 1.0a server", exec.Command(python, append([]string{filepath.Join("oauth1", "server.py"), "--dir", s.dir}, args...)...), "Traceback")
	var is struct{ Base string }
	s.ready(&is)
	s.base = is.Base
	text, err := os.ReadFile(s.path("consumers.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &s.consumers))
	return s
}

// requests is how many requests each path had.
func (s *oauth1Server) requests() map[string]int {
	s.t.Helper()
	var answer struct{ Seen map[string]int }
	s.say("seen", &answer)
	return answer.Seen
}

// oauth1Call is one signed request, by hand and without Fob's code (RFC 5849 §3.4).
type oauth1Call struct {
	consumer             oauth1Consumer
	as                   string // the signature method
	token, secret        string
	oauth                url.Values // oauth_callback, oauth_verifier
	nonce, timestamp     string     // "" makes them
	spoil                bool       // the signature
	method, address, raw string     // raw is a form
	text                 string     // a body that is none; it is signed by its oauth_body_hash
}

func (s *oauth1Server) call(c oauth1Call) reply {
	s.t.Helper()
	params := url.Values{
		"oauth_consumer_key": {c.consumer.Key}, "oauth_signature_method": {c.as}, "oauth_version": {"1.0"},
		"oauth_nonce": {c.nonce}, "oauth_timestamp": {c.timestamp},
	}
	if c.nonce == "" {
		params.Set("oauth_nonce", rand.Text())
	}
	if c.timestamp == "" {
		params.Set("oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	}
	if c.token != "" {
		params.Set("oauth_token", c.token)
	}
	for name, values := range c.oauth {
		params[name] = values
	}
	if c.text != "" && c.oauth == nil {
		sum := sha1.Sum([]byte(c.text))
		params.Set("oauth_body_hash", base64.StdEncoding.EncodeToString(sum[:]))
	}
	at, err := url.Parse(c.address)
	must(s.t, err)
	form, err := url.ParseQuery(c.raw)
	must(s.t, err)
	var pairs []string
	for _, set := range []url.Values{params, at.Query(), form} {
		for name, values := range set {
			for _, value := range values {
				pairs = append(pairs, percent(name)+"="+percent(value))
			}
		}
	}
	slices.Sort(pairs)
	bare := *at
	bare.RawQuery = ""
	text := c.method + "&" + percent(bare.String()) + "&" + percent(strings.Join(pairs, "&"))
	key := percent(c.consumer.Secret) + "&" + percent(c.secret)
	hashes := map[string]struct {
		new func() hash.Hash
		id  crypto.Hash
	}{"SHA1": {sha1.New, crypto.SHA1}, "SHA256": {sha256.New, crypto.SHA256}, "SHA512": {sha512.New, crypto.SHA512}}
	kind, size, _ := strings.Cut(c.as, "-")
	signature := key
	switch kind {
	case "HMAC":
		mac := hmac.New(hashes[size].new, []byte(key))
		mac.Write([]byte(text))
		signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	case "RSA":
		h := hashes[size].new()
		h.Write([]byte(text))
		signed, err := rsa.SignPKCS1v15(rand.Reader, parsePEM(s.t, c.consumer.PrivateKeyPEM).(*rsa.PrivateKey), hashes[size].id, h.Sum(nil))
		must(s.t, err)
		signature = base64.StdEncoding.EncodeToString(signed)
	}
	if c.spoil {
		signature = "AAAA" + signature[4:]
	}
	params.Set("oauth_signature", signature)
	var header []string
	for name, values := range params {
		header = append(header, name+`="`+percent(values[0])+`"`)
	}
	request, err := http.NewRequest(c.method, c.address, strings.NewReader(c.raw+c.text))
	must(s.t, err)
	if c.raw != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	hc := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: s.tls(""), DisableKeepAlives: true}}
	return do(s.t, hc, request, "Authorization: OAuth "+strings.Join(header, ", "))
}

// percent encodes as RFC 5849 §3.6 says.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// The server takes three legs signed with each method, and refuses what is signed otherwise. Fob has no part in this test.
func TestOAuth1Server(t *testing.T) {
	t.Parallel()
	s := startOAuth1(t, "--tls")
	if len(s.consumers) != 7 {
		t.Errorf("%d signature methods: %v", len(s.consumers), s.requests())
	}
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: s.tls("")}, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var api oauth1Call // of HMAC-SHA1, at last
	for _, method := range append(slices.DeleteFunc(slices.Sorted(maps.Keys(s.consumers)), func(m string) bool { return m == "HMAC-SHA1" }), "HMAC-SHA1") {
		consumer := s.consumers[method]
		begin := oauth1Call{consumer: consumer, as: method, method: "POST", address: s.base + "/request_token", oauth: url.Values{"oauth_callback": {"http://127.0.0.1:9/callback?a=b c"}}}
		spoiled, foreign := begin, begin
		spoiled.spoil = true
		foreign.consumer.Key = "fob-unknown"
		for what, wrong := range map[string]oauth1Call{"a wrong signature": spoiled, "an unknown consumer": foreign} {
			if answer := s.call(wrong); answer.status != 401 {
				t.Errorf("%s, %s: %d", method, what, answer.status)
			}
		}
		temporary := formOf(t, s.call(begin), method)
		if temporary.Get("oauth_callback_confirmed") != "true" {
			t.Errorf("%s: oauth_callback_confirmed=%q", method, temporary.Get("oauth_callback_confirmed"))
		}
		back := walk(t, browser, s.base+"/authorize?oauth_token="+temporary.Get("oauth_token"))
		if back.Query().Get("oauth_token") != temporary.Get("oauth_token") || back.Query().Get("a") != "b c" {
			t.Errorf("%s: the callback has other parameters", method)
		}
		finish := oauth1Call{
			consumer: consumer, as: method, method: "POST", address: s.base + "/access_token", token: temporary.Get("oauth_token"), secret: temporary.Get("oauth_token_secret"),
			oauth: url.Values{"oauth_verifier": {back.Query().Get("oauth_verifier")}},
		}
		wrong := finish
		wrong.oauth = url.Values{"oauth_verifier": {strings.Repeat("a", 30)}}
		if answer := s.call(wrong); answer.status != 401 {
			t.Errorf("%s, a wrong verifier: %d", method, answer.status)
		}
		token := formOf(t, s.call(finish), method)
		if again := s.call(finish); again.status != 401 {
			t.Errorf("%s, the temporary token a second time: %d", method, again.status)
		}

		api = oauth1Call{consumer: consumer, as: method, method: "POST", address: s.base + "/api?q=a%20b&q=a", raw: "x=1&x=%C3%A4&y=", token: token.Get("oauth_token"), secret: token.Get("oauth_token_secret"), nonce: rand.Text()}
		if answer := s.call(api); answer.status != 200 || answer.body["consumer"] != consumer.Key {
			t.Errorf("%s: the API answers %d", method, answer.status)
		}
		if answer := s.call(api); answer.status != 401 {
			t.Errorf("%s, the same nonce: %d", method, answer.status)
		}
		old, other, spoiled := api, api, api
		old.nonce, old.timestamp = "", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
		other.nonce, other.as = "", "HMAC-SHA1"
		spoiled.nonce, spoiled.spoil = "", true
		if method == "HMAC-SHA1" {
			other.as = "HMAC-SHA256"
		}
		if answer := s.call(old); answer.status < 400 {
			t.Errorf("%s, an old timestamp: %d", method, answer.status)
		}
		if answer := s.call(other); answer.status != 401 {
			t.Errorf("%s, signed with another method: %d", method, answer.status)
		}
		if answer := s.call(spoiled); answer.status != 401 || !strings.HasPrefix(answer.header.Get("WWW-Authenticate"), "OAuth ") {
			t.Errorf("%s, a wrong signature at the API: %d", method, answer.status)
		}
	}

	// A body that is no form, with the hash of it and of another one.
	hashed := oauth1Call{consumer: api.consumer, as: "HMAC-SHA1", method: "PUT", address: s.base + "/api", token: api.token, secret: api.secret, text: `{"a":1}`}
	if answer := s.call(hashed); answer.status != 200 {
		t.Errorf("with a body hash: %d", answer.status)
	}
	hashed.oauth = url.Values{"oauth_body_hash": {"Lve95gjOVATpfV8EL5X4nxwjKHE="}}
	if answer := s.call(hashed); answer.status != 401 {
		t.Errorf("with the hash of another body: %d", answer.status)
	}

	// Out of band: the person reads the verifier.
	consumer := s.consumers["HMAC-SHA1"]
	temporary := formOf(t, s.call(oauth1Call{consumer: consumer, as: "HMAC-SHA1", method: "POST", address: s.base + "/request_token", oauth: url.Values{"oauth_callback": {"oob"}}}), "oob")
	shown := send(t, browser, s.base+"/authorize?oauth_token="+temporary.Get("oauth_token"), nil)
	if shown.status != 200 || !strings.Contains(shown.text, `id="verifier"`) {
		t.Errorf("oob: %d", shown.status)
	}
	if answer := send(t, browser, s.base+"/api", nil); answer.status != 401 && answer.status != 400 {
		t.Errorf("without signature: %d", answer.status)
	}
}

// With --json, tokens come as JSON.
func TestOAuth1ServerJSON(t *testing.T) {
	t.Parallel()
	s := startOAuth1(t, "--json")
	answer := s.call(oauth1Call{consumer: s.consumers["PLAINTEXT"], as: "PLAINTEXT", method: "POST", address: s.base + "/request_token", oauth: url.Values{"oauth_callback": {"oob"}}})
	answer.grants(t, "JSON", "oauth_token_secret")
}

// formOf reads an answer that is a form with a token.
func formOf(t *testing.T, answer reply, what string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(answer.text)
	if err != nil || answer.status != 200 || form.Get("oauth_token") == "" {
		t.Fatalf("%s: %d, %v", what, answer.status, err)
	}
	return form
}
