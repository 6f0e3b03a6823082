package profiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MarshalJSON writes the profile with its members in the order of the fields, then those this version does not know.
// What is at its default is left out.
func (p Profile) MarshalJSON() ([]byte, error) { return p.appendJSON(nil, ""), nil }

// UnmarshalJSON reads a profile. Members that this version does not know are kept; the value of a secret is dropped and
// [Profile.Validate] reports it. The error is an [*InvalidError].
func (p *Profile) UnmarshalJSON(data []byte) error {
	if !json.Valid(data) {
		return errors.New("profile: is not JSON")
	}
	read, problems := decodeProfile(strings.TrimSpace(string(data)))
	if len(problems) > 0 {
		return &InvalidError{Name: read.Name, Problems: problems}
	}
	*p = read
	return nil
}

// appendJSON appends the profile as a JSON object; indent is the white space in front of its braces, "" for one line.
func (p Profile) appendJSON(dst []byte, indent string) []byte {
	between, inner, end := ",", "", ""
	if indent != "" {
		inner, end = "\n"+indent+"  ", "\n"+indent
		between = "," + inner
	}
	dst = append(dst, '{')
	first := true
	add := func(key string) {
		if first {
			dst = append(dst, inner...)
		} else {
			dst = append(dst, between...)
		}
		first = false
		dst = append(appendString(dst, key), ':')
		if indent != "" {
			dst = append(dst, ' ')
		}
	}
	for i := range table {
		f := &table[i]
		if f.member == nil {
			continue
		}
		m := f.member(&p)
		if !isSet(m) {
			continue
		}
		add(f.Key)
		dst = f.appendValue(dst, m, inner)
	}
	for _, m := range p.unknown {
		add(m.key)
		dst = append(dst, m.raw...)
	}
	if !first {
		dst = append(dst, end...)
	}
	return append(dst, '}')
}

func isSet(m any) bool {
	switch m := m.(type) {
	case *string:
		return *m != ""
	case *List:
		return len(*m) > 0
	case *Parameters:
		return len(*m) > 0
	case *Duration:
		return *m != 0
	case **int:
		return *m != nil
	case *bool:
		return *m
	}
	return false
}

// appendValue appends the value of a field; line is what begins a line of the object it stands in, "" for one line.
func (f *Field) appendValue(dst []byte, m any, line string) []byte {
	switch m := m.(type) {
	case *string:
		if f.Kind == KindJSON && jsonText(*m) {
			return append(dst, *m...)
		}
		return appendString(dst, *m)
	case *bool:
		return strconv.AppendBool(dst, *m)
	case *Duration:
		return appendString(dst, m.String())
	case **int:
		return strconv.AppendInt(dst, int64(**m), 10)
	case *Parameters:
		return m.appendJSON(dst, line)
	case *List:
		return f.appendList(dst, *m, line)
	}
	return dst
}

// jsonText says whether a text is a JSON object or array, which stands in the file as it is.
func jsonText(text string) bool {
	return text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text))
}

// compacted is JSON text without its white space; any other text is left alone.
func compacted(text string) string {
	var out bytes.Buffer
	if !jsonText(text) || json.Compact(&out, []byte(text)) != nil {
		return text
	}
	return out.String()
}

// appendList writes scope and its like as one string (RFC 7591 §2, OpenID Connect Core §3.1.2.1), a single redirect
// URI as a string, everything else as an array.
func (f *Field) appendList(dst []byte, list List, line string) []byte {
	oneString := f.Key == "scope" || f.Key == "acr_values" || f.Key == "extra_scope_to_consent" || f.Key == "ui_locales"
	for _, v := range list {
		if strings.ContainsAny(v, " \t\r\n") || v == "" {
			oneString = false // not valid, and not to be made something else by writing it
		}
	}
	switch {
	case oneString:
		return appendString(dst, strings.Join(list, " "))
	case f.Key == "redirect_uri" && len(list) == 1:
		return appendString(dst, list[0])
	}
	dst = append(dst, '[')
	for i, v := range list {
		dst = appendString(appendBreak(dst, line, i > 0), v)
	}
	return append(append(dst, line...), ']')
}

func (m Parameters) appendJSON(dst []byte, line string) []byte {
	dst = append(dst, '{')
	for i, name := range m.names() {
		dst = append(appendString(appendBreak(dst, line, i > 0), name), ':')
		if line != "" {
			dst = append(dst, ' ')
		}
		dst = appendString(dst, m[name])
	}
	return append(append(dst, line...), '}')
}

func appendBreak(dst []byte, line string, comma bool) []byte {
	if comma {
		dst = append(dst, ',')
	}
	if line != "" {
		dst = append(append(dst, line...), "  "...)
	}
	return dst
}

