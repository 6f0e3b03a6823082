//go:build e2e && linux

package e2e

import (
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What Fob is held to by this server is held by the server: it refuses who does otherwise. These tests are of the server, and
// know nothing of Fob.

// assertion is a client_assertion's two parameters.
func (p *fullProvider) assertion(c fullClient) url.Values {
	key := any(c.Secret)
	if c.PrivateKeyPEM != "" {
		key = parsePEM(p.t, c.PrivateKeyPEM)
	}
	claims := timed(map[string]any{"iss": c.ID, "sub": c.ID, "aud": p.issuer})
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {signJWT(p.t, c.Alg, key, nil, claims)},
	}
}

// code logs in and returns the code.
func (p *fullProvider) code(request url.Values) string {
	p.t.Helper()
	at := walk(p.t, p.http(""), p.issuer+"/auth?"+request.Encode())
	code := at.Query().Get("code")
	if code == "" {
		p.t.Fatalf("no code: %s %s", at.Query().Get("error"), at.Query().Get("error_description"))
	}
	return code
}

// redeem is the form of the token request of a public client.
func redeem(client, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://127.0.0.1:9/callback"}, "code_verifier": {verifier}, "client_id": {client}}
}

// login is the whole code flow of a public client that nothing more is asked of.
func (p *fullProvider) login(client, scope string, more ...string) reply {
	p.t.Helper()
	answer := send(p.t, p.http(""), p.issuer+"/token", redeem(client, p.code(authorization(client, scope, more...))))
	answer.grants(p.t, client, "access_token")
	return answer
}

// refusedAt logs in and holds that the redirect brings this error.
func (p *fullProvider) refusedAt(what string, request url.Values, code string) {
	p.t.Helper()
	at := walk(p.t, p.http(""), p.issuer+"/auth?"+request.Encode())
	if at.Query().Get("error") != code || at.Query().Get("iss") != p.issuer {
		p.t.Errorf("%s: %q (%s), iss %q; want %s", what, at.Query().Get("error"), at.Query().Get("error_description"), at.Query().Get("iss"), code)
	}
}

// encryptionKey is the server's key to encrypt for.
func (p *fullProvider) encryptionKey() (kid string, key *rsa.PublicKey) {
	p.t.Helper()
	keys, _ := send(p.t, p.http(""), p.issuer+"/jwks", nil).body["keys"].([]any)
	for _, k := range keys {
		k := k.(map[string]any)
		if k["use"] == "enc" && k["kty"] == "RSA" {
			n, err := base64.RawURLEncoding.DecodeString(k["n"].(string))
			must(p.t, err)
			return k["kid"].(string), &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		}
	}
	p.t.Fatal("the server has no key to encrypt for")
	return "", nil
}

