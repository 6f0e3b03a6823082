package carry

import (
	"encoding/base64"
	"path"
	"strings"

	"fob/profiles"
)

// The format: a kubeconfig whose users log in by OpenID Connect: the auth-provider oidc that kubectl had until 1.26, or the exec
// plugin kubelogin (int128), with the flags of its get-token.

func isKubeconfig(_ Source, n node) bool {
	return n.get("kind") == "Config" && n.has("users") || n.has("users", "clusters", "contexts")
}

func readKubeconfig(r *reading) error {
	for _, user := range r.tree.at("users").list {
		name := user.get("name")
		settings := user.at("user")
		switch {
		case settings.at("auth-provider").get("name") == "oidc":
			r.kubeProvider(name, settings.at("auth-provider", "config"))
		case settings.has("exec"):
			r.kubeExec(name, settings.at("exec"))
		case settings.has("token"), settings.has("tokenFile"):
			r.leave(name, "has a fixed token; tokens are left out on purpose")
		default:
			r.leave(name, "does not log in by OpenID Connect")
		}
	}
	return nil
}

func (r *reading) kubeDraft(name string) *draft {
	d := r.draft(name, variables{})
	d.p.Scope = profiles.List{"openid"}
	return d
}

func (d *draft) authority(data string) {
	if data == "" {
		return
	}
	pem, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
	if err != nil {
		d.leave("ca_certificate", "is not base64")
		return
	}
	d.set("ca_certificate", string(pem))
}

func (d *draft) otherFile(key, name string) {
	if name != "" {
		d.leave(key, "is in another file, which is not opened; set "+key+"=@FILE")
	}
}

// idToken says what Kubernetes wants.
func (d *draft) idToken() {
	d.leave("id_token", "the cluster takes the ID token: `fob token --id-token`")
}

func (r *reading) kubeProvider(name string, config node) {
	d := r.kubeDraft(name)
	d.set("issuer", config.get("idp-issuer-url"))
	d.set("client_id", config.get("client-id"))
	d.secret("client_secret", config.get("client-secret"))
	if extra := config.get("extra-scopes"); extra != "" {
		d.set("scope", append([]string{"openid"}, strings.Split(extra, ",")...)...)
	}
	d.authority(config.get("idp-certificate-authority-data"))
	d.otherFile("ca_certificate", config.get("idp-certificate-authority"))
	d.token("id-token", config.get("id-token"))
	d.token("refresh-token", config.get("refresh-token"))
	d.idToken()
	d.finish()
}

// kubeloginSwitches are its flags without a value.
var kubeloginSwitches = []string{"oidc-use-pkce", "oidc-use-access-token", "insecure-skip-tls-verify", "skip-open-browser", "force-refresh", "tls-renegotiation-once", "tls-renegotiation-freely"}

func (r *reading) kubeExec(name string, exec node) {
	args := exec.at("args").texts()
	command := path.Base(strings.ReplaceAll(exec.get("command"), "\\", "/"))
	if !strings.Contains(command+" "+strings.Join(args, " "), "oidc-issuer-url") {
		r.leave(name, "gets its token from "+command+", which is not kubelogin's OpenID Connect login")
		return
	}
	d := r.kubeDraft(name)
	given, _ := readFlags(args, kubeloginSwitches)
	given.take("oidc-issuer-url", func(v string) { d.set("issuer", v) })
	given.take("oidc-client-id", func(v string) { d.set("client_id", v) })
	given.take("oidc-client-secret", func(v string) { d.secret("client_secret", v) })
	scopes := []string{"openid"}
	given.take("oidc-extra-scope", func(v string) { scopes = append(scopes, strings.Split(v, ",")...) })
	d.set("scope", scopes...)
	given.take("oidc-redirect-url", func(v string) { d.set("redirect_uri", v) })
	given.take("oidc-auth-request-extra-params", func(v string) { d.pairs("authorize", v) })
	given.take("oidc-pkce-method", func(v string) {
		if v == "no" {
			d.leave("oidc-pkce-method", "is no PKCE; Fob uses it, which servers without it ignore")
		}
	})
	given.take("certificate-authority-data", d.authority)
	given.take("certificate-authority", func(v string) { d.otherFile("ca_certificate", v) })
	given.take("insecure-skip-tls-verify", func(string) {
		d.leave("tls_skip_verify", "switches the check of the server off; say tls_skip_verify=true yourself if you must")
	})
	given.take("listen-address", func(v string) {
		if len(d.p.RedirectURI) == 0 {
			d.set("redirect_uri", "http://localhost:"+v[strings.LastIndex(v, ":")+1:])
		}
	})
	given.take("username", func(v string) { d.set("username", v) })
	given.take("password", func(v string) { d.password("password", v) })
	given.take("browser-command", func(v string) { d.set("browser", v) })
	given.take("authentication-timeout-sec", func(v string) { d.set("login_timeout", v+"s") })
	given.take("grant-type", func(v string) {
		switch v {
		case "auto", "authcode", "authcode-keyboard":
		case "password":
			d.set("grant_type", profiles.GrantPassword)
		case "device-code":
			d.set("grant_type", profiles.GrantDeviceCode)
		case "client-credentials":
			d.set("grant_type", profiles.GrantClientCredentials)
		default:
			d.leave("grant_type", "is a grant that Fob does not know")
		}
	})
	idToken := true
	given.take("oidc-use-access-token", func(v string) { idToken = v == "false" })
	if idToken {
		d.idToken()
	}
	for _, flag := range []string{"oidc-use-pkce", "skip-open-browser", "force-refresh", "token-cache-dir", "token-cache-storage", "v", "local-server-cert", "local-server-key"} {
		given.take(flag, func(string) {})
	}
	given.rest(d)
	d.finish()
}

// pairs adds parameters that are written name=value, with commas.
func (d *draft) pairs(kind, text string) {
	for _, pair := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		d.parameter(kind, name, value)
	}
}
