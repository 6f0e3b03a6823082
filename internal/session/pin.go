package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"fob/oauth"
	"fob/profiles"
)

// who is whose login it is. Issuer and subject identify: "The sub (subject) and iss (issuer) Claims, used together, are the only
// Claims that an RP can rely upon as a stable identifier" (OIDC Core §5.7). The name is for people.
type who struct {
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub,omitempty"`
	Name    string `json:"name,omitempty"`
}

// String is the name that people know the account by, or the subject where it has none.
func (w who) String() string {
	switch {
	case w.Name != "":
		return shortly(w.Name)
	case w.Subject != "":
		return "account " + shortly(w.Subject)
	}
	return "an account that the server does not identify"
}

// shortly is a name as a sentence can hold it.
func shortly(name string) string {
	const most = 100
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return name
}

// pin is the account that a profile is for, zero when it is for any.
func pin(p *profiles.Profile) who {
	if p.ExpectedSubject == "" {
		return who{}
	}
	w := who{Issuer: p.ExpectedIssuer, Subject: p.ExpectedSubject, Name: p.ExpectedAccount}
	if w.Issuer == "" {
		w.Issuer = p.Issuer
	}
	return w
}

// is says that both are one account. What is not known is not the same.
func (w who) is(other who) bool {
	return w.Subject != "" && w.Subject == other.Subject && w.Issuer == other.Issuer
}

// outdated says that what is kept is not what the profile asks for now, or not of the account that it is for; Engine.mu is held.
func (l *login) outdated() bool {
	return l.rec.Kept && (l.rec.Fingerprint != l.wants || l.rec.Key != l.key || l.foreign())
}

// foreign says that what is kept is the login of another account than the profile is for; Engine.mu is held.
func (l *login) foreign() bool {
	if l.profile.ExpectedSubject == "" || !l.rec.Kept { // thousands are looked at
		return false
	}
	return !pin(l.profile).is(l.rec.whose(l.profile))
}

// isForeign is foreign of the profile of that name.
func (e *Engine) isForeign(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	return l != nil && l.foreign()
}

// whose is what is known of the account of a profile's login.
func (r *record) whose(p *profiles.Profile) who {
	w := who{r.Issuer, r.Subject, r.Account}
	if w.Issuer == "" && !p.MultiTenantIssuer {
		w.Issuer = p.Issuer
	}
	return w
}

// idMembers identify the account in a provider's own answer at its userinfo endpoint, tokenIDMembers in its token answer.
var (
	idMembers = []string{
		"sub", "id", "user_id", "account_id", // also GitHub, Discord, Spotify, Slack, Bitbucket
		"response.id",        // Naver
		"data.id",            // X
		"data.0.id",          // Twitch
		"account.uuid",       // DigitalOcean
		"items.0.account_id", // Stack Exchange
	}
	tokenIDMembers = []string{"sub", "user_id", "account_id", "user_nsid"}
)

// identify finds what identifies the account in an answer without an ID token.
func (w *who) identify(p profiles.Profile, answer map[string]any, members []string) {
	if p.AccountIDMember != "" {
		members = []string{p.AccountIDMember}
	}
	for _, member := range members {
		if w.Subject != "" {
			break
		}
		w.Subject = idAt(answer, member)
	}
	if w.Subject != "" && !p.MultiTenantIssuer {
		w.Issuer = p.Issuer
	}
}

// whoseTimeout bounds the question who logged in: the login is done, mostly a label is missing.
const whoseTimeout = 5 * time.Second

// whose says whose login a new token is, as far as the token says it. Where it does not say it, or not in words, the server is asked
// if that has a sense; unasked is why there is no answer.
func (e *Engine) whose(ctx context.Context, c *client, t *oauth.Token) (w who, unasked error) {
	p := c.profile
	w = who{textAt(t.Claims, "iss"), textAt(t.Claims, "sub"), account(t.Claims)}
	if t.Type == typeOAuth1 && w.Name == "" {
		w.Name = account1(t)
	}
	if p.AccountIDMember != "" && w.Subject == "" {
		w.identify(p, t.Extra, nil)
	}
	if w.Subject == "" || w.Name == "" || w.Name == w.Subject {
		if tells(c, t) {
			ctx, cancel := context.WithTimeout(ctx, whoseTimeout)
			defer cancel()
			claims, err := c.UserInfo(ctx, t)
			unasked = err
			w.identify(p, claims, idMembers)
			if name := account(claims); name != "" {
				w.Name = name
			}
		}
	}
	if unasked == nil { // else it would be this today and the other tomorrow
		w.identify(p, t.Extra, tokenIDMembers)
	}
	return w, unasked
}

// tells says that the profile's server can be asked who logged in.
func tells(c *client, t *oauth.Token) bool {
	return c.Metadata != nil && c.Metadata.UserinfoEndpoint != "" && t.Type != typeOAuth1 &&
		(slices.Contains(t.Scope, "openid") || c.profile.Preset != "" || c.profile.UserinfoEndpoint != "")
}

// otherAccount is a login that brought another account than the profile is for.
type otherAccount struct {
	want, got who
	holder    string // another profile that is logged in as got
}

// Error names both, and tells them apart where people call them the same.
func (o *otherAccount) Error() string {
	return fmt.Sprintf("the login is refused: this profile is always %s, and this was %s", o.expected(), o.found())
}

func (o *otherAccount) expected() string { return o.want.beside(o.got) }
func (o *otherAccount) found() string    { return o.got.beside(o.want) }