func TestFullClientAuthentication(t *testing.T) {
	t.Parallel()
	p := startFull(t)
	machine := url.Values{"grant_type": {"client_credentials"}}
	token := p.issuer + "/token"

	for _, name := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt-ES256", "private_key_jwt-RS256", "private_key_jwt-PS256", "private_key_jwt-EdDSA"} {
		c := p.client(name)
		form, headers := with(machine, "client_id", c.ID), []string{}
		wrong := maps.Clone(form)
		var wrongHeaders []string
		switch c.Method {
		case "client_secret_basic":
			form, headers = machine, []string{basic(c.ID, c.Secret)}
			wrongHeaders = []string{basic(c.ID, "wrong")}
		case "client_secret_post":
			form.Set("client_secret", c.Secret)
			wrong.Set("client_secret", "wrong")
		default:
			maps.Copy(form, p.assertion(c))
			other := p.client("fapi") // signed, by somebody else
			other.ID, other.Alg = c.ID, "ES256"
			maps.Copy(wrong, p.assertion(other))
		}
		send(t, p.http(""), token, form, headers...).grants(t, name, "access_token")
		send(t, p.http(""), token, wrong, wrongHeaders...).refuses(t, name+", wrong", 401, "invalid_client")
		if c.Method != "client_secret_basic" {
			send(t, p.http(""), token, form, basic(c.ID, "x")).refuses(t, name+", two at once", 400, "invalid_request")
		}
		if strings.HasSuffix(c.Method, "_jwt") {
			send(t, p.http(""), token, form).refuses(t, name+", the same assertion again", 401, "invalid_client")
		}
	}

	for name, wrong := range map[string]string{"tls_client_auth": "self", "self_signed_tls_client_auth": "client"} {
		form, right := with(machine, "client_id", name), map[string]string{"self": "client", "client": "self"}[wrong]
		access := send(t, p.http(right), p.mtls+"/token", form).grants(t, name, "access_token")
		send(t, p.http(wrong), p.mtls+"/token", form).refuses(t, name+", another certificate", 401, "invalid_client")
		send(t, p.http(""), p.mtls+"/token", form).refuses(t, name+", no certificate", 401, "invalid_client")
		send(t, p.http(right), p.issuer+"/token", form).refuses(t, name+", at the plain address", 401, "invalid_client")
		c := p.client("introspect")
		answer := send(t, p.http(""), p.issuer+"/token/introspection", url.Values{"token": {access}}, basic(c.ID, c.Secret))
		if cnf, _ := answer.body["cnf"].(map[string]any); answer.body["active"] != true || cnf["x5t#S256"] == nil {
			t.Errorf("%s: active %v, cnf %v", name, answer.body["active"], cnf)
		}
	}
}

