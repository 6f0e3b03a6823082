//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// proxied starts `fob proxy` and returns it and its address.
func (f *fob) proxied(args ...string) (*waiting, string) {
	f.t.Helper()
	cmd := f.command(context.Background(), append([]string{"proxy"}, args...)...)
	w := &waiting{said: said{t: f.t, verb: "proxy"}, cmd: cmd, stdout: &safeBuffer{}, stderr: &safeBuffer{}, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = w.stdout, w.stderr
	must(f.t, cmd.Start())
	go func() { w.done <- cmd.Wait() }()
	f.t.Cleanup(func() { _ = cmd.Process.Kill() })
	until(f.t, "address of the proxy", func() bool { return strings.HasSuffix(w.stdout.String(), "\n") })
	return w, strings.TrimSpace(w.stdout.String())
}

// curl is Debian's; it returns the answer's body and status.
func curl(t *testing.T, args ...string) (body, status string) {
	t.Helper()
	out, _ := exec.Command("curl", append([]string{"-sS", "-w", "\n%{http_code}"}, args...)...).Output() // a status is enough
	at := strings.LastIndexByte(string(out), '\n')
	if at < 0 {
		t.Fatalf("curl says %q", out)
	}
	return string(out[:at]), string(out[at+1:])
}

// curl uses an API with an address alone, whose life is that of `fob proxy`, however that ends.
func TestProxy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bare...)
	f := newFob(d)
	f.run("demo").ok()
	f.login("Demo", newPerson(d, "--user", "ada"))
	token := f.token("Demo")
	w, address := f.proxied("Demo")
	if body, status := curl(t, address+"?a=SECRET-QUERY", "-H", "Authorization: Bearer MINE"); status != "200" || !strings.Contains(body, "ada@demo.example") {
		t.Fatalf("the API: %s %s", status, body)
	}
	if body, status := curl(t, address, "-H", "Origin: https://evil.example"); status != "403" || !strings.Contains(body, "proxy_origin") {
		t.Errorf("a foreign page: %s %s", status, body)
	}
	if _, status := curl(t, "--path-as-is", address+"/../token"); status != "400" {
		t.Errorf("out of the API: %s", status)
	}
	for _, line := range []string{"GET / 200 ", "GET / 403 ", "GET /../token 400 "} { // told in batches, a moment later
		until(t, "log of "+line, func() bool { return strings.Contains(w.stderr.String(), "fob: "+line) })
	}
	must(t, w.cmd.Process.Signal(os.Interrupt))
	w.end().exits(0)
	secret := address[strings.LastIndexByte(address, '/')+1:]
	for name, private := range map[string]string{"token": token, "query": "SECRET-QUERY", "secret": secret} {
		if strings.Contains(w.err, private) {
			t.Errorf("the log has the %s", name)
		}
	}
	if _, status := curl(t, address); status != "000" {
		t.Errorf("after the end: %s", status)
	}
	w, line := f.proxied("Demo", "--json", "--header", "X-Fob-Key", "--read-only")
	var at struct {
		URL    string
		Header struct{ Name, Value string }
	}
	until(t, "JSON", func() bool { return json.Unmarshal([]byte(w.stdout.String()), &at) == nil })
	if _, status := curl(t, at.URL); status != "403" {
		t.Errorf("without the header: %s, %s", status, line)
	}
	if _, status := curl(t, at.URL, "-H", at.Header.Name+": "+at.Header.Value); status != "200" {
		t.Errorf("with it: %s", status)
	}
	listed := f.run("proxy", "--list").ok()
	if port := at.URL[strings.LastIndexByte(at.URL, ':'):]; !strings.Contains(listed, port) || strings.Contains(listed, at.Header.Value) || !strings.Contains(listed, "header X-Fob-Key, read-only") {
		t.Errorf("listed is %q", listed)
	}
	f.run("proxy", "--stop", "nobody").exits(2)
	f.run("lock").ok()
	if _, status := curl(t, at.URL, "-H", at.Header.Name+": "+at.Header.Value); status != "423" {
		t.Errorf("behind the lock: %s", status)
	}
	f.run("unlock").ok()
	f.run("proxy", "--stop", "demo").ok()
	w.end().exits(0).saying("the proxy was stopped")
	f.run("proxy", "--list").ok()
	w, at.URL = f.proxied("Demo")
	must(t, w.cmd.Process.Signal(syscall.SIGKILL))
	<-w.done
	until(t, "end of the proxy", func() bool { _, status := curl(t, at.URL); return status == "000" })
}
