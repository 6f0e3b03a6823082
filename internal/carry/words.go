package carry

import (
	"slices"
	"strconv"
	"strings"
)

// A command line is read as a POSIX shell would split it (IEEE 1003.1 §2.2), and never run: what the shell would work out is
// marked, and stays behind.

// unknownWord stands in a word where the shell would put something that only running it tells.
const unknownWord = "\x00"

// maxSubstitutions bounds how deep commands stand in commands.
const maxSubstitutions = 4

// commands splits text into commands and those into words. Redirections are dropped. What stands in $(…) is a command too.
func commands(text string) [][]string { return commandsAt(text, 0) }

func commandsAt(text string, depth int) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	inWord, skip := false, false
	endWord := func() {
		if inWord && !skip {
			words = append(words, word.String())
		}
		if inWord {
			skip = false
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			all = append(all, words)
		}
		words = nil
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		next := byte(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case (c == '\\' || c == '^') && strings.HasPrefix(text[i+1:], "\r\n"): // Windows breaks lines with ^
			i += 2
		case (c == '\\' || c == '^') && next == '\n':
			i++
		case c == '\\' && next != 0:
			i++
			word.WriteByte(next)
			inWord = true
		case c == '\'':
			inWord = true
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				end = len(text) - i - 1
			}
			word.WriteString(text[i+1 : i+1+end])
			i += end + 1
		case c == '"':
			inWord = true
			i = doubleQuoted(text, i+1, &word)
		case c == '$' && next == '\'':
			inWord = true
			i = dollarQuoted(text, i+2, &word)
		case c == '$' || c == '`':
			inWord = true
			start := i
			i = expansion(text, i, &word)
			if inner := text[start:min(i, len(text))]; strings.HasPrefix(inner, "$(") && depth < maxSubstitutions {
				all = append(all, commandsAt(inner[2:], depth+1)...)
			}
		case c == '#' && !inWord:
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end - 1
			} else {
				i = len(text)
			}
		case c == ' ' || c == '\t' || c == '\r':
			endWord()
		case c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == ')':
			endCommand()
		case c == '>' || c == '<':
			if number := word.String(); strings.Trim(number, "0123456789") == "" { // 2>file
				word.Reset()
				inWord = false
			}
			endWord()
			for i+1 < len(text) && strings.IndexByte("><&", text[i+1]) >= 0 {
				i++
			}
			skip = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	endCommand()
	return all
}

// doubleQuoted reads from behind a quotation mark, and returns where the closing one is.
func doubleQuoted(text string, i int, word *strings.Builder) int {
	for ; i < len(text) && text[i] != '"'; i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\"\\$`\n", text[i+1]) >= 0:
			i++
			if text[i] != '\n' {
				word.WriteByte(text[i])
			}
		case text[i] == '$' || text[i] == '`':
			i = expansion(text, i, word)
		default:
			word.WriteByte(text[i])
		}
	}
	return i
}

// dollarQuoted reads $'…', which browsers write when they copy a request as curl.
func dollarQuoted(text string, i int, word *strings.Builder) int {
	start := i
	for ; i < len(text) && text[i] != '\''; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	i = min(i, len(text))
	inner := strings.ReplaceAll(text[start:i], `\'`, `'`)
	if unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(inner, `"`, `\"`) + `"`); err == nil {
		inner = unquoted
	}
	word.WriteString(inner)
	return i
}

// expansion passes over what the shell would work out; $ before something else is itself.
func expansion(text string, i int, word *strings.Builder) int {
	if text[i] == '`' {
		word.WriteString(unknownWord)
		if end := strings.IndexByte(text[i+1:], '`'); end >= 0 {
			return i + 1 + end
		}
		return len(text)
	}
	rest := text[i+1:]
	switch {
	case rest == "":
		word.WriteByte('$')
	case rest[0] == '(' || rest[0] == '{':
		word.WriteString(unknownWord)
		depth := 0
		for j := i + 1; j < len(text); j++ {
			switch text[j] {
			case '(', '{':
				depth++
			case ')', '}':
				if depth--; depth == 0 {
					return j
				}
			}
		}
		return len(text)
	case rest[0] == '_' || rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] >= '0' && rest[0] <= '9':
		word.WriteString(unknownWord)
		j := i + 1
		for j < len(text) && (text[j] == '_' || text[j] >= 'a' && text[j] <= 'z' || text[j] >= 'A' && text[j] <= 'Z' || text[j] >= '0' && text[j] <= '9') {
			j++
		}
		return j - 1
	default:
		word.WriteByte('$')
	}
	return i
}

// flags are what a command was given, by the names of the flags.
type flags struct {
	names  []string
	values map[string][]string
}

// readFlags splits words into --flag=value, --flag value and others; switches take no value.
func readFlags(words, switches []string) (flags, []string) {
	f := flags{values: map[string][]string{}}
	var others []string
	for i := 0; i < len(words); i++ {
		name, ok := strings.CutPrefix(words[i], "-")
		if !ok || name == "" {
			others = append(others, words[i])
			continue
		}
		name = strings.TrimPrefix(name, "-")
		name, value, given := strings.Cut(name, "=")
		switch {
		case given:
		case slices.Contains(switches, name):
			value = "true"
		case i+1 < len(words):
			i++
			value = words[i]
		}
		if _, twice := f.values[name]; !twice {
			f.names = append(f.names, name)
		}
		f.values[name] = append(f.values[name], value)
	}
	return f, others
}

// take hands the values of a flag over, and leaves it out of the rest.
func (f *flags) take(name string, use func(string)) {
	for _, value := range f.values[name] {
		use(value)
	}
	delete(f.values, name)
}

// rest leaves the flags behind that nobody took.
func (f *flags) rest(d *draft) {
	for _, name := range f.names {
		if _, there := f.values[name]; there {
			d.leave("--"+name, "Fob has no field for it")
		}
	}
}
