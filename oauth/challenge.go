package oauth

import "strings"

// Challenge is one challenge of a WWW-Authenticate header (RFC 9110 section
// 11.6.1, RFC 6750 section 3).
type Challenge struct {
	Scheme string            // lower case: "bearer", "dpop", "basic"
	Params map[string]string // names in lower case; the first wins
}

// maxChallenges bounds what one answer can make us parse.
const maxChallenges = 16

// parseChallenges reads all challenges of all header lines. A comma separates
// both parameters and challenges; what follows a comma is a new challenge when
// it is a word without "=". Malformed rests are dropped.
func parseChallenges(lines []string) []Challenge {
	var list []Challenge
	for _, line := range lines {
		rest := line
		for len(list) < maxChallenges {
			rest = strings.TrimLeft(rest, " \t,")
			word, after := cutWord(rest)
			if word == "" {
				break
			}
			if next := strings.TrimLeft(after, " \t"); strings.HasPrefix(next, "=") && len(list) > 0 {
				var value string
				value, rest = cutValue(strings.TrimLeft(next[1:], " \t"))
				params := list[len(list)-1].Params
				if name := strings.ToLower(word); params[name] == "" {
					params[name] = value
				}
				continue
			}
			if after != "" && !strings.ContainsRune(" \t,", rune(after[0])) {
				break // a token68 or garbage: no parameter of ours
			}
			list = append(list, Challenge{Scheme: strings.ToLower(word), Params: map[string]string{}})
			rest = after
		}
	}
	return list
}

// cutWord takes a token (RFC 9110 section 5.6.2).
func cutWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutValue takes a token or a quoted string with its escapes (RFC 9110
// section 5.6.4).
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return cutWord(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
