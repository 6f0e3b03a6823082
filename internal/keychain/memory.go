package keychain

import (
	"context"
	"maps"
	"slices"
)

// memory keeps items as long as the process lives: FOB_STORE=memory. Turns keep its callers apart.
type memory map[string]string

func (memory) ready(context.Context, bool) (Report, error) {
	return Report{Owner: "the agent's memory", Collection: "until the agent stops"}, nil
}

func (m memory) get(name string) (string, error) {
	text, ok := m[name]
	if !ok {
		return "", ErrNotFound
	}
	return text, nil
}

func (m memory) set(name, text string) error {
	m[name] = text
	return nil
}

func (m memory) remove(name string) error {
	delete(m, name)
	return nil
}

func (m memory) list(string) ([]string, string, error) { return slices.Sorted(maps.Keys(m)), "", nil }