func TestFullRequests(t *testing.T) {
	t.Parallel()
	p := startFull(t)
	hc := p.http("")

	// PKCE, and what a client is registered to do.
	p.refusedAt("no PKCE", authorization("none", "openid", "code_challenge", "", "code_challenge_method", ""), "invalid_request")
	p.refusedAt("PKCE plain", authorization("none", "openid", "code_challenge_method", "plain"), "invalid_request")
	p.refusedAt("the person says no", authorization("none", "openid", "login_hint", "nobody"), "access_denied")
	p.refusedAt("no PAR", authorization("par", "openid"), "invalid_request")
	pushed := send(t, hc, p.issuer+"/request", authorization("par", "openid")).grants(t, "par", "request_uri")
	byReference := url.Values{"client_id": {"par"}, "request_uri": {pushed}}
	send(t, hc, p.issuer+"/token", redeem("par", p.code(byReference))).grants(t, "par", "access_token")
	if again := send(t, hc, p.issuer+"/auth?"+byReference.Encode(), nil); again.status != 400 {
		t.Errorf("a request_uri is taken twice: %d", again.status)
	}

	// JAR.
	p.refusedAt("no request object", authorization("jar", "openid"), "invalid_request")
	jar := p.client("jar")
	claims := map[string]any{"iss": "jar", "aud": p.issuer}
	for name, value := range authorization("jar", "openid") {
		claims[name] = value[0]
	}
	object := signJWT(t, "ES256", parsePEM(t, jar.PrivateKeyPEM), map[string]any{"typ": "oauth-authz-req+jwt"}, timed(claims))
	p.code(url.Values{"client_id": {"jar"}, "request": {object}})
	forged := signJWT(t, "ES256", parsePEM(t, p.client("fapi").PrivateKeyPEM), nil, timed(claims))
	if answer := send(t, hc, p.issuer+"/auth?"+url.Values{"client_id": {"jar"}, "request": {forged}}.Encode(), nil); answer.status != 400 || !strings.Contains(answer.text, "invalid_request_object") {
		t.Errorf("a forged request object is answered with %d", answer.status)
	}
	// This server takes an object that is not encrypted from a client that registered to encrypt, too; it counts which came.
	encrypted := p.client("jar-encrypted")
	claims["iss"], claims["client_id"] = encrypted.ID, encrypted.ID
	object = signJWT(t, "PS256", parsePEM(t, encrypted.PrivateKeyPEM), nil, timed(claims))
	kid, public := p.encryptionKey()
	p.code(url.Values{"client_id": {encrypted.ID}, "request": {encryptJWT(t, public, kid, object)}})
	p.refusedAt("no encrypted request object", authorization(encrypted.ID, "openid"), "invalid_request")
	if n := p.requests(); n["request objects, encrypted"] != 1 || n["request objects"] != 2 {
		t.Errorf("%d request objects were encrypted, %d not", n["request objects, encrypted"], n["request objects"])
	}

	// JARM: the answer is one JWT.
	for client, parts := range map[string]int{"jarm": 3, "jarm-encrypted": 5} {
		at := walk(t, hc, p.issuer+"/auth?"+authorization(client, "openid", "response_mode", "jwt").Encode())
		answer := at.Query().Get("response")
		if len(strings.Split(answer, ".")) != parts || at.Query().Get("code") != "" {
			t.Fatalf("%s: the answer has the parameters %v", client, at.RawQuery != "")
		}
		if header, claims := claimsOf(t, answer); parts == 3 && (header["alg"] != "ES256" || claims["aud"] != client || claims["iss"] != p.issuer || claims["code"] == nil) {
			t.Errorf("%s: %v", client, header)
		}
	}
	at := walk(t, hc, p.issuer+"/auth?"+authorization("hybrid", "openid", "response_type", "code id_token").Encode())
	if fragment, err := url.ParseQuery(at.Fragment); err != nil || fragment.Get("code") == "" || fragment.Get("id_token") == "" {
		t.Errorf("hybrid: no code and ID token in the fragment (%v)", err)
	}

	// Resources and authorization details.
	p.refusedAt("an unknown resource", authorization("none", "openid", "resource", "https://evil.example/"), "invalid_target")
	api := "https://api.example.com/"
	form := with(redeem("none", p.code(authorization("none", "openid api:read", "resource", api))), "resource", api)
	access := send(t, hc, p.issuer+"/token", form).grants(t, "resource", "access_token")
	if header, claims := claimsOf(t, access); header["typ"] != "at+jwt" || claims["aud"] != api || claims["scope"] != "api:read" {
		t.Errorf("the resource's token: %v, for %v, %v", header["typ"], claims["aud"], claims["scope"])
	}
	p.refusedAt("details of an unknown type", authorization("none", "openid", "authorization_details", `[{"type":"x"}]`), "invalid_authorization_details")
	p.refusedAt("a payment of nothing", authorization("none", "openid", "authorization_details", `[{"type":"payment"}]`), "invalid_authorization_details")
	p.refusedAt("details for no resource", authorization("none", "openid", "authorization_details", `[{"type":"payment","amount":5000}]`), "invalid_target")
	request := authorization("none", "openid api:read", "resource", api, "authorization_details", `[{"type":"payment","amount":5000}]`)
	answer := send(t, hc, p.issuer+"/token", with(redeem("none", p.code(request)), "resource", api))
	details, _ := answer.body["authorization_details"].([]any)
	if len(details) != 1 || details[0].(map[string]any)["amount"] != 1000.0 {
		t.Errorf("granted details: %v", details)
	}

	// acr as asked, and none other.
	_, id := claimsOf(t, p.login("none", "openid", "acr_values", "urn:example:gold", "max_age", "60").body["id_token"].(string))
	if id["acr"] != "urn:example:gold" || id["auth_time"] == nil {
		t.Errorf("acr %v, auth_time %v", id["acr"], id["auth_time"])
	}
}

