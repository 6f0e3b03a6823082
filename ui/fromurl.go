package ui

import (
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// urlView makes a profile of an API's address: it finds the authorization server behind it, shows every host that a login would
// talk to and what each gets, and only then logs in.
type urlView struct {
	content *fyne.Container
	address *input
	look    *button
	busy    *line
	stop    *button
	wrong   *note
	result  *fyne.Container
	same    *fyne.Container // profiles that are for this API already
	chain   *fyne.Container
	notes   *fyne.Container // what was departed from, and what was found on the way
	server  *fyne.Container
	servers *picker
	how     *note // a client id is had
	own     *button
	client  *fyne.Container
	id      *input
	secret  *input
	login   *button
	found   agent.Exploration
	show    func(profile string)
}

func newURLView() *urlView {
	v := &urlView{address: newInput("https://api.example.com/v1 or https://mcp.example.com/mcp"), busy: newShortLine("", muted), wrong: newNote(""), how: newNote(""),
		same: column(4), chain: column(10), notes: column(3), id: newInput("Client ID"), secret: newInput("Client secret, if the server gave one")}
	v.look = newButton("Look", theme.SearchIcon(), widget.MediumImportance, nil)
	v.stop = quiet("Cancel", nil, nil)
	v.login = newButton("Log in", nil, widget.HighImportance, nil)
	v.secret.Password = true
	v.secret.ActionItem = newReveal(v.secret)
	v.own = quiet("Use a client ID of my own", nil, func() {
		visible(v.client, true)
		visible(v.own, false)
		v.content.Refresh()
	})
	v.servers = newPicker(nil, func(string) { v.check() })
	v.server = column(4, newShortLine("LOG IN AT", section), v.servers)
	v.client = column(6, v.id, v.secret)
	v.id.OnChanged = func(string) { v.check() }
	v.address.OnChanged = func(string) { v.check() }
	v.result = column(10, v.same, newLine("WHO IS TALKED TO, AND WHAT EACH GETS", section), v.chain, v.notes, v.server,
		column(4, newLine("CLIENT", section), v.how, container.NewHBox(v.own), v.client))
	v.content = column(10,
		newShortLine("The address of an API or an MCP server", look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}}),
		newLine("Fob calls it as nobody, finds out who lets people in there, and shows every host before anything secret is sent.", muted),
		across(8, 0, v.address, v.look), across(8, 0, v.busy, v.stop), v.wrong, v.result)
	v.wait("")
	visible(v.result, false)
	v.check()
	return v
}

// wait says what is being waited for; "" is nothing.
func (v *urlView) wait(words string) {
	v.busy.set(words)
	visible(v.busy, words != "")
	visible(v.stop, words != "")
	v.check()
	v.content.Refresh()
}

func (v *urlView) say(err error) {
	text := ""
	if err != nil {
		text = problemWords(err)
	}
	v.wrong.set(text, colorNeed)
	visible(v.wrong, text != "")
}

// check says what can be done next. What was found belongs to the address that was looked at and to no other.
func (v *urlView) check() {
	waiting := v.busy.text != ""
	enable(v.look, strings.TrimSpace(v.address.Text) != "" && !waiting)
	fresh := v.found.URL != "" && v.result.Visible()
	enable(v.login, fresh && !waiting && v.issuer() != "" && (v.found.Client != "ask" || v.id.Text != ""))
}

// issuer is the server chosen.
func (v *urlView) issuer() string {
	if len(v.found.Servers) == 1 {
		return v.found.Servers[0]
	}
	return v.servers.Selected
}

// waysToClient say how a client id will be had, by [agent.Exploration.Client].
var waysToClient = map[string]string{
	"registered":   "Fob has a client at this server already.",
	"document":     "The server reads Fob's client ID from a document; nothing is registered.",
	"registration": "Fob registers itself at the server: nobody has to do it by hand.",
	"ask":          "This server registers nobody by itself: register a public client there, with the redirect URI http://127.0.0.1/callback, and give its ID.",
}

// present is the only code that shows what was found.
func (v *urlView) present(found agent.Exploration) {
	v.found = found
	v.same.Objects = nil
	for _, name := range found.Profiles {
		v.same.Add(across(8, 0, newShortLine("The profile "+name+" is for this API already.", plain), quiet("Show it", nil, func() { v.show(name) })))
	}
	v.chain.Objects = nil
	for _, host := range byHost(found.Hosts) {
		v.chain.Objects = append(v.chain.Objects, hostCard(host))
	}
	v.notes.Objects = nil
	for _, note := range found.Notes {
		v.notes.Add(newLine(note, muted))
	}
	v.servers.Options = found.Servers
	v.servers.ClearSelected()
	visible(v.server, len(found.Servers) > 1)
	v.how.set(waysToClient[found.Client], theme.ColorNameForeground)
	visible(v.own, found.Client != "ask")
	visible(v.client, found.Client == "ask")
	visible(v.result, true)
	v.content.Refresh()
	v.check()
}

