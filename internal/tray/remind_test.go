package tray

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// step is one look at the profiles and what comes of it.
type step struct {
	after    time.Duration
	all      []agent.Status
	titles   []string
	withdraw []string
}

func expiring(name string, minutes int) agent.Status {
	return agent.Status{Name: name, State: agent.Expiring, ExpiresAt: in(time.Duration(minutes) * time.Minute)}
}

func ended(name string, obtained time.Duration) agent.Status {
	return agent.Status{Name: name, State: agent.LoginRequired, ObtainedAt: in(obtained)}
}

func well(name string) agent.Status { return agent.Status{Name: name, State: agent.LoggedIn} }

// Issue 2, "Tray": a notification before a token ends that cannot be refreshed and when a login is needed; never more than one
// for the same cause.
func TestReminders(t *testing.T) {
	since := agent.Status{Name: "a", State: agent.LoginRequired, Problem: &agent.Problem{Since: noon, Sentence: "a: the server has ended the login"}}
	for name, steps := range map[string][]step{
		"once for each cause": {
			{all: []agent.Status{expiring("a", 9)}, titles: []string{"a expires in 9 min"}},
			{after: time.Minute, all: []agent.Status{expiring("a", 9)}},
			{after: 5 * time.Minute, all: []agent.Status{expiring("a", 9)}},
			{after: 9 * time.Minute, all: []agent.Status{ended("a", 0)}, titles: []string{"a: log in again"}},
			{after: 10 * time.Minute, all: []agent.Status{ended("a", 0)}},
		},
		"withdrawn when solved, and not repeated when seen again": {
			{all: []agent.Status{since}, titles: []string{"a: log in again"}},
			{after: time.Second, all: []agent.Status{{Name: "a", State: agent.LoggingIn}}, withdraw: []string{"profile a"}},
			{after: time.Minute, all: []agent.Status{since}},
			{after: 2 * time.Minute, all: []agent.Status{well("a")}},
		},
		"a new episode is a new cause": {
			{all: []agent.Status{ended("a", 0)}, titles: []string{"a: log in again"}},
			{after: time.Minute, all: []agent.Status{well("a")}, withdraw: []string{"profile a"}},
			{after: 2 * time.Hour, all: []agent.Status{ended("a", time.Hour)}, titles: []string{"a: log in again"}},
		},
		"a removed profile takes its reminder along": {
			{all: []agent.Status{ended("a", 0)}, titles: []string{"a: log in again"}},
			{after: time.Minute, withdraw: []string{"profile a"}},
			{after: 2 * time.Minute, all: []agent.Status{ended("a", 0)}},
		},
		"three stand alone, a burst is summed up": {
			{all: []agent.Status{ended("a", 0), ended("b", 0), ended("c", 0)}, titles: []string{"a: log in again", "b: log in again", "c: log in again"}},
			{after: 2 * time.Minute, all: []agent.Status{ended("a", 0), ended("b", 0), ended("c", 0), expiring("d", 9)}, titles: []string{"d expires in 7 min"}},
		},
		"a burst at once": {
			{all: []agent.Status{ended("a", 0), ended("b", 0), expiring("c", 9), ended("d", 0)}, titles: []string{"3 logins needed, 1 token about to expire"}},
			{after: time.Minute, all: []agent.Status{well("a"), ended("b", 0), expiring("c", 9), ended("d", 0)}},
			{after: 2 * time.Minute, all: []agent.Status{well("a"), well("b"), well("c"), well("d")}, withdraw: []string{"summary"}},
		},
		"a burst in drips replaces what stood alone": {
			{all: []agent.Status{ended("a", 0), ended("b", 0), well("c"), well("d")}, titles: []string{"a: log in again", "b: log in again"}},
			{after: 2 * time.Second, all: []agent.Status{ended("a", 0), ended("b", 0), ended("c", 0), ended("d", 0)}, titles: []string{"4 logins needed"}, withdraw: []string{"profile a", "profile b"}},
			{after: 4 * time.Second, all: []agent.Status{ended("a", 0), ended("b", 0), ended("c", 0), ended("d", 0), ended("e", 0)}, titles: []string{"5 logins needed"}},
		},
		"one of a burst comes alone later": {
			{all: []agent.Status{expiring("a", 3), ended("b", 0), ended("c", 0), ended("d", 0)}, titles: []string{"3 logins needed, 1 token about to expire"}},
			{after: 3 * time.Minute, all: []agent.Status{ended("a", 0), ended("b", 0), ended("c", 0), ended("d", 0)}, titles: []string{"a: log in again"}},
			{after: 4 * time.Minute, all: []agent.Status{ended("a", 0), well("b"), well("c"), well("d")}, withdraw: []string{"summary"}},
		},
		"nothing to say": {
			{all: []agent.Status{well("a"), {Name: "b", State: agent.LoggedOut}, {Name: "c", State: agent.Offline}, {Name: "d", State: agent.Unusable}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var memory Memory
			for i, s := range steps {
				say, withdraw, next := Reminders(s.all, memory, noon.Add(s.after))
				var titles []string
				for _, r := range say {
					titles = append(titles, r.Title)
				}
				if !reflect.DeepEqual(titles, s.titles) || !reflect.DeepEqual(withdraw, s.withdraw) {
					t.Fatalf("step %d: says %q and withdraws %q, want %q and %q", i, titles, withdraw, s.titles, s.withdraw)
				}
				// Each step is also a restart of the agent: the memory goes through its file.
				data, err := json.Marshal(next)
				if err != nil {
					t.Fatal(err)
				}
				memory = nil
				if err := json.Unmarshal(data, &memory); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestReminderOffersWhatHelps(t *testing.T) {
	labels := func(r Reminder) string {
		var all []string
		for _, c := range r.Choices {
			all = append(all, c.Label+"="+string(c.Command.Verb)+" "+c.Command.Profile)
		}
		return strings.Join(all, "; ")
	}
	one := expiring("Acme", 9)
	one.Environment = "staging"
	r := single(one, noon)
	if r.Title != "Acme (staging) expires in 9 min" || r.Urgent || labels(r) != "Log in=login Acme; Copy token=copy Acme; Not now= " {
		t.Errorf("%+v", r)
	}
	r = single(agent.Status{Name: "Acme", State: agent.LoginRequired, Problem: &agent.Problem{Sentence: "the login was ended"}}, noon)
	if r.Body != "The login was ended." || !r.Urgent || labels(r) != "Log in=login Acme; Not now= " || r.Default != (Command{Verb: VerbOpen, Profile: "Acme"}) {
		t.Errorf("%+v", r)
	}
	var many []agent.Status
	for i := range 12 {
		many = append(many, ended(fmt.Sprintf("p%02d", i), 0))
	}
	r = several(many)
	if r.Title != "12 logins needed" || r.Body != "p00, p01, p02, p03, p04, p05, 6 more profiles" || labels(r) != "Open Fob=open ; Not now= " {
		t.Errorf("%+v", r)
	}
}

// What is remembered of a profile that is gone goes too, in time.
func TestMemoryForgets(t *testing.T) {
	_, _, memory := Reminders([]agent.Status{ended("a", 0)}, nil, noon)
	_, _, memory = Reminders(nil, memory, noon.Add(forgetAfter))
	if len(memory) != 1 {
		t.Fatal("forgotten too early")
	}
	if _, _, memory = Reminders(nil, memory, noon.Add(forgetAfter+time.Second)); len(memory) != 0 {
		t.Errorf("still remembered: %v", memory)
	}
}