func TestFullSenderConstrained(t *testing.T) {
	t.Parallel()
	p := startFull(t)
	hc, token := p.http(""), p.issuer+"/token"

	code := p.code(authorization("dpop", "openid offline_access", "prompt", "consent"))
	send(t, hc, token, redeem("dpop", code)).refuses(t, "no proof", 400, "invalid_grant")
	key := newDPoP(t)
	answer := key.post(hc, token, redeem("dpop", p.code(authorization("dpop", "openid offline_access", "prompt", "consent")))) // asks for a nonce, or fails
	access := answer.grants(t, "dpop", "access_token")
	if answer.body["token_type"] != "DPoP" {
		t.Errorf("token_type %v", answer.body["token_type"])
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {answer.grants(t, "dpop", "refresh_token")}, "client_id": {"dpop"}}
	newDPoP(t).post(hc, token, refresh).refuses(t, "refreshed with another key", 400, "invalid_grant")
	key.post(hc, token, refresh).grants(t, "refreshed", "access_token")

	me := p.issuer + "/me"
	if bearer := send(t, hc, me, nil, "Authorization: Bearer "+access); bearer.status != 401 && bearer.status != 400 {
		t.Errorf("a DPoP token as Bearer is answered with %d", bearer.status)
	}
	first := send(t, hc, me, nil, "Authorization: DPoP "+access, key.proof("GET", me, access, ""))
	first.refuses(t, "userinfo without nonce", 401, "use_dpop_nonce")
	nonce := first.header.Get("DPoP-Nonce")
	send(t, hc, me, nil, "Authorization: DPoP "+access, key.proof("GET", me, access, nonce)).grants(t, "userinfo", "sub")
	send(t, hc, me, nil, "Authorization: DPoP "+access, newDPoP(t).proof("GET", me, access, nonce)).refuses(t, "userinfo with another key", 401, "invalid_token")

	// dpop_jkt binds the code already.
	code = p.code(authorization("dpop", "openid", "dpop_jkt", strings.Repeat("A", 43)))
	key.post(hc, token, redeem("dpop", code)).refuses(t, "another key than dpop_jkt", 400, "invalid_grant")

	// A certificate does the same.
	bound := send(t, p.http("self"), p.mtls+"/token", redeem("mtls-bound", p.code(authorization("mtls-bound", "openid")))).grants(t, "mtls-bound", "access_token")
	send(t, p.http("self"), p.mtls+"/me", nil, "Authorization: Bearer "+bound).grants(t, "userinfo with the certificate", "sub")
	send(t, p.http("client"), p.mtls+"/me", nil, "Authorization: Bearer "+bound).refuses(t, "userinfo with another certificate", 401, "invalid_token")
	send(t, hc, p.issuer+"/me", nil, "Authorization: Bearer "+bound).refuses(t, "userinfo without certificate", 401, "invalid_token")
	send(t, p.http(""), p.mtls+"/token", redeem("mtls-bound", p.code(authorization("mtls-bound", "openid")))).refuses(t, "no certificate", 400, "invalid_grant")
}

