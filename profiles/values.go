package profiles

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Get returns the values of a field as text; none when it is at its default or has no such key. A duration reads "5m",
// a list gives one value each. "authorize_params" gives KEY=VALUE sorted by key, "authorize_params.KEY" one parameter.
func (p *Profile) Get(key string) []string {
	f, parameter, ok := lookup(key)
	if !ok || f.member == nil {
		return nil
	}
	return f.values(p, parameter)
}

// values are the values of the field, or of one of its parameters.
func (f *Field) values(p *Profile, parameter string) []string {
	switch m := f.member(p).(type) {
	case *string:
		if *m != "" {
			return []string{*m}
		}
	case *List:
		return slices.Clone(*m)
	case *Duration:
		if *m != 0 {
			return []string{m.String()}
		}
	case **int:
		if *m != nil {
			return []string{strconv.Itoa(**m)}
		}
	case *bool:
		if *m {
			return []string{"true"}
		}
	case *Parameters:
		if parameter != "" {
			if value, ok := (*m)[parameter]; ok {
				return []string{value}
			}
			return nil
		}
		return m.pairs()
	}
	return nil
}

func (m Parameters) pairs() []string {
	var all []string
	for _, name := range m.names() {
		all = append(all, name+"="+m[name])
	}
	return all
}

// Set gives a field its values as text. No value, or one that is empty, brings back the default. Lists take several
// values and split each at spaces; "authorize_params" replaces all its parameters by KEY=VALUE, "authorize_params.KEY"
// sets one, and without a value removes it; an empty value removes it too, but for request_params, where it is kept and
// means that the parameter is left out. Plain http is let pass here: whether it may be is for allow_http, which may come
// later. The error is a [Problem]; the profile is then as it was. Fields are checked one by one:
// [Profile.Validate] checks what they make together.
func (p *Profile) Set(key string, values ...string) error {
	f, parameter, ok := lookup(key)
	if !ok {
		return unknownKey(key)
	}
	if f.Kind == KindSecret {
		return Problem{Key: key, Message: "is kept in the keychain, not in the profile; give it as " + key + "=@FILE, or as " +
			key + "=- to read it from stdin"}
	}
	if f.Kind == KindList {
		values = splitList(f, values)
	}
	if f.Kind != KindParameters {
		values = trimmed(values)
	}
	if len(values) == 1 && values[0] == "" && !(f.empty && parameter != "") {
		values = nil
	}
	switch m := f.member(p).(type) {
	case *Parameters:
		if parameter != "" {
			return m.setOne(f, parameter, values)
		}
		return m.setAll(f, values)
	case *List:
		if bad, found := f.checkAll(values); found {
			return bad
		}
		*m = List(values)
		return nil
	default:
		return f.setOne(m, values)
	}
}

// setOne sets a field that has one value.
func (f *Field) setOne(member any, values []string) error {
	if len(values) > 1 {
		return Problem{Key: f.Key, Message: "takes one value, not " + strconv.Itoa(len(values))}
	}
	value := ""
	if len(values) == 1 {
		value = values[0]
	}
	if value == "" && f.Key == "name" {
		return Problem{Key: f.Key, Message: missing}
	}
	if bad, found := f.checkAll(values); found && bad.Message != plainHTTP {
		return bad
	}
	switch m := member.(type) {
	case *string:
		if f.Kind == KindJSON {
			value = compacted(value)
		}
		*m = value
	case *bool:
		*m = value == "true"
	case *Duration:
		*m = 0
		if value != "" {
			*m, _ = ParseDuration(value) // checked above
		}
	case **int:
		*m = nil
		if value != "" {
			n, _ := strconv.Atoi(value) // checked above
			*m = &n
		}
	}
	return nil
}

func (m *Parameters) setOne(f *Field, name string, values []string) error {
	if len(values) > 1 {
		return Problem{Key: f.Key + "." + name, Message: "takes one value, not " + strconv.Itoa(len(values))}
	}
	changed := maps.Clone(*m)
	if len(values) == 0 {
		delete(changed, name)
	} else {
		if bad := f.check(name + "=" + values[0]); bad != "" {
			return Problem{Key: f.Key + "." + name, Message: bad}
		}
		if changed == nil {
			changed = Parameters{}
		}
		changed[name] = values[0]
	}
	if len(changed) == 0 {
		changed = nil
	}
	*m = changed
	return nil
}

func (m *Parameters) setAll(f *Field, values []string) error {
	var all Parameters
	for _, pair := range values {
		if bad := f.check(pair); bad != "" {
			return Problem{Key: f.Key, Message: bad}
		}
		name, value, _ := strings.Cut(pair, "=")
		if _, twice := all[name]; twice {
			return Problem{Key: f.Key, Message: name + " is given twice; each parameter is sent once (RFC 6749 §3.1)"}
		}
		if all == nil {
			all = Parameters{}
		}
		all[name] = value
	}
	*m = all
	return nil
}

func (f *Field) checkAll(values []string) (Problem, bool) {
	for _, v := range values {
		if bad := f.check(v); bad != "" {
			return Problem{Key: f.Key, Message: bad}, true
		}
	}
	return Problem{}, false
}

func trimmed(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.TrimSpace(v)
	}
	return out
}

// splitList makes single values of what was typed: separated by spaces, each once.
func splitList(f *Field, values []string) []string {
	var all []string
	for _, text := range values {
		parts := []string{strings.TrimSpace(text)}
		if f.spaced {
			parts = strings.Fields(text)
		}
		for _, v := range parts {
			if v != "" && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return all
}
