package ui

import (
	"slices"
	"strings"

	"fob/internal/agent"
)

// model is what the window knows: the statuses as the agent told them, and the rows of the list as they are searched and
// grouped. It touches no widget and is used on the window's goroutine only.
type model struct {
	order  []string // names as the agent told them
	byName map[string]*known
	query  string
	rows   []listRow
	at     map[string]int // name to index in rows
}

type known struct {
	status agent.Status
	words  string // what the search looks through, in lower case
}

// listRow is one row of the list: a heading, or a profile.
type listRow struct {
	heading string
	name    string
}

func newModel() *model { return &model{byName: map[string]*known{}, at: map[string]int{}} }

// change is what an update did to the list.
type change struct {
	rebuilt bool     // rows came, went or moved
	names   []string // rows that look different
}

// apply takes in one message of the agent.
func (m *model) apply(update agent.Update) change {
	var did change
	if update.Full {
		keep := make(map[string]bool, len(update.Profiles))
		m.order = m.order[:0]
		for _, s := range update.Profiles {
			keep[s.Name] = true
			m.order = append(m.order, s.Name)
		}
		for name := range m.byName {
			if !keep[name] {
				delete(m.byName, name)
			}
		}
		did.rebuilt = true
	}
	for _, name := range update.Removed {
		if m.byName[name] != nil {
			delete(m.byName, name)
			m.order = slices.DeleteFunc(m.order, func(n string) bool { return n == name })
			did.rebuilt = true
		}
	}
	for _, s := range update.Profiles {
		old := m.byName[s.Name]
		fresh := &known{status: s, words: searchWords(s)}
		m.byName[s.Name] = fresh
		did.names = append(did.names, s.Name)
		if old == nil && !update.Full {
			m.order = append(m.order, s.Name)
		}
		// What a search finds may change with the words, and the group with the environment.
		if old == nil || old.status.Environment != s.Environment || (m.query != "" && old.words != fresh.words) {
			did.rebuilt = true
		}
	}
	if did.rebuilt {
		m.arrange()
	}
	return did
}

// search keeps only the rows with every word of query in them.
func (m *model) search(query string) {
	m.query = strings.ToLower(strings.TrimSpace(query))
	m.arrange()
}

// arrange makes the rows: environments in the order in which they are first met, the profiles of each in the agent's order,
// those without an environment last.
func (m *model) arrange() {
	words := strings.Fields(m.query)
	groups, names := map[string][]string{}, []string{}
	for _, name := range m.order {
		k := m.byName[name]
		if !containsAll(k.words, words) {
			continue
		}
		env := k.status.Environment
		if groups[env] == nil && env != "" {
			names = append(names, env)
		}
		groups[env] = append(groups[env], name)
	}
	loose := groups[""]
	m.rows = m.rows[:0]
	clear(m.at)
	add := func(heading string, members []string) {
		if heading != "" {
			m.rows = append(m.rows, listRow{heading: heading})
		}
		for _, name := range members {
			m.at[name] = len(m.rows)
			m.rows = append(m.rows, listRow{name: name})
		}
	}
	for _, env := range names {
		add(env, groups[env])
	}
	if len(loose) > 0 {
		heading := ""
		if len(names) > 0 {
			heading = "No environment"
		}
		add(heading, loose)
	}
}

// status is the named profile's, or nil.
func (m *model) status(name string) *agent.Status {
	if k := m.byName[name]; k != nil {
		return &k.status
	}
	return nil
}

// first is the profile to show when nobody chose one: the first that needs a person, then the first of the list.
func (m *model) first() string {
	found := ""
	for _, row := range m.rows {
		if row.name == "" {
			continue
		}
		if needsPerson(m.byName[row.name].status) {
			return row.name
		}
		if found == "" {
			found = row.name
		}
	}
	return found
}

// step is the name of the profile by rows further down from name (up when negative), or the nearest end.
func (m *model) step(name string, by int) string {
	index, ok := m.at[name]
	if !ok {
		index = -1
		if by < 0 {
			index = len(m.rows)
		}
	}
	direction := 1
	if by < 0 {
		direction, by = -1, -by
	}
	found := ""
	for i := index + direction; i >= 0 && i < len(m.rows) && by > 0; i += direction {
		if m.rows[i].name != "" {
			found = m.rows[i].name
			by--
		}
	}
	if found == "" && ok {
		return name
	}
	return found
}

func searchWords(s agent.Status) string {
	return strings.ToLower(strings.Join([]string{s.Name, s.Environment, s.Account, s.Issuer, stateOf(s)}, "\n"))
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
