package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/oauth"
)

// rig is an API that wants a token, and a proxy to it.
type rig struct {
	t       *testing.T
	api     *httptest.Server
	proxy   *Proxy
	carrier *oauth.Transport
	log     chan Entry
	client  *http.Client
}

const token = "THE-TOKEN"

// newRig starts both; change completes the proxy's options, ready the proxy before it serves.
func newRig(t *testing.T, api http.Handler, prefix string, change func(*Options), ready func(*Proxy)) *rig {
	t.Helper()
	r := &rig{t: t, api: httptest.NewServer(api), log: make(chan Entry, 10_000)}
	t.Cleanup(r.api.Close)
	r.open(r.api.URL+prefix, nil, change, ready)
	return r
}

func (r *rig) open(base string, road *http.Transport, change func(*Options), ready func(*Proxy)) {
	r.t.Helper()
	if road == nil {
		road = &http.Transport{MaxIdleConnsPerHost: 64}
	}
	r.t.Cleanup(road.CloseIdleConnections)
	r.carrier = &oauth.Transport{BaseURL: base, Base: road, Unexplained: true, Source: func(context.Context) (*oauth.Token, error) {
		return &oauth.Token{AccessToken: token, Type: "Bearer"}, nil
	}}
	o := Options{
		Base: base, Carrier: r.carrier, Log: func(e Entry) { r.log <- e },
		Explain: func(err error) Refusal { return Refusal{http.StatusBadGateway, "test", err.Error(), ""} },
		Demand:  func(*http.Response) (Demand, bool) { return Demand{}, false },
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.proxy, err = Open(o); err != nil {
		r.t.Fatal(err)
	}
	if ready != nil {
		ready(r.proxy)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.proxy.Serve(ctx) }()
	own := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	r.client = &http.Client{Transport: own, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r.t.Cleanup(func() {
		own.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			r.t.Error(err)
		}
	})
}

// do makes a request through the proxy.
func (r *rig) do(method, ref string, body io.Reader, header ...string) *http.Response {
	r.t.Helper()
	q, err := http.NewRequest(method, r.proxy.URL()+ref, body)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			q.Host = header[i+1]
			continue
		}
		q.Header.Add(header[i], header[i+1])
	}
	answer, err := r.client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// address is where the proxy listens.
func (r *rig) address() string {
	u, err := url.Parse(r.proxy.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	return u.Host
}

// raw sends bytes and returns the status of the first answer, 0 if there was none. $S is the secret, $H the host.
func (r *rig) raw(text string) int {
	r.t.Helper()
	conn := r.dial()
	text = strings.NewReplacer("$S", r.proxy.secret, "$H", r.address()).Replace(text)
	if _, err := io.WriteString(conn, text); err != nil {
		return 0
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.address())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func text(t *testing.T, answer *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
