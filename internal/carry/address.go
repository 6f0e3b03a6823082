package carry

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"fob/profiles"
)

// An authorization URL, as it stands in a browser's address bar at the login page (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1),
// or the address of a server's metadata.

func webURL(s Source) *url.URL {
	text := strings.TrimSpace(s.Text)
	if s.Files != nil || len(text) > maxValue || strings.ContainsAny(text, " \n\t") {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

var wellKnown = []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}

func isURL(s Source, _ node) bool {
	u := webURL(s)
	if u == nil {
		return false
	}
	q := u.Query()
	return q.Get("client_id") != "" || q.Get("oauth_token") != "" || q.Get("response_type") != "" ||
		slices.ContainsFunc(wellKnown, func(path string) bool { return strings.Contains(u.Path, path) })
}

func readURL(r *reading) error {
	u := webURL(r.source)
	if u == nil {
		r.leave("", "it is no address")
		return nil
	}
	d := r.draft(u.Hostname(), variables{})
	for _, path := range wellKnown {
		if before, after, found := strings.Cut(u.Path, path); found { // RFC 8414 §3.1 puts it in front of the path
			d.set("issuer", u.Scheme+"://"+u.Host+before+after)
			d.finish()
			return nil
		}
	}
	q := u.Query()
	u.RawQuery, u.Fragment, u.User = "", "", nil
	d.set("authorization_endpoint", u.String())
	take := func(names ...string) {
		for _, name := range names {
			d.set(name, q[name]...)
			q.Del(name)
		}
	}
	switch response := q.Get("response_type"); {
	case q.Get("oauth_token") != "":
		d.p.GrantType = profiles.GrantOAuth1
		d.token("oauth_token", q.Get("oauth_token"))
		q.Del("oauth_token")
	case response == "token" || response == "id_token" || response == "id_token token" || response == "token id_token":
		d.p.GrantType = profiles.GrantImplicit
		if response == "token id_token" {
			q.Set("response_type", "id_token token")
		}
		fallthrough
	case response != "code" && response != "":
		take("response_type")
	}
	q.Del("response_type")
	take("client_id", "scope", "redirect_uri", "audience", "prompt", "login_hint", "acr_values", "max_age", "ui_locales", "response_mode", "claims", "display", "authorization_details")
	take("resource")
	if method := q.Get("code_challenge_method"); method == "plain" {
		d.leave("code_challenge_method", "is plain, which protects little; Fob uses S256")
	}
	for _, name := range []string{"state", "nonce", "code_challenge", "code_challenge_method"} {
		if q.Get(name) != "" {
			d.leave(name, "is made anew for each login")
		}
		q.Del(name)
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d.parameter("authorize", name, q.Get(name))
	}
	d.finish()
	return nil
}

// basicUser reads the credentials of an Authorization header (RFC 7617 §2), which RFC 6749 §2.3.1 form-encodes.
func basicUser(credential string) (string, bool) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credential))
	if err != nil {
		return "", false
	}
	id, secret, found := strings.Cut(string(text), ":")
	if plain, err := url.QueryUnescape(id); err == nil {
		id = plain
	}
	if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	return id + ":" + secret, found
}
