package main

import (
	"errors"
	"strings"
	"testing"

	"fob/internal/agent"
	"fob/internal/keychain"
)

func TestHomesAreApart(t *testing.T) {
	shared, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	store := func(data string) *homeStore {
		t.Helper()
		mark, err := homeMark(agent.Home{Data: data})
		if err != nil {
			t.Fatal(err)
		}
		return &homeStore{now: shared, mark: mark}
	}
	one, other := t.TempDir(), t.TempDir()
	t.Setenv("FOB_HOME", one)
	a, b, again := store(one), store(other), store(one)
	t.Setenv("FOB_HOME", "")
	own := store(one)
	if err := a.Set(t.Context(), "token/work", []byte("a")); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*homeStore{"another FOB_HOME": b, "no FOB_HOME": own} {
		if _, err := s.Get(t.Context(), "token/work"); !errors.Is(err, keychain.ErrNotFound) {
			t.Errorf("%s has the token of the first: %v", name, err)
		}
	}
	if got, err := again.Get(t.Context(), "token/work"); err != nil || string(got) != "a" {
		t.Errorf("the same home again: %q %v", got, err)
	}
	if own.mark != "" || !strings.HasPrefix(a.mark, "home/") {
		t.Errorf("marks %q and %q", own.mark, a.mark)
	}
	if err := b.Delete(t.Context(), "token/work"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(t.Context(), "token/work"); err != nil {
		t.Errorf("deleted from another home: %v", err)
	}
}
