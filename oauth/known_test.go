package oauth

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// only a server that says that it does not know the client is believed to have forgotten it.
func TestStillKnown(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		body    string
		forgets bool
	}{
		"redirect":        {http.StatusFound, "", false},
		"JSON":            {http.StatusBadRequest, `{"error":"invalid_client"}`, true},
		"page":            {http.StatusUnauthorized, "<title>Oops</title> error: unauthorized_client", true},
		"another error":   {http.StatusBadRequest, `{"error":"invalid_request"}`, false},
		"down":            {http.StatusBadGateway, "invalid_client", false},
		"login page":      {http.StatusOK, "invalid_client", false},
		"redirect's page": {http.StatusSeeOther, "invalid_client", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				q := r.URL.Query()
				if r.URL.Path != "/authorize" || len(q) != 3 || q.Get("own") != "1" || q.Get("client_id") != "client" || q.Get("redirect_uri") != "http://127.0.0.1:9/callback" {
					t.Errorf("asked %s", r.URL)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				w.Write([]byte(tt.body))
			}))
			defer server.Close()
			c := &Client{ID: "client", HTTP: server.Client(), Metadata: &Metadata{AuthorizationEndpoint: server.URL + "/authorize?own=1"}}
			err := c.StillKnown(t.Context(), "http://127.0.0.1:9/callback")
			if Forgotten(err) != tt.forgets || err != nil && !tt.forgets || asked != 1 {
				t.Errorf("%v after %d requests", err, asked)
			}
		})
	}
	c := &Client{ID: "client", Metadata: &Metadata{AuthorizationEndpoint: "http://127.0.0.1:1/authorize"}}
	if err := c.StillKnown(t.Context(), "x"); err != nil {
		t.Errorf("no answer: %v", err)
	}
}
