package oauth1

import (
	"encoding/json"
	"time"

	"fob/oauth"
)

// pending is a login as it is saved. Names may be added, not changed.
type pending struct {
	Version       int       `json:"version"`
	ConsumerKey   string    `json:"oauth_consumer_key"`
	TokenEndpoint string    `json:"token_endpoint"`
	URL           string    `json:"url"`
	CallbackURI   string    `json:"oauth_callback"`
	CreatedAt     time.Time `json:"created_at"`
	Token         string    `json:"oauth_token"`
	Secret        string    `json:"oauth_token_secret"`
}

const pendingVersion = 1

// MarshalPending saves a login that waits, to be completed by another
// process with Client.Resume. The result holds the temporary secret as it
// is: keep it sealed, and delete it when it is resumed, for each copy can be
// redeemed (the server accepts only the first).
func (a *Authorization) MarshalPending() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.redeemed {
		return nil, oauth.ErrReused
	}
	return json.Marshal(pending{
		Version: pendingVersion, ConsumerKey: a.client.ConsumerKey, TokenEndpoint: a.client.TokenEndpoint,
		URL: a.URL, CallbackURI: a.CallbackURI, CreatedAt: a.CreatedAt, Token: a.Token, Secret: a.secret.Reveal(),
	})
}

// Resume returns the login that MarshalPending saved. It must be this
// client's: its secret goes to no other server than the one that gave it.
func (c *Client) Resume(saved []byte) (*Authorization, error) {
	var p pending
	switch err := json.Unmarshal(saved, &p); {
	case err != nil: // the text of err may repeat what was saved
		return nil, &reasoned{ErrPending, "it is not what MarshalPending made"}
	case p.Version != pendingVersion:
		return nil, &reasoned{ErrPending, "another version of this program saved it"}
	case p.Token == "" || p.URL == "" || checkCallback(p.CallbackURI) != nil:
		return nil, &reasoned{ErrPending, "it is incomplete"}
	case p.ConsumerKey != c.ConsumerKey || p.TokenEndpoint != c.TokenEndpoint:
		return nil, &reasoned{ErrPending, "it is of another consumer key or token endpoint than this client's"}
	}
	return &Authorization{URL: p.URL, Token: p.Token, CallbackURI: p.CallbackURI, CreatedAt: p.CreatedAt,
		client: c, secret: oauth.Secret(p.Secret)}, nil
}