func TestFullAnswers(t *testing.T) {
	t.Parallel()
	p := startFull(t)
	hc := p.http("")
	for client, alg := range map[string]string{"id-PS256": "PS256", "id-ES256": "ES256", "id-EdDSA": "EdDSA", "id-encrypted": "RSA-OAEP-256", "id-encrypted-ECDH": "ECDH-ES"} {
		header, _ := claimsOf(t, p.login(client, "openid").body["id_token"].(string))
		if header["alg"] != alg {
			t.Errorf("%s: the ID token's alg is %v", client, header["alg"])
		}
	}
	hs := p.client("id-HS256")
	answer := send(t, hc, p.issuer+"/token", redeem(hs.ID, p.code(authorization(hs.ID, "openid"))), basic(hs.ID, hs.Secret))
	if header, _ := claimsOf(t, answer.grants(t, hs.ID, "id_token")); header["alg"] != "HS256" {
		t.Errorf("id-HS256: %v", header["alg"])
	}
	for client, alg := range map[string]string{"userinfo-signed": "ES256", "userinfo-encrypted": "RSA-OAEP-256"} {
		info := send(t, hc, p.issuer+"/me", nil, "Authorization: Bearer "+p.login(client, "openid email").body["access_token"].(string))
		if header, _ := claimsOf(t, info.text); header["alg"] != alg || !strings.HasPrefix(info.header.Get("Content-Type"), "application/jwt") {
			t.Errorf("%s: %v, %s", client, header["alg"], info.header.Get("Content-Type"))
		}
	}

	// Introspection as JSON and JWT, and of a token that is none.
	c := p.client("introspect")
	at := p.issuer + "/token/introspection"
	access := p.login("none", "openid").body["access_token"].(string)
	send(t, hc, at, url.Values{"token": {access}}, basic(c.ID, "wrong")).refuses(t, "introspection, wrong secret", 401, "invalid_client")
	if plain := send(t, hc, at, url.Values{"token": {access}}, basic(c.ID, c.Secret)); plain.body["active"] != true || plain.body["sub"] != "alice" {
		t.Errorf("introspection: active %v, sub %v", plain.body["active"], plain.body["sub"])
	}
	signed := send(t, hc, at, url.Values{"token": {access}}, basic(c.ID, c.Secret), "Accept: application/token-introspection+jwt")
	header, claims := claimsOf(t, signed.text)
	inner, _ := claims["token_introspection"].(map[string]any)
	if header["typ"] != "token-introspection+jwt" || header["alg"] != "ES256" || inner["active"] != true || claims["aud"] != c.ID {
		t.Errorf("introspection as JWT: %v, active %v", header, inner["active"])
	}
	if gone := send(t, hc, at, url.Values{"token": {"nonsense"}}, basic(c.ID, c.Secret)); gone.body["active"] != false {
		t.Errorf("nonsense is active: %v", gone.body["active"])
	}

	// RP-initiated logout: back to the client with state, for a registered address only.
	var err error
	hc.Jar, err = cookiejar.New(nil)
	must(t, err)
	code := walk(t, hc, p.issuer+"/auth?"+authorization("none", "openid").Encode()).Query().Get("code")
	id := send(t, hc, p.issuer+"/token", redeem("none", code)).grants(t, "login", "id_token")
	end := url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {"http://127.0.0.1:9/logged-out"}, "state": {"bye"}}
	shown := send(t, hc, p.issuer+"/session/end?"+end.Encode(), nil)
	xsrf := regexp.MustCompile(`name="xsrf" value="([^"]+)"`).FindStringSubmatch(shown.text)
	if shown.status != 200 || xsrf == nil {
		t.Fatalf("logout answers %d", shown.status)
	}
	bye := send(t, hc, p.issuer+"/session/end/confirm", url.Values{"xsrf": {xsrf[1]}, "logout": {"yes"}})
	if bye.header.Get("Location") != "http://127.0.0.1:9/logged-out?state=bye" {
		t.Errorf("after logout: %d", bye.status)
	}
	if shown := send(t, hc, p.issuer+"/session/end?"+with(end, "post_logout_redirect_uri", "https://evil.example/").Encode(), nil); shown.status != 400 {
		t.Errorf("logout with a foreign address answers %d", shown.status)
	}
}

