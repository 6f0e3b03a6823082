package authserver

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestTokenFaults(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", RotationGrace: -1})
	f := p.s.Faults()
	f.SetRetryAfter(1500 * time.Millisecond)
	tk := p.login()
	for fault, want := range map[Fault]struct {
		status int
		header string
		body   string
	}{
		TokenUnavailable: {503, "Retry-After: 2", "temporarily_unavailable"},
		TokenBusy:        {429, "Retry-After: 2", ""},
		TokenError:       {500, "", "server_error"},
		TokenHTML:        {502, "Content-Type: text/html; charset=utf-8", "<script>"},
		TokenRedirect:    {307, "Location: http://elsewhere.invalid/token", ""},
		InvalidGrant:     {400, "", `"invalid_grant"`},
		InvalidClient:    {401, "", `"invalid_client"`},
	} {
		t.Run(string(fault), func(t *testing.T) {
			f.Set(fault, 2)
			for range 2 {
				r := p.post(p.s.Issuer()+"/token", refresh(tk.Refresh))
				if r.status != want.status || !strings.Contains(r.body, want.body) {
					t.Errorf("%d %s", r.status, r.body)
				}
				if k, v, ok := strings.Cut(want.header, ": "); ok && r.header.Get(k) != v {
					t.Errorf("%s is %q", k, r.header.Get(k))
				}
			}
			// The faults came before anything was carried out, and ended by themselves.
			if tk = p.token(refresh(tk.Refresh)); tk.status != http.StatusOK || f.Applied(fault) != 2 {
				t.Fatalf("afterwards: %d %s, applied %d", tk.status, tk.Error, f.Applied(fault))
			}
		})
	}
}

