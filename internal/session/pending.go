package session

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/durable"
	"fob/internal/keychain"
	"fob/oauth"
)

// A login that is completed by hand waits in the keychain, sealed, until its answer is brought or its time is over; the agent
// may end meanwhile. What waits is listed in a file beside, without secrets.

// waitingLogin is one entry of that list.
type waitingLogin struct {
	Key   string    `json:"key"` // of the keychain item
	Name  string    `json:"name"`
	State string    `json:"state"` // a hash of what tells its answer from others'
	Until time.Time `json:"until"`
}

// savedLogin is the keychain item.
type savedLogin struct {
	Version int    `json:"v"`
	Profile string `json:"profile"` // its fingerprint: an edited profile asks for something else
	Saved   string `json:"saved"`
	StepUp  bool   `json:"step_up,omitempty"` // it is for what the API asked for
}

// waiting is the list.
type waiting struct {
	path string // "" keeps it in memory

	mu    sync.Mutex // guards all, taken and the file
	all   []waitingLogin
	taken map[string]bool // keys of those that are being completed
	swept time.Time       // when expired ones were looked for last
}

func waitingFile(home string) string {
	if home == "" {
		return ""
	}
	return filepath.Join(home, "waiting.json")
}

// open reads the list that an agent before left.
func (w *waiting) open() error {
	if w.path == "" {
		return nil
	}
	text, err := os.ReadFile(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_ = json.Unmarshal(text, &w.all) // cut short by a power failure: those logins are begun again
	return nil
}

func (w *waiting) change(f func([]waitingLogin) []waitingLogin) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = f(slices.Clone(w.all))
	if w.path == "" {
		return nil
	}
	text, err := json.Marshal(w.all)
	if err != nil {
		return err
	}
	return durable.Write(w.path, text, true)
}

func (w *waiting) list() []waitingLogin {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// take makes a waiting login the caller's alone: an answer that is brought twice at once is redeemed once.
func (w *waiting) take(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken[key] || !slices.ContainsFunc(w.all, func(one waitingLogin) bool { return one.Key == key }) {
		return false
	}
	if w.taken == nil {
		w.taken = map[string]bool{}
	}
	w.taken[key] = true
	return true
}

func (w *waiting) giveBack(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.taken, key)
}

// Begin starts a login whose answer is brought by hand, see [Engine.Complete]: nothing listens for it.
func (e *Engine) Begin(ctx context.Context, name string, o LoginOptions) (Pending, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Pending{}, err
	}
	pending, err := e.begin(ctx, name, o)
	if err != nil {
		return Pending{}, Explain(name, err)
	}
	return pending, nil
}

func (e *Engine) begin(ctx context.Context, name string, o LoginOptions) (Pending, error) {
	err := e.ready(ctx, true)
	if err == nil {
		err = e.prepare(ctx)
	}
	if err != nil {
		return Pending{}, err
	}
	p, ok := e.file.Get(name)
	if !ok {
		return Pending{}, e.unknownProfile(name)
	}
	if !p.UsesBrowser() {
		return Pending{}, &Error{Kind: Misused, Code: CodeNoBrowser, Sentence: "profile " + name + ": its grant " + p.Grant() + " opens no page",
			Remedy: "log in without --print-url: fob login " + quoteArg(name)}
	}
	e.dropExpired(ctx)
	p, err = e.settle(ctx, p)
	if err != nil {
		return Pending{}, err
	}
	c, err := e.clientFor(ctx, p, atLogin)
	if err != nil {
		return Pending{}, err
	}
	recorded, done := e.traced(ctx, name, operationBegun)
	saved, state, page, err := e.beginSaved(recorded, c, o)
	if err == nil {
		browsed(recorded, "authorization request", page, "opened by hand")
	}
	done(err)
	if err != nil {
		return Pending{}, err
	}
	text, err := json.Marshal(savedLogin{Version: 1, Profile: fingerprint(p), Saved: saved.Reveal(), StepUp: o.stepsUp()})
	if err != nil {
		return Pending{}, err
	}
	w := waitingLogin{Key: "waiting/" + short(state), Name: name, State: short(state), Until: wall().Add(pendingLife)}
	// The list first: an item that is on no list would stay in the keychain for ever.
	if err := e.waiting.change(func(all []waitingLogin) []waitingLogin { return append(all, w) }); err != nil {
		return Pending{}, err
	}
	if err := e.store.Set(ctx, w.Key, text); err != nil {
		if undo := e.dropWaiting(context.WithoutCancel(ctx), w); undo != nil {
			e.log.Info("waiting login", "profile", name, "problem", undo.Error())
		}
		return Pending{}, err
	}
	return Pending{Name: name, URL: page, Until: w.Until, OutOfBand: isOAuth1(p) && slices.Contains(p.RedirectURIs(), outOfBand)}, nil
}

