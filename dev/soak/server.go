//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"fob/internal/authserver"
)

// witness stands in front of an authorization server that rotates, and sees what the agent does to it: which refresh token is
// spent again without need, and how many requests there are at a time. It also knows the moments to kill the agent at.
type witness struct {
	server *authserver.Server
	http   *http.Server
	issuer string
	all    *witnesses

	mu    sync.Mutex // guards what follows
	spent map[[sha256.Size]byte]*spending
	first string // the first refresh token that came: a thief's
}

// spending is what became of one refresh token.
type spending struct {
	times   int
	began   time.Time // the last time
	rotated time.Time // the server had carried it out the first time
	lost    bool      // its answer did not arrive whole, by our doing
}

// witnesses are all servers, which one agent speaks to.
type witnesses struct {
	each   []*witness
	killer *killer
	wrong  func(format string, args ...any)

	mu     sync.Mutex // guards what follows
	epoch  time.Time  // of the agent
	busy   map[string]int
	active int
	most   int           // requests at a time
	late   time.Duration // the longest from a rotation whose answer was lost to the next try, since latest was asked
}

// acceptedKey finds when the connection of a request was accepted.
type acceptedKey struct{}

// lifetime of an access token: the schedule refreshes it at half of that.
const lifetime = 5 * time.Second

// grace is how long a server takes a spent refresh token again, as Okta's does unless told otherwise. On a machine with twenty
// times the work it can do, an agent that is killed twice in a row has been seen to need more than 10 s.
const grace = 30 * time.Second

func (all *witnesses) start(n int) error {
	for i := range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		issuer := "http://" + listener.Addr().String()
		opts := authserver.Options{Issuer: issuer, AutoApprove: "ada", AccessTokenTTL: lifetime, RotationGrace: grace, OpaqueTokens: true}
		if i == n-1 {
			opts.RotationGrace = time.Second // a thief's token comes after it, see ended
		} else if i%2 == 1 {
			// Short tokens rest in the keychain's item, long ones in a sealed file: half of the servers give these.
			opts.OpaqueTokens, opts.Users = false, []authserver.User{{Login: "ada", Sub: "demo-ada", Name: strings.Repeat("Augusta Ada King, Countess of Lovelace, ", 60)}}
		}
		server, err := authserver.New(opts)
		if err != nil {
			listener.Close()
			return err
		}
		w := &witness{server: server, issuer: issuer, all: all, spent: map[[sha256.Size]byte]*spending{}}
		w.http = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, acceptedKey{}, time.Now())
		}}
		go w.http.Serve(listener) // until close
		all.each = append(all.each, w)
		server.Faults().SetDelay(250 * time.Millisecond)
	}
	return nil
}

// misbehave has the servers fail at random.
func (all *witnesses) misbehave(o options, on bool) {
	for i, w := range all.each[:len(all.each)-1] {
		w.server.Faults().Clear()
		if !on {
			continue
		}
		random := o.random(uint64(100 + i))
		for fault, chance := range map[authserver.Fault]float64{
			authserver.TokenUnavailable: 0.02, authserver.TokenError: 0.02, authserver.TokenHTML: 0.01, authserver.TokenBusy: 0.01, authserver.TokenCut: 0.02,
			authserver.TokenLost: 0.03, authserver.TokenGateway: 0.01, authserver.TokenTruncated: 0.01, authserver.TokenSlow: 0.05, authserver.TokenLate: 0.1,
		} {
			w.server.Faults().SetChance(fault, chance, random)
		}
	}
}

var spoiling = []authserver.Fault{
	authserver.TokenUnavailable, authserver.TokenError, authserver.TokenHTML, authserver.TokenBusy, authserver.TokenCut,
	authserver.TokenLost, authserver.TokenGateway, authserver.TokenTruncated, authserver.TokenSlow, authserver.TokenLate,
}

func (all *witnesses) close() {
	for _, w := range all.each {
		w.http.Close()
	}
}

// refreshes is how many refresh tokens were exchanged.
func (all *witnesses) refreshes() (n int) {
	for _, w := range all.each {
		n += w.server.Stats().Refreshes
	}
	return n
}

