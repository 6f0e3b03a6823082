package tray

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"fob/internal/agent"
)

// maxProfiles are the profiles that the menu shows: about what fits beside a screen 800 pixels high. The rest is in the window.
const maxProfiles = 20

// maxName are the characters of a profile's or environment's name that the menu shows: wider menus leave small screens.
const maxName = 40

// maxReason are the characters of what is wrong with a profile: the window has the whole of it.
const maxReason = 90

// Verb is what a menu entry or a reminder asks for.
type Verb string

// The verbs, with the function of [Actions] that each calls. An entry without a verb only says something.
const (
	VerbOpen    Verb = "open"    // OpenWindow
	VerbLogin   Verb = "login"   // Login
	VerbCopy    Verb = "copy"    // Copy
	VerbRefresh Verb = "refresh" // Refresh
	VerbLogout  Verb = "logout"  // Logout
	VerbAddress Verb = "address" // CopyProxy
	VerbStop    Verb = "stop"    // StopProxy
	VerbLock    Verb = "lock"    // Lock
	VerbUnlock  Verb = "unlock"  // Unlock
	VerbQuit    Verb = "quit"    // Quit
)

// Command is what a click asks for.
type Command struct {
	Verb    Verb
	Profile string
	Form    agent.Form // only with VerbCopy
	Proxy   string     // its id; only with VerbAddress and VerbStop
}

// Item is one entry of the menu.
type Item struct {
	Label     string // as it is to be read: the platform's marks for access keys are escaped when it is drawn
	Command   Command
	Disabled  bool
	Separator bool
	Items     []Item // a submenu; its own Command then only says whose it is
}

// Menu is the tray's menu for these profiles at that moment: Open Fob first, Quit last, and between them the profiles by
// environment, those that need attention first. forms are those that a token can be copied in. It reads nothing else and changes
// nothing.
func Menu(all []agent.Status, forms []agent.FormInfo, now time.Time) []Item {
	items := []Item{{Label: "Open Fob", Command: Command{Verb: VerbOpen}}, {Separator: true}}
	shown := pick(all)
	switch len(all) {
	case 0:
		items = append(items, Item{Label: "No profiles yet: open Fob to add one", Disabled: true})
	case 1: // nothing to choose from: its actions need no submenu
		items = append(items, Item{Label: title(shown[0], now), Disabled: true})
		items = append(items, entries(shown[0], forms, now)...)
	default:
		environment := ""
		for _, s := range shown {
			if s.Environment != environment {
				environment = s.Environment
				items = append(items, Item{Separator: true}, Item{Label: plain(environment), Disabled: true})
			}
			items = append(items, Item{Label: title(s, now), Command: Command{Profile: s.Name}, Items: entries(s, forms, now)})
		}
	}
	if more := len(all) - len(shown); more > 0 {
		items = append(items, Item{Separator: true}, Item{Label: many(more, "more profile") + " in Fob…", Command: Command{Verb: VerbOpen}})
	}
	items = append(append(items, Item{Separator: true}), lockItem(all)...)
	items = append(items, Item{Label: "Quit", Command: Command{Verb: VerbQuit}})
	return slices.CompactFunc(items, func(a, b Item) bool { return a.Separator && b.Separator })
}

// nextWords is when the menu's words change if nothing else does; the zero time if they do not.
func nextWords(all []agent.Status, now time.Time) time.Time {
	var next time.Time
	for _, s := range pick(all) {
		if _, _, until := saying(s, now); until > 0 && (next.IsZero() || now.Add(until).Before(next)) {
			next = now.Add(until)
		}
	}
	return next
}

// pick chooses the profiles that the menu shows and puts them in order: those without an environment first, then the
// environments in the order in which profiles.json names them, as in the window; within one by need for attention, then by
// name. When there are too many, those that need attention come before the alphabet.
func pick(all []agent.Status) []agent.Status {
	place := map[string]int{"": -1}
	for i, s := range all {
		if _, met := place[s.Environment]; !met {
			place[s.Environment] = i
		}
	}
	shown := slices.Clone(all)
	order := func(a, b agent.Status) int {
		return cmp.Or(cmp.Compare(calm(a), calm(b)), fold(a.Name, b.Name))
	}
	slices.SortStableFunc(shown, order)
	if len(shown) > maxProfiles {
		shown = shown[:maxProfiles]
	}
	slices.SortStableFunc(shown, func(a, b agent.Status) int {
		return cmp.Or(cmp.Compare(place[a.Environment], place[b.Environment]), order(a, b))
	})
	return shown
}

