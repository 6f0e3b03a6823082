package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// keptFor is how long each round asks.
const keptFor = 2 * time.Second

// askKept asks the agent for a token over one kept connection for a while and prints how often it was answered: what docs/socket.md
// says, without a library. It is a process of its own, as other programs are.
func askKept(socket, name string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	body := fmt.Sprintf(`{"name":%q}`, name)
	request := fmt.Appendf(nil, "POST /v1/token HTTP/1.1\r\nHost: fob\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answers := bufio.NewReaderSize(conn, 16<<10)
	n := 0
	for end := time.Now().Add(keptFor); time.Now().Before(end); n++ {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := readToken(answers); err != nil {
			return err
		}
	}
	fmt.Println(n)
	return nil
}

// readToken reads one answer and sees that a token is in it.
func readToken(from *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimSpace(line)
		switch name, value, _ := bytes.Cut(line, []byte(": ")); {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("the agent answers %s", line)
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case len(line) == 0:
			body, err := from.Peek(length)
			if err != nil {
				return err
			}
			if !bytes.Contains(body, []byte(`"access_token":"ey`)) {
				return fmt.Errorf("the agent's answer has no token")
			}
			_, err = from.Discard(length)
			return err
		}
	}
}

// libraryProgram asks oidc-agent by its own library.
const libraryProgram = `#include <oidc-agent/api.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
void _secFree(void*);
int main(int argc, char** argv) {
	double seconds = atof(argv[2]);
	struct timespec a, b;
	long n = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		char* token = getAccessToken(argv[1], 60, NULL);
		if (token == NULL) { oidcagent_perror(); return 1; }
		_secFree(token);
		n++;
		clock_gettime(CLOCK_MONOTONIC, &b);
	} while ((b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9 < seconds);
	printf("%ld\n", n);
	return 0;
}
`

// library builds it; "" where oidc-agent's headers or a C compiler are not there.
func (b *bench) library() (string, error) {
	if _, err := os.Stat("/usr/include/oidc-agent/api.h"); err != nil {
		return "", nil
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		return "", nil
	}
	source, program := filepath.Join(b.root, "library.c"), filepath.Join(b.root, "library")
	if err := os.WriteFile(source, []byte(libraryProgram), 0o600); err != nil {
		return "", err
	}
	if said, err := exec.Command("gcc", "-O2", "-o", program, source, "-loidc-agent").CombinedOutput(); err != nil {
		return "", fmt.Errorf("oidc-agent's library: %w: %s", err, said)
	}
	return program, nil
}

// rate runs n processes at once that each print how much they did, and returns how much that was in a second.
func rate(n int, env []string, program string, args ...string) (float64, error) {
	counts, errs := make([]float64, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			cmd := exec.Command(program, args...)
			cmd.Env = env
			said, err := cmd.Output()
			if err == nil {
				counts[i], err = strconv.ParseFloat(strings.TrimSpace(string(said)), 64)
			}
			errs[i] = err
		})
	}
	all.Wait()
	sum := 0.0
	for i := range n {
		if errs[i] != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(program), errs[i])
		}
		sum += counts[i]
	}
	return sum / keptFor.Seconds(), nil
}

// processes runs a command again and again in n places at once and returns how often in a second.
func processes(n int, env []string, program string, args ...string) (float64, error) {
	counts, errs := make([]int, n), make([]error, n)
	end := time.Now().Add(keptFor)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ; errs[i] == nil && time.Now().Before(end); counts[i]++ {
				_, errs[i] = timed(env, program, args...)
			}
		})
	}
	all.Wait()
	sum := 0
	for i := range n {
		if errs[i] != nil {
			return 0, errs[i]
		}
		sum += counts[i]
	}
	return float64(sum) / keptFor.Seconds(), nil
}

// requests makes requests in n places at once for a while and returns how many in a second.
func requests(n int, ask func() error) (float64, error) {
	var made atomic.Int64
	errs := make([]error, n)
	end := time.Now().Add(keptFor)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ; errs[i] == nil && time.Now().Before(end); made.Add(1) {
				errs[i] = ask()
			}
		})
	}
	all.Wait()
	return float64(made.Load()) / keptFor.Seconds(), errors.Join(errs...)
}

