package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"fob/internal/keychain"
	"fob/oauth"
	"fob/profiles"
)

// item is the keychain item of a login: everything that is needed to go on with it. oauth.Secret refuses to be marshalled,
// so each secret is named here by hand, once.
type item struct {
	Version        int            `json:"v"`
	Fingerprint    string         `json:"fp"`           // its first part, which every Fob knows
	Asked          string         `json:"as,omitempty"` // the rest of it
	Generation     int64          `json:"gen"`          // counts the token sets from the second of the login on: the higher one is the newer one
	AccessToken    string         `json:"at"`
	Type           string         `json:"tt,omitempty"`
	RefreshToken   string         `json:"rt,omitempty"`
	IDToken        string         `json:"it,omitempty"`
	Scope          []string       `json:"sc,omitempty"`
	ScopeRequested []string       `json:"sr,omitempty"`
	GrantScope     []string       `json:"sg,omitempty"`
	Resource       []string       `json:"re,omitempty"`
	ObtainedAt     time.Time      `json:"ob"`
	ExpiresAt      time.Time      `json:"ex,omitzero"`
	RefreshExpires time.Time      `json:"rx,omitzero"`
	RefreshBy      string         `json:"rb,omitempty"`
	SessionExpires time.Time      `json:"sx,omitzero"`
	SessionBy      string         `json:"sb,omitempty"`
	Extra          map[string]any `json:"x,omitempty"`
	// ProofKey is the private key that the tokens are bound to (RFC 9449 §5): they are worth nothing without it.
	ProofKey             string          `json:"pk,omitempty"`
	AuthorizationDetails json.RawMessage `json:"ad,omitempty"`
	IssuedType           string          `json:"ty,omitempty"`
	Who                  *who            `json:"wh,omitempty"` // where the profile is for one account alone
}

// tokens is a token set as the engine holds it: the protocol's token and which one of its login it is.
type tokens struct {
	*oauth.Token
	who         who    // of a profile that is for one account alone: whose login it is
	key         string // of the keychain item where it belongs, whatever becomes of the profile
	fingerprint string
	generation  int64
	first       bool // of a login: nothing of the one before is true any more
	unattended  bool // it can be had again without a person
	journaled   bool // sealed in the journal, until the keychain has it
}

func (t tokens) seal() ([]byte, error) {
	i := item{
		Version: 1, Generation: t.generation,
		AccessToken: t.AccessToken.Reveal(), Type: t.Type, RefreshToken: t.RefreshToken.Reveal(), IDToken: t.IDToken.Reveal(),
		Scope: t.Scope, ScopeRequested: t.ScopeRequested, GrantScope: t.GrantScope, Resource: t.Resource,
		ObtainedAt: t.ObtainedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(), RefreshExpires: t.RefreshExpiresAt.UTC(), Extra: t.Extra,
		RefreshBy: t.RefreshExpiresBy, SessionExpires: t.SessionExpiresAt.UTC(), SessionBy: t.SessionExpiresBy,
		AuthorizationDetails: t.AuthorizationDetails, IssuedType: t.IssuedType,
	}
	i.Fingerprint, i.Asked, _ = strings.Cut(t.fingerprint, "-")
	if t.ProofKey != nil {
		i.ProofKey = t.ProofKey.Private().Reveal()
	}
	if t.who != (who{}) {
		i.Who = &t.who
	}
	return json.Marshal(i)
}

