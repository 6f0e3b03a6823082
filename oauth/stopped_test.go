//go:build unix

package oauth

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stoppedEnv tells a process of this test binary that it is a client, and where its server is.
const stoppedEnv = "FOB_TEST_STOPPED"

// A client that is stopped while the server answers (SIGSTOP, a frozen virtual
// machine), for longer than it would wait, takes the answer when it goes on,
// also one that was held up with it: cut off, it would be lost, and the refresh
// token is spent. R-306
func TestStoppedWhileAnswerArrives(t *testing.T) {
	const timeout = time.Second
	if server := os.Getenv(stoppedEnv); server != "" {
		c := &Client{ID: "client", Metadata: &Metadata{Issuer: server, TokenEndpoint: server + "/token"}, Timeout: timeout}
		got, err := c.Refresh(t.Context(), &Token{RefreshToken: "refresh-1"})
		if err != nil {
			t.Fatal(err)
		}
		if got.RefreshToken != "refresh-2" {
			t.Error("this is not what the server issued")
		}
		return
	}
	var clients sync.WaitGroup
	defer clients.Wait()
	for _, heldUp := range []time.Duration{0, 200 * time.Millisecond, 2 * time.Second} {
		clients.Go(func() {
			asked, answer := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				<-answer
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"access_token":"access-2","token_type":"Bearer","refresh_token":"refresh-2"}`))
			}))
			defer server.Close()
			var said bytes.Buffer
			client := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
			client.Env = append(os.Environ(), stoppedEnv+"="+server.URL)
			client.Stdout, client.Stderr = &said, &said
			if err := client.Start(); err != nil {
				close(answer)
				t.Error(err)
				return
			}
			select {
			case <-asked:
				if err := client.Process.Signal(syscall.SIGSTOP); err != nil {
					t.Error(err)
				}
			case <-t.Context().Done():
			case <-time.After(20 * time.Second):
				t.Error("the client did not ask")
			}
			if heldUp == 0 {
				close(answer)
			}
			time.Sleep(timeout + 2*lateness)
			if err := client.Process.Signal(syscall.SIGCONT); err != nil {
				t.Error(err)
			}
			if heldUp > 0 {
				time.Sleep(heldUp)
				close(answer)
			}
			if err := client.Wait(); err != nil {
				t.Errorf("answer held up for %v: %v\n%s", heldUp, err, said.String())
			}
		})
	}
}
