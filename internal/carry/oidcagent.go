package carry

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// The format: an account configuration of oidc-agent 4 and 5 as `oidc-gen -p SHORTNAME` prints it.

// encryptedAccount is a line that oidc-agent puts under its encrypted files.
var encryptedAccount = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^Generated using version: ?[0-9]`) })

func isOIDCAgent(s Source, n node) bool {
	return n.has("issuer_url", "client_id") && (n.has("daeSetByUser") || n.has("name") || n.has("redirect_uris") || n.has("refresh_token")) || s.Files == nil && encryptedAccount().MatchString(s.Text)
}

func readOIDCAgent(r *reading) error {
	if r.tree.fields == nil {
		return errors.New("is an encrypted account of oidc-agent, which only oidc-agent can open: `oidc-gen -p SHORTNAME | fob profile import -`")
	}
	get := r.tree.get
	d := r.draft(get("name"), variables{})
	d.set("issuer", get("issuer_url"))
	if r.tree.get("daeSetByUser") == "1" {
		d.set("device_authorization_endpoint", get("device_authorization_endpoint"))
	}
	d.set("client_id", get("client_id"))
	d.secret("client_secret", get("client_secret"))
	d.set("client_name", get("client_name"))
	d.set("scope", strings.Fields(get("scope"))...)
	d.set("audience", get("audience"))
	d.set("username", get("username"))
	d.password("password", get("password"))
	d.token("refresh_token", get("refresh_token"))
	d.otherFile("ca_certificate", get("cert_path"))
	var loopback []string
	for _, uri := range r.tree.at("redirect_uris").texts() {
		if strings.HasPrefix(uri, "http://") {
			loopback = append(loopback, strings.TrimSuffix(uri, "/"))
		} else {
			d.leave("redirect_uris", "is an address of oidc-agent's own program")
		}
	}
	d.set("redirect_uri", loopback...)
	d.p.Username = ""
	d.finish()
	return nil
}