func unseal(text []byte) (tokens, error) {
	var i item
	if err := json.Unmarshal(text, &i); err != nil {
		return tokens{}, damaged("it is not one that Fob wrote", "log in again, which replaces it") // the cause could quote the item
	}
	if i.Version != 1 {
		return tokens{}, damaged(fmt.Sprintf("it has version %d, this Fob knows 1", i.Version), "use the newer Fob that wrote it, or log in again")
	}
	t := &oauth.Token{
		AccessToken: oauth.Secret(i.AccessToken), Type: i.Type, RefreshToken: oauth.Secret(i.RefreshToken), IDToken: oauth.Secret(i.IDToken),
		Scope: i.Scope, ScopeRequested: i.ScopeRequested, GrantScope: i.GrantScope, Resource: i.Resource,
		ObtainedAt: i.ObtainedAt, ExpiresAt: i.ExpiresAt, RefreshExpiresAt: i.RefreshExpires, Extra: i.Extra,
		RefreshExpiresBy: i.RefreshBy, SessionExpiresAt: i.SessionExpires, SessionExpiresBy: i.SessionBy,
		AuthorizationDetails: i.AuthorizationDetails, IssuedType: i.IssuedType,
	}
	if i.ProofKey != "" {
		key, err := oauth.ParseProofKey(oauth.Secret(i.ProofKey))
		if err != nil {
			return tokens{}, damaged("its DPoP key cannot be read", "log in again, which replaces it")
		}
		t.ProofKey = key
	}
	if i.IDToken != "" {
		// Validated before it was stored; an encrypted one shows no claims here.
		if jwt, err := oauth.InspectJWT(i.IDToken); err == nil {
			t.Claims = jwt.Claims
		}
	}
	all := tokens{Token: t, fingerprint: i.Fingerprint, generation: i.Generation}
	if i.Asked != "" {
		all.fingerprint += "-" + i.Asked
	}
	if i.Who != nil {
		all.who = *i.Who
	}
	return all, nil
}

func damaged(detail, remedy string) error {
	return &keychain.Error{Object: "keychain item", Kind: keychain.ErrDamaged, Detail: detail, Remedy: remedy}
}

// itemKey names the keychain item of a login: by profile, authorization server and client, so that a profile that now
// points somewhere else never finds the tokens of before.
func itemKey(p profiles.Profile) string {
	return "token/" + brief(p.Name) + "@" + short(authority(p), p.ClientID)
}

// brief is a name as a keychain shows it: whole, unless it is too long for the smallest of them (keychain items have names
// of 200 bytes at most); then its beginning and a hash.
func brief(name string) string {
	const most = 96
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most-20], "") + "…" + short(name)
}

func authority(p profiles.Profile) string {
	if p.Issuer != "" {
		return p.Issuer
	}
	return p.TokenEndpoint
}

// fingerprint tells token sets apart that were asked for differently: a token for other scopes or another audience is not
// the one that the profile asks for now. Which fields count is judged one by one in TestEveryFieldIsJudged.
func fingerprint(p profiles.Profile) string { return formerFingerprint(p) + "-" + short(asksToo(p)...) }

// asksToo are the parts of a fingerprint that came last: what else changes what a token is, as far as the profile's grant uses it.
func asksToo(p profiles.Profile) []string {
	var parts []string
	add := func(used bool, key, value string) {
		if used && value != "" {
			parts = append(parts, key+"="+value)
		}
	}
	oauth2, page := !isOAuth1(p), p.Grant() == profiles.GrantAuthorizationCode || p.Grant() == profiles.GrantImplicit
	add(p.UsesBrowser(), "authorize_params", encoded(p.AuthorizeParams))
	add(!oauth2, "temporary_credential_params", encoded(p.TemporaryCredentialParams))
	add(!p.CustomGrant(), "token_params", encoded(p.TokenParams)) // those of a custom grant count already
	add(oauth2, "request_params", encoded(shaping(p.RequestParams)))
	add(oauth2, "request_headers", encoded(shaping(p.RequestHeaders)))
	add(page, "claims", p.Claims)
	add(page || p.Grant() == profiles.GrantCIBA, "acr_values", strings.Join(p.ACRValues, " "))
	if response := p.Response(); response != "code" {
		add(page, "response_type", response)
	}
	add(page, "fapi_profile", p.FAPIProfile)
	add(p.Grant() == profiles.GrantTokenExchange, "actor_token_type", p.ActorTokenType)
	add(p.Grant() == profiles.GrantCIBA, "backchannel_authentication_endpoint", p.BackchannelAuthenticationEndpoint)
	add(oauth2, "refresh_endpoint", p.RefreshEndpoint)
	add(p.DPoPBoundAccessTokens, "dpop_signing_alg", p.DPoPSigningAlg)
	add(p.DPoPBoundAccessTokens && p.AllowBearerTokens, "allow_bearer_tokens", "true")
	add(p.TLSClientCertificateBoundAccessTokens, "tls_client_certificate", p.TLSClientCertificate)
	add(oauth2, "quirks", p.Quirks) // they say, among other things, which member of an answer is the token
	return parts
}

