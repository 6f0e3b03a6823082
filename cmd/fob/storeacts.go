package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/agent"
	"fob/internal/keychain"
	"fob/internal/session"
)

// storeActs are what a face can do with the store.
func (r *resident) storeActs() agent.Store {
	return agent.Store{
		Kind: func() string { return string(r.store.current().Kind()) },
		Show: r.showStore, Unlock: r.unlockStore, Passphrase: r.storePassphrase, Move: r.moveStore, Clean: r.cleanStore,
	}
}

// unlockStore opens the file store, also before a move to it.
func (r *resident) unlockStore(ctx context.Context, passphrase string, create bool) error {
	files, err := r.fileStore()
	if err == nil {
		err = files.Unlock(ctx, passphrase, create)
	}
	if err != nil {
		return err
	}
	r.engine.NetworkChanged() // what failed for want of the store is tried now
	return nil
}

func (r *resident) storePassphrase(ctx context.Context, before, after string) error {
	files, err := r.fileStore()
	if err != nil {
		return err
	}
	return files.SetPassphrase(ctx, before, after)
}

// fileStore is the file store: the one in use, or one that may be moved to.
func (r *resident) fileStore() (*keychain.Keychain, error) {
	if r.stores.forced != "" && r.stores.forced != keychain.KindFile {
		return nil, &agent.Error{Kind: agent.Failed, Code: "store", Sentence: fmt.Sprintf("the agent was started with FOB_STORE=%s, so there is no file store", r.stores.forced),
			Remedy: "unset FOB_STORE or set it to file, run `fob stop` and try again"}
	}
	return r.stores.open(keychain.KindFile)
}

// showStore examines the store.
func (r *resident) showStore(ctx context.Context) (agent.StoreView, error) {
	now := r.store.current()
	report, err := now.Describe(ctx)
	view := agent.StoreView{Kind: string(now.Kind()), Owner: report.Program, Collection: report.Collection, ItemLimit: report.ItemLimit, Lasts: report.Lasts}
	view.SealedIn, view.Sealed = now.Sealed()
	if note := r.stores.contradiction(); note != "" {
		view.Notes = append(view.Notes, note)
	}
	if r.stores.found != "" {
		view.Notes = append(view.Notes, r.stores.found)
	}
	if chosen, err := readChoice(r.home); err == nil && chosen.Leaving != "" {
		view.Leaving = string(chosen.Leaving)
		view.Notes = append(view.Notes, fmt.Sprintf("the last move could not clear the %s: finish it with fob store move %s", chosen.Leaving, chosen.Kind))
	}
	if err != nil {
		said := session.Explain("", err)
		view.Problem = &agent.Problem{Code: said.Code, Sentence: said.Sentence, Remedy: said.Remedy}
		return view, nil
	}
	names, err := now.List(ctx)
	if err != nil {
		if !errors.Is(err, keychain.ErrNoList) {
			r.log.Info("store", "problem", err.Error())
		}
		return view, nil
	}
	ours, others := r.store.split(names)
	count := len(ours)
	view.Items, view.OtherHomes = &count, others
	if found, err := r.leftOver(ctx); err == nil {
		view.LeftOver = len(found.Items) + len(found.Files)
	}
	return view, nil
}

// cleanable are the kinds of items that belong to a profile. Whatever else there is belongs to Fob itself, or to a newer one.
var cleanable = []string{"token/", "secrets/", "client_secret/", "waiting/"}

// set is for a look into thousands of names, for thousands of them.
func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// leftOver finds the items of this home that no profile needs, and the sealed files that no item names.
func (r *resident) leftOver(ctx context.Context) (agent.StoreClean, error) {
	var found agent.StoreClean
	if damage := r.engine.Damage(); damage != nil || len(r.file.Bad()) > 0 {
		return found, &agent.Error{Kind: agent.Failed, Code: "store", Sentence: "profiles.json cannot be read whole, so nobody knows which items belong to a profile",
			Remedy: "mend it first: fob doctor names the place"}
	}
	now := r.store.current()
	names, err := now.List(ctx)
	if err != nil && !errors.Is(err, keychain.ErrNoList) {
		return found, err
	}
	ours, _ := r.store.split(names)
	keys := r.store.marked(r.engine.Keys()) // after the list: what was stored since is not in it
	needed := set(keys)
	for _, name := range ours {
		kind := strings.TrimPrefix(name, r.store.mark)
		known := slices.ContainsFunc(cleanable, func(prefix string) bool { return strings.HasPrefix(kind, prefix) })
		if known && !needed[name] {
			found.Items = append(found.Items, name)
		}
	}
	slices.Sort(found.Items)
	found.Files, err = now.Abandoned(ctx, keys)
	return found, err
}

