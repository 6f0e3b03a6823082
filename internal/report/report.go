// Package report knows what a report about Fob may show to the public: which facts are in it, and what stands for the private ones.
package report

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/user"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"fob/internal/logbook"
	"fob/profiles"
)

// Report is what a person reads before they attach it to a bug: the files of one archive, all of them text.
type Report struct {
	Files []File `json:"files"`
	// Legend says what the stand-ins of profiles stand for. It is for the one who reads the report before sending it, and not in it.
	Legend map[string]string `json:"legend,omitempty"`
}

// File is one file of a report.
type File struct {
	Name  string `json:"name"`
	About string `json:"about"` // what is in it, a sentence
	Text  string `json:"text"`
	Taken int    `json:"taken"` // how often something private was taken out
}

// Fact is one line of what is known of program and machine.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Finding is one answer of `fob doctor`.
type Finding struct {
	Subject string `json:"subject"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
}

// Status is of a profile what helps to find a bug.
type Status struct {
	Name, State, Grant string
	Account, Subject   string
	Issuer             string
	Facts              []Fact // that are nobody's: times, flags, codes
	Said               []Fact // sentences, which may have names in them
}

// Sources are what a report is made of. What is not known is left out.
type Sources struct {
	At       time.Time
	Missing  string // why an agent could not be asked; "" when it was
	Facts    []Fact
	Findings []Finding
	Settings any
	Profiles []profiles.Profile
	Statuses []Status
	Log      string            // path of the log
	Crash    string            // path of the trace of the last crash
	Paths    map[string]string // by what stands for them: "FOB_DATA" …
	Private  map[string]string // more that is private, and what stands for it
}

// logLines bounds the log in a report: some hundred kilobytes, which is days at level info.
const logLines = 5000

// Make makes the report.
func Make(s Sources) (Report, error) {
	m := newMask()
	m.learnAll(s)
	r := Report{Legend: map[string]string{}}
	for _, p := range s.Profiles {
		if p.Name != "" {
			r.Legend[m.learn("profile", p.Name)] = p.Name
		}
	}
	m.taken = 0
	add := func(name, about, text string) {
		r.Files = append(r.Files, File{name, about, text, m.taken})
		m.taken = 0
	}
	log, logErr := m.readLog(s.Log) // first: it may name profiles that are gone, and every file may
	doctor, err := m.doctor(s)
	if err != nil {
		return r, err
	}
	add("doctor.json", "version, system, keychain, and what fob doctor says", doctor)
	if s.Settings != nil {
		text, err := pretty(s.Settings) // none of them is private
		if err != nil {
			return r, err
		}
		add("settings.json", "the settings, as they are", text)
	}
	shapes, err := m.shapes(s.Profiles)
	if err != nil {
		return r, err
	}
	add("profiles.json", "which fields the profiles have, and values that are nobody's own", shapes)
	states, err := m.states(s.Statuses)
	if err != nil {
		return r, err
	}
	add("status.json", "the state of each profile with the reasons, and what happened last", states)
	said := m.log(log)
	if logErr != nil {
		said = "the log could not be read: " + m.text(logErr.Error()) + "\n"
	}
	add("agent.log", fmt.Sprintf("the last %d lines of the agent's log", logLines), said)
	if trace, err := os.ReadFile(s.Crash); err == nil && len(trace) > 0 {
		var text strings.Builder
		for line := range strings.Lines(string(trace)) {
			text.WriteString(m.trace(line))
		}
		add("crash.txt", "where the agent crashed last", text.String())
	}
	r.Files = slices.Insert(r.Files, 0, File{Name: "READ-ME-FIRST.txt", About: "what is in here, and what is not", Text: readMe(s, m.text(s.Missing), r.Files)})
	return r, nil
}

// Stands are the stand-ins of the legend in the order of their numbers.
func (r Report) Stands() []string {
	stands := slices.Collect(maps.Keys(r.Legend))
	slices.SortFunc(stands, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	return stands
}

// Zip packs the report: every desktop opens that format with two clicks, and issue trackers take it.
func (r Report) Zip(at time.Time) ([]byte, error) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, file := range r.Files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: "fob-report/" + file.Name, Method: zip.Deflate, Modified: at.UTC()})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(file.Text)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}

func readMe(s Sources, missing string, files []File) string {
	var text strings.Builder
	fmt.Fprintf(&text, "A report about Fob, made %s to be attached to a bug.\n\n", s.At.UTC().Format("2006-01-02 15:04 UTC"))
	if missing != "" {
		fmt.Fprintf(&text, "The agent could not be asked, so that the report is made of files alone: %s.\n\n", missing)
	}
	text.WriteString("In it:\n\n")
	for _, file := range files {
		fmt.Fprintf(&text, "  %-14s %s (%d taken out)\n", file.Name, file.About, file.Taken)
	}
	text.WriteString(`
Not in it: tokens, client secrets, keys and whatever else the keychain holds (no keychain
was read for this); traces of what went over the wire; claims; accounts, e-mail addresses,
login hints, names of people; your user name, your computer's name and your home directory;
names of profiles and environments; client ids; hosts that are not a public provider's,
paths and parameters of addresses.

The same name has the same stand-in everywhere: profile-1, host-2, account-1. The numbers
say nothing about the names. Hosts of public providers (those of Fob's presets) and of this
machine (127.0.0.1, localhost) stay, for most bugs are about one of them. [hidden],
[account], [token], [id], [user] and [24 characters] stand for what looked private by its
form. Sentences that came from a server were treated in the same way; what a server says in
words of its own nobody can foresee. So read it, it is all text, before you send it.
`)
	return text.String()
}

// learnAll learns what is private by name.
func (m *mask) learnAll(s Sources) {
	stands := make([]string, 0, len(s.Paths))
	for stand := range s.Paths {
		stands = append(stands, stand)
	}
	sort.Strings(stands)
	for _, stand := range stands {
		if s.Paths[stand] != "" {
			m.alias(s.Paths[stand], stand)
		}
	}
	for text, stand := range s.Private {
		m.alias(text, stand)
	}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		m.alias(home, "~")
	}
	if who, err := user.Current(); err == nil {
		for _, name := range append(strings.Fields(strings.Trim(who.Name, ",")), who.Username, who.Name) {
			name = name[strings.LastIndexByte(name, '\\')+1:] // DOMAIN\user
			if len(name) > 2 && !strings.EqualFold(name, "root") && !strings.EqualFold(name, "user") {
				m.alias(name, "[user]")
			}
		}
	}
	if name, err := os.Hostname(); err == nil && name != "localhost" && len(name) > 2 {
		m.alias(name, "[computer]")
	}
	for _, p := range s.Profiles {
		m.learn("profile", p.Name)
		for _, field := range profiles.Fields() {
			m.learnField(field, p.Get(field.Key))
		}
	}
	for _, status := range s.Statuses {
		m.learn("profile", status.Name)
		m.learn("account", status.Account)
		for _, name := range strings.Fields(status.Account) { // the first and the last one, by themselves
			if len(name) > 3 {
				m.alias(name, "[account]")
			}
		}
		m.learn("account", status.Subject)
	}
}

// learnField learns what a profile's field has that is private.
func (m *mask) learnField(field profiles.Field, values []string) {
	for _, value := range values {
		switch {
		case field.Key == "name":
		case field.Kind == profiles.KindURL, strings.Contains(value, "://"):
			m.url(value)
		case field.Key == "environment" && value != "":
			if !slices.ContainsFunc(field.Choices, func(c profiles.Choice) bool { return c.Value == value }) {
				m.learn("environment", value)
			}
		case field.Key == "client_id":
			m.learn("client", value)
		case field.Group == profiles.GroupAccount && field.Kind == profiles.KindText && field.Key != "account_id_member", field.Key == "login_hint", field.Key == "username", field.Key == "assertion_subject", field.Key == "credential_username":
			m.learn("account", value)
		case field.Kind == profiles.KindText && !m.plain(field, value) || field.Kind == profiles.KindCommand:
			m.learn("value", value)
		case field.Kind == profiles.KindList && !m.plain(field, value):
			m.learn(strings.ReplaceAll(field.Key, "_", "-"), value)
		case field.Kind == profiles.KindParameters:
			if _, value, _ = strings.Cut(value, "="); len(value) > 3 {
				m.learn("value", value)
			}
		}
	}
}

// wellKnown are values of free fields that specifications or presets name.
var wellKnown = map[string]bool{
	"openid": true, "profile": true, "email": true, "address": true, "phone": true, "offline_access": true, "login": true, "consent": true, "select_account": true,
	"none": true, "Bearer": true, "DPoP": true, "Authorization": true, "token": true,
}

// plain says that a value of a field is nobody's own.
func (m *mask) plain(field profiles.Field, value string) bool {
	switch field.Kind {
	case profiles.KindBool, profiles.KindDuration, profiles.KindNumber, profiles.KindColor:
		return true
	case profiles.KindChoice:
		return slices.ContainsFunc(field.Choices, func(c profiles.Choice) bool { return c.Value == value })
	}
	if field.Key == "preset" {
		_, known := profiles.PresetByID(value)
		return known
	}
	return value == "" || wellKnown[value] || strings.HasPrefix(value, "urn:ietf:params:oauth:") || field.Key == "ui_locales" || field.Key == "prompt" && wellKnown[value] ||
		slices.ContainsFunc(field.Choices, func(c profiles.Choice) bool { return c.Value == value })
}

func (m *mask) doctor(s Sources) (string, error) {
	var out struct {
		Facts    []Fact    `json:"facts"`
		Findings []Finding `json:"doctor"`
	}
	for _, fact := range s.Facts {
		out.Facts = append(out.Facts, Fact{fact.Name, m.text(fact.Value)})
	}
	for _, f := range s.Findings {
		out.Findings = append(out.Findings, Finding{f.Subject, f.OK, m.text(f.Detail), m.text(f.Remedy)})
	}
	return pretty(out)
}

// shapes are the profiles without what is private: an object each, its fields in the order of the table.
func (m *mask) shapes(all []profiles.Profile) (string, error) {
	shapes := []logbook.Attrs{}
	for _, p := range all {
		shape := logbook.Attrs{pair("name", m.took(m.learn("profile", p.Name)))}
		for _, field := range profiles.Fields() {
			values := p.Get(field.Key)
			if field.Key == "name" || len(values) == 0 || field.Kind == profiles.KindSecret {
				continue
			}
			for i, value := range values {
				values[i] = m.value(field, value)
			}
			shape = append(shape, pair(field.Key, strings.Join(values, " ")))
		}
		shapes = append(shapes, shape)
	}
	return pretty(shapes)
}

// value is what a report shows of a field's value.
func (m *mask) value(field profiles.Field, value string) string {
	switch {
	case m.plain(field, value):
		return value
	case field.Kind == profiles.KindParameters:
		name, _, _ := strings.Cut(value, "=")
		return name + "=" + m.took("[hidden]")
	case field.Kind == profiles.KindJSON:
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(value), &members) != nil {
			return m.took("[JSON]")
		}
		names := make([]string, 0, len(members))
		for name := range members {
			names = append(names, name)
		}
		sort.Strings(names)
		return m.took(fmt.Sprintf("[JSON with %s]", strings.Join(names, ", ")))
	case field.Kind == profiles.KindPEM:
		return m.took("[PEM]")
	case strings.Contains(value, "://"):
		return m.url(value)
	}
	if stand := m.known[strings.ToLower(strings.TrimSpace(value))]; stand != "" {
		return m.took(stand)
	}
	return m.took("[set]")
}

func (m *mask) states(all []Status) (string, error) {
	states := []logbook.Attrs{}
	for _, s := range all {
		state := logbook.Attrs{pair("name", m.took(m.learn("profile", s.Name))), pair("state", s.State), pair("grant_type", m.text(s.Grant))}
		if s.Issuer != "" {
			state = append(state, pair("issuer", m.url(s.Issuer)))
		}
		if s.Account != "" {
			state = append(state, pair("account", m.took(m.learn("account", s.Account))))
		}
		for _, fact := range s.Facts {
			if fact.Value != "" {
				state = append(state, pair(fact.Name, fact.Value))
			}
		}
		for _, fact := range s.Said {
			if fact.Value != "" {
				state = append(state, pair(fact.Name, m.text(fact.Value)))
			}
		}
		states = append(states, state)
	}
	return pretty(states)
}

// plainKeys are keys of log lines whose values are ours: numbers, spans, words of the code.
var plainKeys = map[string]bool{"took": true, "failures": true, "status": true, "pid": true, "version": true, "store": true, "level": true, "method": true, "what": true, "locked": true,
	"by": true, "waits": true, "lost": true, "removed": true, "items": true, "files": true, "why": true, "from": true, "to": true, "ends": true, "when": true, "token": true}

// readLog reads the end of the log and learns which profiles it is about.
func (m *mask) readLog(path string) ([]logbook.Line, error) {
	if path == "" {
		return nil, nil
	}
	lines, err := logbook.NewReader(path).Next()
	lines = lines[max(0, len(lines)-logLines):]
	for _, line := range lines {
		for _, a := range line.Attrs {
			if a.Key == "profile" {
				m.learn("profile", a.Value)
			}
		}
	}
	return lines, err
}

// log is the end of the log; a line that is none of ours is taken out whole, for nobody knows what is in it.
func (m *mask) log(lines []logbook.Line) string {
	var text strings.Builder
	for _, line := range lines {
		if line.Message == "" {
			text.WriteString(m.took(fmt.Sprintf("[%d characters that are no line of the log]", len(line.Text))) + "\n")
			continue
		}
		fmt.Fprintf(&text, "%s %-5s %s", line.Time.UTC().Format("2006-01-02T15:04:05.000Z"), logbook.LevelName(line.Level), m.text(line.Message))
		for _, a := range line.Attrs {
			switch {
			case a.Key == "profile":
				a.Value = m.took(m.learn("profile", a.Value))
			case !plainKeys[a.Key] || !word(a.Value):
				a.Value = m.text(a.Value)
			}
			if strings.ContainsAny(a.Value, " \"=\n") || a.Value == "" {
				a.Value = fmt.Sprintf("%q", a.Value)
			}
			text.WriteString(" " + a.Key + "=" + a.Value)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// word says that a value is short and has nothing in it that a name or an address would have.
func word(value string) bool {
	return len(value) < 40 && !strings.ContainsAny(value, "@/\\") && !strings.Contains(value, "eyJ")
}

var ourSource = regexp.MustCompile(`/(?:cmd|internal|oauth|loopback|profiles|ui|assets)/[\w/.-]+\.go:\d+.*`)

// trace is a line of what the Go runtime writes: functions and files of ours stay, what a panic says is treated as any sentence.
func (m *mask) trace(line string) string {
	if strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "\t") && strings.Contains(line, ".go:") {
		if at := ourSource.FindString(line); at != "" { // where it was built is nobody's business
			line = "\t…/fob" + at
		}
		return strings.TrimRight(m.text(line), "\n") + "\n"
	}
	if name, _, call := strings.Cut(line, "("); call && !strings.ContainsAny(name, " :") {
		return name + "(…)\n"
	}
	return strings.TrimRight(m.text(line), "\n") + "\n"
}

func pair(key, value string) logbook.Attr { return logbook.Attr{Key: key, Value: value} }

func pretty(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return text.String(), err
}
