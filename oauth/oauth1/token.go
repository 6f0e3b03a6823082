package oauth1

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/oauth"
)

// Token is a user's permission: what requests are signed with.
type Token struct {
	Token  oauth.Secret // oauth_token
	Secret oauth.Secret // oauth_token_secret
	// ExpiresAt is from oauth_expires_in; zero when the server did not say,
	// which usually means that the token lives until it is revoked.
	ExpiresAt  time.Time
	ObtainedAt time.Time
	// SessionHandle renews the token (extension "Session"); often empty.
	SessionHandle oauth.Secret
	// Extra is what else the server sent: user_id, screen_name and the like.
	Extra map[string]string
}

// Format writes the names of what is there, whatever the verb: what a server
// sends beside the token may be as secret.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.describe()) }

// LogValue makes log/slog write the names only.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.describe()) }

// MarshalJSON writes the names only. Who stores a token writes what it needs
// of it, with Reveal.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(t.describe()) }

func (t Token) describe() string {
	names := slices.Sorted(maps.Keys(t.Extra))
	for i, name := range names {
		names[i] = clean(name, maxCode)
	}
	return strings.TrimSpace("OAuth 1 token " + strings.Join(names, " "))
}

// maxLifetime: a hundred years, as in package oauth; more is an error or a joke.
const maxLifetime = 100 * 365 * 24 * 3600

// readToken takes a token out of an answer (RFC 5849 sections 2.1 and 2.3).
func (c *Client) readToken(values map[string]string) (*Token, error) {
	secret, there := values["oauth_token_secret"]
	switch {
	case values["oauth_token"] == "":
		return nil, answerError("it has no oauth_token")
	case !there:
		return nil, answerError("it has no oauth_token_secret")
	}
	t := &Token{
		Token: oauth.Secret(values["oauth_token"]), Secret: oauth.Secret(secret), ObtainedAt: c.clock(),
		SessionHandle: oauth.Secret(values["oauth_session_handle"]),
	}
	if n, err := strconv.ParseInt(values["oauth_expires_in"], 10, 64); err == nil && n > 0 && n <= maxLifetime {
		t.ExpiresAt = t.ObtainedAt.Add(time.Duration(n) * time.Second)
	}
	for name, value := range values {
		switch name {
		case "oauth_token", "oauth_token_secret", "oauth_session_handle":
		default:
			if t.Extra == nil {
				t.Extra = make(map[string]string)
			}
			t.Extra[name] = value
		}
	}
	return t, nil
}

// Renew exchanges a token that came with a session handle for a new one
// (extension "Session"). A new answer without a handle keeps the old one.
func (c *Client) Renew(ctx context.Context, t *Token) (*Token, error) {
	const what = "renewal"
	if t == nil || t.SessionHandle == "" {
		return nil, at(what, requestError("the token has no session handle; log in again"))
	}
	extra := []pair{{"oauth_session_handle", t.SessionHandle.Reveal()}}
	values, err := c.post(ctx, c.TokenEndpoint, t, extra, c.AccessTokenParams)
	if err != nil {
		return nil, at(what, err)
	}
	renewed, err := c.readToken(values)
	if err != nil {
		return nil, at(what, err)
	}
	if renewed.SessionHandle == "" {
		renewed.SessionHandle = t.SessionHandle
	}
	return renewed, nil
}
