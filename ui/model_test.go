package ui

import (
	"slices"
	"strings"
	"testing"

	"fob/internal/agent"
)

func rowNames(m *model) string {
	var all []string
	for _, r := range m.rows {
		if r.name == "" {
			all = append(all, "["+r.heading+"]")
		} else {
			all = append(all, r.name)
		}
	}
	return strings.Join(all, " ")
}

func TestRowsAreGroupedAndSearched(t *testing.T) {
	m := newModel()
	m.apply(agent.Update{Full: true, Profiles: []agent.Status{
		{Name: "loose"}, {Name: "a", Environment: "prod", Account: "Ada@example.com"}, {Name: "b", Environment: "test"}, {Name: "c", Environment: "prod", State: agent.LoginRequired},
	}})
	for _, c := range []struct{ query, want string }{
		{"", "[prod] a c [test] b [No environment] loose"},
		{"ada", "[prod] a"},
		{"PROD", "[prod] a c"},
		{"login needed", "[prod] c"},
		{"prod ada", "[prod] a"},
		{"nothing", ""},
	} {
		m.search(c.query)
		if got := rowNames(m); got != c.want {
			t.Errorf("search %q finds %q, want %q", c.query, got, c.want)
		}
	}
	m.search("")
	if got := m.first(); got != "c" {
		t.Errorf("the window opens on %q, want the one that needs a person", got)
	}
	for _, c := range []struct {
		from string
		by   int
		want string
	}{{"a", 1, "c"}, {"c", 1, "b"}, {"b", -1, "c"}, {"a", -1, "a"}, {"loose", 1, "loose"}, {"", 1, "a"}, {"", -1, "loose"}, {"a", 100, "loose"}, {"loose", -100, "a"}} {
		if got := m.step(c.from, c.by); got != c.want {
			t.Errorf("%d rows from %q is %q, want %q", c.by, c.from, got, c.want)
		}
	}
}

func TestOneEnvironmentNeedsNoHeading(t *testing.T) {
	m := newModel()
	m.apply(agent.Update{Full: true, Profiles: []agent.Status{{Name: "a"}, {Name: "b"}}})
	if got := rowNames(m); got != "a b" {
		t.Errorf("rows are %q", got)
	}
}

func TestAnUpdateTellsWhatItTouched(t *testing.T) {
	m := newModel()
	m.apply(agent.Update{Full: true, Profiles: many(1000)})
	s := *m.status("profile 00500")
	s.Account = "somebody"
	if did := m.apply(agent.Update{Profiles: []agent.Status{s}}); did.rebuilt || !slices.Equal(did.names, []string{s.Name}) {
		t.Errorf("another account rebuilt=%t and touched %q", did.rebuilt, did.names)
	}
	s.Environment = "elsewhere"
	if did := m.apply(agent.Update{Profiles: []agent.Status{s}}); !did.rebuilt {
		t.Error("another environment did not move the row")
	}
	if did := m.apply(agent.Update{Removed: []string{s.Name}}); !did.rebuilt || m.status(s.Name) != nil || len(m.order) != 999 {
		t.Errorf("a removed profile is still there: rebuilt=%t, %d left", did.rebuilt, len(m.order))
	}
	if did := m.apply(agent.Update{Removed: []string{"never there"}}); did.rebuilt {
		t.Error("removing nothing rebuilt the list")
	}
}