// fold compares names as a reader would, and exactly where that is no difference.
func fold(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

// calm is how little attention a profile needs.
func calm(s agent.Status) int {
	switch s.State {
	case agent.LoginRequired, agent.Unusable:
		return 0
	case agent.Expiring:
		return 1
	case agent.Offline, agent.LoggingIn:
		return 2
	case agent.LoggedIn:
		return 3
	}
	return 4
}

func title(s agent.Status, now time.Time) string {
	shape, words, _ := saying(s, now)
	return shape + " " + plain(s.Name) + " — " + words
}

// entries are what is wrong with a profile, if anything, and what can be done with it.
func entries(s agent.Status, forms []agent.FormInfo, now time.Time) []Item {
	var items []Item
	for _, line := range why(s, now) {
		items = append(items, Item{Label: line, Disabled: true})
	}
	if len(items) > 0 {
		items = append(items, Item{Separator: true})
	}
	return append(items, actions(s, forms, now)...)
}

// actions are what can be done with a profile, in an order that puts first what its state calls for. What cannot work is
// there but disabled, so that entries keep their places.
func actions(s agent.Status, forms []agent.FormInfo, now time.Time) []Item {
	if s.Locked {
		s.Locked = false
		return behindLock(actions(s, forms, now))
	}
	return append(login(s, forms, now), proxies(s)...)
}

// proxies are the proxies that run for a profile, in the order in which they were started.
func proxies(s agent.Status) []Item {
	var items []Item
	for i, p := range s.Proxies {
		if i == 0 {
			items = append(items, Item{Separator: true})
		}
		does := func(label string, verb Verb) Item {
			return Item{Label: label, Command: Command{Verb: verb, Profile: s.Name, Proxy: p.ID}}
		}
		items = append(items, Item{Label: "Proxy at " + p.At, Command: Command{Profile: s.Name, Proxy: p.ID},
			Items: []Item{does("Copy address", VerbAddress), does("Stop", VerbStop)}})
	}
	return items
}

// login are the actions with a profile's login.
func login(s agent.Status, forms []agent.FormInfo, now time.Time) []Item {
	usable := s.Usable()
	if s.State == agent.Offline && s.ExpiresAt != nil && !s.ExpiresAt.After(now) {
		usable = false
	}
	act := func(label string, works bool, verb Verb, form agent.Form) Item {
		return Item{Label: label, Disabled: !works, Command: Command{Verb: verb, Profile: s.Name, Form: form}}
	}
	if unattended(s) && (s.State == agent.LoggedOut || s.State == agent.LoginRequired) {
		usable = true // what is not there yet is got for the copy
	}
	copies := copies(s, forms, usable, act)
	if unattended(s) { // nobody logs in or out of it
		fresh := act("Get a new token", s.State != agent.Unusable, VerbLogin, "")
		if s.Usable() {
			fresh.Command.Verb = VerbRefresh
		}
		discard := act("Discard token", s.Usable() || s.State == agent.LoginRequired, VerbLogout, "")
		return append(copies, Item{Separator: true}, fresh, discard)
	}
	again := s.Usable() || s.State == agent.LoginRequired || s.State == agent.LoggingIn
	label := "Log in"
	if again {
		label = "Log in again…"
	}
	login := act(label, s.State != agent.Unusable, VerbLogin, "")
	refresh := act("Refresh now", s.Usable() && s.Refreshable, VerbRefresh, "")
	logout := act("Log out", s.Usable() || s.State == agent.LoginRequired, VerbLogout, "")

	if s.Usable() {
		return append(copies, Item{Separator: true}, refresh, login, logout)
	}
	return append(append([]Item{login, {Separator: true}}, copies...), Item{Separator: true}, refresh, logout)
}

// firstForms are what the menu calls the forms that it shows at once.
var firstForms = []struct {
	form  agent.Form
	label string
}{{agent.FormAccessToken, "Copy token"}, {agent.FormHeader, "Copy header"}, {agent.FormCurl, "Copy curl"}, {agent.FormIDToken, "Copy ID token"}}

// copies are the forms to copy: the common ones, the one that was taken last, and the others in a submenu.
func copies(s agent.Status, forms []agent.FormInfo, usable bool, act func(string, bool, Verb, agent.Form) Item) []Item {
	var first, rest []Item
	fits := func(f agent.FormInfo) bool { return usable && (!f.NeedsAPI || s.APIBaseURL != "") }
	for _, common := range firstForms {
		i := slices.IndexFunc(forms, func(f agent.FormInfo) bool { return f.Name == string(common.form) })
		if i >= 0 && (!forms[i].NeedsID || s.HasIDToken) {
			first = append(first, act(common.label, fits(forms[i]), VerbCopy, common.form))
		}
	}
	for _, f := range forms {
		if f.First {
			continue
		}
		if f.Template != "" && len(rest) > 0 && !rest[len(rest)-1].Separator && !slices.ContainsFunc(rest, func(i Item) bool { return i.Separator }) {
			rest = append(rest, Item{Separator: true}) // below it are the user's own
		}
		rest = append(rest, act(plain(f.Label), fits(f), VerbCopy, agent.Form(f.Name)))
		if f.Name == string(s.LastForm) {
			first = append(first, act("Copy "+plain(f.Label), fits(f), VerbCopy, s.LastForm))
		}
	}
	if len(rest) > 0 {
		as := Item{Label: "Copy as", Disabled: !usable, Command: Command{Profile: s.Name}}
		if usable {
			as.Items = rest
		}
		first = append(first, as)
	}
	return first
}

// plain is a name as one line of a menu: nothing that breaks the line or turns its direction, and not too long.
func plain(name string) string { return short(name, maxName) }

// short is plain with another length.
func short(name string, most int) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most-1]) + "…"
	}
	return name
}
