package oauth

import (
	"strconv"
	"time"
)

// readEnds takes from a token answer when the refresh token and the session
// end, and which member said so. ahead is the server's clock before ours.
//
// When a login ends is said in no specification, and in several ways:
// refresh_expires_in by Keycloak, refresh_token_expires_in by Microsoft,
// GitHub and LinkedIn, x_refresh_token_expires_in by Intuit; others send a
// date. A session's end is said by few.
func (t *Token) readEnds(obj map[string]any, ahead time.Duration) {
	for _, name := range [...]string{"refresh_expires_in", "refresh_token_expires_in", "x_refresh_token_expires_in"} {
		if t.RefreshExpiresAt = expiry(t.ObtainedAt, obj[name]); !t.RefreshExpiresAt.IsZero() {
			t.RefreshExpiresBy = name
			break
		}
	}
	for _, name := range [...]string{"refresh_token_expires_at", "refresh_expires_at"} {
		if at := date(obj[name]); t.RefreshExpiresAt.IsZero() && !at.IsZero() {
			t.RefreshExpiresAt, t.RefreshExpiresBy = at.Add(-ahead), name
		}
	}
	if at := expiry(t.ObtainedAt, obj["session_expires_in"]); !at.IsZero() {
		t.SessionExpiresAt, t.SessionExpiresBy = at, "session_expires_in"
	}
}

// date reads a moment: seconds since 1970, milliseconds where that many
// seconds would be millennia away, or RFC 3339.
func date(v any) time.Time {
	if s, ok := v.(string); ok {
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return at
		}
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return time.Time{}
		}
	}
	f, ok := number(v)
	switch {
	case !ok || f <= 0 || f > 1e14:
		return time.Time{}
	case f > 1e11:
		return time.UnixMilli(int64(f))
	}
	return time.Unix(int64(f), 0)
}
