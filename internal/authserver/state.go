package authserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// state is what the state file holds: enough that a login outlives a restart. Pending logins,
// codes, browser sessions and opaque access tokens do not; a client refreshes over their loss.
type state struct {
	Version  int               `json:"version"`
	Addr     string            `json:"addr,omitempty"`
	Keys     []jose.JSONWebKey `json:"keys,omitempty"`
	Families []*family         `json:"families,omitempty"`
}

const stateVersion = 1

// loadState reads the state file. A damaged one is set aside beside it, and the server starts
// afresh: the demo has nothing that a new login would not bring back.
func loadState(path string) (state, error) {
	empty := state{Version: stateVersion}
	if path == "" {
		return empty, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	var st state
	if err := json.Unmarshal(data, &st); err != nil || st.Version != stateVersion {
		if err := os.Rename(path, path+".damaged"); err != nil {
			return empty, fmt.Errorf("damaged state file cannot be set aside: %w", err)
		}
		return empty, nil
	}
	for _, f := range st.Families {
		if f.Spent == nil {
			f.Spent = map[string]int64{}
		}
	}
	return st, nil
}

// persist writes the state file, if there is one. An error does not stop the server, which goes
// on from memory; [store.persistError] tells it.
func (s *store) persist() {
	if s.path == "" {
		return
	}
	s.fileMu.Lock()
	defer s.fileMu.Unlock()
	s.fileErr = writeState(s.path, s.snapshot())
}

func (s *store) persistError() error {
	s.fileMu.Lock()
	defer s.fileMu.Unlock()
	return s.fileErr
}

// snapshot collects what is written; grants whose code was never redeemed are left out, and with
// them the only refresh tokens that are known in the clear.
func (s *store) snapshot() state {
	st := state{Version: stateVersion, Addr: s.addr, Keys: s.keys.all()}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.families {
		if awaited(&f.Grant) {
			continue
		}
		c := &family{Grant: cloneGrant(f.Grant), Current: f.Current, Spent: map[string]int64{}}
		for h, at := range f.Spent {
			c.Spent[h] = at
		}
		c.Grant.AuthCode, c.Grant.DeviceCode, c.Grant.AuthReqID = "", "", ""
		c.Grant.AuthParams.State, c.Grant.AuthParams.CodeChallenge = "", ""
		st.Families = append(st.Families, c)
	}
	return st
}

// writeState replaces the file at once or not at all.
func writeState(path string, st state) error {
	data, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".authserver-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
