package oauth1

import (
	"net/url"
	"slices"
	"strings"
)

// baseString is what is signed (RFC 5849 section 3.4.1.1).
func baseString(method, uri string, params []pair) string {
	if method == "" {
		method = "GET" // as net/http has it
	}
	return escape(strings.ToUpper(method)) + "&" + escape(uri) + "&" + escape(normalize(params))
}

// baseURI is the address without query and fragment (RFC 5849 section
// 3.4.1.2). host is what the Host header says, empty if that is u's.
func baseURI(u *url.URL, host string) (string, error) {
	if u.Opaque != "" || u.Host == "" {
		return "", requestError("the address " + withoutQuery(u) + " has no host")
	}
	scheme := strings.ToLower(u.Scheme)
	if host == "" {
		host = u.Host
	}
	authority := url.URL{Host: strings.ToLower(host)}
	name, port := authority.Hostname(), authority.Port()
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7E || r <= ' ' }) {
		// "MUST match the content of the HTTP request Host header field", and
		// net/http writes xn-- there.
		return "", requestError("the host " + clean(name, maxURI) + " must be written in its ASCII form (xn--…) to be signed")
	}
	if strings.Contains(name, ":") {
		name, _, _ = strings.Cut(name, "%") // net/http sends no IPv6 zone
		name = "[" + name + "]"
	}
	if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
		name += ":" + port
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + name + path, nil
}

// normalize encodes first and sorts then, by name and by value (RFC 5849
// section 3.4.1.3.2).
func normalize(params []pair) string {
	encoded := make([]pair, 0, len(params))
	for _, p := range params {
		if p.name == "oauth_signature" { // section 3.4.1.3.1: excluded
			continue
		}
		encoded = append(encoded, pair{escape(p.name), escape(p.value)})
	}
	slices.SortFunc(encoded, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	parts := make([]string, len(encoded))
	for i, p := range encoded {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}
