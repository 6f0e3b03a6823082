package carry

import "strings"

// variables are what {{name}} stands for. A name that is not known stays unresolved, and what holds it stays behind.
type variables map[string]string

// Limits of what variables make: they may name one another.
const (
	maxHops  = 8
	maxValue = 64 << 10
)

// resolve puts the values of its variables into a text; unknown is the name of one that is not defined.
func (v variables) resolve(text string) (value, unknown string) {
	for range maxHops {
		if !strings.Contains(text, "{{") {
			return text, ""
		}
		var out strings.Builder
		rest, found := text, false
		for {
			before, after, opens := strings.Cut(rest, "{{")
			out.WriteString(before)
			if !opens {
				break
			}
			name, behind, closed := strings.Cut(after, "}}")
			if !closed {
				out.WriteString("{{" + after)
				break
			}
			name = variableName(name)
			value, known := v[name]
			if !known {
				return "", name
			}
			out.WriteString(value)
			found = true
			if out.Len() > maxValue {
				return "", name
			}
			rest = behind
		}
		if !found { // an opening without an end
			return text, ""
		}
		text = out.String()
	}
	return "", "a variable that names itself"
}

// variableName is the name in {{name}}; Insomnia writes {{ _.name }} and {{ _['name'] }}.
func variableName(name string) string {
	name = strings.TrimSpace(name)
	name = strings.TrimPrefix(name, "_.")
	if inner, found := strings.CutPrefix(name, "_["); found {
		name = strings.Trim(strings.TrimSuffix(inner, "]"), `'"`)
	}
	return name
}

// onlyVariable is the name of the variable that a text consists of, "" for any other text.
func onlyVariable(text string) string {
	inner, found := strings.CutPrefix(strings.TrimSpace(text), "{{")
	inner, closed := strings.CutSuffix(inner, "}}")
	if !found || !closed || strings.Contains(inner, "{{") {
		return ""
	}
	return variableName(inner)
}

// flatten adds the scalars of a tree by their paths: {"api": {"host": "x"}} is api.host.
func (v variables) flatten(prefix string, n node) {
	for _, name := range n.names {
		value := n.fields[name]
		if value.scalar {
			v[prefix+name] = value.text
		} else {
			v.flatten(prefix+name+".", value)
		}
	}
}
