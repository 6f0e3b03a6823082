package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"fob/internal/session"
)

// Store is what the process does with the place where secrets rest.
type Store struct {
	Kind func() string
	// Show examines it. A store that does not work is no error: [StoreView.Problem] says it.
	Show func(ctx context.Context) (StoreView, error)
	// Unlock opens the file store with its passphrase; with create, one that is not there yet is made.
	Unlock func(ctx context.Context, passphrase string, create bool) error
	// Passphrase replaces the file store's passphrase.
	Passphrase func(ctx context.Context, before, after string) error
	// Move takes everything to another store and tells how far it is.
	Move func(ctx context.Context, to string, tell func(StoreMove)) error
	// Clean finds what is left over, and removes what it is told to.
	Clean func(ctx context.Context, ask StoreClean) (StoreClean, error)
}

// StoreView is the place where secrets rest, as `fob store` shows it.
type StoreView struct {
	Kind       string         `json:"kind"`                   // "keychain", "file", "memory"
	Owner      string         `json:"owner,omitempty"`        // the program behind it
	Collection string         `json:"collection,omitempty"`   // where in it
	ItemLimit  int            `json:"item_limit,omitempty"`   // bytes; 0 where none is known
	Lasts      bool           `json:"lasts"`                  // it outlives the end of the session and of the agent
	Items      *int           `json:"items,omitempty"`        // of this home; absent where the system does not list them
	SealedIn   string         `json:"sealed_in,omitempty"`    // the folder of values that are too large for an item
	Sealed     int            `json:"sealed_files,omitempty"` // how many
	LeftOver   int            `json:"left_over,omitempty"`    // items and files of profiles that are gone
	OtherHomes map[string]int `json:"other_homes,omitempty"`  // items of other FOB_HOMEs in the same keychain, by home
	Leaving    string         `json:"leaving,omitempty"`      // the store that a move came from and could not clear
	Notes      []string       `json:"notes,omitempty"`        // what a person should know
	Problem    *Problem       `json:"problem,omitempty"`      // why it does not work now
}

// Holds says how large a token may be there: any size, and how that is done.
func (v StoreView) Holds() string {
	if v.SealedIn == "" {
		return "tokens of any size"
	}
	limit := 2048 // what every system takes, and so what Fob puts into an item
	if v.ItemLimit > 0 {
		limit = min(limit, v.ItemLimit)
	}
	said := fmt.Sprintf("tokens of any size; over %d bytes they are sealed into files", limit)
	if v.Sealed > 0 {
		said += fmt.Sprintf(" (%d now)", v.Sealed)
	}
	return said
}

// Survives says what ends the logins kept there.
func (v StoreView) Survives() string {
	switch {
	case v.Kind == "memory":
		return "forgotten when the agent ends"
	case !v.Lasts:
		return "forgotten when you log out of the desktop"
	}
	return "survives log-out and restart"
}

// StoreMove is how far a move is.
type StoreMove struct {
	Step  string `json:"step"` // "copy", "remove", "done"
	Done  int    `json:"done"`
	Total int    `json:"total"`
	Note  string `json:"note,omitempty"` // what a person should know at the end
}

// StoreClean is what a clean-up finds, and what it is asked to remove.
type StoreClean struct {
	Home   string   `json:"home,omitempty"`   // another home's mark: everything of it
	Items  []string `json:"items,omitempty"`  // the names of items that belong to no profile
	Files  []string `json:"files,omitempty"`  // sealed files that no item names
	Remove bool     `json:"remove,omitempty"` // remove Items and Files, as far as they are still left over
}

// Codes of a file store that needs its passphrase, for faces that can ask for it.
const (
	CodeStoreLocked = session.CodeStoreLocked
	CodeStoreNew    = session.CodeStoreNew
	CodeStoreWrong  = session.CodeStoreWrong
)

type unlockRequest struct {
	Passphrase string `json:"passphrase"`
	Create     bool   `json:"create,omitempty"`
}

type passphraseRequest struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

type moveRequest struct {
	To string `json:"to"`
}

// Store returns what stands behind the store.
func (c *Client) Store(ctx context.Context) (StoreView, error) {
	var view StoreView
	err := c.call(ctx, http.MethodGet, "store", nil, &view)
	return view, err
}

// UnlockStore opens the file store with its passphrase; with create, it may be its first one.
func (c *Client) UnlockStore(ctx context.Context, passphrase string, create bool) error {
	return c.call(ctx, http.MethodPost, "store/unlock", unlockRequest{passphrase, create}, nil)
}

// SetStorePassphrase replaces the file store's passphrase.
func (c *Client) SetStorePassphrase(ctx context.Context, before, after string) error {
	return c.call(ctx, http.MethodPost, "store/passphrase", passphraseRequest{before, after}, nil)
}

// MoveStore takes everything to the store called to ("keychain", "file") and tells how far it is. Interrupted, it can be repeated.
func (c *Client) MoveStore(ctx context.Context, to string, tell func(StoreMove)) error {
	return c.stream(ctx, "store/move", moveRequest{to}, func(line []byte) error {
		var move StoreMove
		if err := json.Unmarshal(line, &move); err != nil {
			return err
		}
		tell(move)
		return nil
	})
}

// CleanStore finds what is left over in the store, and removes what ask names.
func (c *Client) CleanStore(ctx context.Context, ask StoreClean) (StoreClean, error) {
	var found StoreClean
	err := c.call(ctx, http.MethodPost, "store/clean", ask, &found)
	return found, err
}

func (s *Server) storeRoutes(mux *http.ServeMux, handle func(string, func(*http.Request) (any, error))) {
	store := s.options.Store
	handle("GET /v1/store", func(r *http.Request) (any, error) { return store.Show(r.Context()) })
	handle("POST /v1/store/unlock", asked(func(ctx context.Context, q unlockRequest) (any, error) {
		return nil, store.Unlock(ctx, q.Passphrase, q.Create)
	}))
	handle("POST /v1/store/passphrase", asked(func(ctx context.Context, q passphraseRequest) (any, error) {
		return nil, store.Passphrase(ctx, q.Before, q.After)
	}))
	handle("POST /v1/store/clean", asked(func(ctx context.Context, q StoreClean) (any, error) { return store.Clean(ctx, q) }))
	mux.HandleFunc("POST /v1/store/move", func(w http.ResponseWriter, r *http.Request) {
		var q moveRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestMax)).Decode(&q); err != nil {
			s.reply(w, r, nil, badRequest())
			return
		}
		io.Copy(io.Discard, r.Body) // read to the end, or net/http does not notice the client's going
		lines := newLines(w)
		if err := store.Move(r.Context(), q.To, func(move StoreMove) { lines.write(move) }); err != nil {
			lines.write(errorAnswer{s.said(r, err)})
		}
	})
}
