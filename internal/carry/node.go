package carry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// node is a piece of JSON or YAML that somebody else wrote. Asking it for what is not there gives an empty one, so that a
// reader of a format says what it looks for and nothing else.
type node struct {
	text   string // of a scalar, as it was written
	scalar bool
	list   []node
	names  []string // of the fields, in their order
	fields map[string]node
}

// errTooMuch is a document that is built to exhaust whoever reads it.
var errTooMuch = errors.New("is nested too deeply or holds too much")

// Limits of a document. An alias of YAML counts as often as it is used.
const (
	maxNesting = 200
	maxNodes   = 500_000
	maxYAML    = 4 << 20 // its parser takes its time
)

// budget counts what a document may still hold.
type budget int

func (b *budget) spend(depth int) error {
	if *b--; *b < 0 || depth > maxNesting {
		return errTooMuch
	}
	return nil
}

// parse reads JSON, or YAML.
func parse(text string) (node, error) {
	b := budget(maxNodes)
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		d := json.NewDecoder(strings.NewReader(trimmed))
		d.UseNumber()
		n, err := fromJSON(d, &b, 0)
		if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("something follows the JSON")
		}
		if err == nil || errors.Is(err, errTooMuch) {
			return n, err
		}
		err = fmt.Errorf("is not JSON: line %d: %w", 1+strings.Count(trimmed[:min(int(d.InputOffset()), len(trimmed))], "\n"), plainJSON(err))
		return node{}, err
	}
	if len(text) > maxYAML {
		return node{}, errTooMuch
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		// The library's words may quote the document, which may hold secrets: the line is enough.
		return node{}, errors.New("is not YAML" + lineOf().FindString(err.Error()))
	}
	return fromYAML(&doc, &b, 0)
}

var lineOf = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`:? line \d+`) })

// plainJSON is an error of encoding/json without any of the document.
func plainJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return errors.New("a mistake of syntax")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return err
}

func fromJSON(d *json.Decoder, b *budget, depth int) (node, error) {
	if err := b.spend(depth); err != nil {
		return node{}, err
	}
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch token := token.(type) {
	case json.Delim:
		var n node
		for d.More() {
			name := ""
			if token == '{' {
				key, err := d.Token()
				if err != nil {
					return n, err
				}
				name, _ = key.(string)
			}
			value, err := fromJSON(d, b, depth+1)
			if err != nil {
				return n, err
			}
			if token == '{' {
				n.add(name, value)
			} else {
				n.list = append(n.list, value)
			}
		}
		_, err := d.Token() // its end
		return n, err
	case nil:
		return node{}, nil
	default:
		return scalar(fmt.Sprint(token)), nil
	}
}

func fromYAML(y *yaml.Node, b *budget, depth int) (node, error) {
	if err := b.spend(depth); err != nil {
		return node{}, err
	}
	var n node
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) > 0 {
			return fromYAML(y.Content[0], b, depth)
		}
	case yaml.AliasNode:
		return fromYAML(y.Alias, b, depth+1)
	case yaml.ScalarNode:
		if y.Tag != "!!null" {
			return scalar(y.Value), nil
		}
	case yaml.SequenceNode:
		for _, item := range y.Content {
			value, err := fromYAML(item, b, depth+1)
			if err != nil {
				return n, err
			}
			n.list = append(n.list, value)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			value, err := fromYAML(y.Content[i+1], b, depth+1)
			if err != nil {
				return n, err
			}
			n.add(y.Content[i].Value, value)
		}
	}
	return n, nil
}

func scalar(text string) node { return node{text: text, scalar: true} }

func (n *node) add(name string, value node) {
	if n.fields == nil {
		n.fields = map[string]node{}
	}
	if _, twice := n.fields[name]; !twice {
		n.names = append(n.names, name)
	}
	n.fields[name] = value
}

// at goes down by the names of fields.
func (n node) at(names ...string) node {
	for _, name := range names {
		n = n.fields[name]
	}
	return n
}

// get is the text of a field; "" when it is none.
func (n node) get(name string) string { return n.fields[name].text }

// has says whether there are fields of all these names.
func (n node) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, there := n.fields[name]; return !there })
}

// yes says whether a field is true.
func (n node) yes(name string) bool { return n.fields[name].text == "true" }

// texts are the scalars of a list; a scalar is a list of one.
func (n node) texts() []string {
	if n.scalar {
		return []string{n.text}
	}
	var all []string
	for _, item := range n.list {
		if item.scalar {
			all = append(all, item.text)
		}
	}
	return all
}
