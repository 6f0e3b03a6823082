//go:build e2e && linux

package e2e

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is an API that lets in whoever brings its newest token, and the server of these tokens.
type gate struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex // guards what follows
	issued  []string
	since   time.Time // of the newest one
	good    string
	refused int
	agents  map[string]bool // User-Agent of those let in
}

// startGate starts one before an API.
func startGate(t *testing.T, api http.Handler) *gate {
	t.Helper()
	g := &gate{t: t, agents: map[string]bool{}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			g.issue(w)
			return
		}
		if !g.letIn(r) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Server.CloseClientConnections)
	t.Cleanup(g.Close)
	return g
}

func (g *gate) issue(w http.ResponseWriter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.good, g.since = fmt.Sprintf("gate-token-%d.%x", len(g.issued), time.Now().UnixNano()), time.Now()
	g.issued = append(g.issued, g.good)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, g.good)
}

func (g *gate) letIn(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.good == "" || r.Header.Get("Authorization") != "Bearer "+g.good {
		g.refused++
		return false
	}
	g.agents[r.UserAgent()] = true
	return true
}

// revoke refuses the newest token from now on, once it is old enough for Fob to replace it for that.
func (g *gate) revoke() {
	g.t.Helper()
	until(g.t, "a token that is not quite fresh", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return time.Since(g.since) > 10500*time.Millisecond
	})
	g.mu.Lock()
	g.good = ""
	g.mu.Unlock()
}

func (g *gate) tokens() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.issued...)
}

// seesNone holds that no token is in what a client was given or has said.
func (g *gate) seesNone(what, text string) {
	g.t.Helper()
	for _, token := range g.tokens() {
		if strings.Contains(text, token) {
			g.t.Errorf("%s: a token is in it", what)
		}
	}
}

// profile adds a profile for the API that needs nobody, and fetches its first token.
func (g *gate) profile(f *fob, name string) {
	f.t.Helper()
	f.runWith("a secret\n", append([]string{"profile", "add", name, "--client-secret-stdin"},
		words("--set", "grant_type=client_credentials", "token_endpoint="+g.URL+"/token", "client_id=x", "api_base_url="+g.URL)...)...).ok()
	f.token(name)
}

// An MCP client of npm's SDK calls a server's tools through the proxy, by both transports, before and after the API has refused the
// token: it is given an address, and sees neither a token nor the refusal. Issue 5, R-303
func TestMCPClientThroughTheProxy(t *testing.T) {
	t.Parallel()
	server := startForeign(t, "MCP server", exec.Command(node(), filepath.Join("mcp", "open.mjs")))
	var is struct{ At string }
	server.ready(&is)
	at, err := url.Parse(is.At)
	must(t, err)
	f := newQuiet(t)
	for _, by := range []struct {
		kind string
		args []string
	}{{"http", nil}, {"sse", []string{"--header", "X-Fob-Key"}}} { // the older transport names a path of the server's in its events
		t.Run(by.kind, func(t *testing.T) {
			g := startGate(t, &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }})
			g.profile(f, by.kind)
			w, printed := f.proxied(append([]string{by.kind}, by.args...)...)
			lines := strings.Split(printed, "\n")
			words := []string{filepath.Join("mcp", "client.mjs"), by.kind, lines[0] + map[string]string{"http": "/mcp", "sse": "/sse"}[by.kind]}
			if len(lines) > 1 {
				name, value, _ := strings.Cut(lines[1], ": ")
				words = append(words, name, value)
			}
			client := startForeign(t, "MCP client", exec.Command(node(), words...), "Error")
			var said strings.Builder
			tell := func(what string, into any) {
				client.next(what, func(line []byte) bool {
					said.Write(line)
					return json.Unmarshal(line, into) == nil
				})
			}
			var is struct{ Tools []string }
			if tell("tools", &is); len(is.Tools) == 0 {
				t.Fatal("there are no tools")
			}
			for range 2 {
				var result struct {
					Said, Failed string
					Notified     int
				}
				_, err := io.WriteString(client.stdin, is.Tools[0]+` {"interval": 20, "count": 5}`+"\n")
				must(t, err)
				if tell("an answer", &result); result.Said == "" || len(g.tokens()) > 1 && result.Notified == 0 {
					t.Errorf("the tool: %+v", result)
				}
				if len(g.tokens()) == 1 {
					g.revoke()
				}
			}
			client.end()
			g.mu.Lock()
			refused, tokens := g.refused, len(g.issued)
			g.mu.Unlock()
			if refused == 0 || tokens != 2 {
				t.Errorf("%d requests refused, %d tokens issued: there was no refresh midway", refused, tokens)
			}
			g.seesNone("what the client was given", strings.Join(words, " "))
			g.seesNone("what the client said", said.String())
			must(t, w.cmd.Process.Signal(os.Interrupt))
			w.end().exits(0)
		})
	}
}

// A WebSocket of Node's own client goes through the proxy, and says and hears something. Issue 5
func TestWebSocketThroughTheProxy(t *testing.T) {
	t.Parallel()
	f := newQuiet(t)
	g := startGate(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echoSocket(t, w, r) }))
	g.profile(f, "socket")
	_, address := f.proxied("socket")
	script := filepath.Join(t.TempDir(), "client.mjs")
	must(t, os.WriteFile(script, []byte(`const socket = new WebSocket(process.argv[2].replace('http', 'ws') + '/socket');
socket.onopen = () => socket.send('hello');
socket.onmessage = (m) => { console.log(m.data); socket.close(); };
socket.onerror = (e) => { console.error(e.message); process.exit(1); };`), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, node(), "--experimental-websocket", "--no-warnings", script, address).CombinedOutput()
	if err != nil || string(out) != "hello back\n" {
		t.Errorf("%v: %s", err, out)
	}
	g.seesNone("what the client said", string(out))
	if n := len(g.tokens()); n != 1 {
		t.Errorf("%d tokens issued", n)
	}
}

// echoSocket is one WebSocket (RFC 6455 §4.2.2) that answers the first short text.
func echoSocket(t *testing.T, w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	head := make([]byte, 6) // FIN and text, mask bit and length, the mask
	if _, err := io.ReadFull(reader, head); err != nil || head[0] != 0x81 || head[1]&0x7f > 100 {
		t.Errorf("%x, %v", head, err)
		return
	}
	text := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(reader, text); err != nil {
		t.Error(err)
		return
	}
	for i := range text {
		text[i] ^= head[2+i%4]
	}
	text = append(text, " back"...)
	_, _ = conn.Write(append([]byte{0x81, byte(len(text))}, text...))
	if _, err := io.ReadFull(reader, head); err == nil && head[0] == 0x88 { // it closes, and waits to hear that we do
		_, _ = conn.Write([]byte{0x88, 0})
	}
}
