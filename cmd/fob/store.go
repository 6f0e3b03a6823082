package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/agent"
	"fob/internal/keychain"
)

// homeStore keeps the items of one home apart from those of others in the same keychain: two profiles called "work" in two
// FOB_HOMEs are two logins. The home of the user's own directories has no mark, so that its items outlive those directories.
type homeStore struct {
	*keychain.Keychain
	mark string
}

// Get returns the value of key in this home.
func (s homeStore) Get(ctx context.Context, key string) ([]byte, error) {
	return s.Keychain.Get(ctx, s.mark+key)
}

// Set stores the value of key in this home.
func (s homeStore) Set(ctx context.Context, key string, value []byte) error {
	return s.Keychain.Set(ctx, s.mark+key, value)
}

// Delete removes key of this home.
func (s homeStore) Delete(ctx context.Context, key string) error {
	return s.Keychain.Delete(ctx, s.mark+key)
}

// Sweep shreds what a crash left behind, but what keys name.
func (s homeStore) Sweep(ctx context.Context, keys []string) (int, error) {
	marked := make([]string, len(keys))
	for i, key := range keys {
		marked[i] = s.mark + key
	}
	return s.Keychain.Sweep(ctx, marked)
}

// homeMark is what the items of a home begin with. It rests in the home and moves and is copied with it: a restored backup
// finds the tokens that it is the backup of.
func homeMark(home agent.Home) (string, error) {
	if os.Getenv("FOB_HOME") == "" {
		return "", nil
	}
	path := filepath.Join(home.Data, "home-id")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id := make([]byte, 6)
		rand.Read(id) // never fails
		text = []byte(hex.EncodeToString(id) + "\n")
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("the id of this FOB_HOME: %w", err)
	}
	return "home/" + strings.TrimSpace(string(text)) + "/", nil
}
