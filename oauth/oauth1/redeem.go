package oauth1

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"

	"fob/oauth"
)

// Redeem turns the response that arrived on the callback into a token. It
// checks that oauth_token is this login's (constant time, once) and exchanges
// oauth_verifier (RFC 5849 sections 2.2 and 2.3). A response with another
// oauth_token, or with none, leaves the login waiting: anybody can send one.
// After a response of its own the login is over, whatever came of it.
//
// When the user said no, the error is oauth.AccessDenied.
func (a *Authorization) Redeem(ctx context.Context, response url.Values) (*Token, error) {
	const what = "authorization"
	fail := func(err error) (*Token, error) {
		return nil, at(what, &oauth.Error{Endpoint: a.endpoint(), Err: err})
	}
	refused := refusal(response)
	switch mine, err := a.owns(response); {
	case err != nil:
		return fail(err)
	case !mine && refused != nil && len(response["oauth_token"])+len(response["denied"]) == 0:
		// Nobody vouches for it, so it ends nothing, but it says why.
		refused.Endpoint = a.endpoint()
		return nil, at(what, refused)
	case !mine:
		return fail(&reasoned{oauth.ErrState, "its oauth_token is not this login's"})
	}
	if refused == nil {
		switch v := response["oauth_verifier"]; {
		case len(v) > 1:
			return fail(&reasoned{oauth.ErrResponse, "oauth_verifier is there twice"})
		case len(v) == 0 || v[0] == "":
			refused = &oauth.Error{Err: &reasoned{oauth.ErrResponse, "it has no oauth_verifier"}}
		}
	}
	secret, err := a.take()
	if err != nil {
		return fail(err)
	}
	if refused != nil {
		refused.Endpoint = a.endpoint()
		return nil, at(what, refused)
	}
	return a.exchange(ctx, secret, response.Get("oauth_verifier"))
}

// RedeemPIN exchanges the verification code that the server's page shows when
// the callback is OutOfBand. The login is over afterwards, whatever came of it.
func (a *Authorization) RedeemPIN(ctx context.Context, verifier string) (*Token, error) {
	const what = "authorization"
	verifier = strings.TrimSpace(verifier)
	switch {
	case a.CallbackURI != OutOfBand:
		// Nothing would say whose code it is.
		return nil, at(what, requestError("this login ends with its callback, not with a code"))
	case verifier == "":
		return nil, at(what, requestError("the verification code is empty"))
	}
	secret, err := a.take()
	if err != nil {
		return nil, at(what, &oauth.Error{Endpoint: a.endpoint(), Err: err})
	}
	return a.exchange(ctx, secret, verifier)
}

// owns says that a response is this login's. Twitter sends the token of a
// declined login as "denied".
func (a *Authorization) owns(response url.Values) (bool, error) {
	got := response["oauth_token"]
	if len(got) == 0 {
		got = response["denied"]
	}
	if len(got) > 1 {
		return false, &reasoned{oauth.ErrState, "oauth_token is there twice"}
	}
	return len(got) == 1 && a.Token != "" && subtle.ConstantTimeCompare([]byte(got[0]), []byte(a.Token)) == 1, nil
}

// take hands out the temporary secret, once.
func (a *Authorization) take() (oauth.Secret, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.redeemed {
		return "", oauth.ErrReused
	}
	secret := a.secret
	a.redeemed, a.secret = true, ""
	return secret, nil
}

// refusal returns the error that a response holds. RFC 5849 defines none;
// servers say denied (Twitter), oauth_problem, or error as OAuth 2 does.
func refusal(response url.Values) *oauth.Error {
	e := &oauth.Error{}
	problem := response.Get("oauth_problem")
	switch {
	case response.Has("denied"):
		e.Code = oauth.AccessDenied
	case problem == "user_refused" || problem == "permission_denied":
		e.Code, e.Description = oauth.AccessDenied, problem
	case problem != "":
		e.Code, e.Description = cleanCode(problem), clean(response.Get("oauth_problem_advice"), maxDescription)
	case response.Get("error") != "":
		e.Code, e.Description = cleanCode(response.Get("error")), clean(response.Get("error_description"), maxDescription)
	default:
		return nil
	}
	if e.Code == "" {
		e.Code = oauth.ServerError // a code of which nothing printable remains
	}
	return e
}

// exchange obtains the token credentials (RFC 5849 section 2.3).
func (a *Authorization) exchange(ctx context.Context, secret oauth.Secret, verifier string) (*Token, error) {
	const what = "token credentials"
	temporary := &Token{Token: oauth.Secret(a.Token), Secret: secret}
	extra := []pair{{"oauth_verifier", verifier}}
	values, err := a.client.post(ctx, a.client.TokenEndpoint, temporary, extra, a.client.AccessTokenParams)
	if err != nil {
		return nil, at(what, err)
	}
	t, err := a.client.readToken(values)
	if err != nil {
		return nil, at(what, err)
	}
	return t, nil
}