func TestFullWithoutBrowser(t *testing.T) {
	t.Parallel()
	p := startFull(t)
	hc, token := p.http(""), p.issuer+"/token"

	// Device.
	ask := func(client string) (poll url.Values, userCode string) {
		answer := send(t, hc, p.issuer+"/device/auth", url.Values{"client_id": {client}, "scope": {"openid"}})
		code := answer.grants(t, "device", "device_code")
		if complete := answer.grants(t, "device", "verification_uri_complete"); !strings.HasPrefix(complete, p.issuer) {
			t.Errorf("verification_uri_complete %s", complete)
		}
		return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code}, "client_id": {client}}, answer.grants(t, "device", "user_code")
	}
	poll, userCode := ask("none")
	send(t, hc, token, poll).refuses(t, "device, not yet", 400, "authorization_pending")
	p.approveDevice(userCode, "bob")
	_, id := claimsOf(t, send(t, hc, token, poll).grants(t, "device", "id_token"))
	if id["sub"] != "bob" {
		t.Errorf("the device's person is %v", id["sub"])
	}
	send(t, hc, token, poll).refuses(t, "device, a second time", 400, "invalid_grant")
	poll, userCode = ask("none")
	p.denyDevice(userCode)
	send(t, hc, token, poll).refuses(t, "device, refused", 400, "access_denied")

	// CIBA.
	c := p.client("client_secret_basic")
	backchannel := p.issuer + "/backchannel"
	request := url.Values{"scope": {"openid"}, "login_hint": {"carol"}, "binding_message": {"W4SCT"}}
	send(t, hc, backchannel, with(request, "id_token_hint", "x"), basic(c.ID, c.Secret)).refuses(t, "two hints", 400, "invalid_request")
	send(t, hc, backchannel, with(request, "login_hint", "nobody"), basic(c.ID, c.Secret)).refuses(t, "nobody", 400, "unknown_user_id")
	send(t, hc, backchannel, with(request, "binding_message", "<b>"), basic(c.ID, c.Secret)).refuses(t, "a bad message", 400, "invalid_binding_message")
	send(t, hc, backchannel, with(request, "user_code", "0000"), basic(c.ID, c.Secret)).refuses(t, "a wrong user code", 400, "invalid_user_code")
	for _, approve := range []bool{true, false} {
		asked := send(t, hc, backchannel, request, basic(c.ID, c.Secret)).grants(t, "ciba", "auth_req_id")
		far := p.asked()
		if far.User != "carol" || far.Message != "W4SCT" || far.Client != c.ID {
			t.Errorf("the device far away is asked %+v", far)
		}
		poll := url.Values{"grant_type": {"urn:openid:params:grant-type:ciba"}, "auth_req_id": {asked}}
		send(t, hc, token, poll, basic(c.ID, c.Secret)).refuses(t, "ciba, not yet", 400, "authorization_pending")
		if approve {
			p.approveCIBA(far.ID)
			send(t, hc, token, poll, basic(c.ID, c.Secret)).grants(t, "ciba", "id_token")
		} else {
			p.denyCIBA(far.ID)
			send(t, hc, token, poll, basic(c.ID, c.Secret)).refuses(t, "ciba, refused", 400, "access_denied")
		}
	}
	s := p.client("ciba-signed")
	plain := with(request, "client_id", s.ID)
	maps.Copy(plain, p.assertion(s))
	send(t, hc, backchannel, plain).refuses(t, "ciba, not signed", 400, "invalid_request")
	signed := with(url.Values{}, "client_id", s.ID, "request", signJWT(t, "ES256", parsePEM(t, s.PrivateKeyPEM), nil,
		timed(map[string]any{"iss": s.ID, "aud": p.issuer, "scope": "openid", "login_hint": "carol"})))
	maps.Copy(signed, p.assertion(s))
	send(t, hc, backchannel, signed).grants(t, "ciba, signed", "auth_req_id")
}