// shaping are the parameters or headers of the requests that a token comes from.
func shaping(all profiles.Parameters) profiles.Parameters {
	var some profiles.Parameters
	for name, value := range all {
		switch kind, _, found := strings.Cut(name, "/"); {
		case found && (kind == "revocation" || kind == "introspection" || kind == "userinfo"):
		default:
			if some == nil {
				some = profiles.Parameters{}
			}
			some[name] = value
		}
	}
	return some
}

// encoded is parameters as one text, "" for none.
func encoded(p profiles.Parameters) string { return values(p).Encode() }

// complete gives a fingerprint of the Fob before the part that it lacks. What the login was asked with then, nobody has written down:
// it is what was known of it when this Fob first saw it, else what the profile says now.
func (l *login) complete(fingerprint string) string {
	switch {
	case strings.Contains(fingerprint, "-"):
	case strings.HasPrefix(l.rec.Fingerprint, fingerprint+"-"):
		return l.rec.Fingerprint
	case strings.HasPrefix(l.wants, fingerprint+"-"):
		return l.wants
	}
	return fingerprint
}

// sameProfile says that a login that waits was begun for the profile as it is now; saved may be of the Fob before.
func sameProfile(saved string, p profiles.Profile) bool {
	return saved == fingerprint(p) || saved == formerFingerprint(p)
}

// formerFingerprint is the first part, as all Fobs have made it.
func formerFingerprint(p profiles.Profile) string {
	scope := append([]string(nil), p.Scope...)
	sort.Strings(scope)
	parts := []string{authority(p), p.AuthorizationEndpoint, p.TokenEndpoint, p.ClientID, strings.Join(scope, " "), p.Audience, strings.Join(p.Resource, " ")}
	// What came later is named, and counts only where it is set: logins from before stay what they are.
	grant := p.Grant()
	if grant == profiles.DefaultGrantType {
		grant = ""
	}
	for _, later := range [...]struct{ key, value string }{
		{"grant_type", grant}, {"authorization_details", p.AuthorizationDetails}, {"username", p.Username},
		{"subject_profile", p.SubjectProfile}, {"subject_token_type", p.SubjectTokenType}, {"actor_profile", p.ActorProfile},
		{"requested_token_type", p.RequestedTokenType}, {"assertion_issuer", p.AssertionIssuer}, {"assertion_subject", p.AssertionSubject},
		{"assertion_audience", p.AssertionAudience}, {"assertion_claims", p.AssertionClaims},
		{"temporary_credential_endpoint", p.TemporaryCredentialEndpoint}, {"device_authorization_endpoint", p.DeviceAuthorizationEndpoint},
		{"extra_scope_to_consent", strings.Join(p.ExtraScopeToConsent, " ")},
		{"login_hint", backchannelHint(p)}, {"token_params", customParams(p)},
	} {
		if later.value != "" {
			parts = append(parts, later.key+"="+later.value)
		}
	}
	if p.DPoPBoundAccessTokens {
		parts = append(parts, "dpop")
	}
	if p.TLSClientCertificateBoundAccessTokens {
		parts = append(parts, "mtls")
	}
	return short(parts...)
}

// backchannelHint is who is asked on a device of their own; elsewhere a hint only fills in a form.
func backchannelHint(p profiles.Profile) string {
	if p.Grant() != profiles.GrantCIBA {
		return ""
	}
	return p.LoginHint
}

// customParams are what a grant of the server's own is asked with: only it knows what they mean.
func customParams(p profiles.Profile) string {
	if !p.CustomGrant() {
		return ""
	}
	return values(p.TokenParams).Encode()
}