// decodeProfile reads a profile from valid JSON. What cannot be read is a problem; the rest is read nevertheless.
func decodeProfile(text string) (Profile, []Problem) {
	var p Profile
	if text[0] != '{' {
		return p, []Problem{{Key: "name", Message: "is missing, the profile is " + kindOf(text) + "; write it as an object: {\"name\": …}"}}
	}
	var problems []Problem
	var seen [256]bool // by row of the table
	for _, m := range objectMembers(text) {
		i, known := rows()[m.key]
		switch {
		case secretName(m.key):
			if m.raw != "null" && m.raw != `""` {
				p.noteSecret(m.key)
			}
		case !known:
			p.unknown = append(p.unknown, member{key: m.key, raw: m.raw})
		case seen[i]:
			problems = append(problems, Problem{Key: m.key, Message: "is there twice; remove one"})
		default:
			seen[i] = true
			if err := p.decodeMember(&table[i], m.raw); err != nil {
				problems = append(problems, Problem{Key: m.key, Message: err.Error()})
			}
		}
	}
	if p.Name == "" && len(problems) == 0 {
		problems = append(problems, Problem{Key: "name", Message: missing})
	}
	return p, problems
}

// noteSecret remembers that a secret stood here, not which.
func (p *Profile) noteSecret(key string) {
	if plainName(key) == "clientsecret" {
		key = "client_secret" // one problem explains all spellings
	}
	if !slices.Contains(p.secrets, key) {
		p.secrets = append(p.secrets, key)
	}
}

// decodeMember reads one member; null is the default.
func (p *Profile) decodeMember(f *Field, raw string) error {
	if raw == "null" {
		return nil
	}
	switch m := f.member(p).(type) {
	case *string:
		return p.decodeText(f, raw, m)
	case *bool:
		if raw != "true" && raw != "false" {
			return fmt.Errorf("is %s; write true or false without quotes", kindOf(raw))
		}
		*m = raw == "true"
	case *List:
		return f.decodeList(raw, m)
	case *Parameters:
		return p.decodeParameters(f, raw, m)
	case *Duration:
		var text string
		if err := decodeString(raw, &text); err != nil || text == "" {
			return err
		}
		d, err := ParseDuration(text)
		*m = d
		return err
	case **int:
		n, err := strconv.Atoi(raw)
		if err != nil {
			return fmt.Errorf("is %s; write a whole number without quotes", kindOf(raw))
		}
		*m = &n
	}
	return nil
}

func decodeString(raw string, to *string) error {
	if raw[0] != '"' {
		return fmt.Errorf("is %s; write it as text in quotes", kindOf(raw))
	}
	*to = stringValue(raw)
	return nil
}

// decodeText reads text; JSON stands in the file as it is or as text.
func (p *Profile) decodeText(f *Field, raw string, to *string) error {
	if f.Kind == KindJSON && raw[0] != '"' {
		if raw[0] != '{' && raw[0] != '[' {
			return fmt.Errorf("is %s; write it as JSON, like %s", kindOf(raw), f.Example)
		}
		*to = compacted(raw)
		return nil
	}
	if err := decodeString(raw, to); err != nil {
		return err
	}
	switch {
	case f.Kind == KindJSON:
		*to = compacted(*to)
	case f.Kind == KindPEM && strings.Contains(*to, "PRIVATE KEY"):
		*to = ""
		p.noteSecret(f.Key)
	}
	return nil
}

// decodeList reads an array of strings, or one string with its values separated by spaces.
func (f *Field) decodeList(raw string, to *List) error {
	var values []string
	switch raw[0] {
	case '"':
		values = strings.Fields(stringValue(raw))
	case '[':
		for _, e := range arrayElements(raw) {
			if e.raw[0] != '"' {
				return fmt.Errorf("holds %s; write each value as text in quotes", kindOf(e.raw))
			}
			value := stringValue(e.raw)
			if f.spaced {
				values = append(values, strings.Fields(value)...)
			} else {
				values = append(values, value)
			}
		}
	default:
		return fmt.Errorf("is %s; write it as text in quotes, or as an array of such texts", kindOf(raw))
	}
	if len(values) > 0 {
		*to = values
	}
	return nil
}

func (p *Profile) decodeParameters(f *Field, raw string, to *Parameters) error {
	if raw[0] != '{' {
		return fmt.Errorf("is %s; write it as an object of texts: {\"access_type\": \"offline\"}", kindOf(raw))
	}
	var all Parameters
	for _, m := range objectMembers(raw) {
		if f.secretParameter(m.key, m.raw) {
			p.noteSecret(f.Key + "." + m.key)
			continue
		}
		if _, twice := all[m.key]; twice {
			return fmt.Errorf("holds %s twice; remove one", strconv.Quote(m.key))
		}
		if m.raw[0] != '"' {
			return fmt.Errorf("holds %s for %s; write the value as text in quotes", kindOf(m.raw), strconv.Quote(m.key))
		}
		if all == nil {
			all = Parameters{}
		}
		all[m.key] = stringValue(m.raw)
	}
	*to = all
	return nil
}

// kindOf says in words what a JSON value is, without repeating it.
func kindOf(raw string) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "text"
	case 't', 'f':
		return raw
	case 'n':
		return "null"
	}
	return "a number"
}

// UnmarshalJSON reads an array of strings, or one string with its values separated by spaces.
func (l *List) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(string(data))
	if !json.Valid(data) {
		return errors.New("list: is not JSON")
	}
	*l = nil
	if text == "null" {
		return nil
	}
	return (&Field{}).decodeList(text, l)
}
