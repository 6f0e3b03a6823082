package profiles

import (
	"encoding/json"
	"strings"
)

// The functions of this file walk over JSON text that is known to be valid (json.Valid), and give back parts of it: a
// profile that nobody changes is written as the very text that was read.

// member is one member of an object: its name, and its value as JSON text.
type member struct {
	key  string
	raw  string
	from int // where the name begins in the text that was walked
	at   int // where the value begins in the text that was walked
}

func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string that begins at i.
func skipString(text string, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index behind the value that begins at i. It does not recurse: depth costs nothing.
func skipValue(text string, i int) int {
	depth := 0
	for {
		switch c := text[i]; c {
		case '"':
			i = skipString(text, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ' ', '\n', '\t', '\r', ',', ':':
			i++
			continue
		default:
			for i < len(text) && !strings.ContainsRune(" \n\t\r,:]}", rune(text[i])) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// objectMembers returns the members of the object that is text, in their order, those of one name too.
func objectMembers(text string) []member {
	var all []member
	i := skipSpace(text, 0) + 1
	for {
		i = skipSpace(text, i)
		if text[i] == '}' {
			return all
		}
		if text[i] == ',' {
			i = skipSpace(text, i+1)
		}
		from := i
		i = skipString(text, i)
		key := stringValue(text[from:i])
		i = skipSpace(text, skipSpace(text, i)+1) // over the colon
		end := skipValue(text, i)
		all = append(all, member{key: key, raw: text[i:end], from: from, at: i})
		i = end
	}
}

// element is one element of an array, as JSON text.
type element struct {
	raw string
	at  int
}

// arrayElements returns the elements of the array that is text.
func arrayElements(text string) []element {
	var all []element
	i := skipSpace(text, 0) + 1
	for {
		i = skipSpace(text, i)
		if text[i] == ']' {
			return all
		}
		if text[i] == ',' {
			i = skipSpace(text, i+1)
		}
		end := skipValue(text, i)
		all = append(all, element{raw: text[i:end], at: i})
		i = end
	}
}

// stringValue is the value of a string with its quotes.
func stringValue(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var value string
	if json.Unmarshal([]byte(raw), &value) != nil {
		return raw
	}
	return value
}

// appendString appends a string as JSON, readable: < > & stay as they are.
func appendString(dst []byte, value string) []byte {
	plain := true
	for i := range len(value) {
		if c := value[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		dst = append(dst, '"')
		dst = append(dst, value...)
		return append(dst, '"')
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, strings.TrimSuffix(out.String(), "\n")...)
}

// position is the line and the column, in characters and counted from 1, of an offset into text.
func position(text string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(text))
	before := text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, len([]rune(before[start:])) + 1
}
