//go:build linux

// Soak kills the agent a thousand times while its refresh tokens rotate, and counts what that costs: it must cost no login. The
// agent is the real program, its keychain the real gnome-keyring on a session bus of its own, its data on a small disk that also
// fills up. `make soak` runs it; SOAK_REFRESHES, SOAK_KILLS, SOAK_MINUTES and SOAK_SEED make it shorter, longer, or the same again.
//
//	soak FOB         soaks the program FOB, which is best built with the tag soak: then it is also killed at each named step
//	soak browse URL  is the browser of the logins that it makes
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fob: soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "browse":
		return browse(args[1])
	case len(args) != 1:
		return fmt.Errorf("usage: soak FOB | soak browse URL")
	}
	o, err := optionsOf(os.Getenv)
	if err != nil {
		return err
	}
	fmt.Printf("fob: soak: SOAK_SEED=%d, %d refreshes, %d kills, %d minutes at most\n", o.seed, o.refreshes, o.kills, o.minutes)
	s, err := newSoak(ctx, args[0], o)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx)
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

// options say how much.
type options struct {
	refreshes, kills, minutes int
	clients                   int // command lines at a time
	seed                      uint64
	dir                       string // where report.json goes
}

func optionsOf(env func(string) string) (options, error) {
	o := options{refreshes: 10_000, kills: 1_000, minutes: 60, clients: 20, seed: uint64(time.Now().UnixNano()), dir: filepath.Join("build", "soak")}
	for name, to := range map[string]*int{"SOAK_REFRESHES": &o.refreshes, "SOAK_KILLS": &o.kills, "SOAK_MINUTES": &o.minutes, "SOAK_CLIENTS": &o.clients} {
		if text := env(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return o, fmt.Errorf("%s=%s is not a number above 0", name, text)
			}
			*to = n
		}
	}
	if text := env("SOAK_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return o, fmt.Errorf("SOAK_SEED=%s is not a number", text)
		}
		o.seed = n
	}
	if dir := env("SOAK_DIR"); dir != "" {
		o.dir = dir
	}
	return o, nil
}

// random is a source of its own for each part, so that one part's use of chance does not change another's.
func (o options) random(part uint64) *rand.Rand { return rand.New(rand.NewPCG(o.seed, part)) }

// report is build/soak/report.json.
type report struct {
	Seed      uint64         `json:"seed"`
	Machine   string         `json:"machine"`
	Began     time.Time      `json:"began"`
	Seconds   int            `json:"seconds"`
	Complete  bool           `json:"complete"` // not ended by SOAK_MINUTES
	Refreshes int            `json:"refreshes"`
	Kills     int            `json:"kills"`
	KilledAt  map[string]int `json:"killed_at"`
	Phases    []phaseReport  `json:"phases"` // the last is what was between the others: together they are all, see addUp
	Faults    map[string]int `json:"faults"` // of the servers
	// Commands counts exit codes by verb: 0, 4 (the agent was killed meanwhile), 5 (try again) and 1 (disk, keychain).
	Commands map[string]map[string]int `json:"commands"`
	// FamiliesRevoked and LoginsAsked are what must be 0; those that the soak itself had the server end are counted apart.
	FamiliesRevoked int `json:"families_revoked"`
	LoginsAsked     int `json:"logins_asked"`
	EndedByServer   int `json:"ended_by_server"`
	// GraceUsed counts refresh tokens spent again because the answer was lost; MostSpent is how often one was at most.
	GraceUsed int `json:"grace_used"`
	MostSpent int `json:"most_spent"`
	// TokensTried were handed out and tried at the API.
	TokensTried int `json:"tokens_tried"`
	// Grace is the servers'; how much of it was used tells Phases.
	Grace      int      `json:"grace_seconds"`
	Violations []string `json:"violations,omitempty"`
}

type phaseReport struct {
	Name      string `json:"name"`
	Refreshes int    `json:"refreshes"`
	Kills     int    `json:"kills"`
	Times     int    `json:"times,omitempty"` // the disk was full, the daemon killed, the login ended
	Seconds   int    `json:"seconds"`
	// Recovery is the longest from a kill to the next token that a client was given, Retry from a rotation whose answer was lost to
	// the next try, in ms.
	Recovery int64  `json:"slowest_recovery_ms"`
	Retry    int64  `json:"slowest_retry_ms"`
	NotRun   string `json:"not_run,omitempty"` // why
}

// addUp notes what no phase has counted: the schedule goes on while the logins are had at first, and while each of
// them gets a token again after a phase.
func (r *report) addUp() {
	between := phaseReport{Name: "between the phases", Refreshes: r.Refreshes, Kills: r.Kills, Seconds: r.Seconds}
	for _, p := range r.Phases {
		between.Refreshes -= p.Refreshes
		between.Kills -= p.Kills
		between.Seconds -= p.Seconds
	}
	r.Phases = append(r.Phases, between)
}

func (r *report) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report.json"), append(text, '\n'), 0o644)
}
