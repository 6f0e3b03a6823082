package ui

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// discovery asks an issuer what it is (OIDC Discovery, RFC 8414) and shows what came of it below the issuer's field.
type discovery struct {
	content *fyne.Container
	button  *button
	cancel  *button
	words   *note
	shape   *canvas.Image
	found   agent.Discovery
	asking  bool
}

func newDiscovery() *discovery {
	d := &discovery{words: newNote(""), shape: square(nil, 14)}
	d.button = newButton("Discover", nil, widget.MediumImportance, nil)
	d.cancel = quiet("Cancel", nil, nil)
	d.content = container.New(indent{labelWidth}, container.NewBorder(nil, nil, inset(10, 0, 0, 0, container.NewVBox(d.shape)), container.NewVBox(d.cancel), d.words))
	d.content.Hide()
	return d
}

// offer says whether there is an issuer to ask.
func (d *discovery) offer(on bool) { enable(d.button, on && !d.asking) }

// show is the only code that changes the widgets.
func (d *discovery) show(text, shape string, color fyne.ThemeColorName) {
	d.words.set(text, map[bool]fyne.ThemeColorName{true: colorNeed, false: theme.ColorNameForeground}[color == colorNeed])
	d.shape.Resource = icon(shape, color)
	d.shape.Refresh()
	visible(d.cancel, d.asking)
	visible(d.content, text != "")
	d.content.Refresh()
}

// endpoints are what was found, by the keys of the fields they would fill.
func (d *discovery) endpoints() map[string]string {
	f := d.found
	return map[string]string{"authorization_endpoint": f.AuthorizationEndpoint, "token_endpoint": f.TokenEndpoint, "revocation_endpoint": f.RevocationEndpoint,
		"userinfo_endpoint": f.UserinfoEndpoint, "end_session_endpoint": f.EndSessionEndpoint, "jwks_uri": f.JWKSURI}
}

// hint writes what was found into an empty endpoint's field as its placeholder: the issuer stays the source, so a server
// that moves an endpoint later is followed.
func (d *discovery) hint(f *field) {
	if address := d.endpoints()[f.about.Key]; address != "" && f.entry != nil {
		f.entry.SetPlaceHolder(address + " (from the issuer)")
	}
}

// summary says what was found.
func (d *discovery) summary() string {
	n := 0
	for _, address := range d.endpoints() {
		if address != "" {
			n++
		}
	}
	text := fmt.Sprintf("Found: %d endpoints", n)
	if methods := d.found.TokenEndpointAuthMethodsSupported; len(methods) > 0 {
		text += "; client authentication " + strings.Join(methods, ", ")
	}
	if len(d.found.CodeChallengeMethodsSupported) > 0 && !slices.Contains(d.found.CodeChallengeMethodsSupported, "S256") {
		text += "; PKCE with S256 is not offered"
	}
	if k := len(d.found.ScopesSupported); k > 0 {
		text += fmt.Sprintf("; %d scopes on offer", k)
	}
	return text + "."
}

// onDiscover asks the issuer; the answer fills what is empty.
func (e *editor) onDiscover(ask func(string, func(agent.Discovery, error)) func()) {
	d := e.discover
	issuer := e.draft.profile.Issuer
	d.asking = true
	d.offer(false)
	stop := ask(issuer, func(found agent.Discovery, err error) {
		d.asking = false
		if err != nil {
			d.show(sentence(err.Error()), "failed", colorNeed)
		} else {
			d.found = found
			e.fill()
			d.show(d.summary(), "passed", colorGood)
		}
		e.check()
	})
	d.cancel.OnTapped = func() {
		stop()
		d.asking = false
		d.show("", "offline", colorMuted)
		e.check()
	}
	d.show("Asking "+issuer+" …", "logging_in", colorBusy)
}

// fill puts what was found where nothing was written yet.
func (e *editor) fill() {
	for _, f := range e.all() {
		e.discover.hint(f)
	}
	if scope := e.built("scope"); scope != nil {
		e.offerScopes(scope)
		if len(scope.values()) == 0 {
			var usual []string
			for _, s := range []string{"openid", "profile", "email", "offline_access"} {
				if slices.Contains(e.discover.found.ScopesSupported, s) {
					usual = append(usual, s)
				}
			}
			scope.set(usual)
		}
	}
	method := e.built("token_endpoint_auth_method")
	offered := e.discover.found.TokenEndpointAuthMethodsSupported
	// Without a list the default is client_secret_basic (RFC 8414 §2); with one that lacks it, post is the other choice.
	if method != nil && len(method.values()) == 0 && len(offered) > 0 && !slices.Contains(offered, "client_secret_basic") {
		for _, m := range []string{"client_secret_post", "none"} {
			if slices.Contains(offered, m) {
				method.set([]string{m})
				break
			}
		}
	}
}

// indent moves its content to where the controls of a form begin.
type indent struct{ left float32 }

func (l indent) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size := objects[0].MinSize()
	size.Width += l.left
	return size
}

func (l indent) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.NewPos(l.left, -theme.Padding()))
	objects[0].Resize(fyne.NewSize(size.Width-l.left, size.Height))
}
