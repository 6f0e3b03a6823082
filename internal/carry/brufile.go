package carry

import "strings"

// The .bru language, as @usebruno/lang's grammar has it: blocks of pairs, lists and texts. A block ends with a brace at the
// beginning of a line.

// bruBlock is one block of a file.
type bruBlock struct {
	name  string
	pairs []bruPair
	text  string
}

type bruPair struct {
	name, value string
	disabled    bool
}

// bruFile is a file's blocks by their names. A name comes twice only by mistake; the last one counts.
type bruFile map[string]bruBlock

func parseBru(text string) bruFile {
	file := bruFile{}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		name, opener, ok := bruStart(lines[i])
		if !ok {
			continue
		}
		end := map[string]string{"{": "}", "[": "]"}[opener]
		first := i + 1
		for i++; i < len(lines) && !strings.HasPrefix(lines[i], end); i++ {
		}
		body := lines[first:min(i, len(lines))]
		file[name] = bruBlock{name: name, text: strings.Join(body, "\n"), pairs: bruPairs(body)}
	}
	return file
}

// bruStart reads the line that opens a block.
func bruStart(line string) (name, opener string, ok bool) {
	line = strings.TrimRight(line, " \t")
	if line == "" || line[0] == ' ' || line[0] == '\t' {
		return "", "", false
	}
	opener = line[len(line)-1:]
	name = strings.TrimSpace(line[:len(line)-1])
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == ':' || r == '-' || r == '_'
	}
	return name, opener, (opener == "{" || opener == "[") && name != "" && strings.TrimFunc(name, plain) == ""
}

func bruPairs(lines []string) []bruPair {
	var all []bruPair
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '@' && !strings.Contains(line, ":") { // a remark on the next one
			continue
		}
		var pair bruPair
		line, pair.disabled = strings.CutPrefix(line, "~")
		pair.name, line = bruKey(line)
		if value := strings.TrimSpace(line); strings.HasPrefix(value, "'''") {
			var text []string
			rest := strings.TrimPrefix(value, "'''")
			for !strings.Contains(rest, "'''") && i+1 < len(lines) {
				text = append(text, strings.TrimSpace(rest))
				i++
				rest = lines[i]
			}
			before, _, _ := strings.Cut(rest, "'''")
			pair.value = strings.TrimSpace(strings.Join(append(text, strings.TrimSpace(before)), "\n"))
		} else {
			pair.value = value
		}
		all = append(all, pair)
	}
	return all
}

// bruKey takes the name off a line, which is quoted when it holds what would end it.
func bruKey(line string) (name, rest string) {
	if !strings.HasPrefix(line, `"`) {
		name, rest, _ = strings.Cut(line, ":")
		return strings.TrimSpace(name), rest
	}
	var key strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case strings.HasPrefix(line[i:], `\"`):
			key.WriteByte('"')
			i++
		case line[i] == '"':
			_, rest, _ = strings.Cut(line[i+1:], ":")
			return key.String(), rest
		default:
			key.WriteByte(line[i])
		}
	}
	return key.String(), ""
}

// get is the value of a pair that counts.
func (b bruBlock) get(name string) string {
	value, _ := b.lookup(name)
	return value
}

func (b bruBlock) lookup(name string) (value string, there bool) {
	for _, pair := range b.pairs {
		if pair.name == name && !pair.disabled {
			value, there = pair.value, true
		}
	}
	return value, there
}

func (b bruBlock) names() []string {
	var all []string
	for _, pair := range b.pairs {
		if !pair.disabled {
			all = append(all, pair.name)
		}
	}
	return all
}

// bruWriter writes a file block by block.
type bruWriter struct{ strings.Builder }

func (w *bruWriter) block(name string, pairs ...bruPair) {
	if w.Len() > 0 {
		w.WriteString("\n")
	}
	w.WriteString(name + " {\n")
	for _, pair := range pairs {
		key := pair.name
		if strings.ContainsAny(key, `:"{} `) {
			key = `"` + strings.ReplaceAll(key, `"`, `\"`) + `"`
		}
		w.WriteString("  " + key + ": " + pair.value + "\n")
	}
	w.WriteString("}\n")
}
