//go:build e2e && linux

package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// attempts are what a page that knows the address tries in a browser; each says how it ended.
const attempts = `<!doctype html><title>page</title><body><script type="module">
const proxy = '%s', rebound = '%s';
const said = {};
const tell = async (name, what) => { try { said[name] = await what(); } catch (err) { said[name] = 'refused'; } };
await tell('fetch', async () => (await fetch(proxy + '/fetch')).text());
await tell('json', async () => (await fetch(proxy + '/json', { method: 'PUT', body: '{}', headers: { 'content-type': 'application/json' } })).text());
await tell('blind', async () => (await fetch(proxy + '/blind', { method: 'POST', mode: 'no-cors', body: 'a=b' })).type);
await tell('credentials', async () => (await fetch(proxy + '/credentials', { credentials: 'include' })).text());
await tell('image', () => new Promise((ok, no) => { const i = new Image(); i.onload = () => ok('shown'); i.onerror = no; i.src = proxy + '/image'; }));
await tell('script', () => new Promise((ok, no) => { const s = document.createElement('script'); s.onload = () => ok('ran'); s.onerror = no; s.src = proxy + '/script'; document.body.append(s); }));
await tell('socket', () => new Promise((ok, no) => { const s = new WebSocket(proxy.replace('http', 'ws') + '/socket'); s.onopen = () => ok('open'); s.onerror = no; }));
const framed = (name, begin) => tell(name, () => new Promise((ok) => {
  const f = document.createElement('iframe'); f.name = name; document.body.append(f); f.onload = () => ok('loaded'); begin(f);
}));
await framed('form', () => { const f = document.createElement('form'); f.method = 'post'; f.target = 'form'; f.action = proxy + '/form'; f.innerHTML = '<input name=a value=b>'; document.body.append(f); f.submit(); });
await framed('rebinding', (f) => { f.src = rebound + '/rebinding'; });
await fetch('/report', { method: 'POST', body: JSON.stringify(said) });
</script>`

// A real browser: whatever a page of another site tries, with the address in its hands, reaches nothing; a page that may gets its
// answers. R-303
func TestChromium(t *testing.T) {
	var api inside
	reports := make(chan string, 1)
	var page string
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/report" {
			text, _ := io.ReadAll(q.Body)
			reports <- string(text)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page)
	}))
	defer pages.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(pages.URL, "http://"))
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		api.ServeHTTP(w, q)
		_, _ = io.WriteString(w, "let in")
	}), "", func(o *Options) { o.Origins = []string{"http://mine.test:" + port} }, nil)
	_, own, _ := net.SplitHostPort(r.address())
	rebound := "http://evil.test:" + own + r.proxy.prefix
	page = fmt.Sprintf(attempts, r.proxy.URL(), rebound)
	for _, visit := range []struct {
		host    string
		reaches []string // the API
		says    []string
	}{
		{"evil.test", nil, []string{`"fetch":"refused"`, `"json":"refused"`, `"credentials":"refused"`, `"image":"refused"`, `"script":"refused"`, `"socket":"refused"`}},
		{"127.0.0.1", nil, []string{`"fetch":"refused"`, `"socket":"refused"`}}, // the same site, another port
		{"mine.test", []string{"GET /fetch", "PUT /json", "POST /blind", "GET /credentials"}, []string{`"fetch":"let in"`, `"json":"let in"`, `"credentials":"let in"`, `"image":"refused"`}},
	} {
		api.take()
		for len(r.log) > 0 {
			<-r.log
		}
		open(t, "http://"+visit.host+":"+port+"/", func() {
			select {
			case said := <-reports:
				for _, want := range visit.says {
					if !strings.Contains(said, want) {
						t.Errorf("%s: not %s: %s", visit.host, want, said)
					}
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("%s: the page did not come to its end", visit.host)
			}
		})
		reached := strings.Join(api.take(), "\n") + "\n"
		for _, want := range visit.reaches {
			if !strings.Contains(reached, want+"\n") {
				t.Errorf("%s did not get through with %s", visit.host, want)
			}
		}
		if visit.reaches == nil && reached != "\n" {
			t.Errorf("%s reached the API: %s", visit.host, reached)
		}
		refused := map[int]int{}
		for len(r.log) > 0 {
			refused[(<-r.log).Status]++
		}
		if visit.host == "evil.test" && (refused[http.StatusForbidden] < 6 || refused[http.StatusMisdirectedRequest] == 0) { // it was the proxy that refused
			t.Errorf("%s was refused by somebody else: %v", visit.host, refused)
		}
	}
}

// open shows an address in a browser while something waits for it.
func open(t *testing.T, address string, wait func()) {
	t.Helper()
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.test 127.0.0.1", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("chromium (Debian package chromium) is needed: %v", err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children too
		_ = cmd.Wait()
	}()
	wait()
}
