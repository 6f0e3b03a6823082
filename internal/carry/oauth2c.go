package carry

import (
	"errors"
	"slices"
	"strings"

	"fob/profiles"
)

// A command line of cloudentity's oauth2c, with the flags of its cmd/oauth2.go.

var oauth2cSwitches = []string{"pkce", "par", "request-object", "encrypted-request-object", "insecure", "silent", "s", "no-browser", "no-prompt", "dpop", "no-origin", "raw"}

func isOAuth2c(s Source, _ node) bool {
	return s.Files == nil && strings.Contains(s.Text, "oauth2c") && len(s.Text) < 1<<20 && slices.ContainsFunc(commands(s.Text), func(words []string) bool { return oauth2cAt(words) >= 0 })
}

func oauth2cAt(words []string) int {
	for i, word := range words {
		if word == "oauth2c" || strings.HasSuffix(word, "/oauth2c") {
			return i
		}
		if word != "$" && (strings.HasPrefix(word, "-") || !strings.Contains(word, "=")) {
			return -1
		}
	}
	return -1
}

func readOAuth2c(r *reading) error {
	found := false
	for _, words := range commands(r.source.Text) {
		if at := oauth2cAt(words); at >= 0 {
			found = true
			r.oauth2c(words[at+1:])
		}
	}
	if !found {
		return errors.New("holds no oauth2c command")
	}
	return nil
}

func (r *reading) oauth2c(words []string) {
	given, others := readFlags(words, oauth2cSwitches)
	d := r.draft("", variables{})
	use := func(flag, key string) {
		given.take(flag, func(v string) { d.plain(key, v, func(v string) { d.set(key, v) }) })
	}
	list := func(flag, key string) {
		var all []string
		given.take(flag, func(v string) { d.plain(key, v, func(v string) { all = append(all, strings.Split(v, ",")...) }) })
		d.set(key, all...)
	}
	if len(others) > 0 {
		d.plain("issuer", others[0], func(v string) {
			v = strings.TrimSuffix(v, "/.well-known/openid-configuration")
			if !strings.Contains(v, "://") {
				d.leave("issuer", "is a file of oauth2c, which is not opened")
				return
			}
			d.set("issuer", v)
		})
	}
	given.take("grant-type", func(v string) {
		switch v {
		case "refresh_token":
			d.leave("grant_type", "spends a refresh token; tokens are left out on purpose")
		default:
			d.plain("grant_type", v, func(v string) { d.set("grant_type", v) })
			d.p.GrantType = d.p.Grant()
			if d.p.GrantType == profiles.DefaultGrantType {
				d.p.GrantType = ""
			}
		}
	})
	use("client-id", "client_id")
	given.take("client-secret", func(v string) { d.plain("client_secret", v, func(v string) { d.secret("client_secret", v) }) })
	use("auth-method", "token_endpoint_auth_method")
	use("redirect-url", "redirect_uri")
	list("scopes", "scope")
	given.take("audience", func(v string) {
		d.plain("audience", v, func(v string) {
			d.set("audience", strings.Split(v, ",")[0])
			if strings.Contains(v, ",") {
				d.leave("audience", "takes one value; the first is there")
			}
		})
	})
	given.take("response-types", func(v string) {
		if v = strings.ReplaceAll(v, ",", " "); v != "code" && (v != "token" || d.p.Grant() != profiles.GrantImplicit) {
			d.set("response_type", v)
		}
	})
	use("response-mode", "response_mode")
	list("acr-values", "acr_values")
	given.take("prompt", func(v string) { d.set("prompt", strings.ReplaceAll(v, ",", " ")) })
	use("max-age", "max_age")
	use("login-hint", "login_hint")
	use("claims", "claims")
	use("rar", "authorization_details")
	use("username", "username")
	given.take("password", func(v string) { d.password("password", v) })
	use("subject-token-type", "subject_token_type")
	use("actor-token-type", "actor_token_type")
	use("token-endpoint", "token_endpoint")
	use("authorization-endpoint", "authorization_endpoint")
	use("device-authorization-endpoint", "device_authorization_endpoint")
	use("pushed-authorization-request-endpoint", "pushed_authorization_request_endpoint")
	use("callback-addr", "listen_address")
	use("browser-timeout", "login_timeout")
	use("http-timeout", "request_timeout")
	given.take("idp-hint", func(v string) { d.plain("idp_hint", v, func(v string) { d.parameter("authorize", "idp_hint", v) }) })
	given.take("purpose", func(v string) { d.plain("purpose", v, func(v string) { d.parameter("authorize", "purpose", v) }) })
	for flag, key := range map[string]string{"par": "require_pushed_authorization_requests", "request-object": "require_signed_request_object", "dpop": "dpop_bound_access_tokens"} {
		given.take(flag, func(v string) {
			if v == "true" {
				d.set(key, "true")
			}
		})
	}
	given.take("assertion", func(v string) { d.plain("assertion_claims", v, func(v string) { d.set("assertion_claims", v) }) })
	for _, flag := range []string{"refresh-token", "subject-token", "actor-token", "id-token-hint", "authentication-code"} {
		given.take(flag, func(v string) { d.token("--"+flag, v) })
	}
	for flag, key := range map[string]string{"signing-key": "private_key", "tls-cert": "tls_client_certificate", "tls-key": "tls_client_key", "tls-root-ca": "ca_certificate"} {
		given.take(flag, func(v string) { d.otherFile(key, v) })
	}
	given.take("insecure", func(string) {
		d.leave("tls_skip_verify", "switches the check of the server off; say tls_skip_verify=true yourself if you must")
	})
	for _, flag := range []string{"pkce", "silent", "s", "no-browser", "no-prompt", "no-origin", "raw"} {
		given.take(flag, func(string) {})
	}
	given.rest(d)
	if u := webURL(Source{Text: d.p.Issuer}); u != nil {
		d.name = u.Hostname()
	}
	d.finish()
}