func TestFullRegistration(t *testing.T) {
	t.Parallel()
	p := startFull(t, "--initial-access-token", "--tls")
	hc := p.http("")
	if !strings.HasPrefix(p.issuer, "https://") {
		t.Fatalf("--tls gives %s", p.issuer)
	}
	if _, err := http.Get(p.issuer); err == nil {
		t.Error("the certificate is good for somebody who does not know the authority")
	}
	metadata := map[string]any{"redirect_uris": []string{"http://127.0.0.1/callback"}, "application_type": "native", "token_endpoint_auth_method": "none"}
	sendJSON(t, hc, "POST", p.issuer+"/reg", metadata).refuses(t, "registration without token", 401, "invalid_token")
	sendJSON(t, hc, "POST", p.issuer+"/reg", metadata, "Authorization: Bearer wrong").refuses(t, "registration, wrong token", 401, "invalid_token")
	made := sendJSON(t, hc, "POST", p.issuer+"/reg", metadata, "Authorization: Bearer "+p.initialAccessToken)
	id, at, key := made.grants(t, "registration", "client_id"), made.grants(t, "registration", "registration_client_uri"), made.grants(t, "registration", "registration_access_token")
	send(t, hc, p.issuer+"/token", redeem(id, p.code(authorization(id, "openid")))).grants(t, "the new client", "access_token")

	metadata["client_id"], metadata["client_name"] = id, "changed"
	changed := sendJSON(t, hc, "PUT", at, metadata, "Authorization: Bearer "+key)
	next := changed.grants(t, "update", "registration_access_token")
	if next == key || changed.body["client_name"] != "changed" {
		t.Errorf("update: the token is new: %t; the name is %v", next != key, changed.body["client_name"])
	}
	send(t, hc, at, nil, "Authorization: Bearer "+key).refuses(t, "the old token", 401, "invalid_token")
	if gone := sendJSON(t, hc, "DELETE", at, nil, "Authorization: Bearer "+next); gone.status != 204 {
		t.Errorf("removal answers %d", gone.status)
	}
	if forgotten := send(t, hc, p.issuer+"/auth?"+authorization(id, "openid").Encode(), nil); !strings.Contains(forgotten.text, "invalid_client") {
		t.Errorf("a removed client is answered with %d", forgotten.status)
	}
}

func TestFullFAPI(t *testing.T) {
	t.Parallel()
	p := startFull(t, "--tls")
	hc := p.http("")
	c := p.client("fapi")
	pushed := func(request url.Values) reply {
		maps.Copy(request, p.assertion(c))
		return send(t, hc, p.issuer+"/request", request)
	}
	p.refusedAt("fapi, no PAR", authorization("fapi", "openid"), "invalid_request")
	pushed(authorization("fapi", "openid", "code_challenge", "", "code_challenge_method", "")).refuses(t, "fapi, no PKCE", 400, "invalid_request")
	reference := pushed(authorization("fapi", "openid")).grants(t, "fapi", "request_uri")
	form := redeem("fapi", p.code(url.Values{"client_id": {"fapi"}, "request_uri": {reference}}))
	bare := maps.Clone(form)
	maps.Copy(bare, p.assertion(c))
	send(t, hc, p.issuer+"/token", bare).refuses(t, "fapi, no DPoP", 400, "invalid_grant")
	key := newDPoP(t)
	reference = pushed(authorization("fapi", "openid")).grants(t, "fapi", "request_uri")
	form.Set("code", p.code(url.Values{"client_id": {"fapi"}, "request_uri": {reference}}))
	maps.Copy(form, p.assertion(c))
	answer := send(t, hc, p.issuer+"/token", form, key.proof("POST", p.issuer+"/token", "", ""))
	answer.refuses(t, "fapi, no nonce", 400, "use_dpop_nonce")
	maps.Copy(form, p.assertion(c)) // fresh for each request
	answer = send(t, hc, p.issuer+"/token", form, key.proof("POST", p.issuer+"/token", "", answer.header.Get("DPoP-Nonce")))
	if answer.grants(t, "fapi", "access_token"); answer.body["token_type"] != "DPoP" {
		t.Errorf("token_type %v", answer.body["token_type"])
	}
	// The assertion's audience is the issuer and nothing else (FAPI 2.0 §5.3.2.1).
	claims := timed(map[string]any{"iss": c.ID, "sub": c.ID, "aud": p.issuer + "/token"})
	form = authorization("fapi", "openid", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"client_assertion", signJWT(t, c.Alg, parsePEM(t, c.PrivateKeyPEM), nil, claims))
	send(t, hc, p.issuer+"/request", form).refuses(t, "fapi, aud of the token endpoint", 401, "invalid_client")
}
