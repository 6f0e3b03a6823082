package session

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"fob/internal/journal"
	"fob/internal/keychain"
	"fob/oauth"
)

// How a refresh token is spent so that its answer cannot be lost, see docs/rotation.md: the intent is durable before the request,
// the answer is sealed in the journal before anybody sees it, the keychain's item is the commit point, and what a crash leaves of
// that is finished by the next start.

// graceWindow is how long after an intent the old refresh token is sent once more because the answer was lost. Servers that rotate
// and forgive that do so for 5 s (Connect2id) to 60 s (Cognito). Later it is still tried once, by the schedule: the server decides.
const graceWindow = time.Minute

// journalItem is the keychain item of the key that answers in the journal are sealed with.
const journalItem = "journal/key"

// openJournal opens the journal of a home, nil where nothing may rest on the disk.
func openJournal(home string, step func(string), log *slog.Logger) *journal.Journal {
	if home == "" {
		return nil
	}
	if step != nil {
		passed := step
		step = func(at string) { passed("journal/" + at) }
	}
	j, err := journal.Open(filepath.Join(home, "journal"), step)
	if err != nil {
		log.Warn("journal", "problem", err.Error())
	}
	return j
}

// journalKey is the key of the home's journal: read once, made once.
func (e *Engine) journalKey(ctx context.Context) ([]byte, error) {
	select {
	case e.keying <- struct{}{}:
		defer func() { <-e.keying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.sealing != nil {
		return e.sealing, nil
	}
	text, err := e.store.Get(ctx, journalItem)
	if errors.Is(err, keychain.ErrNotFound) {
		fresh := base64.RawStdEncoding.EncodeToString(journal.NewKey())
		if err := e.store.Set(ctx, journalItem, []byte(fresh)); err != nil {
			return nil, err
		}
		text, err = e.store.Get(ctx, journalItem) // another agent may have been faster
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.RawStdEncoding.DecodeString(string(text))
	if err != nil || len(key) != len(journal.NewKey()) {
		return nil, damaged("it is not the journal's key that Fob wrote", "remove the item "+journalItem+" from the keychain; Fob makes a new one")
	}
	e.sealing = key
	return key, nil
}

// prepare sees that the answer of a login that is about to begin can be kept, whatever becomes of the keychain meanwhile.
func (e *Engine) prepare(ctx context.Context) error {
	if e.journal == nil {
		return nil
	}
	if _, err := e.journalKey(ctx); err != nil {
		return err
	}
	return e.journal.Prepare()
}

// intend makes durable that the refresh token of t is about to be spent, with room for the answer. since is when that was so
// before, if an answer was lost. The turn is held.
func (e *Engine) intend(ctx context.Context, name string, t *tokens, since time.Time) error {
	if e.journal == nil {
		return nil
	}
	if _, err := e.journalKey(ctx); err != nil {
		return err // its answer could not be sealed
	}
	text, err := t.seal()
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = wall()
	}
	return e.journal.Intend(journal.Entry{Name: name, Item: t.key, Generation: t.generation, At: since}, len(text))
}

// answered seals what has just arrived, before anything else is asked: the check of its id_token may fetch keys, and wait for that.
func (e *Engine) answered(ctx context.Context, name string, t *tokens) *tokens {
	e.at(StepAnswered)
	if text, err := t.seal(); err == nil {
		e.sealAnswer(context.WithoutCancel(ctx), name, t, text)
	}
	return t
}

// sealAnswer writes what the server has just issued into the journal. It is no failure when that cannot be: the keychain comes next.
func (e *Engine) sealAnswer(ctx context.Context, name string, t *tokens, text []byte) {
	if e.journal == nil || t.journaled || t.unattended {
		return // what needs no person can be had again
	}
	key, err := e.journalKey(ctx)
	switch {
	case err != nil:
	case t.first:
		err = e.journal.Enter(journal.Entry{Name: name, Item: t.key, At: wall()}, key, text)
	default:
		err = e.journal.Answer(name, key, text)
	}
	if err != nil {
		e.log.Warn("journal", "profile", name, "problem", err.Error())
		return
	}
	t.journaled = true
}

// done clears the journal of a login: its keychain item is the newest there is, or its token is worth nothing.
func (e *Engine) done(name string) {
	if err := e.journal.Clear(name); err != nil {
		e.log.Warn("journal", "profile", name, "problem", err.Error())
	}
}

// finishLast finishes what was left of this login's last rotation, by a keychain that refused or an agent that ended. stored says
// that there was an answer to be stored, and now it is. lost is when a token was spent whose answer never came. The turn is held.
func (e *Engine) finishLast(ctx context.Context, name string) (stored bool, lost time.Time, err error) {
	if _, err := e.takeUp(ctx, name); err != nil {
		return false, lost, err
	}
	e.mu.Lock()
	var unsaved *tokens
	if l := e.logins[name]; l != nil {
		unsaved, lost = l.unsaved, l.rec.Interrupted
	}
	e.mu.Unlock()
	if unsaved == nil {
		return false, lost, nil
	}
	return true, time.Time{}, e.commit(ctx, name, unsaved, "stored the token obtained before")
}

// takeUp looks at what an earlier agent left in the journal of this login. already says that the keychain has what it
// led to.
func (e *Engine) takeUp(ctx context.Context, name string) (already bool, err error) {
	e.mu.Lock()
	l := e.logins[name]
	if l == nil || l.left == nil {
		e.mu.Unlock()
		return false, nil
	}
	left, unattended := l.left, !l.attended
	e.mu.Unlock()
	kept, err := e.keptGeneration(ctx, left.Item)
	if left.Answered && errors.Is(err, keychain.ErrDamaged) {
		kept, err = left.Generation, nil // what is damaged is older than the answer, or was to be it
	}
	if err != nil {
		return false, err
	}
	var answer *tokens
	if left.Answered {
		if answer, err = e.openAnswer(ctx, left); err != nil {
			return false, err
		}
	}
	over := false
	e.mu.Lock()
	defer func() {
		e.mu.Unlock()
		if already || over {
			e.done(name)
		}
	}()
	if l = e.logins[name]; l == nil || l.left != left {
		return false, nil
	}
	switch {
	case kept < 0 && left.Removing:
		over = true // a logout, which an agent that ended had begun
	case kept < 0 && left.Generation > 0:
		// Somebody logged out, or this is not the keychain of before: nothing is stored against that, and nothing is lost.
		l.stranded = left
		return false, nil
	case kept > left.Generation && (answer == nil || kept >= answer.generation):
		already = true // stored just before the crash, or another agent's is newer
	case answer != nil:
		answer.unattended, answer.fingerprint = unattended, l.complete(answer.fingerprint)
		l.unsaved = answer
		l.rec.happened(wall(), "found a token that an agent that ended had obtained")
	default:
		l.rec.Interrupted = left.At
		if left.Answered {
			l.rec.happened(wall(), "the answer to a refresh could not be read any more")
		}
	}
	l.left = nil
	e.againLocked(l)
	return already, nil
}

// keptGeneration is which token set the keychain holds under that key, -1 when none.
func (e *Engine) keptGeneration(ctx context.Context, key string) (int64, error) {
	text, err := e.store.Get(ctx, key)
	if errors.Is(err, keychain.ErrNotFound) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	t, err := unseal(text)
	return t.generation, err
}

// openAnswer opens an answer in the journal; nil when it cannot be read any more.
func (e *Engine) openAnswer(ctx context.Context, left *journal.Entry) (*tokens, error) {
	key, err := e.journalKey(ctx)
	if err != nil {
		return nil, err
	}
	text, err := left.Open(key)
	if err != nil {
		return nil, nil
	}
	t, err := unseal(text)
	if err != nil {
		return nil, nil
	}
	t.key, t.journaled, t.first = left.Item, true, left.Generation == 0
	return &t, nil
}

// spend makes a request that spends a refresh token; the intent is durable since began. lost is when one was spent before whose
// answer never came, zero when none was: else this is the retry already. What it returns is that after this request.
func spend(began, lost time.Time, request func() (*oauth.Token, error)) (*oauth.Token, time.Time, error) {
	fresh, err := request()
	if mayBeSpent(err) && lost.IsZero() {
		// The answer may be lost and the token spent: servers that rotate allow the old one once more for a few
		// seconds, so the retry comes at once or not at all.
		lost = began
		if wall().Sub(began) <= graceWindow && oauth.Transient(err) {
			fresh, err = request()
		}
	}
	return fresh, lost, err
}

// mayBeSpent says that a request failed in a way in which the server may have carried it out: no answer came, or half of one, or one
// that makes no sense. A server that refuses has not; a gateway that got no answer of it (502, 504) knows no more than we do.
func mayBeSpent(err error) bool {
	var known *oauth.Error
	switch {
	case err == nil || unsent(err):
		return false
	case errors.As(err, &known) && known.Code != "":
		return false
	case known != nil && known.Status != 0:
		return known.Status < 400 || known.Status == http.StatusBadGateway || known.Status == http.StatusGatewayTimeout
	}
	return oauth.Transient(err)
}

// refused notes what a failed request means for the intent, and says why if the login is over. lost is as spend returns it; arrived is
// an answer that came and is not taken, nil when none did.
func (e *Engine) refused(name string, before, arrived *tokens, lost time.Time, err error) error {
	if arrived != nil {
		lost = time.Time{}
	}
	ended := Explain(name, err).Kind == LogInFirst
	e.mu.Lock()
	l := e.logins[name]
	if l == nil {
		e.mu.Unlock()
		return err
	}
	known := l.rec.Generation
	l.rec.Interrupted = lost
	if ended {
		l.rec.Interrupted = time.Time{}
	}
	settled := l.rec.Interrupted.IsZero()
	e.mu.Unlock()
	if settled {
		e.done(name)
	}
	switch {
	case ended && !lost.IsZero():
		return &lostAnswer{err, lost}
	case ended && known > before.generation:
		return &olderItem{err}
	}
	return err
}

// lostAnswer is the end of a login after the answer to a refresh was lost.
type lostAnswer struct {
	error
	at time.Time
}

func (l *lostAnswer) Unwrap() error { return l.error }

// olderItem is the end of a login whose keychain item was older than what this machine had.
type olderItem struct{ error }

func (o *olderItem) Unwrap() error { return o.error }
