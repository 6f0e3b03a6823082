package cli

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// BenchmarkToken measures `fob token`, from exec to exit, against a Go program that makes one request over a Unix socket
// and nothing else (testdata/onesocket), in turns so that both meet the same noise. The answer comes at once from a server in
// this process: what is measured is the command. It reports the medians and their ratio, which is to stay under 1.3.
func BenchmarkToken(b *testing.B) {
	dir := b.TempDir()
	b.Setenv("FOB_HOME", filepath.Join(dir, "h"))
	home, err := agent.HomeFromEnv()
	if err != nil {
		b.Fatal(err)
	}
	socket := serveHandout(b, home)
	build := func(name, path string) string {
		exe := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", exe, path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", path, err, out)
		}
		return exe
	}
	fob, bare := build("fob", "fob/cmd/fob"), build("onesocket", "./testdata/onesocket")
	run := func(want string, name string, args ...string) time.Duration {
		cmd := exec.Command(name, args...)
		begin := time.Now()
		out, err := cmd.Output()
		took := time.Since(begin)
		if err != nil || !strings.Contains(string(out), want) {
			b.Fatalf("%s: %v: %q", name, err, out)
		}
		return took
	}
	var fobs, bares []time.Duration
	for b.Loop() {
		fobs = append(fobs, run("at-benchmark\n", fob, "token", "work"))
		bares = append(bares, run("at-benchmark", bare, socket, `{"name":"work","min_ttl":"1m0s"}`))
	}
	slices.Sort(fobs)
	slices.Sort(bares)
	f, o := fobs[len(fobs)/2], bares[len(bares)/2]
	b.ReportMetric(float64(f.Microseconds()), "µs/fob-token")
	b.ReportMetric(float64(o.Microseconds()), "µs/onesocket")
	b.ReportMetric(float64(f)/float64(o), "ratio")
}

// serveHandout answers every request on the agent's socket with one token.
func serveHandout(tb testing.TB, home agent.Home) (socket string) {
	tb.Helper()
	if err := os.MkdirAll(home.Runtime, 0o700); err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("unix", home.Socket())
	if err != nil {
		tb.Fatal(err)
	}
	text, err := json.Marshal(agent.Handout{Name: "work", AccessToken: "at-benchmark", TokenType: "Bearer"})
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(append(text, '\n'))
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		server.Close()
		if err := <-done; err != http.ErrServerClosed {
			tb.Error(err)
		}
	})
	return home.Socket()
}
