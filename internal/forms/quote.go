package forms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Shell makes text one word for a POSIX shell.
func Shell(text string) string {
	plain := text != ""
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+=,", r)) {
			plain = false
		}
	}
	if plain {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// PowerShell makes text one string: within single quotes nothing is special but the single quote, and PowerShell takes the
// typographic ones U+2018 to U+201B for one as well (about_Quoting_Rules).
func PowerShell(text string) string {
	var out strings.Builder
	out.WriteByte('\'')
	for _, r := range text {
		if r == '\'' || r >= '\u2018' && r <= '\u201b' {
			out.WriteRune(r)
		}
		out.WriteRune(r)
	}
	out.WriteByte('\'')
	return out.String()
}

// JSON makes text a JSON string, which is a JavaScript string too (ECMA-262, since 2019).
func JSON(text string) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // a string is always encoded
	}
	return strings.TrimSuffix(buffer.String(), "\n")
}

// pythonText makes text a Python string in ASCII: a file's encoding is then no question.
func pythonText(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			out.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func goText(text string) string { return strconv.Quote(text) }

// dotenvText is a value of a .env file. Readers differ in what they unquote, so quotes stand only where they must.
func dotenvText(text string) string {
	switch {
	case Shell(text) == text:
		return text
	case !strings.ContainsAny(text, "'\n"):
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`", "\n", `\n`).Replace(text) + `"`
}

// latin says whether a header's value can be given to tools that know no other characters.
func latin(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return r > 0x7e }) < 0
}
