package oauth1

import (
	"net"
	"net/url"
	"strings"
	"unicode"

	"fob/oauth"
)

// Texts from servers end in terminals, windows, notifications and logs; these
// functions make them harmless there, by the rules of package oauth.
const (
	maxDescription = 300
	maxCode        = 64
	maxURI         = 512
	masked         = "[secret]"
	minRedacted    = 6 // shorter values are words, not secrets
)

// clean makes a foreign text printable, drops angle brackets and cuts it to
// max characters.
func clean(s string, max int) string {
	var b strings.Builder
	n, space := 0, true
	for _, r := range s {
		switch {
		case r == '<' || r == '>' || r == unicode.ReplacementChar:
			continue
		case unicode.IsSpace(r):
			if space {
				continue
			}
			r, space = ' ', true
		case !unicode.IsPrint(r):
			continue
		default:
			space = false
		}
		if n++; n > max {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// cleanCode keeps a problem that no extension names, if it looks like a code.
func cleanCode(s string) oauth.Code {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && unreserved(byte(r)) || r == ' ' || r == ':' {
			return r
		}
		return -1
	}, s)
	return oauth.Code(strings.TrimSpace(s[:min(len(s), maxCode)]))
}

// redact takes the request's own secrets out of a text that a server may have
// made by echoing them, in each encoding that they travel in.
func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) < minRedacted {
			continue
		}
		once := escape(secret)
		for _, form := range [...]string{escape(once), once, url.QueryEscape(secret), secret} {
			s = strings.ReplaceAll(s, form, masked)
		}
	}
	return s
}

// withoutQuery returns an address fit for an error message.
func withoutQuery(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.ForceQuery, v.Fragment, v.RawFragment = nil, "", false, "", ""
	return clean(v.String(), maxURI)
}

// secure: https anywhere, http only where nobody can listen in.
func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u)
}

func loopback(u *url.URL) bool {
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