// beginSaved makes the authorization request and what has to be kept of it.
func (e *Engine) beginSaved(ctx context.Context, c *client, o LoginOptions) (saved oauth.Secret, state, page string, err error) {
	redirect := c.profile.RedirectURIs()[0]
	if isOAuth1(c.profile) {
		o1, err := c.oauth1Client()
		if err != nil {
			return "", "", "", err
		}
		pending, err := o1.Authorize(ctx, redirect)
		if err != nil {
			return "", "", "", err
		}
		text, err := pending.MarshalPending()
		return oauth.Secret(text), pending.Token, pending.URL, err
	}
	request, err := e.authorization(ctx, c, o, portless(redirect))
	if err != nil {
		return "", "", "", err
	}
	pending, err := c.Authorize(ctx, request)
	if err != nil {
		return "", "", "", err
	}
	saved, err = pending.Save()
	return saved, pending.State, pending.URL, err
}

// portless is a redirect URI that nobody can listen on: port 9 stands for any, because browsers refuse to connect there and
// show the address, which is copied. With another port some other program could take the answer.
func portless(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Port() != "0" {
		return redirect
	}
	u.Host = strings.TrimSuffix(u.Host, ":0") + ":9"
	return u.String()
}

// Complete ends the login that answer belongs to: the address that the browser was redirected to, its query alone, or the code
// that the server showed, with the name of its profile.
func (e *Engine) Complete(ctx context.Context, name, answer string) (Status, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Status{}, err
	}
	w, response, err := e.findWaiting(name, strings.TrimSpace(answer))
	if err != nil {
		return Status{}, Explain(name, err)
	}
	if err := e.complete(ctx, w, response); err != nil {
		return Status{}, Explain(w.Name, err)
	}
	e.Poke()
	e.changed(w.Name)
	return e.one(w.Name)
}

// findWaiting finds the waiting login of an answer.
func (e *Engine) findWaiting(name, answer string) (waitingLogin, url.Values, error) {
	unknown := notWaiting(name)
	response, isAnswer := parseAnswer(answer)
	all := slices.DeleteFunc(e.waiting.list(), func(w waitingLogin) bool { return name != "" && w.Name != name || wall().After(w.Until) })
	if isAnswer {
		state := oauth.ResponseState(response)
		if state == "" {
			state = response.Get("oauth_token")
		}
		for _, w := range all {
			if state != "" && w.State == short(state) {
				return w, response, nil
			}
		}
		return waitingLogin{}, nil, unknown
	}
	// A code that the server showed says nothing of whose it is: it is the last one's of the profile named.
	if name == "" {
		return waitingLogin{}, nil, &Error{Kind: Misused, Code: CodeNotWaiting, Sentence: "this is neither an address nor a query with a state", Remedy: "paste the whole address from the browser, or name the profile the code is for"}
	}
	for _, w := range slices.Backward(all) {
		if p, ok := e.file.Get(w.Name); ok && isOAuth1(p) {
			return w, url.Values{"oauth_verifier": {answer}}, nil
		}
	}
	return waitingLogin{}, nil, unknown
}

func notWaiting(name string) *Error {
	return &Error{Kind: Failed, Code: CodeNotWaiting, Sentence: errPendingUnknown.Error() + ": it was completed before, is over an hour old, or is another program's",
		Remedy: "begin again: fob login --print-url " + nameOr(name)}
}

func nameOr(name string) string {
	if name == "" {
		return "NAME"
	}
	return quoteArg(name)
}

// parseAnswer reads an address with a query or a fragment, or a query alone.
func parseAnswer(answer string) (url.Values, bool) {
	if u, err := url.Parse(answer); err == nil && u.Host != "" {
		answer = u.RawQuery
		if answer == "" {
			answer = u.EscapedFragment()
		}
	}
	if !strings.Contains(answer, "=") {
		return nil, false
	}
	response, err := url.ParseQuery(strings.TrimLeft(answer, "?#"))
	return response, err == nil
}