// byHost puts what is known of one host together: an authorization server has many endpoints.
func byHost(all []agent.ChainHost) [][]agent.ChainHost {
	var groups [][]agent.ChainHost
	for _, host := range all {
		i := slices.IndexFunc(groups, func(g []agent.ChainHost) bool { return g[0].Host == host.Host })
		if i < 0 {
			groups = append(groups, []agent.ChainHost{host})
		} else {
			groups[i] = append(groups[i], host)
		}
	}
	return groups
}

// hostCard is one host, what it is, and what it gets as that.
func hostCard(roles []agent.ChainHost) fyne.CanvasObject {
	head := besides(8, newLine(roles[0].Host, strong))
	if slices.ContainsFunc(roles, func(h agent.ChainHost) bool { return h.New }) {
		head.Add(newBadge("new"))
	}
	lines := column(3, head)
	for _, role := range roles {
		gets := role.Gets
		if gets == "" {
			gets = "nothing secret"
		}
		lines.Add(across(10, 1, container.New(fixedWidth(180), newShortLine(role.Role, muted)), newShortLine("gets "+gets, plain)))
	}
	return card(lines)
}

// adoption is what is asked of the agent: the hosts are those that stand on the screen.
func (v *urlView) adoption() agent.Adoption {
	a := agent.Adoption{URL: v.found.URL, Server: v.issuer(), ClientID: strings.TrimSpace(v.id.Text), ClientSecret: v.secret.Text}
	if !v.client.Visible() {
		a.ClientID, a.ClientSecret = "", ""
	}
	for _, host := range v.found.Hosts {
		a.Hosts = append(a.Hosts, host.Host)
	}
	return a
}

// addFromURL asks for an API's address and goes from there to its answer: look, log in, call.
func (w *Window) addFromURL() {
	if !w.online {
		return
	}
	v := newURLView()
	v.address.shortcut, v.id.shortcut, v.secret.shortcut = w.onShortcut, w.onShortcut, w.onShortcut
	mine := func() bool { return w.page != nil && w.page.about == v }
	stop := func() {}
	leave := func() {
		stop()
		v.secret.SetText("")
		w.back()
	}
	v.show = func(name string) {
		leave()
		w.onSelect(name)
	}
	v.look.OnTapped = func() {
		if v.look.Disabled() {
			return
		}
		v.say(nil)
		visible(v.result, false)
		address := strings.TrimSpace(v.address.Text)
		if !strings.Contains(address, "://") {
			address = "https://" + address
		}
		v.wait("Asking " + hostOf(address) + " what it wants …")
		stop = w.actions.explore(address, func(found agent.Exploration, err error) {
			if !mine() {
				return
			}
			v.wait("")
			if err != nil {
				v.say(err)
				return
			}
			v.present(found)
			if found.Client == "ask" {
				w.window.Canvas().Focus(v.id)
			} else {
				w.window.Canvas().Focus(v.login)
			}
		})
	}
	v.stop.OnTapped = func() {
		stop()
		v.wait("")
	}
	v.address.OnSubmitted = func(string) { v.look.OnTapped() }
	v.address.OnChanged = func(string) {
		visible(v.result, false)
		v.check()
	}
	v.login.OnTapped = func() {
		if v.login.Disabled() {
			return
		}
		v.say(nil)
		v.wait("Making the profile …")
		visible(v.stop, false)
		w.actions.adopt(v.adoption(), func(name string, err error) {
			if !mine() {
				return
			}
			v.wait("")
			if err != nil {
				v.refused(err)
				return
			}
			leave()
			w.onSelect(name)
			w.login(name, agent.LoginOptions{}, false, func(err error) {
				if err == nil {
					w.callAPI(name)
				}
			})
		})
	}
	p := newPage("Add from URL", nil, v.content, across(8, 0, newLine("", plain), quiet("Cancel", nil, leave), v.login), leave)
	p.about, p.accept, p.focus = v, v.login.OnTapped, v.address
	w.open(p)
}

// refused says why no profile was made; where only a client id is missing, it is asked for.
func (v *urlView) refused(err error) {
	v.say(err)
	var known *agent.Error
	if errors.As(err, &known) && slices.Contains([]string{"no_client_id", "invalid_client_metadata"}, known.Code) {
		v.found.Client = "ask"
		v.how.set(waysToClient["ask"], theme.ColorNameForeground)
		visible(v.client, true)
		visible(v.own, false)
		v.check()
	}
	v.content.Refresh()
}
