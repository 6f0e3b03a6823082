package tray

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fob/internal/agent"
)

const (
	// burst is how many reminders may stand alone; more of them within burstTime are summed up in one.
	burst     = 3
	burstTime = time.Minute
	// forgetAfter is how long the causes of a profile that is gone are remembered: a list that is still incomplete while the
	// agent starts must not make Fob say everything again.
	forgetAfter = 30 * 24 * time.Hour
	// summary is the key of the reminder that sums up several; no profile's key looks like it.
	summary = "summary"
)

// Reminder is a desktop notification. It names profiles and holds nothing secret.
type Reminder struct {
	Key     string // what it is about: a later reminder with this key replaces it, [Notifier.Withdraw] takes it away
	Title   string
	Body    string
	Urgent  bool     // a person is needed now
	Choices []Choice // buttons, most wanted first, where the platform has them
	Default Command  // a click on the notification itself
}

// Choice is a button of a reminder. One without a verb only makes the reminder go.
type Choice struct {
	Label   string
	Command Command
}

// Memory is what has been said already, by profile. It is JSON and holds nothing secret, so that a restart of the agent repeats
// nothing. The zero Memory remembers nothing.
type Memory map[string]Said

// Said is the latest reminder of one profile.
type Said struct {
	Cause  string    `json:"cause"`            // the state and the moment that it is about
	At     time.Time `json:"at"`               // when it was said
	Open   bool      `json:"open,omitempty"`   // it has not been withdrawn
	Summed bool      `json:"summed,omitempty"` // as a part of a reminder for several
}

// Reminders compares the profiles with what has been said: what to say now, the keys of what to take back because it is solved,
// and what to remember then. There is a reminder when a token that cannot be refreshed is about to end, and when a login is
// needed; one for each cause, however often it is seen. It changes neither argument.
func Reminders(all []agent.Status, memory Memory, now time.Time) (say []Reminder, withdraw []string, next Memory) {
	return reminders(all, memory, now, false)
}

// reminders is Reminders; while quiet, nothing is said but what is urgent, and the rest counts as not said yet.
func reminders(all []agent.Status, memory Memory, now time.Time, quiet bool) (say []Reminder, withdraw []string, next Memory) {
	next = make(Memory, len(memory))
	maps.Copy(next, memory)
	seen := make(map[string]bool, len(all))
	var fresh []agent.Status
	for _, s := range all {
		seen[s.Name] = true
		was, now := memory[s.Name], cause(s)
		switch {
		case now == "" && was.Open:
			withdraw = append(withdraw, next.close(s.Name)...)
		case now != "" && now != was.Cause && quiet && !urgent(s):
			if was.Open { // of another cause, which is over
				withdraw = append(withdraw, next.close(s.Name)...)
			}
		case now != "" && now != was.Cause:
			fresh = append(fresh, s)
		}
	}
	for name, said := range memory {
		if !seen[name] && said.Open {
			withdraw = append(withdraw, next.close(name)...)
		}
		if !seen[name] && now.Sub(said.At) > forgetAfter {
			delete(next, name)
		}
	}
	if len(fresh) == 0 {
		slices.Sort(withdraw)
		return nil, withdraw, next
	}
	slices.SortStableFunc(fresh, func(a, b agent.Status) int { return fold(a.Name, b.Name) })
	together := slices.Clone(fresh)
	for _, s := range all {
		if said := next[s.Name]; said.Open && now.Sub(said.At) < burstTime && !slices.ContainsFunc(fresh, named(s.Name)) {
			together = append(together, s)
		}
	}
	if len(together) <= burst {
		for _, s := range fresh {
			say = append(say, single(s, now))
			if was := next[s.Name]; was.Open && was.Summed {
				withdraw = append(withdraw, next.close(s.Name)...)
			}
			next[s.Name] = Said{Cause: cause(s), At: now, Open: true}
		}
		slices.Sort(withdraw)
		return say, withdraw, next
	}
	for _, s := range together {
		if was := next[s.Name]; was.Open && !was.Summed {
			withdraw = append(withdraw, next.close(s.Name)...)
		}
		next[s.Name] = Said{Cause: cause(s), At: now, Open: true, Summed: true}
	}
	withdraw = slices.DeleteFunc(withdraw, func(key string) bool { return key == summary }) // it is replaced
	slices.Sort(withdraw)
	return []Reminder{several(together)}, withdraw, next
}