// tokens measures how many cached tokens a second are handed out, over kept connections and to a process each, in turns with
// oidc-agent.
func (b *bench) tokens() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	socket := filepath.Join(b.root, "home", "run", "agent.sock")
	oidc, err := b.startOIDCAgent()
	if err != nil {
		report("oidc-agent", err)
	}
	var library string
	if oidc != nil {
		defer oidc.stop()
		if library, err = b.library(); err != nil {
			return err
		}
	}
	for _, clients := range []int{1, 8} {
		var kept, lib, own, command []float64
		add := func(to *[]float64, r float64, e error) { *to = append(*to, r); err = e }
		for range 5 {
			r, e := rate(clients, b.env, self, "kept", socket, "profile 00000")
			if add(&kept, r, e); err != nil {
				return err
			}
			if library != "" {
				r, e := rate(clients, oidc.env, library, account, fmt.Sprint(keptFor.Seconds()))
				if add(&lib, r, e); err != nil {
					return err
				}
			}
			r, e = processes(clients, b.env, b.fob, "token", "profile 00000")
			if add(&own, r, e); err != nil {
				return err
			}
			if oidc != nil {
				r, e := processes(clients, oidc.env, "oidc-token", account)
				if add(&command, r, e); err != nil {
					return err
				}
			}
		}
		of := func(what string) string { return fmt.Sprintf("%s, %d at a time, tokens a second", what, clients) }
		report(of("kept connection"), perSecond(kept))
		if library != "" {
			report(of("oidc-agent's library"), perSecond(lib))
			report("ratio of the medians (aim 4)", fmt.Sprintf("%.2f", median(kept)/median(lib)))
		}
		report(of("fob token"), perSecond(own))
		if oidc != nil {
			report(of("oidc-token"), perSecond(command))
			report("ratio of the medians", fmt.Sprintf("%.2f", median(own)/median(command)))
		}
	}
	return nil
}

func median(s []float64) float64 {
	s = slices.Sorted(slices.Values(s))
	return s[len(s)/2]
}

func perSecond(s []float64) string {
	return fmt.Sprintf("median %.0f, least %.0f, most %.0f", median(s), slices.Min(s), slices.Max(s))
}

// proxy measures what the proxy costs a request: a client asks for a kilobyte from an API on loopback that answers at once,
// straight and through the proxy in turns, over a kept connection each; what the second takes longer is what the proxy costs.
// Everything counts that a user has: fob proxy prints its log meanwhile. Then how many a second eight clients get, and large answers.
func (b *bench) proxy() error {
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer api.Close()
	answer := bytes.Repeat([]byte("x"), 1000)
	large := bytes.Repeat([]byte("x"), 1<<20)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			for range 256 {
				w.Write(large)
			}
			return
		}
		w.Write(answer)
	})}
	go server.Serve(api)
	defer server.Close()
	direct := "http://" + api.Addr().String()
	if _, err := b.run("profile", "set", "profile 00000", "api_base_url="+direct); err != nil {
		return err
	}
	cmd := exec.Command(b.fob, "proxy", "profile 00000")
	cmd.Env = b.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("fob proxy: %w", err)
	}
	through := strings.TrimSpace(line)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	ask := func(url string) (time.Duration, error) {
		begin := time.Now()
		got, err := client.Get(url)
		if err != nil {
			return 0, err
		}
		defer got.Body.Close()
		if _, err := io.Copy(io.Discard, got.Body); err != nil || got.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("the API answers %s, %w", got.Status, err)
		}
		return time.Since(begin), nil
	}
	var plain, proxied, plainLarge, proxiedLarge stats
	for i := range 3000 {
		for _, way := range []struct {
			url  string
			into *stats
		}{{direct + "/x", &plain}, {through + "/x", &proxied}} {
			took, err := ask(way.url)
			if err != nil {
				return err
			}
			if i >= 100 {
				*way.into = append(*way.into, took)
			}
		}
	}
	for range 5 {
		for _, way := range []struct {
			url  string
			into *stats
		}{{direct + "/large", &plainLarge}, {through + "/large", &proxiedLarge}} {
			took, err := ask(way.url)
			if err != nil {
				return err
			}
			*way.into = append(*way.into, took)
		}
	}
	var rates [2][]float64
	for range 3 {
		for i, url := range []string{direct + "/x", through + "/x"} {
			n, err := requests(8, func() error { _, err := ask(url); return err })
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], n)
		}
	}
	report("a request to an API on loopback", plain)
	report("the same through fob proxy", proxied)
	report("what the proxy costs, p50 (aim 0.3 ms)", proxied.median()-plain.median())
	report("8 clients at the API, requests a second", perSecond(rates[0]))
	report("8 clients at fob proxy, requests a second", perSecond(rates[1]))
	report("256 MB from the API", fmt.Sprintf("%.0f MB/s", 256/plainLarge.median().Seconds()))
	report("256 MB through fob proxy", fmt.Sprintf("%.0f MB/s", 256/proxiedLarge.median().Seconds()))
	return nil
}