// ServeHTTP has the server answer, and kills the agent meanwhile if it is time.
func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/token") {
		w.server.ServeHTTP(out, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("grant_type") != "refresh_token" {
		w.server.ServeHTTP(out, r)
		return
	}
	leave := w.all.enter(r, w.issuer)
	defer leave()
	s := w.spend(form.Get("refresh_token"))
	w.all.killer.passes("request")
	// The server hears of the agent's end no sooner than it has answered: what came in is carried out.
	answer := &held{header: http.Header{}}
	whole, before := false, w.server.Stats().Refreshes
	defer func() { // also when the server cuts the connection
		carriedOut := w.server.Stats().Refreshes > before
		w.mu.Lock()
		s.lost = !whole
		if carriedOut && s.rotated.IsZero() {
			s.rotated = time.Now()
		}
		w.mu.Unlock()
	}()
	w.server.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
	w.all.killer.passes("answer")
	for key, values := range answer.header {
		out.Header()[key] = values
	}
	out.WriteHeader(answer.status)
	_, err = out.Write(answer.body.Bytes())
	whole = err == nil && answer.status == http.StatusOK && bytes.HasSuffix(bytes.TrimSpace(answer.body.Bytes()), []byte("}")) && attended(r.RemoteAddr)
	if whole {
		w.all.killer.passes("answered")
	}
}

// attended says that a process holds the other end of a connection (proc_pid_net(5)). A busy server looks at a request a good moment
// after the agent that made it was killed, and the kernel takes the answer for it all the same.
func attended(remote string) bool {
	_, port, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return false
	}
	all, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	const established = "01"
	end := fmt.Sprintf("0100007F:%04X", number)
	for line := range strings.Lines(string(all)) {
		if f := strings.Fields(line); len(f) > 9 && f[1] == end {
			return f[3] == established && f[9] != "0" // whose inode nobody has open
		}
	}
	return false
}

// held is an answer that waits to be sent.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }
func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}
func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// spend notes that a refresh token comes. It may come again only when the last answer was lost: by a fault, or with an agent that
// was killed since.
func (w *witness) spend(token string) *spending {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first == "" {
		w.first = token
	}
	hash := sha256.Sum256([]byte(token))
	s := w.spent[hash]
	if s == nil {
		s = &spending{}
		w.spent[hash] = s
	}
	if s.times > 0 && !s.lost && !w.all.killer.since(s.began) {
		w.all.wrong("%s: a refresh token came %d times; its last request came %s ago, and was answered; %s", w.issuer, s.times+1, time.Since(s.began).Round(time.Millisecond), w.all.killer.when())
	}
	s.times++
	s.began, s.lost = time.Now(), true
	if !s.rotated.IsZero() {
		w.all.again(time.Since(s.rotated))
	}
	return s
}

// again notes how long after its rotation a refresh token came once more.
func (all *witnesses) again(after time.Duration) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.late = max(all.late, after)
}

// latest is the longest from a rotation whose answer was lost to the next try, since it was last asked: what is left of the grace
// after that is what a login was away from its end.
func (all *witnesses) latest() time.Duration {
	all.mu.Lock()
	defer all.mu.Unlock()
	late := all.late
	all.late = 0
	return late
}

// most is how often one refresh token came at most.
func (all *witnesses) mostSpent() (most int) {
	for _, w := range all.each {
		w.mu.Lock()
		for _, s := range w.spent {
			most = max(most, s.times)
		}
		w.mu.Unlock()
	}
	return most
}

// atOnce is what docs/design.md promises: four refreshes at a time, one an issuer.
const atOnce = 4

// enter counts a request, unless it is of an agent that was killed meanwhile.
func (all *witnesses) enter(r *http.Request, issuer string) (leave func()) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if now := all.killer.generation(); now != all.epoch || all.busy == nil {
		all.epoch, all.busy, all.active = now, map[string]int{}, 0
	}
	epoch := all.epoch
	if accepted, _ := r.Context().Value(acceptedKey{}).(time.Time); accepted.Before(epoch) {
		return func() {}
	}
	all.busy[issuer]++
	all.active++
	all.most = max(all.most, all.active)
	if all.busy[issuer] > 1 || all.active > atOnce {
		all.wrong("%d requests at %s and %d in all at a time", all.busy[issuer], issuer, all.active)
	}
	return func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		if epoch == all.epoch {
			all.busy[issuer]--
			all.active--
		}
	}
}

// steal spends the first refresh token that came, as a thief would who had copied it then. It returns the server's answer.
func (w *witness) steal(ctx context.Context) (status int, err error) {
	w.mu.Lock()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.first}, "client_id": {authserver.DemoClientID}}
	w.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := (&http.Client{Transport: w.server.Transport()}).Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// takes asks the API whether it takes a token.
func (w *witness) takes(ctx context.Context, token string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.API(), nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusUnauthorized {
		err = fmt.Errorf("the API answers %s", answer.Status)
	}
	return answer.StatusCode == http.StatusOK, err
}
