package carry

import (
	"errors"
	"strings"

	"fob/profiles"
)

// The format: the JSON that Google's console offers for an OAuth client, "installed" for desktop apps and "web" for servers.

func isGoogle(_ Source, n node) bool {
	return n.at("installed").has("client_id", "token_uri") || n.at("web").has("client_id", "token_uri") || isServiceAccount(n)
}

func isServiceAccount(n node) bool {
	return n.get("type") == "service_account" && n.has("client_email")
}

func readGoogle(r *reading) error {
	if isServiceAccount(r.tree) {
		return errors.New("is the key of a Google service account; `fob profile add NAME --service-account @FILE` takes it")
	}
	client := r.tree.at("installed")
	if client.fields == nil {
		client = r.tree.at("web")
	}
	name := client.get("project_id")
	if name == "" {
		name = "google"
	}
	d := r.draft(name, variables{})
	if preset, known := profiles.PresetByID("google"); known && strings.HasPrefix(client.get("auth_uri"), "https://accounts.google.com/") {
		made, err := preset.New(profileName(name), nil)
		if err == nil {
			d.p = made // its issuer, and what Google wants to be asked for a refresh token
		}
	}
	if d.p.Issuer == "" {
		d.set("authorization_endpoint", client.get("auth_uri"))
		d.set("token_endpoint", client.get("token_uri"))
	}
	d.set("client_id", client.get("client_id"))
	d.secret("client_secret", client.get("client_secret"))
	var loopback []string
	for _, uri := range client.at("redirect_uris").texts() {
		switch {
		case uri == "http://localhost": // a desktop app's, where any port goes
		case uri == "urn:ietf:wg:oauth:2.0:oob":
			d.leave("redirect_uris", "the copied code was taken out of service by Google")
		case profiles.ValidateValue("redirect_uri", uri) != nil:
			d.leave("redirect_uris", problemText(profiles.ValidateValue("redirect_uri", uri)))
		default:
			loopback = append(loopback, uri)
		}
	}
	d.set("redirect_uri", loopback...)
	d.finish()
	return nil
}