func (e *Engine) complete(ctx context.Context, w waitingLogin, response url.Values) error {
	if !e.waiting.take(w.Key) {
		return notWaiting(w.Name)
	}
	defer e.waiting.giveBack(w.Key)
	err := e.ready(ctx, true)
	if err == nil {
		err = e.prepare(ctx)
	}
	if err != nil {
		return err // the code stays good until the token can be kept
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout) // a code that was sent is worth its answer
	defer cancel()
	p, ok := e.file.Get(w.Name)
	if !ok {
		return e.unknownProfile(w.Name)
	}
	text, err := e.store.Get(ctx, w.Key)
	if errors.Is(err, keychain.ErrNotFound) {
		return notWaiting(w.Name)
	}
	if err != nil {
		return err
	}
	var saved savedLogin
	if json.Unmarshal(text, &saved) != nil || saved.Version != 1 {
		return damaged("it is not one that Fob wrote", "begin the login again")
	}
	if !sameProfile(saved.Profile, p) {
		return &Error{Kind: Failed, Code: CodeProfileChanged, Sentence: "profile " + p.Name + " was changed after this login began", Remedy: "begin again: fob login --print-url " + quoteArg(p.Name)}
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return err
	}
	// An answer is redeemed once, whatever comes of it (RFC 6749 §4.1.2).
	if err := e.dropWaiting(ctx, w); err != nil {
		return err
	}
	ctx, done := e.traced(context.WithValue(ctx, completing{}, true), p.Name, operationLogin)
	browsed(ctx, "redirect", portless(p.RedirectURIs()[0])+"?"+response.Encode(), "brought by hand")
	token, err := c.redeemSaved(ctx, oauth.Secret(saved.Saved), response)
	if err == nil {
		err = e.keep(ctx, c, token)
	}
	done(err)
	if err != nil {
		return err
	}
	e.met(p.Name, saved.StepUp)
	e.confirm(ctx, c)
	e.nameAccount(ctx, p.Name, c, token)
	return nil
}

func (c *client) redeemSaved(ctx context.Context, saved oauth.Secret, response url.Values) (*oauth.Token, error) {
	if !isOAuth1(c.profile) {
		pending, err := c.Resume(saved)
		if err != nil {
			return nil, err
		}
		return pending.Redeem(ctx, response)
	}
	o, err := c.oauth1Client()
	if err != nil {
		return nil, err
	}
	pending, err := o.Resume([]byte(saved.Reveal()))
	if err != nil {
		return nil, err
	}
	if response.Has("oauth_token") {
		token, err := pending.Redeem(ctx, response)
		return asToken(token), err
	}
	token, err := pending.RedeemPIN(ctx, response.Get("oauth_verifier"))
	return asToken(token), err
}

func (e *Engine) dropWaiting(ctx context.Context, w waitingLogin) error {
	if err := e.store.Delete(ctx, w.Key); err != nil && !errors.Is(err, keychain.ErrNotFound) {
		return err
	}
	return e.waiting.change(func(all []waitingLogin) []waitingLogin {
		return slices.DeleteFunc(all, func(other waitingLogin) bool { return other.Key == w.Key })
	})
}

// dropExpired removes what nobody has completed in time.
func (e *Engine) dropExpired(ctx context.Context) {
	for _, w := range e.waiting.list() {
		if wall().After(w.Until) {
			if err := e.dropWaiting(ctx, w); err != nil {
				e.log.Info("waiting login", "profile", w.Name, "problem", err.Error())
			}
		}
	}
}

// sweepWaiting removes, beside the loop, what nobody has completed in time: a login that was given up leaves nothing behind.
func (e *Engine) sweepWaiting(now time.Time) {
	w := &e.waiting
	w.mu.Lock()
	due := slices.ContainsFunc(w.all, func(one waitingLogin) bool { return now.After(one.Until) }) && now.Sub(w.swept) > pendingLife/4
	if due {
		w.swept = now
	}
	w.mu.Unlock()
	if !due {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.beginLocked(func() { e.dropExpired(e.life) }) // when it is closing the next agent does it
}

// dropWaitingOf removes what waits for a profile that is going away.
func (e *Engine) dropWaitingOf(ctx context.Context, name string) error {
	var failed error
	for _, w := range e.waiting.list() {
		if w.Name == name {
			failed = errors.Join(failed, e.dropWaiting(ctx, w))
		}
	}
	return failed
}

// renameWaiting takes what waits for a profile to its new name.
func (e *Engine) renameWaiting(from, to string) error {
	return e.waiting.change(func(all []waitingLogin) []waitingLogin {
		for i := range all {
			if all[i].Name == from {
				all[i].Name = to
			}
		}
		return all
	})
}
