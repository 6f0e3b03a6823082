package oauth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const authReqID = "auth-req-id-1c266114"

// backchannel is a fake that speaks CIBA.
func backchannel(t *testing.T) (*fake, *Client) {
	f := newFake(t)
	f.metadata["backchannel_authentication_endpoint"] = f.URL + "/bc"
	f.metadata["backchannel_token_delivery_modes_supported"] = []string{"poll", "ping"}
	f.routes["/bc"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"auth_req_id": authReqID, "expires_in": 120, "interval": 2})
	}
	c := f.client()
	c.Secret = "the-client-secret"
	return f, c
}

func TestBackchannel(t *testing.T) { // F-028, F-029, F-030, R-235
	f, c := backchannel(t)
	a, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{
		LoginHint: "alice@example.com", BindingMessage: "W4SCT", UserCode: "1234-user", ACRValues: []string{"high", "low"},
		RequestedExpiry: 2 * time.Minute, ClientNotificationToken: "notify-me-token",
	}, TokenRequest{Scope: []string{"read"}, Extra: url.Values{"vendor": {"1"}}})
	if err != nil {
		t.Fatal(err)
	}
	form, auth := f.lastForm()
	want := url.Values{
		"scope": {"openid read"}, "login_hint": {"alice@example.com"}, "binding_message": {"W4SCT"}, "user_code": {"1234-user"},
		"acr_values": {"high low"}, "requested_expiry": {"120"}, "client_notification_token": {"notify-me-token"}, "vendor": {"1"},
	}
	if form.Encode() != want.Encode() || auth == "" {
		t.Errorf("form %v, auth %q", form, auth)
	}
	if a.BindingMessage != "W4SCT" || a.Interval != 2*time.Second || a.ExpiresAt.IsZero() {
		t.Errorf("%v %v", a.Interval, a.ExpiresAt)
	}
	noSecret(t, fmt.Sprintf("%v %+v %#v", a, a, a), authReqID)
	saved, err := a.Save()
	if err != nil {
		t.Fatal(err)
	}
	f.claims["urn:openid:params:jwt:claim:auth_req_id"] = authReqID
	f.claims["acr"] = "low"
	tok, err := a.Poll(t.Context())
	if err != nil || tok.Claims["sub"] != "alice" || !check(t, tok.Checks, "auth_req_id").OK || !check(t, tok.Checks, "signature").OK {
		t.Fatal(tok, err)
	}
	form, _ = f.lastForm()
	if form.Get("grant_type") != "urn:openid:params:grant-type:ciba" || form.Get("auth_req_id") != authReqID {
		t.Errorf("form %v", form)
	}
	again, err := c.ResumeBackchannel(saved)
	if err != nil || again.BindingMessage != "W4SCT" {
		t.Fatal(again, err)
	}
	if _, err := again.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.ResumeDevice(saved); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// The id_token is required, and bound to this request where it says so.
func TestBackchannelIDToken(t *testing.T) {
	half := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return b64(sum[:16])
	}
	for _, tc := range []struct {
		name   string
		token  map[string]any
		claims map[string]any
		err    error
	}{
		{"all hashes", nil, map[string]any{"at_hash": half("access-urn:openid:params:grant-type:ciba"),
			"urn:openid:params:jwt:claim:rt_hash": half("refresh-2"), "urn:openid:params:jwt:claim:auth_req_id": authReqID}, nil},
		{"none", map[string]any{"id_token": nil}, nil, ErrNoIDToken},
		{"another request's", nil, map[string]any{"urn:openid:params:jwt:claim:auth_req_id": "other"}, ErrHash},
		{"another refresh token's", nil, map[string]any{"urn:openid:params:jwt:claim:rt_hash": half("other")}, ErrHash},
		{"another access token's", nil, map[string]any{"at_hash": half("other")}, ErrHash},
		{"another client's", nil, map[string]any{"aud": "other"}, ErrAudience},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, c := backchannel(t)
			a, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "alice"}, TokenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(f.token, tc.token)
			maps.Copy(f.claims, tc.claims)
			tok, err := a.Poll(t.Context())
			if !errors.Is(err, tc.err) || (err == nil) != (tok != nil) {
				t.Fatal(tok, err)
			}
			if err != nil {
				noSecret(t, err.Error(), authReqID)
			}
			if _, err := a.Poll(t.Context()); !errors.Is(err, ErrReused) {
				t.Errorf("the request is spent: %v", err)
			}
		})
	}
}

