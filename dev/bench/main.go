// Bench measures what Fob promises about speed and size, with the real programs, and prints medians. `make bench` runs it on a
// desktop of its own. Machines differ and are noisy: the comparisons are interleaved and given as ratios.
//
//	bench DIR [WHAT…] measures DIR/fob and DIR/fob-app: login, token, kept, proxy, idle, many, window; all of it if nothing is named
//	bench DIR long watches DIR/fob with 10,000 logins for 40 minutes; BENCH_PROFILES and BENCH_MINUTES make that less
//	bench browse URL is the browser of the logins it makes: a GET that follows redirects
//	bench kept SOCKET NAME asks for tokens over one connection
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"fob/internal/authserver"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "browse":
		return browse(args[1])
	case len(args) == 3 && args[0] == "kept":
		return askKept(args[1], args[2])
	case len(args) == 0:
		return fmt.Errorf("usage: bench DIR [WHAT…] | bench browse URL | bench kept SOCKET NAME")
	}
	b, err := newBench(args[0])
	if err != nil {
		return err
	}
	defer b.close()
	if slices.Contains(args[1:], "long") {
		return b.longRun()
	}
	for _, one := range []struct {
		name    string
		measure func() error
	}{{"login", b.login}, {"token", b.token}, {"kept", b.tokens}, {"proxy", b.proxy}, {"idle", b.idle}, {"many", b.manyProfiles}, {"window", b.window}} {
		if len(args) > 1 && one.name != "login" && !slices.Contains(args[1:], one.name) { // the others use the login
			continue
		}
		if err := one.measure(); err != nil {
			return err
		}
	}
	return nil
}

func browse(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// bench is a pair of programs, a home for them and an authorization server that redirects at once.
type bench struct {
	fob, app string
	root     string
	server   *authserver.Server
	env      []string
}

func newBench(dir string) (*bench, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "fob-bench")
	if err != nil {
		return nil, err
	}
	server, err := authserver.Start(context.Background(), authserver.Options{AutoApprove: "ada", AccessTokenTTL: time.Hour})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{fob: filepath.Join(dir, "fob"), app: filepath.Join(dir, "fob-app"), root: root, server: server}
	b.env = append(os.Environ(), "FOB_STORE=", "FOB_HOME="+filepath.Join(root, "home"), "BROWSER="+self+" browse %s")
	return b, b.profiles("home", 20)
}

// profiles writes a profiles.json with n profiles.
func (b *bench) profiles(home string, n int) error {
	type profile struct {
		Name        string `json:"name"`
		Environment string `json:"environment"`
		Issuer      string `json:"issuer"`
		ClientID    string `json:"client_id"`
		Scope       string `json:"scope"`
	}
	all := make([]profile, n)
	for i := range all {
		all[i] = profile{fmt.Sprintf("profile %05d", i), fmt.Sprintf("environment %d", i%8), b.server.Issuer(), authserver.DemoClientID, "openid profile email offline_access api"}
	}
	text, err := json.Marshal(map[string]any{"version": 1, "profiles": all})
	if err != nil {
		return err
	}
	dir := filepath.Join(b.root, home, "config")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "profiles.json"), text, 0o600)
}

// run runs fob and returns how long it took.
func (b *bench) run(args ...string) (time.Duration, error) { return b.time(b.fob, args...) }

func (b *bench) time(program string, args ...string) (time.Duration, error) {
	return timed(b.env, program, args...)
}

// timed runs a program in an environment and returns how long it took.
func timed(env []string, program string, args ...string) (time.Duration, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = env
	begin := time.Now()
	said, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		return took, fmt.Errorf("%s %v: %w: %s", filepath.Base(program), args, err, said)
	}
	return took, nil
}

// in moves the bench to another home.
func (b *bench) in(home string) {
	b.env = append(slices.Clone(b.env), "FOB_HOME="+filepath.Join(b.root, home))
}

func (b *bench) close() {
	for _, home := range []string{"home", "ten", "many"} {
		b.in(home)
		b.run("--no-start", "stop") // where none runs there is nothing to stop
	}
	b.server.Close()
	os.RemoveAll(b.root)
}

// stats is a set of durations.
type stats []time.Duration

func (s stats) median() time.Duration {
	s = slices.Clone(s)
	slices.Sort(s)
	return s[len(s)/2]
}

func (s stats) String() string {
	sorted := slices.Clone(s)
	slices.Sort(sorted)
	return fmt.Sprintf("median %s, p10 %s, p90 %s, n %d", round(sorted[len(s)/2]), round(sorted[len(s)/10]), round(sorted[len(s)*9/10]), len(s))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func report(what string, value any) { fmt.Printf("%-58s %v\n", what, value) }
