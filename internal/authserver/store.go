package authserver

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// store keeps grants, pending authorizations and opaque tokens. It hands out copies and keeps
// copies, so a request that go-oidc abandons half way leaves nothing behind. It implements the
// manager interfaces of go-oidc.
type store struct {
	grace     time.Duration
	access    int // seconds that an access token lives
	counts    *counts
	rotates   bool
	deviceTTL int      // seconds
	keys      *keyring // for the state file
	addr      string   // for the state file
	path      string   // the state file, or ""

	mu       sync.Mutex // guards the maps
	families map[string]*family
	sessions map[string]*goidc.AuthnSession
	logouts  map[string]*goidc.LogoutSession
	tokens   map[string]opaqueToken

	fileMu  sync.Mutex // orders writes of the state file; guards fileErr
	fileErr error
}

// family is a grant with every refresh token that it ever had.
type family struct {
	Grant goidc.Grant `json:"grant"` // without its refresh token once the code was redeemed
	// Current is the hash of the one refresh token that is good.
	Current string `json:"current"`
	// Spent maps hashes of earlier refresh tokens to the Unix time in ms at which they were
	// superseded.
	Spent map[string]int64 `json:"spent,omitempty"`
}

type opaqueToken struct {
	goidc.Token
	audience []string
}

// maxSessions bounds pending logins: enough for every test, and a page that loops cannot eat the
// agent's memory.
const maxSessions = 1000

func newStore(o Options, c *counts, st state) *store {
	s := &store{
		grace:     o.RotationGrace,
		access:    seconds(o.AccessTokenTTL),
		rotates:   !o.NoRotation,
		counts:    c,
		deviceTTL: seconds(o.Device.ttl()),
		path:      o.State,
		families:  map[string]*family{},
		sessions:  map[string]*goidc.AuthnSession{},
		logouts:   map[string]*goidc.LogoutSession{},
		tokens:    map[string]opaqueToken{},
	}
	for _, f := range st.Families {
		s.families[f.Grant.ID] = f
	}
	return s
}

// hash hides a refresh token from whoever reads the state file.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func cloneGrant(g goidc.Grant) goidc.Grant {
	g.Store = maps.Clone(g.Store)
	return g
}

// SaveGrant keeps a grant and notices that its refresh token was superseded.
func (s *store) SaveGrant(_ context.Context, g *goidc.Grant) error {
	s.mu.Lock()
	f := s.families[g.ID]
	if f == nil {
		f = &family{Spent: map[string]int64{}}
		s.families[g.ID] = f
	}
	if g.RevokedAt != 0 && f.Grant.RevokedAt == 0 {
		s.counts.add(func(st *Stats) { st.FamiliesRevoked++ })
	}
	// A grant that was loaded by its id carries no refresh token, and saving it changes none.
	if g.RefreshToken != "" {
		if h := hash(g.RefreshToken); h != f.Current {
			if f.Current != "" {
				f.Spent[f.Current] = time.Now().UnixMilli()
			}
			f.Current = h
		}
	}
	f.Grant = cloneGrant(*g)
	if !awaited(g) {
		f.Grant.RefreshToken = "" // the client has it now, and only its hash is of use here
	}
	s.prune()
	s.mu.Unlock()
	s.persist()
	return nil
}

// Grant returns the grant with that id.
func (s *store) Grant(_ context.Context, id string) (*goidc.Grant, error) {
	return s.find(func(f *family) bool { return f.Grant.ID == id })
}

// GrantByAuthCode returns the grant whose code this is. One that was revoked counts as unknown,
// because go-oidc would answer expired_token for it and RFC 6749 section 5.2 wants invalid_grant.
func (s *store) GrantByAuthCode(_ context.Context, code string) (*goidc.Grant, error) {
	if code == "" {
		return nil, goidc.ErrNotFound
	}
	g, err := s.find(func(f *family) bool { return f.Grant.AuthCode == code })
	if err != nil {
		return nil, err
	}
	if g.AuthCodeConsumedAt != 0 {
		s.counts.add(func(st *Stats) { st.CodesReplayed++ })
	}
	if g.RevokedAt != 0 {
		return nil, goidc.ErrNotFound
	}
	return g, nil
}

// GrantByRefreshToken returns the grant to which a refresh token belongs or belonged. At the token
// endpoint a superseded one that comes after the grace period revokes the family: somebody has a
// copy, and nobody can tell who (RFC 9700 section 4.14.2).
func (s *store) GrantByRefreshToken(ctx context.Context, token string) (*goidc.Grant, error) {
	h := hash(token)
	var spent int64
	g, err := s.find(func(f *family) bool {
		if f.Current == h {
			return true
		}
		at, ok := f.Spent[h]
		spent = at
		return ok
	})
	if err != nil || token == "" {
		return nil, goidc.ErrNotFound
	}
	g.RefreshToken = token
	if spent == 0 || requestOf(ctx).endpoint != endpointToken || g.RevokedAt != 0 {
		if spent != 0 {
			g.RefreshToken = "" // or revoking through it would make it the current one again
		}
		return g, nil
	}
	if time.Since(time.UnixMilli(spent)) <= s.grace {
		s.counts.add(func(st *Stats) { st.GraceUsed++ })
		return g, nil
	}
	s.counts.add(func(st *Stats) { st.ReuseDetected++ })
	g.RefreshToken = ""
	g.RevokedAt = int(time.Now().Unix())
	return g, s.SaveGrant(ctx, g)
}

