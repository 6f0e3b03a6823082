package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"fob/oauth"
)

// BenchmarkRequest is a request for a kilobyte over kept connections, straight to the API and through the proxy: what the second
// takes longer is what the proxy costs.
func BenchmarkRequest(b *testing.B) {
	kilobyte := make([]byte, 1000)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(kilobyte) }))
	b.Cleanup(api.Close)
	road := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(road.CloseIdleConnections)
	p, err := Open(Options{
		Base: api.URL, Log: func(Entry) {},
		Carrier: &oauth.Transport{BaseURL: api.URL, Base: road, Unexplained: true, Source: func(context.Context) (*oauth.Token, error) {
			return &oauth.Token{AccessToken: token, Type: "Bearer"}, nil
		}},
		Demand: func(*http.Response) (Demand, bool) { return Demand{}, false },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	b.Cleanup(func() { stop(); <-served })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	for _, way := range []struct{ name, url string }{{"direct", api.URL}, {"proxied", p.URL()}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer, err := client.Get(way.url + "/x")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status, err)
				}
				answer.Body.Close()
			}
		})
	}
}
