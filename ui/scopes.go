package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
)

// scopesMost is how many scopes are offered: some servers name hundreds, and those are found by typing.
const scopesMost = 24

// scopesOnOffer are the scopes to suggest: those that the server said it knows, else those of its preset.
func (e *editor) scopesOnOffer() []string {
	all := e.discover.found.ScopesSupported
	if len(all) == 0 && e.known != nil {
		all = e.known.Scopes
	}
	return all[:min(len(all), scopesMost)]
}

// offerScopes puts the scopes under their field, to be taken by a press.
func (e *editor) offerScopes(f *field) {
	all := e.scopesOnOffer()
	f.below.Objects = nil
	if len(all) > 0 {
		chips := container.New(layout.NewRowWrapLayoutWithCustomPadding(6, 6))
		for _, scope := range all {
			chips.Add(newChoice(scope, func() { f.choose(scope) }))
		}
		f.below.Add(chips)
	}
	visible(f.below, len(all) > 0)
	f.mark()
}

// mark shows which of the suggestions the field holds.
func (f *field) mark() {
	for _, o := range f.below.Objects {
		if chips, ok := o.(*fyne.Container); ok {
			for _, c := range chips.Objects {
				c.(*chip).show(f.holds(c.(*chip).value))
			}
		}
	}
}