// beside is the account's name where the other is named, too.
func (w who) beside(other who) string {
	switch {
	case w.String() != other.String():
		return w.String()
	case w.Subject != other.Subject:
		return w.String() + " (sub " + shortly(w.Subject) + ")"
	}
	return w.String() + " of " + shortly(w.Issuer)
}

// vouch refuses the token of a login whose account is not the one that the profile is for. Nothing is revoked: at some servers that
// would end every login of that account to this client, those of other profiles among them.
func (e *Engine) vouch(ctx context.Context, c *client, t *oauth.Token) error {
	want := pin(&c.profile)
	if want.Subject == "" || c.vouched == t {
		return nil
	}
	got, unasked := e.whose(ctx, c, t)
	switch {
	case want.is(got):
		c.vouched, c.who = t, got
		return nil
	case got.Subject == "" && unasked != nil && !errors.Is(unasked, oauth.ErrNoEndpoint):
		return unasked // the server is down; who it was is not known
	}
	return &otherAccount{want, got, e.holder(c.profile, got)}
}

// holder is another profile of the same server and client that holds a login of that account, "" when none does.
func (e *Engine) holder(p profiles.Profile, w who) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range e.order {
		l := e.logins[name]
		if name != p.Name && l.rec.Kept && l.rec.Ended == nil && authority(*l.profile) == authority(p) && l.profile.ClientID == p.ClientID && w.is(l.rec.whose(l.profile)) {
			return name
		}
	}
	return ""
}

// Pin makes the profile one for the account that it is logged in to now: another one's login is refused from then on.
func (e *Engine) Pin(ctx context.Context, name string) (Status, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Status{}, err
	}
	p, ok := e.file.Get(name)
	if !ok {
		return Status{}, e.unknownProfile(name)
	}
	if !p.Attended() {
		return Status{}, &Error{Kind: Misused, Code: CodeNoAccount, Sentence: "profile " + name + ": nobody logs in with the grant " + p.Grant() + ", so there is no account to keep to"}
	}
	w, err := e.kept(ctx, name)
	if err != nil {
		return Status{}, Explain(name, err)
	}
	p.ExpectedSubject, p.ExpectedIssuer, p.ExpectedAccount = w.Subject, w.Issuer, printable(w.Name)
	return e.putPin(ctx, p)
}

// Unpin lets the profile take any account.
func (e *Engine) Unpin(ctx context.Context, name string) (Status, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return Status{}, e.unknownProfile(name)
	}
	p.ExpectedSubject, p.ExpectedIssuer, p.ExpectedAccount = "", "", ""
	return e.putPin(ctx, p)
}

func (e *Engine) putPin(ctx context.Context, p profiles.Profile) (Status, error) {
	if err := e.PutProfile(ctx, p, nil, "", false); err != nil {
		return Status{}, err
	}
	return e.one(p.Name)
}

// kept is whose login is kept, also one that is foreign by the pin there is.
func (e *Engine) kept(ctx context.Context, name string) (who, error) {
	t, err := e.load(ctx, name)
	if err != nil {
		return who{}, err
	}
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		defer e.mu.Unlock()
		return who{}, e.unknownLocked(name)
	}
	w := l.rec.whose(l.profile)
	if t == nil || l.rec.Ended != nil || w.Subject == "" {
		err = e.uselessLocked(l, t, wall())
	}
	e.mu.Unlock()
	if err != nil || w.Subject != "" {
		return w, err
	}
	// Nobody has asked yet; and a token that has ended would be refused.
	if _, _, err := e.fresh(ctx, name, -1); err != nil {
		return w, err
	}
	t, c, err := e.held(ctx, name)
	if err != nil {
		return w, err
	}
	w, unasked := e.whose(ctx, c, t.Token)
	switch {
	case w.Subject != "":
		e.noteAccount(name, t, w)
		return w, nil
	case unasked != nil:
		return w, unasked
	}
	return w, &Error{Kind: Failed, Code: CodeNoAccount, Sentence: "profile " + name + ": the server does not say which account this is, so Fob cannot tell it from another one",
		Remedy: "add openid to the scope and log in again; or name where it says it, by userinfo_endpoint and account_id_member: fob profile edit " + quoteArg(name)}
}

// noteAccount notes whose login t is.
func (e *Engine) noteAccount(name string, t *tokens, w who) {
	e.mu.Lock()
	l := e.logins[name]
	if l == nil || l.held != t {
		e.mu.Unlock()
		return
	}
	l.rec.account(w)
	e.mu.Unlock()
	e.keepRecord(name)
	e.changed(name)
}

// account notes whose login it is, as far as that is known.
func (r *record) account(w who) {
	for _, fill := range [...]struct {
		into *string
		with string
	}{{&r.Issuer, w.Issuer}, {&r.Subject, w.Subject}, {&r.Account, w.Name}} {
		if fill.with != "" {
			*fill.into = fill.with
		}
	}
}

// printable is a name without what a profile cannot hold.
func printable(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "")))
}

// Another makes a profile with the settings and the client's secrets of another one, for a login of its own as another account, and
// returns its name; "" as the name wanted chooses one.
func (e *Engine) Another(ctx context.Context, from, name string) (string, error) {
	e.reload()
	p, ok := e.file.Get(from)
	if !ok {
		return "", e.unknownProfile(from)
	}
	if name == "" {
		name = e.freeName(from)
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return "", Explain(from, err)
	}
	given := maps.Clone(kept)
	for _, own := range personal {
		delete(given, own)
	}
	p = p.Another(name)
	return name, e.putProfile(ctx, p, given, "", true)
}

// personal are the secrets that are a person's and not the client's.
var personal = []string{"login_hint_token", "user_code", "subject_token", "actor_token", "assertion"}