// find returns a copy of the first grant that fits.
func (s *store) find(fits func(*family) bool) (*goidc.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.families {
		if fits(f) {
			g := cloneGrant(f.Grant)
			return &g, nil
		}
	}
	return nil, goidc.ErrNotFound
}

// revoke revokes the grants of a user, or with "" all of them.
func (s *store) revoke(login string) {
	s.mu.Lock()
	for _, f := range s.families {
		if f.Grant.RevokedAt == 0 && (login == "" || f.Grant.Username == login) {
			f.Grant.RevokedAt = int(time.Now().Unix())
			s.counts.add(func(st *Stats) { st.FamiliesRevoked++ })
		}
	}
	s.mu.Unlock()
	s.persist()
}

// awaited reports whether the client still has to fetch the tokens of a grant with a code.
func awaited(g *goidc.Grant) bool {
	switch {
	case g.AuthCode != "":
		return g.AuthCodeConsumedAt == 0
	case g.DeviceCode != "":
		return g.DeviceCodeConsumedAt == 0
	case g.AuthReqID != "":
		return g.AuthReqIDConsumedAt == 0
	}
	return false
}

// began is when the tokens of a grant were handed out first, or can be until.
func began(g *goidc.Grant) int {
	if awaited(g) {
		return max(g.AuthCodeExpiresAt, g.DeviceCodeExpiresAt, g.AuthReqIDExpiresAt)
	}
	return max(g.CreatedAt, g.AuthCodeConsumedAt, g.DeviceCodeConsumedAt, g.AuthReqIDConsumedAt)
}

// prune forgets what can no longer matter; mu is held. Dead grants stay for an hour, so that
// somebody who looks can still see why a token was refused.
func (s *store) prune() {
	now := int(time.Now().Unix())
	const keep = 3600
	maps.DeleteFunc(s.families, func(_ string, f *family) bool {
		g := &f.Grant
		switch {
		case g.RevokedAt != 0:
			return now > g.RevokedAt+keep
		case awaited(g):
			return now > began(g)+keep
		case f.Current == "":
			return now > began(g)+s.access+keep
		default:
			return g.RefreshTokenExpiresAt != 0 && now > g.RefreshTokenExpiresAt+keep
		}
	})
	maps.DeleteFunc(s.tokens, func(_ string, t opaqueToken) bool { return now > t.ExpiresAt+keep })
}

// SaveSession keeps a pending authorization; one that is over is forgotten, so that the back
// button cannot finish it twice.
func (s *store) SaveSession(ctx context.Context, as *goidc.AuthnSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if as.Status != goidc.StatusPending && !polled(as) {
		delete(s.sessions, as.ID)
		return nil
	}
	if requestOf(ctx).endpoint == endpointDevice {
		as.ExpiresAt = as.CreatedAt + s.deviceTTL // go-oidc cannot be told how long
	}
	now := int(time.Now().Unix())
	maps.DeleteFunc(s.sessions, func(_ string, old *goidc.AuthnSession) bool {
		keep := 0
		if polled(old) {
			keep = 3600 // so that a late poll learns why there is nothing
		}
		return now >= old.ExpiresAt+keep
	})
	if len(s.sessions) >= maxSessions {
		oldest := slices.MinFunc(slices.Collect(maps.Values(s.sessions)), func(a, b *goidc.AuthnSession) int {
			return a.CreatedAt - b.CreatedAt
		})
		delete(s.sessions, oldest.ID)
	}
	s.sessions[as.ID] = cloneSession(as)
	return nil
}

// polled reports whether a client asks again and again how a session went.
func polled(as *goidc.AuthnSession) bool { return as.DeviceCode != "" || as.AuthReqID != "" }

// Session returns a pending authorization.
func (s *store) Session(_ context.Context, id string) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if as, ok := s.sessions[id]; ok {
		return cloneSession(as), nil
	}
	return nil, goidc.ErrNotFound
}

func cloneSession(as *goidc.AuthnSession) *goidc.AuthnSession {
	c := *as
	c.Store = maps.Clone(as.Store)
	return &c
}

// SaveToken keeps an opaque access token; its audience came from [Server.checkTarget].
func (s *store) SaveToken(ctx context.Context, t *goidc.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.tokens[hash(t.ID)]
	if aud := requestOf(ctx).audience; aud != nil {
		old.audience = aud
	}
	old.Token = *t
	old.ID = ""
	s.tokens[hash(t.ID)] = old
	return nil
}

// Token returns an opaque access token.
func (s *store) Token(_ context.Context, id string) (*goidc.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tokens[hash(id)]; ok {
		t.ID = id
		return &t.Token, nil
	}
	return nil, goidc.ErrNotFound
}

// opaqueAudience returns for whom an opaque access token is.
func (s *store) opaqueAudience(token string) ([]string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[hash(token)]
	return t.audience, ok
}

// SaveLogoutSession keeps a logout that waits for the user's word.
func (s *store) SaveLogoutSession(_ context.Context, ls *goidc.LogoutSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.logouts, func(_ string, old *goidc.LogoutSession) bool { return old.IsExpired() })
	if ls.Status != goidc.StatusPending || len(s.logouts) >= maxSessions {
		delete(s.logouts, ls.ID)
		return nil
	}
	c := *ls
	s.logouts[ls.ID] = &c
	return nil
}

// LogoutSession returns a logout that waits for the user's word.
func (s *store) LogoutSession(_ context.Context, id string) (*goidc.LogoutSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ls, ok := s.logouts[id]; ok {
		c := *ls
		return &c, nil
	}
	return nil, goidc.ErrNotFound
}
