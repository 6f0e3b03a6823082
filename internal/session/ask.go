package session

import (
	"context"

	"fob/oauth"
)

// Introspect asks the authorization server about the profile's token (RFC 7662): "access_token" or "refresh_token".
func (e *Engine) Introspect(ctx context.Context, name, which string) (Introspection, error) {
	e.reload()
	t, c, err := e.held(ctx, name)
	if err != nil {
		return Introspection{}, Explain(name, err)
	}
	token := t.AccessToken
	switch which {
	case "", "access_token":
		which = "access_token"
	case "refresh_token":
		if token = t.RefreshToken; token == "" {
			return Introspection{}, &Error{Kind: Failed, Code: CodeNotRefreshable, Sentence: "profile " + name + ": this login has no refresh token", Remedy: "ask about the access token"}
		}
	default:
		return Introspection{}, &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no token called " + which, Remedy: "ask about access_token or refresh_token"}
	}
	said, err := c.Introspect(ctx, token, which)
	if err != nil {
		return Introspection{}, Explain(name, err)
	}
	return Introspection{Active: said.Active, Claims: said.Claims, Verified: said.Verified}, nil
}

// held returns the tokens of a login without refreshing them, and the client.
func (e *Engine) held(ctx context.Context, name string) (*tokens, *client, error) {
	t, p, err := e.usable(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	return t, c, err
}

// UserInfo asks who is logged in (OIDC Core §5.3).
func (e *Engine) UserInfo(ctx context.Context, name string) (map[string]any, error) {
	e.reload()
	if _, err := e.Token(ctx, name, -1); err != nil {
		return nil, err
	}
	t, c, err := e.held(ctx, name)
	if err != nil {
		return nil, Explain(name, err)
	}
	claims, err := c.UserInfo(ctx, t.Token)
	if err != nil {
		return nil, Explain(name, err)
	}
	return claims, nil
}

// EndSession is the page that ends the session at the server (OIDC RP-Initiated Logout §2), "" when it has none.
func (e *Engine) EndSession(ctx context.Context, name string) (string, error) {
	e.reload()
	t, c, err := e.held(ctx, name)
	if err != nil {
		return "", Explain(name, err)
	}
	if c.Metadata.EndSessionEndpoint == "" {
		return "", nil
	}
	out, err := c.EndSession(t.IDToken, "")
	if err != nil {
		return "", Explain(name, err)
	}
	return out.URL, nil
}

// Exchange exchanges a token for another one (RFC 8693), which is not kept.
func (e *Engine) Exchange(ctx context.Context, x Exchange) (Handout, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Handout{}, err
	}
	t, err := e.exchange(ctx, x)
	if err != nil {
		return Handout{}, Explain(x.Name, err)
	}
	h := handout(x.Name, &tokens{Token: t})
	h.IssuedType = t.IssuedType
	return h, nil
}

func (e *Engine) exchange(ctx context.Context, x Exchange) (*oauth.Token, error) {
	p, ok := e.file.Get(x.Name)
	if !ok {
		return nil, e.unknownProfile(x.Name)
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return nil, err
	}
	r := oauth.ExchangeRequest{
		SubjectToken: oauth.Secret(x.SubjectToken), SubjectTokenType: x.SubjectType,
		ActorToken: oauth.Secret(x.ActorToken), ActorTokenType: x.ActorType, RequestedTokenType: x.RequestedType,
	}
	if x.SubjectProfile != "" {
		if r.SubjectToken, r.SubjectTokenType, err = e.tokenOf(ctx, x.SubjectProfile, x.SubjectType); err != nil {
			return nil, err
		}
	}
	if x.ActorProfile != "" {
		if r.ActorToken, r.ActorTokenType, err = e.tokenOf(ctx, x.ActorProfile, x.ActorType); err != nil {
			return nil, err
		}
	}
	want := c.request(LoginOptions{})
	if len(x.Scope) > 0 {
		want.Scope = x.Scope
	}
	if len(x.Resource) > 0 {
		want.Resource = x.Resource
	}
	if len(x.Audience) > 0 {
		want.Audience = x.Audience
	}
	return c.Exchange(ctx, r, want)
}