func TestConnectionFaults(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	f := p.s.Faults()
	tk := p.login()
	ask := func(form url.Values) (reply, error) {
		return p.try(p.request(http.MethodPost, p.s.Issuer()+"/token", form))
	}
	f.Set(TokenCut, 1)
	if r, err := ask(refresh(tk.Refresh)); err == nil || p.s.Stats().Refreshes != 0 {
		t.Errorf("cut: %d, %d refreshes", r.status, p.s.Stats().Refreshes)
	}
	f.Set(TokenLost, 1)
	if r, err := ask(refresh(tk.Refresh)); err == nil || p.s.Stats().Refreshes != 1 {
		t.Errorf("lost: %d, %d refreshes", r.status, p.s.Stats().Refreshes)
	}
	// The client tries its old token again, within the grace.
	if tk = p.token(refresh(tk.Refresh)); tk.status != http.StatusOK || p.s.Stats().GraceUsed != 1 {
		t.Errorf("after a lost answer: %d %s", tk.status, tk.Error)
	}
	f.Set(TokenTruncated, 1)
	if r, err := ask(refresh(tk.Refresh)); err != nil || json.Valid([]byte(r.body)) || len(r.body) < 100 {
		t.Errorf("truncated: %q %v", r.body, err)
	}
	f.Set(TokenHuge, 1)
	if r, err := ask(redeem(p.code())); err != nil || len(r.body) < 10<<20 {
		t.Errorf("huge: %d bytes %v", len(r.body), err)
	}
	f.Set(TokenEndless, 1)
	resp, err := p.http.Do(p.request(http.MethodPost, p.s.Issuer()+"/token", redeem(p.code())))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, resp.Body, 5<<20); err != nil {
		t.Errorf("endless: ended after %d bytes, %v", n, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestContentFaults(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", RotationGrace: -1})
	f := p.s.Faults()
	f.Set(NoIDToken, 1)
	if tk := p.login(); tk.ID != "" {
		t.Error("still an id_token")
	}
	f.Set(NoExpiresIn, 1)
	if tk := p.login(); tk.ExpiresIn != nil {
		t.Error("still expires_in")
	}
	f.Set(WrongTokenType, 1)
	if tk := p.login(); tk.Type != "mac" {
		t.Errorf("token_type %q", tk.Type)
	}
	f.Set(NoAccessToken, 1)
	if tk := p.token(redeem(p.code())); tk.status != http.StatusOK || tk.Access != "" {
		t.Errorf("%d, still an access token", tk.status)
	}
	f.Set(NoRefreshToken, 2)
	tk := p.login()
	if tk.Refresh == "" {
		t.Fatal("the first answer is not a refresh answer")
	}
	for range 2 { // the client's own token stays good
		if next := p.token(refresh(tk.Refresh)); next.status != http.StatusOK || next.Refresh != "" || next.Access == "" {
			t.Errorf("%d %s, refresh token %t", next.status, next.Error, next.Refresh != "")
		}
	}
	if next := p.token(refresh(tk.Refresh)); next.status != http.StatusOK || next.Refresh == "" {
		t.Errorf("afterwards: %d %s", next.status, next.Error)
	}
}

// verified checks an id_token's signature against the published keys.
func (p *person) verified(token string) bool {
	p.t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return false
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(p.get(p.s.Issuer()+"/jwks").body), &set); err != nil {
		p.t.Fatal(err)
	}
	for _, key := range set.Key(jws.Signatures[0].Header.KeyID) {
		if _, err := jws.Verify(key); err == nil {
			return true
		}
	}
	return false
}

func TestIDTokenLies(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	now := float64(time.Now().Unix())
	good := func(head, c map[string]any) bool {
		return head["alg"] == "ES256" && c["nonce"] == "the-nonce" && c["iss"] == p.s.Issuer() && c["aud"] == DemoClientID &&
			c["sub"] == "demo-ada" && c["exp"].(float64) > now && c["iat"].(float64) < now+60
	}
	if tk := p.login(); !p.verified(tk.ID) {
		t.Fatal("a good id_token does not verify")
	} else if head, c, err := decodeJWT(tk.ID); err != nil || !good(head, c) {
		t.Fatalf("%v %v %v", head, c, err)
	}
	for fault, lied := range map[Fault]func(c map[string]any) bool{
		WrongNonce:     func(c map[string]any) bool { return c["nonce"] == "not-the-nonce" },
		NoNonce:        func(c map[string]any) bool { return c["nonce"] == nil },
		WrongIssuer:    func(c map[string]any) bool { return c["iss"] == "http://elsewhere.invalid" },
		WrongAudience:  func(c map[string]any) bool { return c["aud"] == "another-client" },
		ExtraAudience:  func(c map[string]any) bool { return len(stringsIn(c["aud"])) == 2 && c["azp"] == nil },
		WrongSubject:   func(c map[string]any) bool { return c["sub"] == "somebody-else" },
		ExpiredIDToken: func(c map[string]any) bool { return c["exp"].(float64) < now-3500 },
		FutureIDToken:  func(c map[string]any) bool { return c["iat"].(float64) > now+3500 },
		NoExpiry:       func(c map[string]any) bool { return c["exp"] == nil },
		WrongAuthTime:  func(c map[string]any) bool { return c["auth_time"].(float64) < now-3500 },
		WrongAtHash:    func(c map[string]any) bool { return c["at_hash"] == atHash("another token") },
	} {
		t.Run(string(fault), func(t *testing.T) {
			p.s.Faults().Set(fault, 1)
			tk := p.login()
			_, c, err := decodeJWT(tk.ID)
			if err != nil || !lied(c) {
				t.Errorf("%v %v", c, err)
			}
			if !p.verified(tk.ID) {
				t.Error("the lie is not properly signed")
			}
			if p.s.Faults().Applied(fault) != 1 {
				t.Error("not counted")
			}
		})
	}
}

func TestIDTokenForgeries(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	kid := func() any { head, _, _ := decodeJWT(p.login().ID); return head["kid"] }()
	for fault, forged := range map[Fault]func(head map[string]any) bool{
		AlgNone:         func(h map[string]any) bool { return h["alg"] == "none" },
		AlgHS256:        func(h map[string]any) bool { return h["alg"] == "HS256" && h["kid"] == kid },
		UnknownKid:      func(h map[string]any) bool { return h["alg"] == "ES256" && h["kid"] != kid },
		ForeignKey:      func(h map[string]any) bool { return h["alg"] == "ES256" && h["kid"] == kid },
		BrokenSignature: func(h map[string]any) bool { return h["alg"] == "ES256" && h["kid"] == kid },
		UnknownCrit:     func(h map[string]any) bool { return h["crit"] != nil },
	} {
		t.Run(string(fault), func(t *testing.T) {
			p.s.Faults().Set(fault, 1)
			tk := p.login()
			head, _, err := decodeJWT(tk.ID)
			if err != nil || !forged(head) {
				t.Errorf("%v %v", head, err)
			}
			if p.verified(tk.ID) {
				t.Error("verifies all the same")
			}
		})
	}
	// The HMAC must be the one that a confused verifier would accept, or the fault tests nothing.
	p.s.Faults().Set(AlgHS256, 1)
	jws, err := jose.ParseSignedCompact(p.login().ID, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	key, err := p.s.keys.forAlg("ES256")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key.(*ecdsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(der); err != nil {
		t.Errorf("HS256: %v", err)
	}
}

func TestAuthorizeFaults(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	for fault, want := range map[Fault]func(q url.Values) bool{
		WrongState:    func(q url.Values) bool { return q.Get("state") == "not-the-state" && q.Has("code") },
		MissingState:  func(q url.Values) bool { return !q.Has("state") && q.Has("code") },
		WrongIss:      func(q url.Values) bool { return q.Get("iss") == "http://elsewhere.invalid" && q.Has("code") },
		MissingIss:    func(q url.Values) bool { return !q.Has("iss") && q.Has("code") },
		AccessDenied:  func(q url.Values) bool { return q.Get("error") == "access_denied" && !q.Has("code") },
		AuthorizeHTML: func(q url.Values) bool { return strings.Contains(q.Get("error_description"), "<script>") },
	} {
		p.s.Faults().Set(fault, 1)
		if q := p.back(p.authorize()); !want(q) {
			t.Errorf("%s: %v", fault, q)
		}
		if q := p.back(p.authorize()); q.Get("state") != "the-state" || q.Get("iss") != p.s.Issuer() || !q.Has("code") {
			t.Errorf("after %s: %v", fault, q)
		}
	}
}

func TestOtherFaults(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	f, tk := p.s.Faults(), p.login()
	for fault, path := range map[Fault]string{DiscoveryDown: wellKnownOIDC, JWKSDown: "/jwks"} {
		f.Set(fault, UntilCleared)
		for range 3 {
			if r := p.get(p.s.Issuer() + path); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
				t.Errorf("%s: %d", fault, r.status)
			}
		}
		f.Clear()
		if r := p.get(p.s.Issuer() + path); r.status != http.StatusOK {
			t.Errorf("%s cleared: %d", fault, r.status)
		}
	}
	f.Set(DiscoveryOther, 1)
	if r := p.get(p.s.Issuer() + wellKnownOIDC); !strings.Contains(r.body, `"issuer":"http://elsewhere.invalid"`) {
		t.Errorf("discovery %s", r.body)
	}
	f.Set(JWKSOdd, 1)
	var set jose.JSONWebKeySet
	odd := p.get(p.s.Issuer() + "/jwks").body
	if err := json.Unmarshal([]byte(odd), &set); err == nil || !strings.Contains(odd, "es256-") {
		t.Errorf("jwks %s", odd)
	}
	f.Set(RevokeUnavailable, 1)
	form := url.Values{"token": {tk.Refresh}, "client_id": {DemoClientID}}
	if r := p.post(p.s.Issuer()+"/revoke", form); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
		t.Errorf("revoke: %d", r.status)
	}
	if tk = p.token(refresh(tk.Refresh)); tk.status != http.StatusOK {
		t.Errorf("revoked all the same: %d", tk.status)
	}
	f.Set(APIUnavailable, 1)
	if r := p.whoami(tk.Access); r.status != http.StatusServiceUnavailable {
		t.Errorf("api: %d", r.status)
	}
	f.Set(UserinfoOther, 1)
	req := p.request(http.MethodGet, p.s.Issuer()+"/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+tk.Access)
	if r := p.do(req); !strings.Contains(r.body, "somebody-else") {
		t.Errorf("userinfo %d %s", r.status, r.body)
	}
}
