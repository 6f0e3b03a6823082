package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fileVersion is the version of profiles.json that this Fob reads and writes.
const fileVersion = 1

// document is profiles.json as it was read, or as it will be written. It is never changed: an edit makes a new one.
type document struct {
	text    string
	version int
	others  []member // top-level members but version and profiles, in their order
	entries []*entry
	byName  map[string]int // index into entries, of those that can be used
}

// entry is one element of the array of profiles.
type entry struct {
	raw      string // its JSON text: what is not changed is written as it was read
	at       int    // where it stands in the document's text
	profile  Profile
	problems []Problem // why it cannot be used; nil when it can
	twin     bool      // it could be used, had another one not its name
}

// damage is why a text is no profiles.json, and where.
type damage struct {
	offset int
	reason string
}

func (d *damage) Error() string { return d.reason }

// parseDocument reads profiles.json. The error is a [*damage], or a [*VersionError] for a file of a newer Fob that
// cannot be read at all.
func parseDocument(path, text string) (*document, error) {
	body := strings.TrimPrefix(text, "\ufeff") // Windows editors put a byte order mark in front
	if bad := checkText(body); bad != nil {
		bad.offset += len(text) - len(body)
		return nil, bad
	}
	start := len(text) - len(body)
	d := &document{text: text, version: fileVersion, byName: map[string]int{}}
	open := skipSpace(body, 0)
	if body[open] != '{' {
		return nil, &damage{start + open, "holds " + kindOf(body[open:]) + " where an object {\"version\": 1, \"profiles\": [ … ]} belongs"}
	}
	var list member
	for _, m := range objectMembers(body) {
		switch m.key {
		case "version":
			n, err := strconv.Atoi(m.raw)
			if err != nil || n < 1 {
				return nil, &damage{start + m.at, "version is not a whole number from 1 on"}
			}
			d.version = n
		case "profiles":
			if list.raw != "" {
				return nil, &damage{start + m.from, "profiles is there twice; join the two lists"}
			}
			list = m
		default:
			d.others = append(d.others, m)
		}
	}
	if list.raw == "" || list.raw == "null" {
		return d, nil
	}
	if list.raw[0] != '[' {
		if d.version > fileVersion {
			return nil, &VersionError{Path: path, Version: d.version}
		}
		return nil, &damage{start + list.at, "profiles is " + kindOf(list.raw) + "; it is an array [ … ] of profiles"}
	}
	for _, el := range arrayElements(list.raw) {
		e := &entry{raw: el.raw, at: start + list.at + el.at}
		e.profile, e.problems = decodeProfile(el.raw)
		d.entries = append(d.entries, e)
	}
	d.index()
	return d, nil
}

// checkText finds out whether a text is JSON in UTF-8, and where it is not.
func checkText(body string) *damage {
	if strings.TrimSpace(body) == "" {
		return &damage{len(body), "is empty; an empty list of profiles is {\"version\": 1, \"profiles\": []}"}
	}
	if !utf8.ValidString(body) {
		for i, r := range body {
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(body[i:]); size == 1 {
					return &damage{i, "is not UTF-8 text"}
				}
			}
		}
	}
	if json.Valid([]byte(body)) {
		return nil
	}
	var whole json.RawMessage
	err := json.Unmarshal([]byte(body), &whole) // says where
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return &damage{0, "is not JSON"}
	}
	// The offset counts the bytes read, the wrong one among them; at the end of the text there is no wrong one.
	offset := int(syntax.Offset)
	reason := syntax.Error()
	if strings.HasPrefix(reason, "unexpected end") {
		return &damage{len(body), "ends in the middle; a closing bracket or quote is missing"}
	}
	offset = max(offset-1, 0)
	switch {
	case body[offset] == '/':
		reason = "has a comment here, which JSON does not know; remove it"
	case body[offset] == '}' || body[offset] == ']':
		if before := strings.TrimRight(body[:offset], " \t\r\n"); strings.HasSuffix(before, ",") {
			reason = "has a comma before this closing bracket; remove the comma"
		}
	}
	return &damage{offset, reason}
}

// index finds the profiles by name. Of two with one name the first is used, the second is kept and reported.
func (d *document) index() {
	d.byName = make(map[string]int, len(d.entries))
	for i, e := range d.entries {
		if e.problems != nil {
			continue
		}
		if first, taken := d.byName[e.profile.Name]; taken {
			line, _ := position(d.text, d.entries[first].at)
			e.twin = true
			e.problems = []Problem{{Key: "name", Message: fmt.Sprintf("is taken by another profile too, in line %d; rename one of them", line)}}
			continue
		}
		d.byName[e.profile.Name] = i
	}
}

// with returns a document with other entries, written out.
func (d *document) with(entries []*entry) *document {
	n := &document{version: d.version, others: d.others, entries: make([]*entry, len(entries))}
	for i, e := range entries {
		fresh := *e
		if e.twin {
			fresh.twin, fresh.problems = false, nil // whether it still is one is for index to say
		}
		n.entries[i] = &fresh
	}
	n.text = n.render()
	n.index()
	return n
}

// render writes the document: one member or profile a line, entries as they were read.
func (d *document) render() string {
	size := 64
	for _, e := range d.entries {
		size += len(e.raw) + 8
	}
	var out strings.Builder
	out.Grow(size)
	out.WriteString("{\n  \"version\": " + strconv.Itoa(d.version))
	for _, m := range d.others {
		out.WriteString(",\n  ")
		out.Write(appendString(nil, m.key))
		out.WriteString(": " + m.raw)
	}
	out.WriteString(",\n  \"profiles\": [")
	for i, e := range d.entries {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		e.at = out.Len()
		out.WriteString(e.raw)
	}
	if len(d.entries) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.String()
}

// newEntry is an entry as Fob writes it.
func newEntry(p Profile) *entry {
	return &entry{raw: string(p.appendJSON(nil, "    ")), profile: p}
}

// find returns the entry of a name: the one in use, else the first that has the name and cannot be used.
func (d *document) find(name string) (i int, usable bool) {
	if i, ok := d.byName[name]; ok {
		return i, true
	}
	return slices.IndexFunc(d.entries, func(e *entry) bool { return e.profile.Name == name && name != "" }), false
}