// cleanStore removes what ask names and is still left over; asked for nothing, it says what there is.
func (r *resident) cleanStore(ctx context.Context, ask agent.StoreClean) (agent.StoreClean, error) {
	now := r.store.current()
	found, err := agent.StoreClean{Home: ask.Home}, error(nil)
	if ask.Home != "" {
		if ask.Home == homeIn(r.store.mark) {
			return found, &agent.Error{Kind: agent.Misused, Code: "store", Sentence: "home " + ask.Home + " is this one", Remedy: "leave --home out to remove what is left over in it"}
		}
		names, err := now.List(ctx)
		if err != nil {
			return found, err
		}
		for _, name := range names {
			if homeIn(name) == ask.Home {
				found.Items = append(found.Items, name)
			}
		}
		slices.Sort(found.Items)
	} else if found, err = r.leftOver(ctx); err != nil {
		return found, err
	}
	if !ask.Remove {
		return found, nil
	}
	gone, shown := agent.StoreClean{Home: ask.Home, Remove: true}, set(ask.Items)
	for _, name := range found.Items {
		if !shown[name] {
			continue // nobody has seen it
		}
		if err := now.Delete(ctx, name); err != nil {
			return gone, err
		}
		gone.Items = append(gone.Items, name)
	}
	if len(ask.Files) > 0 {
		if _, err := now.Sweep(ctx, r.store.marked(r.engine.Keys())); err != nil {
			return gone, err
		}
		gone.Files = found.Files
	}
	r.log.Info("store cleaned", "items", len(gone.Items), "files", len(gone.Files))
	return gone, nil
}

// moveStore takes every item of this home to another store. The order is what makes it safe to interrupt at any step: copy and
// compare; choose the new store, durably; and only then remove what the old one holds. A repeat finishes.
func (r *resident) moveStore(ctx context.Context, to string, tell func(agent.StoreMove)) error {
	target := keychain.Kind(to)
	if target != keychain.KindKeychain && target != keychain.KindFile {
		return &agent.Error{Kind: agent.Misused, Code: "store", Sentence: "there is no store " + to + " to move to", Remedy: "use keychain or file; FOB_STORE=memory forgets everything and is no place to move to"}
	}
	if r.stores.forced != "" {
		return &agent.Error{Kind: agent.Failed, Code: "store", Sentence: fmt.Sprintf("the agent was started with FOB_STORE=%s, which overrules every move", r.stores.forced),
			Remedy: "unset FOB_STORE, run `fob stop` and try again"}
	}
	if !r.store.moves.TryLock() {
		return &agent.Error{Kind: agent.TryAgain, Code: "store", Sentence: "another move is under way", Remedy: "wait for its end"}
	}
	defer r.store.moves.Unlock()
	chosen, err := readChoice(r.home)
	if err != nil {
		return err
	}
	from := r.store.current()
	if from.Kind() == target {
		if chosen.Leaving == "" {
			tell(agent.StoreMove{Step: "done"})
			return nil
		}
		old, err := r.stores.open(chosen.Leaving)
		if err != nil {
			return err
		}
		finish := mover{store: r.store, from: old.Attended(), to: from, tell: tell, note: func(c choice) error { return c.write(r.home) }}
		return finish.leave(ctx, chosen.Items)
	}
	next, err := r.stores.open(target)
	if err != nil {
		return err
	}
	// Whoever waits can answer a prompt now, before anything is half done.
	if _, err := next.Probe(ctx, true); err != nil {
		return err
	}
	if _, err := from.Probe(ctx, true); err != nil {
		if !errors.Is(err, keychain.ErrNoKeychain) || r.anyLogin() {
			return err
		}
		if err := (choice{Kind: target}).write(r.home); err != nil {
			return err
		}
		r.store.switchTo(next)
		tell(agent.StoreMove{Step: "done", Note: "there is no keychain here, so there was nothing to move"})
		return nil
	}
	moved := mover{store: r.store, from: from.Attended(), to: next, tell: tell, items: r.itemsOf, stale: chosen.copied(target),
		note: func(c choice) error { return c.write(r.home) }}
	if err := moved.run(ctx); err != nil {
		return err
	}
	r.log.Info("store moved", "from", string(from.Kind()), "to", to)
	r.engine.Poke()
	return moved.leave(ctx, moved.names)
}

