package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rotators are the least servers that rotate: they keep the number of each login's refresh token, and see who comes when. They cost
// the machine a tenth of what a real one does, so that what is measured is the agent.
type rotators struct {
	each []*rotator

	mu     sync.Mutex // guards what follows, and the servers
	life   time.Duration
	latest time.Time // the last end of a token
	logins map[string]*rotating
	total  int
	grace  int // the token of before came again
	stolen int // an older one

	active, mostActive, mostOne int // since the beginning
	seconds                     map[int64]int
	burst                       int // the most in a second since begin
}

// rotator is one of them.
type rotator struct {
	all    *rotators
	url    string
	number int // the tokens of each live longer than those of the one before
	http   *http.Server
	busy   int
}

// rotating is one login at a server.
type rotating struct {
	number    int // of the refresh token that counts
	refreshes int
	at        time.Time // the last
	ends      time.Time // of the access token
}

// answersIn is how long a server takes, so that requests at a time can be seen.
const answersIn = 20 * time.Millisecond

// eveningLife is how long tokens live at first: while everybody logs in no refresh is due.
const eveningLife = 4 * time.Minute

func startRotators(n int) (*rotators, error) {
	all := &rotators{life: eveningLife, logins: map[string]*rotating{}}
	for i := range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			all.close()
			return nil, err
		}
		r := &rotator{all: all, url: "http://" + listener.Addr().String(), number: i}
		r.http = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
		go r.http.Serve(listener) // until close
		all.each = append(all.each, r)
	}
	return all, nil
}

func (all *rotators) close() {
	for _, r := range all.each {
		r.http.Close()
	}
}

// of is the server of a login.
func (all *rotators) of(i int) *rotator { return all.each[i%len(all.each)] }

// first is the refresh token that a login begins with.
func (r *rotator) first(name string) string {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.logins[name] = &rotating{}
	return name + ".0"
}

// padding makes tokens as long as JWTs are.
var padding = strings.Repeat("0123456789abcdef", 60)

// ServeHTTP spends a refresh token: POST /token.
func (r *rotator) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost || request.URL.Path != "/token" || request.PostFormValue("grant_type") != "refresh_token" {
		http.NotFound(w, request)
		return
	}
	defer r.enter()()
	time.Sleep(answersIn)
	w.Header().Set("Content-Type", "application/json")
	answer, ok := r.all.rotate(r, request.PostFormValue("refresh_token"))
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
	}
	json.NewEncoder(w).Encode(answer)
}

// enter counts a request until it is answered.
func (r *rotator) enter() (leave func()) {
	all := r.all
	all.mu.Lock()
	defer all.mu.Unlock()
	all.active++
	r.busy++
	all.mostActive, all.mostOne = max(all.mostActive, all.active), max(all.mostOne, r.busy)
	if all.seconds != nil {
		now := time.Now().Unix()
		all.seconds[now]++
		all.burst = max(all.burst, all.seconds[now])
	}
	return func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.active--
		r.busy--
	}
}

// rotate gives the next tokens for a refresh token.
func (all *rotators) rotate(r *rotator, token string) (answer map[string]any, ok bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	name, number, _ := strings.Cut(token, ".")
	login, n := all.logins[name], -1
	if login != nil {
		n, _ = strconv.Atoi(number)
	}
	switch {
	case login == nil || n < login.number-1 || n > login.number:
		all.stolen++
		return map[string]any{"error": "invalid_grant"}, false
	case n < login.number:
		all.grace++
	}
	now := time.Now()
	life := all.life + all.life*time.Duration(r.number)/time.Duration(len(all.each))
	if all.seconds == nil { // the evening: all end alike
		life = all.life
	}
	login.number, login.refreshes, login.at, login.ends = n+1, login.refreshes+1, now, now.Add(life)
	all.total++
	if login.ends.After(all.latest) {
		all.latest = login.ends
	}
	return map[string]any{
		"access_token":  fmt.Sprintf("%s.%d.%d.%s", name, login.number, login.ends.Unix(), padding),
		"refresh_token": fmt.Sprintf("%s.%d", name, login.number), "token_type": "Bearer", "expires_in": int(life.Seconds()),
	}, true
}

// alive says whether an access token has not ended.
func alive(token string, now time.Time) error {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 4 {
		return fmt.Errorf("no token of these servers: %.20q", token)
	}
	ends, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return err
	}
	if !now.Before(time.Unix(ends, 0)) {
		return fmt.Errorf("the token of %s that was handed out has ended", parts[0])
	}
	return nil
}

// lives ends the evening: tokens live so long from now on, up to twice that by server.
func (all *rotators) lives(d time.Duration) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.life, all.seconds = d, map[int64]int{}
	all.mostActive, all.mostOne = 0, 0 // who logs in waits for nobody
}

// lastEnd is when every token has ended.
func (all *rotators) lastEnd() time.Time {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.latest.Add(time.Second)
}

// dead are the logins whose token has ended.
func (all *rotators) dead() (dead []int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	now := time.Now()
	for i := range len(all.logins) {
		if now.After(all.logins[nameOf(i)].ends) {
			dead = append(dead, i)
		}
	}
	return dead
}

// begin counts bursts anew.
func (all *rotators) begin() time.Time {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.burst = 0
	return time.Now()
}

// since is how many logins have been refreshed since then.
func (all *rotators) since(began time.Time) (n int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, login := range all.logins {
		if login.at.After(began) {
			n++
		}
	}
	return n
}

func (all *rotators) most() string {
	all.mu.Lock()
	defer all.mu.Unlock()
	return fmt.Sprintf("%d requests in a second, %d at a time, %d at one server", all.burst, all.mostActive, all.mostOne)
}

func (all *rotators) peak() (atOnce, atOne int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.mostActive, all.mostOne
}

func (all *rotators) refreshed() int {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.total
}

// again is how many refresh tokens came a second time, late how many after the one that follows them.
func (all *rotators) again() int { all.mu.Lock(); defer all.mu.Unlock(); return all.grace }
func (all *rotators) late() int  { all.mu.Lock(); defer all.mu.Unlock(); return all.stolen }

// spread is how often the logins were refreshed that were least and most, the first login aside.
func (all *rotators) spread() (fewest, most int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	fewest = 1 << 30
	for _, login := range all.logins {
		fewest, most = min(fewest, login.refreshes-1), max(most, login.refreshes-1)
	}
	return fewest, most
}