// close notes that a profile's reminder is solved and returns the key of what is now to be withdrawn: its own, or the summary's
// when it was the last one in it.
func (m Memory) close(name string) []string {
	said := m[name]
	summed := said.Summed
	said.Open, said.Summed = false, false
	m[name] = said
	if !summed {
		return []string{key(name)}
	}
	for _, other := range m {
		if other.Open && other.Summed {
			return nil
		}
	}
	return []string{summary}
}

// key is the key of a profile's own reminder.
func key(name string) string { return "profile " + name }

func named(name string) func(agent.Status) bool {
	return func(s agent.Status) bool { return s.Name == name }
}

// cause names the episode that calls for a reminder, the same in every status of it and after a restart of the agent; "" when
// there is nothing to say.
func cause(s agent.Status) string {
	moment := func(at *time.Time) string { return string(s.State) + " " + at.UTC().Format(time.RFC3339) }
	switch {
	case s.State == agent.Expiring && s.ExpiresAt != nil:
		return moment(s.ExpiresAt)
	case s.EndsSoon != nil && s.LoggedInAt != nil: // the end itself moves by a second with each refresh
		return "ends " + s.EndsSoon.What + " " + s.LoggedInAt.UTC().Format(time.RFC3339)
	case s.State != agent.LoginRequired:
		return ""
	case s.ObtainedAt != nil: // which token it was, kept with the login; problem.since may be the agent's own start
		return moment(s.ObtainedAt)
	case s.Problem != nil:
		return moment(&s.Problem.Since)
	}
	return string(s.State)
}

// single is the reminder of one profile.
func single(s agent.Status, now time.Time) Reminder {
	name := plain(s.Name)
	if s.Environment != "" {
		name += " (" + plain(s.Environment) + ")"
	}
	login := Choice{Label: "Log in", Command: Command{Verb: VerbLogin, Profile: s.Name}}
	notNow := Choice{Label: "Not now"}
	r := Reminder{Key: key(s.Name), Default: Command{Verb: VerbOpen, Profile: s.Name}}
	if s.State == agent.Expiring {
		_, words, _ := saying(s, now)
		r.Title = name + " " + words
		r.Body = "This token cannot be refreshed. Log in again to get a new one."
		r.Choices = []Choice{login, {Label: "Copy token", Command: Command{Verb: VerbCopy, Profile: s.Name, Form: agent.FormAccessToken}}, notNow}
		return r
	}
	if end := s.EndsSoon; end != nil && end.At != nil {
		time, _ := left(end.At.Round(0).Sub(now.Round(0)))
		r.Title = name + ": the login ends in " + time
		r.Body = asSentence("its " + end.Name() + " ends then, and Fob cannot renew it (" + end.Note + ")")
		r.Choices = []Choice{login, notNow}
		return r
	}
	r.Title = name + ": log in again"
	r.Body = "Its login has ended."
	if s.Problem != nil && s.Problem.Sentence != "" {
		r.Body = asSentence(s.Problem.Sentence)
	}
	r.Urgent = urgent(s)
	if unattended(s) {
		r.Title = name + ": no token"
		login.Label = "Try again"
	}
	r.Choices = []Choice{login, notNow}
	return r
}

// urgent says that a person is needed now: the login is over. What is going to end can wait for the morning.
func urgent(s agent.Status) bool { return s.State == agent.LoginRequired }

// asSentence begins with a capital and ends with a full stop, as notifications do.
func asSentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// several is one reminder for many profiles.
func several(all []agent.Status) Reminder {
	n := count(all)
	var title []string
	if n.login > 0 {
		title = append(title, many(n.login, "login")+" needed")
	}
	if n.expiring > 0 {
		title = append(title, many(n.expiring, "token")+" about to expire")
	}
	ending := 0
	for _, s := range all {
		if s.EndsSoon != nil {
			ending++
		}
	}
	if ending > 0 {
		title = append(title, many(ending, "login")+" about to end")
	}
	const named = 6 // names that fit into the two or three lines of a notification
	var names []string
	for i, s := range all {
		if i == named && len(all) > named+1 {
			names = append(names, many(len(all)-named, "more profile"))
			break
		}
		names = append(names, plain(s.Name))
	}
	return Reminder{
		Key: summary, Title: strings.Join(title, ", "), Body: strings.Join(names, ", "), Urgent: n.login > 0,
		Choices: []Choice{{Label: "Open Fob", Command: Command{Verb: VerbOpen}}, {Label: "Not now"}},
		Default: Command{Verb: VerbOpen},
	}
}