// anyLogin says whether the keychain holds, or held, a login of this home.
func (r *resident) anyLogin() bool {
	all, err := r.engine.Status()
	return err != nil || slices.ContainsFunc(all, func(s agent.Status) bool { return s.State != agent.LoggedOut && s.State != agent.LoggingIn })
}

// itemsOf are the names of this home's items in k: what it lists, or else what the engine knows of.
func (r *resident) itemsOf(ctx context.Context, k *keychain.Keychain) ([]string, error) {
	names, err := k.List(ctx)
	if err != nil && !errors.Is(err, keychain.ErrNoList) {
		return nil, err
	}
	ours, _ := r.store.split(names)
	if err != nil {
		ours = r.store.marked(r.engine.Keys())
	}
	slices.Sort(ours)
	return slices.Compact(ours), nil
}

// mover takes the items of a home from one store to another. What it notes in the home's choice lets a repeat finish what an
// interruption left: before the switch, copies; after it, originals.
type mover struct {
	store    *homeStore
	from, to *keychain.Keychain
	items    func(context.Context, *keychain.Keychain) ([]string, error)
	stale    []string // what an interrupted move had copied
	note     func(choice) error
	tell     func(agent.StoreMove)

	names []string // what was copied
}

// run copies and then switches; for all but the last moment the old store is in use.
func (m *mover) run(ctx context.Context) error {
	m.store.watch()
	defer m.store.unwatch()
	var err error
	if m.names, err = m.items(ctx, m.from); err != nil {
		return err
	}
	m.add(m.stale) // what has been removed since is not to come back
	if err := m.copy(ctx, m.names); err != nil {
		return err
	}
	if err := m.store.shut(ctx); err != nil {
		return err
	}
	defer m.store.gate.Unlock()
	again := m.store.written()
	m.add(again)
	if err := m.copy(ctx, again); err != nil {
		return err
	}
	if err := m.note(choice{Kind: m.to.Kind(), Leaving: m.from.Kind(), Items: m.names}); err != nil {
		return err
	}
	m.store.switchTo(m.to)
	return nil
}

// add adds names to those that are copied.
func (m *mover) add(names []string) {
	m.names = slices.Concat(m.names, names)
	slices.Sort(m.names)
	m.names = slices.Compact(m.names)
}

// copy makes the new store hold what the old one holds under these names.
func (m *mover) copy(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := m.note(choice{Kind: m.from.Kind(), Copying: m.to.Kind(), Items: m.names}); err != nil {
		return err
	}
	for i, name := range names {
		m.tell(agent.StoreMove{Step: "copy", Done: i, Total: len(names)})
		if err := m.copyItem(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) copyItem(ctx context.Context, name string) error {
	value, err := m.from.Get(ctx, name)
	if errors.Is(err, keychain.ErrNotFound) {
		return m.to.Delete(ctx, name)
	}
	if err != nil {
		return err
	}
	if err := m.to.Set(ctx, name, value); err != nil {
		return err
	}
	back, err := m.to.Get(ctx, name)
	if err == nil && string(back) != string(value) {
		err = &keychain.Error{Object: fmt.Sprintf("item %q", name), Kind: keychain.ErrRefused, Detail: "the " + string(m.to.Kind()) + " store gave back something else", Remedy: "nothing was lost; see fob doctor"}
	}
	return err
}

// leave removes what was copied from the old store, and then forgets that there was a move.
func (m *mover) leave(ctx context.Context, names []string) error {
	for i, name := range names {
		m.tell(agent.StoreMove{Step: "remove", Done: i, Total: len(names)})
		if err := m.from.Delete(ctx, name); err != nil {
			said := session.Explain("", err)
			return &agent.Error{Kind: agent.Failed, Code: said.Code, Sentence: fmt.Sprintf("everything was moved to the %s store, but the %s still holds copies: %s", m.to.Kind(), m.from.Kind(), said.Sentence),
				Remedy: "finish with fob store move " + string(m.to.Kind()) + ": " + said.Remedy}
		}
	}
	if err := m.note(choice{Kind: m.to.Kind()}); err != nil {
		return err
	}
	m.tell(agent.StoreMove{Step: "done", Done: len(names), Total: len(names)})
	return nil
}
