package agent

import (
	"context"
	"encoding/json"
	"net/http"

	"fob/internal/session"
)

// protocolRoutes are the requests that go beyond logging in and handing out.
func (s *Server) protocolRoutes(handle func(string, func(*http.Request) (any, error))) {
	e := s.engine
	named := func(ask func(ctx context.Context, name string) (any, error)) func(*http.Request) (any, error) {
		return func(r *http.Request) (any, error) { return ask(r.Context(), r.URL.Query().Get("name")) }
	}
	handle("POST /v1/login/begin", asked(func(ctx context.Context, q loginRequest) (any, error) { return e.Begin(ctx, q.Name, q.LoginOptions) }))
	handle("POST /v1/login/poll", asked(func(ctx context.Context, q loginRequest) (any, error) {
		shown, status, err := e.Poll(ctx, q.Name, q.LoginOptions)
		shown.Status = status
		return shown, err
	}))
	handle("POST /v1/login/complete", asked(func(ctx context.Context, q completeRequest) (any, error) { return e.Complete(ctx, q.Name, q.Answer) }))
	handle("POST /v1/login/end-session", asked(func(ctx context.Context, q nameRequest) (any, error) {
		page, err := e.EndSession(ctx, q.Name)
		return endSessionAnswer{page}, err
	}))
	handle("POST /v1/credential", asked(func(ctx context.Context, q credentialRequest) (any, error) {
		return e.Credential(ctx, q.Name, q.Method, q.URL, q.Nonce)
	}))
	handle("POST /v1/request", asked(func(ctx context.Context, q Request) (any, error) { return e.Request(ctx, q) }))
	handle("POST /v1/introspect", asked(func(ctx context.Context, q whichRequest) (any, error) { return e.Introspect(ctx, q.Name, q.Which) }))
	handle("POST /v1/userinfo", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.UserInfo(ctx, q.Name) }))
	handle("POST /v1/exchange", asked(func(ctx context.Context, q session.Exchange) (any, error) { return e.Exchange(ctx, q) }))
	handle("GET /v1/keys", named(func(ctx context.Context, name string) (any, error) { return raw(e.PublicKeys(ctx, name)) }))
	handle("POST /v1/keys", asked(func(ctx context.Context, q makeKeyRequest) (any, error) {
		return raw(e.MakeKey(ctx, q.Name, q.Alg, q.Replace))
	}))
	handle("GET /v1/trace", named(func(_ context.Context, name string) (any, error) {
		runs, err := e.Trace(name)
		if runs == nil {
			runs = []TraceRun{}
		}
		return runs, err
	}))
	handle("POST /v1/explore", asked(func(ctx context.Context, q exploreRequest) (any, error) { return e.Explore(ctx, q.URL) }))
	handle("POST /v1/adopt", asked(func(ctx context.Context, q Adoption) (any, error) {
		name, err := e.Adopt(ctx, q)
		return nameRequest{name}, err
	}))
	handle("POST /v1/profile/another", asked(func(ctx context.Context, q anotherRequest) (any, error) {
		name, err := e.Another(ctx, q.From, q.Name)
		return nameRequest{name}, err
	}))
	handle("POST /v1/profile/pin", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.Pin(ctx, q.Name) }))
	handle("POST /v1/profile/unpin", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.Unpin(ctx, q.Name) }))
	handle("POST /v1/registration", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.Register(ctx, q.Name) }))
	handle("PUT /v1/registration", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.UpdateRegistration(ctx, q.Name) }))
	handle("GET /v1/registration", named(func(ctx context.Context, name string) (any, error) { return e.Registration(ctx, name) }))
	handle("DELETE /v1/registration", named(func(ctx context.Context, name string) (any, error) { return nil, e.Unregister(ctx, name) }))
}

type endSessionAnswer struct {
	URL string `json:"url"`
}

// raw is JSON as it is.
func raw(text []byte, err error) (any, error) { return json.RawMessage(text), err }
