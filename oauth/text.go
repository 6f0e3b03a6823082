package oauth

import (
	"net/url"
	"strings"
	"unicode"
)

// Texts from servers end in terminals, windows, notifications and logs. These
// functions make them harmless there.
const (
	// maxDescription: Microsoft's descriptions, the longest in the field, run
	// to about 400 characters, of which the first half says it.
	maxDescription = 300
	maxCode        = 64  // the longest registered code has 33
	maxURI         = 512 // an address somebody may want to read
)

// clean makes a foreign text printable, drops markup and cuts it to max
// characters. Line breaks become spaces; control and format characters
// (terminal escapes, bidirectional overrides) vanish.
func clean(s string, max int) string {
	s = dropTags(s)
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

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// dropTags removes what looks like a tag. What survives by being malformed
// loses its angle brackets in clean.
func dropTags(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		b.WriteByte(' ')
		s = s[i:]
		if len(s) > 1 && (s[1] == '/' || s[1] == '!' || s[1] == '?' || s[1]|0x20 >= 'a' && s[1]|0x20 <= 'z') {
			if j := strings.IndexByte(s, '>'); j >= 0 {
				s = s[j+1:]
				continue
			}
			return b.String()
		}
		s = s[1:]
	}
}

// cleanCode keeps a code that nobody registered, if it looks like a code.
func cleanCode(s string) Code {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/ ", r) {
			return r
		}
		return -1
	}, s)
	if len(s) > maxCode {
		s = s[:maxCode]
	}
	return Code(strings.TrimSpace(s))
}

// cleanURI keeps an error_uri only when it is an http(s) address (RFC 6749
// section 5.2 makes it a page for people).
func cleanURI(s string) string {
	if len(s) > maxURI {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return clean(u.String(), maxURI)
}

// withoutQuery returns an address fit for an error message: no query, user or
// fragment, where a provider's compatibility switch may have put a secret.
func withoutQuery(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.ForceQuery, v.Fragment, v.RawFragment = nil, "", false, "", ""
	return clean(v.String(), maxURI)
}

// minRedacted: shorter values than this are words ("code") rather than
// secrets, and taking them out would only make the text unreadable.
const minRedacted = 6

// redact takes the request's own secrets out of a text that a server may have
// made by echoing them.
func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) < minRedacted {
			continue
		}
		s = strings.ReplaceAll(s, secret, masked)
		if esc := url.QueryEscape(secret); esc != secret {
			s = strings.ReplaceAll(s, esc, masked)
		}
	}
	return s
}
