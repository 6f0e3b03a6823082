package session

import (
	"context"
	"fmt"
	"time"

	"fob/oauth"
)

// freshIDToken hands out the login's tokens with an ID token that has at least minTTL left; a negative one chooses, as for the access
// token. ID tokens end at a time of their own (OIDC Core §2, exp), and Kubernetes or a cloud looks at nothing else. Not every server
// gives a new one when it refreshes (OIDC Core §12.2).
func (e *Engine) freshIDToken(ctx context.Context, name string, minTTL time.Duration) (Handout, error) {
	for rounds := 0; ; rounds++ {
		h, err := e.Token(ctx, name, minTTL)
		if err != nil {
			return Handout{}, err
		}
		t, _, err := e.usable(ctx, name)
		if err != nil {
			return Handout{}, e.explainNow(name, err)
		}
		h = handout(name, t)
		end, ok := oauth.NumericDate(t.Claims["exp"])
		if h.IDToken == "" || !ok { // an encrypted one shows no claims here
			return h, nil
		}
		now := wall()
		need, left := minTTL, end.Sub(now)
		if need < 0 {
			need = min(minTTLDefault, end.Sub(t.ObtainedAt)/2)
		}
		if left >= need && left > 0 {
			h.ExpiresAt = some(end)
			return h, nil
		}
		if rounds > 0 || !t.renewable() {
			return Handout{}, &Error{Kind: LogInFirst, Code: CodeNotRefreshable,
				Sentence: fmt.Sprintf("profile %s: its ID token %s, and the server gives no new one with a refresh", name, endsIn(left)), Remedy: "log in again: fob login " + quoteArg(name)}
		}
		if err := e.awaitRefresh(ctx, name, forced); err != nil {
			return Handout{}, e.explainNow(name, err)
		}
	}
}