func TestBackchannelSigned(t *testing.T) { // F-029, R-235
	f, c := backchannel(t)
	c.PrivateKeys, c.BackchannelSigningAlg = testKeys(t), "ES256"
	c.Params = map[RequestKind]url.Values{ForBackchannel: {"tenant": {"blue"}}}
	_, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHintToken: "hint-token", BindingMessage: "W4"},
		TokenRequest{Scope: []string{"openid"}, Resource: []string{"https://a.example", "https://b.example"}})
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if len(form) != 1 { // section 7.1.1: nothing outside
		t.Errorf("form %v", form)
	}
	jwt := opened(t, c.PrivateKeys, Secret(form.Get("request")))
	for name, want := range map[string]any{"iss": "client", "aud": f.URL, "scope": "openid", "login_hint_token": "hint-token",
		"binding_message": "W4", "tenant": "blue"} {
		if jwt.Claims[name] != want {
			t.Errorf("%s: %v", name, jwt.Claims[name])
		}
	}
	now := time.Now()
	exp, _ := NumericDate(jwt.Claims["exp"])
	iat, _ := NumericDate(jwt.Claims["iat"])
	nbf, _ := NumericDate(jwt.Claims["nbf"])
	if jwt.Claims["jti"] == nil || exp.Before(now) || exp.Sub(iat) > time.Hour || nbf.After(now) || len(texts(jwt.Claims["resource"])) != 2 {
		t.Errorf("%v", jwt.Claims)
	}
	if _, sub := jwt.Claims["sub"]; sub {
		t.Error("with a sub it would pass for a client assertion")
	}
	n := f.count("/bc")
	for _, alg := range []string{"none", "HS256", "PS512x"} {
		c.BackchannelSigningAlg = alg
		if _, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "a"}, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/bc") != n {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestBackchannelRefuses(t *testing.T) {
	f, c := backchannel(t)
	for name, b := range map[string]BackchannelRequest{
		"no hint": {}, "two hints": {LoginHint: "a", IDTokenHint: "id-token"},
		"three hints":   {LoginHint: "a", LoginHintToken: "hint-token", IDTokenHint: "id-token"},
		"half a second": {LoginHint: "a", RequestedExpiry: time.Second / 2},
	} {
		if _, err := c.AuthorizeBackchannel(t.Context(), b, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/bc") != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Metadata.BackchannelDeliveryModesSupported = []string{"push", "ping"}
	_, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "a"}, TokenRequest{})
	if !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "push, ping") || f.count("/bc") != 0 {
		t.Errorf("push and ping only: %v", err)
	}
	c.Metadata.BackchannelDeliveryModesSupported = nil
	f.routes["/bc"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "unknown_user_id"})
	}
	if _, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "a"}, TokenRequest{}); !errors.Is(err, UnknownUserID) {
		t.Error(err)
	}
	f.routes["/bc"] = func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"expires_in": 5}) }
	if _, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "a"}, TokenRequest{}); !errors.Is(err, ErrDeviceResponse) {
		t.Error(err)
	}
	c.Metadata.Issuer = ""
	if _, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "a"}, TokenRequest{}); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

func TestBackchannelPolling(t *testing.T) { // F-030, R-235
	synctest.Test(t, func(t *testing.T) {
		w, c := newWaits(t, AuthorizationPending, SlowDown, AuthorizationPending, TransactionFailed)
		w.begin = map[string]any{"auth_req_id": authReqID, "expires_in": 300}
		a, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "alice"}, TokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Wait(t.Context()); !errors.Is(err, TransactionFailed) {
			t.Error(err)
		}
		w.at(5, 10, 20, 30)
	})
}
