package oauth1

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// strictServer is an OAuth 1 server that accepts nothing that RFC 5849 does
// not. It shares no code with the package: what it computes, it computes by
// other means.
type strictServer struct {
	*httptest.Server
	key, secret string
	rsa         *rsa.PublicKey
	realm       string
	json        bool // tokens as JSON
	bodyHash    bool // demands oauth_body_hash where the draft does

	mu       sync.Mutex           // guards what follows
	seen     map[string]bool      // nonce and timestamp
	pending  map[string]*delegate // by temporary token
	tokens   map[string]string    // token: secret
	places   []string             // where each request carried its parameters
	received []url.Values         // all parameters of each request
}

type delegate struct{ secret, callback, verifier string }

func newStrictServer(t testing.TB) *strictServer {
	s := &strictServer{key: "key of ü&co", secret: "secret/with=odd&chars", seen: map[string]bool{}, pending: map[string]*delegate{}, tokens: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/request", s.temporary)
	mux.HandleFunc("POST /oauth/access", s.access)
	mux.HandleFunc("/api/", s.api)
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // TestCertificatesAreChecked breaks a handshake
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// client returns the registered client of this server.
func (s *strictServer) client() *Client {
	return &Client{ConsumerKey: s.key, ConsumerSecret: secretOf(s.secret), Realm: s.realm, HTTP: s.Client(),
		TemporaryCredentialEndpoint: s.URL + "/oauth/request?lang=de+AT", AuthorizationEndpoint: s.URL + "/oauth/page?skin=a%20b",
		TokenEndpoint: s.URL + "/oauth/access"}
}

func (s *strictServer) temporary(w http.ResponseWriter, r *http.Request) {
	got, why := s.verify(r, func(string) (string, bool) { return "", false })
	if why != "" {
		refuse(w, why)
		return
	}
	callback := got.Get("oauth_callback")
	if callback == "" || got.Has("oauth_verifier") {
		refuse(w, "parameter_absent")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := fmt.Sprintf("temporary+token/%d", len(s.pending))
	s.pending[token] = &delegate{secret: "temporary&secret", callback: callback, verifier: "verifier ü" + token}
	fmt.Fprint(w, url.Values{"oauth_token": {token}, "oauth_token_secret": {"temporary&secret"}, "oauth_callback_confirmed": {"true"}}.Encode())
}

// approve is the user at the page: it returns what arrives on the callback.
func (s *strictServer) approve(t testing.TB, page string) url.Values {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.pending[u.Query().Get("oauth_token")]
	if d == nil || u.Query().Get("skin") != "a b" {
		t.Fatalf("the page %s shows nothing", page)
	}
	return url.Values{"oauth_token": {u.Query().Get("oauth_token")}, "oauth_verifier": {d.verifier}}
}

func (s *strictServer) access(w http.ResponseWriter, r *http.Request) {
	got, why := s.verify(r, func(token string) (string, bool) {
		if d := s.pending[token]; d != nil {
			return d.secret, true
		}
		return "", false
	})
	if why != "" {
		refuse(w, why)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.pending[got.Get("oauth_token")]
	if d == nil || got.Get("oauth_verifier") != d.verifier {
		refuse(w, "verifier_invalid")
		return
	}
	delete(s.pending, got.Get("oauth_token")) // section 2: revoked after one use
	s.tokens["access token"] = "access%secret"
	if s.json {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"oauth_token":"access token","oauth_token_secret":"access%secret","user_id":38895958,"screen_name":"jane"}`)
		return
	}
	_, _ = io.WriteString(w, "oauth_token=access+token&oauth_token_secret=access%25secret&user_id=38895958&screen_name=jane\n")
}

func (s *strictServer) api(w http.ResponseWriter, r *http.Request) {
	_, why := s.verify(r, func(token string) (string, bool) {
		secret, ok := s.tokens[token]
		return secret, ok
	})
	if why != "" {
		refuse(w, why)
		return
	}
	switch r.URL.Path {
	case "/api/again": // stays in the house
		http.Redirect(w, r, "/api/photos?from=again", http.StatusTemporaryRedirect)
	case "/api/away":
		// Like a careless server, it repeats the query that it got, signature included.
		http.Redirect(w, r, r.URL.Query().Get("to")+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
	default:
		fmt.Fprint(w, "a photo")
	}
}

func refuse(w http.ResponseWriter, problem string) {
	w.Header().Set("WWW-Authenticate", `OAuth realm="x, y", oauth_problem="`+problem+`", oauth_problem_advice="see%20the%20docs"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// verify is section 3.2. It returns all parameters of the request, or the
// problem with it.
func (s *strictServer) verify(r *http.Request, secretOf func(string) (string, bool)) (url.Values, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "query_malformed"
	}
	body, _ := io.ReadAll(r.Body)
	form := url.Values{}
	isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if isForm {
		if form, err = url.ParseQuery(string(body)); err != nil {
			return nil, "form_malformed"
		}
	}
	header := url.Values{}
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth "); ok {
		for _, part := range strings.Split(text, ", ") {
			name, quoted, _ := strings.Cut(part, "=")
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, "header_malformed"
			}
			if name == "realm" {
				if value != s.realm {
					return nil, "realm_wrong"
				}
				continue
			}
			if value, err = url.PathUnescape(value); err != nil {
				return nil, "header_malformed"
			}
			header.Add(name, value)
		}
	}
	// Section 3.5: one place.
	var protocol url.Values
	var places []string
	for place, values := range map[string]url.Values{"header": header, "query": query, "body": form} {
		if values.Has("oauth_signature") {
			protocol, places = values, append(places, place)
			continue
		}
		for name := range values {
			if strings.HasPrefix(name, "oauth_") {
				return nil, "parameter_rejected"
			}
		}
	}
	if len(places) != 1 {
		return nil, "parameter_rejected"
	}
	s.places = append(s.places, places[0])
	all := url.Values{}
	for _, values := range []url.Values{header, query, form} {
		for name, list := range values {
			all[name] = append(all[name], list...)
			if strings.HasPrefix(name, "oauth_") && len(all[name]) != 1 {
				return nil, "parameter_rejected"
			}
		}
	}
	s.received = append(s.received, all)
	return all, s.check(r, protocol, all, isForm, body, secretOf)
}

func (s *strictServer) check(r *http.Request, protocol, all url.Values, isForm bool, body []byte, secretOf func(string) (string, bool)) string {
	if protocol.Get("oauth_consumer_key") != s.key {
		return "consumer_key_unknown"
	}
	if v := protocol.Get("oauth_version"); v != "" && v != "1.0" {
		return "version_rejected"
	}
	stamp, err := strconv.ParseInt(protocol.Get("oauth_timestamp"), 10, 64)
	if err != nil || stamp <= 0 || time.Since(time.Unix(stamp, 0)).Abs() > 5*time.Minute {
		return "timestamp_refused"
	}
	nonce := protocol.Get("oauth_nonce") + " " + protocol.Get("oauth_timestamp")
	if protocol.Get("oauth_nonce") == "" || s.seen[nonce] {
		return "nonce_used"
	}
	s.seen[nonce] = true
	tokenSecret := ""
	if protocol.Has("oauth_token") {
		var known bool
		if tokenSecret, known = secretOf(protocol.Get("oauth_token")); !known {
			return "token_rejected"
		}
	} else if !strings.HasPrefix(r.URL.Path, "/oauth/request") {
		return "parameter_absent"
	}
	method := protocol.Get("oauth_signature_method")
	_, algorithm, _ := strings.Cut(method, "-")
	digest := map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}[algorithm]
	if s.bodyHash && !isForm {
		h := digest()
		h.Write(body)
		if protocol.Get("oauth_body_hash") != base64.StdEncoding.EncodeToString(h.Sum(nil)) {
			return "body_hash_invalid"
		}
	} else if protocol.Has("oauth_body_hash") {
		return "parameter_rejected"
	}
	// Section 3.4.1, by way of net/url.
	var parts []string
	for name, values := range all {
		for _, v := range values {
			if name != "oauth_signature" {
				parts = append(parts, percent(name)+"\x00"+percent(v))
			}
		}
	}
	sort.Strings(parts) // NUL sorts before all else, so that a name comes before its extensions
	base := r.Method + "&" + percent("https://"+strings.ToLower(r.Host)+r.URL.EscapedPath()) + "&" +
		percent(strings.ReplaceAll(strings.Join(parts, "&"), "\x00", "="))
	key := percent(s.secret) + "&" + percent(tokenSecret)
	signature := protocol.Get("oauth_signature")
	switch {
	case method == "PLAINTEXT":
		if signature == key {
			return ""
		}
	case strings.HasPrefix(method, "HMAC-"):
		mac := hmac.New(digest, []byte(key))
		mac.Write([]byte(base))
		if signature == base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			return ""
		}
	case strings.HasPrefix(method, "RSA-") && s.rsa != nil:
		h := digest()
		h.Write([]byte(base))
		raw, _ := base64.StdEncoding.DecodeString(signature)
		kind := map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA256": crypto.SHA256, "SHA512": crypto.SHA512}[algorithm]
		if rsa.VerifyPKCS1v15(s.rsa, kind, h.Sum(nil), raw) == nil {
			return ""
		}
	default:
		return "signature_method_rejected"
	}
	return "signature_invalid"
}

func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
