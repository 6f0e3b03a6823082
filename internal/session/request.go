package session

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"fob/oauth"
)

// Request makes one request to the profile's API, which it never leaves, and returns the answer whatever it is.
func (e *Engine) Request(ctx context.Context, r Request) (Response, error) {
	e.reload()
	response, err := e.request(ctx, r)
	if err != nil {
		return Response{}, Explain(r.Name, err)
	}
	return response, nil
}

const (
	requestTimeout = 60 * time.Second
	responseMax    = 1 << 20
)

func (e *Engine) request(ctx context.Context, r Request) (Response, error) {
	carrier, err := e.carrier(ctx, r.Name)
	if err != nil {
		return Response{}, err
	}
	defer carrier.Close()
	base := carrier.Base()
	to, err := oauth.ResolveURL(base, r.URL)
	if err != nil {
		return Response{}, &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + r.Name + ": " + err.Error(), Remedy: "the profile's token goes to " + base + " only; change api_base_url, or ask there"}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + r.Name + ": this request cannot be made: " + err.Error(), Remedy: "see METHOD and URL"}
	}
	for _, h := range r.Header {
		request.Header.Add(h.Name, h.Value)
	}
	request.Header.Del("Authorization")
	answer, err := carrier.RoundTrip(request)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	response := Response{Status: answer.StatusCode}
	body, err := io.ReadAll(io.LimitReader(answer.Body, responseMax+1))
	if err != nil {
		return Response{}, err
	}
	response.Cut = len(body) > responseMax
	response.Body = body[:min(len(body), responseMax)]
	for name, values := range answer.Header {
		for _, v := range values {
			response.Header = append(response.Header, HeaderField{name, v})
		}
	}
	slices.SortFunc(response.Header, func(a, b HeaderField) int { return strings.Compare(a.Name, b.Name) })
	response.StepUp, err = carrier.StepUp(answer)
	return response, err
}

// stepUp reads from a refusal what login would be let in. When the API asks for the same again right after a login that gave it,
// the error says so: a third login would not help either.
func (e *Engine) stepUp(name string, answer *http.Response, t *tokens) (*StepUp, error) {
	e.mu.Lock()
	var met *oauth.StepUp
	if l := e.logins[name]; l != nil {
		met = l.met
	}
	e.mu.Unlock()
	demand, err := oauth.NeedStepUp(answer.StatusCode, answer.Header, t.Token, met)
	if err != nil || demand == nil {
		return nil, err
	}
	e.mu.Lock()
	if l := e.logins[name]; l != nil {
		l.demand = demand
	}
	e.mu.Unlock()
	s := &StepUp{Reason: demand.Reason, Options: LoginOptions{Scope: demand.Scope, ACRValues: demand.ACRValues}}
	if demand.MaxAge != nil {
		age := int(demand.MaxAge.Seconds())
		s.Options.MaxAge = &age
	}
	if s.Reason == "" {
		s.Reason = "the API asks for a stronger or newer login"
		if len(demand.ACRValues) == 0 && demand.MaxAge == nil {
			s.Reason = "the API asks for more scope: " + strings.Join(demand.Scope, " ")
		}
	}
	return s, nil
}
