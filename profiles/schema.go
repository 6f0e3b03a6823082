package profiles

import (
	"bytes"
	"encoding/json"
)

// Schema is the JSON Schema (draft 2020-12) of profiles.json, for editors that check and complete as one types. It is
// made from the table of fields. Members it does not name are allowed: a newer Fob may have written them.
func Schema() []byte {
	s := schemaText{}
	s.open()
	s.text("$schema", "https://json-schema.org/draft/2020-12/schema")
	s.text("title", "profiles.json of Fob")
	s.text("type", "object")
	s.member("properties").open()
	s.member("version").raw(`{"type":"integer","minimum":1}`)
	s.member("profiles").open()
	s.text("type", "array")
	s.member("items").raw(`{"$ref":"#/$defs/profile"}`)
	s.shut().shut()
	s.member("$defs").open()
	s.member("profile").open()
	s.text("type", "object")
	s.member("required").raw(`["name"]`)
	s.member("properties").open()
	for i := range table {
		s.member(table[i].Key).open()
		s.field(&table[i])
		s.shut()
	}
	s.shut().shut().shut().shut()
	var out bytes.Buffer
	_ = json.Indent(&out, s.out, "", "  ") // a test holds that it is JSON
	return append(out.Bytes(), '\n')
}

// field writes what is known of the field.
func (s *schemaText) field(f *Field) {
	s.text("title", f.Label)
	description := f.Help
	if f.Default != "" {
		description += " Default: " + f.Default + "."
	}
	s.text("description", description)
	switch f.Kind {
	case KindSecret:
		s.member("not").raw(`{}`) // it has no place in the file
	case KindBool:
		s.text("type", "boolean")
	case KindNumber:
		s.text("type", "integer")
	case KindJSON:
		s.member("type").raw(`["object","array","string"]`)
	case KindList:
		s.member("type").raw(`["string","array"]`)
		s.member("items").raw(`{"type":"string"}`)
	case KindParameters:
		s.text("type", "object")
		s.member("additionalProperties").raw(`{"type":"string"}`)
	case KindDuration:
		s.text("type", "string")
		s.text("pattern", `^([0-9]+(\.[0-9]+)?(d|h|m|s|ms))*$`)
	case KindURL:
		s.text("type", "string")
		s.text("pattern", "^(https?://.*)?$")
	default:
		s.text("type", "string")
	}
	if f.Kind == KindSecret || len(f.Choices) == 0 {
		return
	}
	if f.Open || f.Kind == KindColor {
		s.member("examples").choices(f.Choices, false)
	} else {
		s.member("enum").choices(f.Choices, true)
	}
}

// schemaText writes JSON whose members stay in the order of the table.
type schemaText struct{ out []byte }

func (s *schemaText) comma() {
	if n := len(s.out); n > 0 && s.out[n-1] != '{' && s.out[n-1] != ':' {
		s.out = append(s.out, ',')
	}
}

func (s *schemaText) open() *schemaText { s.out = append(s.out, '{'); return s }

func (s *schemaText) shut() *schemaText { s.out = append(s.out, '}'); return s }

func (s *schemaText) member(key string) *schemaText {
	s.comma()
	s.out = append(appendString(s.out, key), ':')
	return s
}

func (s *schemaText) raw(text string) { s.out = append(s.out, text...) }

func (s *schemaText) text(key, value string) {
	s.member(key)
	s.out = appendString(s.out, value)
}

func (s *schemaText) choices(all []Choice, empty bool) {
	s.out = append(s.out, '[')
	if empty && all[0].Value != "" {
		s.out = append(s.out, `"",`...)
	}
	first := true
	for _, c := range all {
		if c.Value == "" && !empty {
			continue
		}
		if !first {
			s.out = append(s.out, ',')
		}
		first = false
		s.out = appendString(s.out, c.Value)
	}
	s.out = append(s.out, ']')
}
