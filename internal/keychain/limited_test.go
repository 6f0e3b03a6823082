package keychain

import (
	"context"
	"errors"
	"maps"
)

// limited is a keychain with Windows' limit that can fail or end the world at any of its calls. It stands in where the real
// one cannot be made to: e2e_linux_test.go has that.
type limited struct {
	items  map[string]string
	limit  int
	before func(op string) error // nil, or decides that op fails without effect
	after  func(op string) error // nil, or decides that op fails although it happened
	probe  func(ctx context.Context, attended bool) error
}

func newLimited() *limited { return &limited{items: map[string]string{}, limit: 2560} }

// survivor is the same keychain as the next process finds it.
func (l *limited) survivor() *limited { return &limited{items: maps.Clone(l.items), limit: l.limit} }

func (l *limited) do(op string, work func() error) error {
	if l.before != nil {
		if err := l.before(op); err != nil {
			return err
		}
	}
	err := work()
	if err == nil && l.after != nil {
		err = l.after(op)
	}
	return err
}

func (l *limited) ready(ctx context.Context, attended bool) (Report, error) {
	if l.probe != nil {
		return Report{Owner: "limited"}, l.probe(ctx, attended)
	}
	return Report{Owner: "limited", ItemLimit: l.limit}, nil
}

func (l *limited) get(name string) (text string, err error) {
	err = l.do("get", func() error {
		var ok bool
		if text, ok = l.items[name]; !ok {
			return problem(ErrNotFound, "", nil)
		}
		return nil
	})
	if err != nil {
		text = ""
	}
	return text, err
}

func (l *limited) set(name, text string) error {
	return l.do("set", func() error {
		if len(text) > l.limit {
			return problem(ErrTooLarge, "", errors.New("the fake's limit"))
		}
		l.items[name] = text
		return nil
	})
}

func (l *limited) remove(name string) error {
	return l.do("remove", func() error { delete(l.items, name); return nil })
}