func short(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// load returns the login's tokens: from memory, or from the keychain the first time. Nil means that there are none.
func (e *Engine) load(ctx context.Context, name string) (*tokens, error) {
	e.mu.Lock()
	if l := e.logins[name]; l != nil && l.held != nil && l.held.key == l.key {
		defer e.mu.Unlock()
		return l.held, nil
	}
	e.mu.Unlock()
	return e.reread(ctx, name)
}

// reread reads the login's tokens from the keychain, which another agent may share, and returns the newest there are.
func (e *Engine) reread(ctx context.Context, name string) (*tokens, error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, e.unknownProfile(name)
	}
	held, key, kept, unattended := l.held, l.key, l.rec.Kept, !l.attended
	e.mu.Unlock()
	text, err := e.store.Get(ctx, key)
	switch {
	case errors.Is(err, keychain.ErrNotFound):
		e.forget(name, key, held)
		return nil, nil
	case err != nil && !kept:
		return nil, nil // nothing says that there ever was a login: what keeps one from being kept is said when somebody logs in
	case err != nil:
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	t, err := unseal(text)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	t.key, t.unattended = key, unattended
	return e.adopt(name, t)
}

// adopt takes a token set as the login's, unless a newer one is already there, and mends the record from it.
func (e *Engine) adopt(name string, t tokens) (*tokens, error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, e.unknownProfile(name)
	}
	t.fingerprint = l.complete(t.fingerprint)
	if held := l.held; held == nil || held.key != t.key || held.generation < t.generation {
		l.held = &t
		l.others = nil // it may be another person's login
	}
	newest := l.held
	stale := !l.rec.Kept || l.rec.Key != newest.key || !l.rec.ObtainedAt.Equal(newest.ObtainedAt)
	if stale {
		l.rec.describe(*newest)
		l.rec.well()
	}
	e.mu.Unlock()
	if stale {
		e.keepRecord(name)
		e.changed(name)
	}
	return newest, nil
}

// describe copies what is not secret of t into the record.
func (r *record) describe(t tokens) {
	if t.first {
		r.Account, r.Subject, r.Issuer, r.Checks = "", "", "", nil
	}
	r.foresee(t)
	if t.first || r.Key != t.key || r.Generation < t.generation {
		r.Generation = t.generation
	}
	r.Key, r.Fingerprint, r.Kept = t.key, t.fingerprint, true
	r.ObtainedAt, r.ExpiresAt, r.RefreshExpires = t.ObtainedAt, t.ExpiresAt, t.RefreshExpiresAt
	r.Refreshable, r.HasIDToken = t.RefreshToken != "" || t.unattended, t.IDToken != ""
	r.TokenType, r.Scope, r.ScopeRequested = t.Type, t.Scope, t.ScopeRequested
	if who := account(t.Claims); who != "" {
		r.Account = who
	} else if who := account1(t.Token); t.Type == typeOAuth1 && who != "" {
		r.Account = who
	}
	if sub, ok := t.Claims["sub"].(string); ok {
		r.Subject = sub
	}
	if iss, ok := t.Claims["iss"].(string); ok {
		r.Issuer = iss
	}
	r.account(t.who)
	if len(t.Checks) > 0 {
		r.Checks = make([]Check, len(t.Checks))
		for i, c := range t.Checks {
			r.Checks[i] = Check{Name: c.Name, Spec: c.Spec, Detail: c.Detail, OK: c.OK}
		}
	}
}

// forget notes that the keychain has nothing for this login any more. held is what was held when it was asked: a login that
// was stored meanwhile stays.
func (e *Engine) forget(name, key string, held *tokens) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok || l.held != held || !l.rec.Kept || l.rec.Key != key || l.rec.Ended != nil {
		e.mu.Unlock()
		return
	}
	l.held, l.others = nil, nil
	if !l.attended { // nobody has to do anything: the next one who asks gets a new one
		l.rec = record{Name: name, History: l.rec.History}
		l.rec.happened(wall(), "the keychain no longer has its token")
		e.mu.Unlock()
		e.keepRecord(name)
		e.changed(name)
		return
	}
	l.rec.Ended = &Problem{Code: CodeItemGone, Since: wall(),
		Sentence: "the keychain no longer has the tokens of " + name + ": somebody removed them, or it is another keychain than before",
		Remedy:   "log in again"}
	l.rec.happened(l.rec.Ended.Since, "the login ended: "+l.rec.Ended.Sentence)
	e.mu.Unlock()
	e.keepRecord(name)
	e.changed(name)
}
