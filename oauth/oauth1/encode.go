package oauth1

import (
	"net/url"
	"slices"
	"strings"
)

// pair is one parameter, decoded.
type pair struct{ name, value string }

// escape is the percent-encoding of RFC 5849 section 3.6. That of net/url is
// another one: a space is never "+", and nothing but the unreserved
// characters of RFC 3986 section 2.3 stays.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// parseForm decodes a query or a form (RFC 5849 section 3.4.1.3.1) and keeps
// order, duplicates and empty values. A semicolon is a character like others
// (url.ParseQuery would drop its parameter). where says what is read.
func parseForm(where, s string) ([]pair, error) {
	var list []pair
	for part := range strings.SplitSeq(s, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, requestError("the " + where + " holds a % that begins no escape; write it %25")
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, requestError("the value of " + clean(n, maxCode) + " in the " + where + " holds a % that begins no escape; write it %25")
		}
		list = append(list, pair{n, v})
	}
	return list, nil
}

// encodeForm is the inverse, in the encoding that every server decodes
// alike: a space is %20.
func encodeForm(list []pair) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = escape(p.name) + "=" + escape(p.value)
	}
	return strings.Join(parts, "&")
}

// pairsOf lists the parameters of a form, in the order of their names.
func pairsOf(form url.Values) []pair {
	var list []pair
	for name, values := range form {
		for _, v := range values {
			list = append(list, pair{name, v})
		}
	}
	slices.SortStableFunc(list, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return list
}

// join puts parameters behind a query or form as it was written.
func join(form, more string) string {
	if form == "" || more == "" {
		return form + more
	}
	return strings.TrimSuffix(form, "&") + "&" + more
}

// ofProtocol says which parameters are made anew by each signature. A request
// that brings them was signed before.
func ofProtocol(name string) bool {
	switch name {
	case "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_timestamp", "oauth_nonce",
		"oauth_version", "oauth_signature", "oauth_body_hash":
		return true
	}
	return false
}

// unsigned returns a query or form without the traces of an earlier
// signature, and the rest as it was written.
func unsigned(form string) string {
	if !strings.Contains(form, "oauth") && !strings.Contains(form, "%") {
		return form
	}
	parts := strings.Split(form, "&")
	kept := slices.DeleteFunc(parts, func(part string) bool {
		name, _, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		return err == nil && ofProtocol(name)
	})
	return strings.Join(kept, "&")
}
