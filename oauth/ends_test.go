package oauth

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEndsAsServersSayThem(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := at.Add(time.Hour)
	for name, tt := range map[string]struct {
		answer  string
		refresh time.Time
		by      string
		session time.Time
	}{
		"Keycloak":               {`{"refresh_expires_in":3600}`, hour, "refresh_expires_in", time.Time{}},
		"Keycloak, offline":      {`{"refresh_expires_in":0}`, time.Time{}, "", time.Time{}},
		"Microsoft":              {`{"refresh_token_expires_in":3600}`, hour, "refresh_token_expires_in", time.Time{}},
		"text":                   {`{"refresh_token_expires_in":"3600"}`, hour, "refresh_token_expires_in", time.Time{}},
		"Intuit":                 {`{"x_refresh_token_expires_in":3600}`, hour, "x_refresh_token_expires_in", time.Time{}},
		"a date":                 {`{"refresh_token_expires_at":1772370000}`, time.Unix(1772370000, 0), "refresh_token_expires_at", time.Time{}},
		"a date in text":         {`{"refresh_token_expires_at":"1772370000"}`, time.Unix(1772370000, 0), "refresh_token_expires_at", time.Time{}},
		"a date in milliseconds": {`{"refresh_token_expires_at":1772370000000}`, time.Unix(1772370000, 0), "refresh_token_expires_at", time.Time{}},
		"a date in words":        {`{"refresh_token_expires_at":"2026-03-01T13:00:00Z"}`, hour, "refresh_token_expires_at", time.Time{}},
		"nonsense":               {`{"refresh_token_expires_at":"soon","refresh_expires_in":"never","session_expires_in":-1}`, time.Time{}, "", time.Time{}},
		"session":                {`{"session_expires_in":"3600"}`, time.Time{}, "", hour},
		"nothing":                {`{}`, time.Time{}, "", time.Time{}},
	} {
		obj, err := decodeObject([]byte(tt.answer))
		if err != nil {
			t.Fatal(err)
		}
		token := &Token{ObtainedAt: at}
		token.readEnds(obj, 0)
		if !token.RefreshExpiresAt.Equal(tt.refresh) || token.RefreshExpiresBy != tt.by || !token.SessionExpiresAt.Equal(tt.session) {
			t.Errorf("%s: %s by %q, session %s", name, token.RefreshExpiresAt, token.RefreshExpiresBy, token.SessionExpiresAt)
		}
	}
	// A date is on the server's clock.
	token := &Token{ObtainedAt: at}
	token.readEnds(map[string]any{"refresh_token_expires_at": json.Number("1772370000")}, 10*time.Minute)
	if want := time.Unix(1772370000, 0).Add(-10 * time.Minute); !token.RefreshExpiresAt.Equal(want) {
		t.Errorf("%s, want %s", token.RefreshExpiresAt, want)
	}
}
