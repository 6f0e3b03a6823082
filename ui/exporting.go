package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/internal/carry"
)

// exportView writes a profile for another tool. It says before what the other tool cannot hold.
type exportView struct {
	content *fyne.Container
	format  *picker
	words   *note
	left    *fyne.Container
	wrong   *note
	save    *button
	written carry.Written
	ids     []string
}

// exportWords say what each format's files are for.
var exportWords = map[string]string{
	"postman":  "A collection and an environment, in a folder of your choice: import both into Postman.",
	"insomnia": "One file for Insomnia's Import.",
	"bruno":    "A folder that Bruno opens as a collection.",
	"openapi":  "A document of securitySchemes, to merge into yours.",
}

func newExportView() *exportView {
	v := &exportView{words: newNote(""), left: column(3), wrong: newNote("")}
	var labels []string
	for _, f := range carry.Formats() {
		if f.Writes() {
			labels, v.ids = append(labels, f.Label), append(v.ids, f.ID)
		}
	}
	v.format = newPicker(labels, nil)
	v.save = newButton("Save …", theme.DocumentSaveIcon(), widget.HighImportance, nil)
	v.content = column(12,
		across(8, 1, newFixed(150, newShortLine("For", muted)), v.format), inset(-7, -7, -8, -8, v.words),
		newLine("No file holds a secret or a token: variables without a value stand in their places.", muted),
		column(4, newShortLine("NOT CARRIED OVER", section), v.left), v.wrong)
	enable(v.save, false)
	return v
}

// id is the format chosen.
func (v *exportView) id() string {
	if i := v.format.SelectedIndex(); i >= 0 {
		return v.ids[i]
	}
	return ""
}

// show is the only code that shows what would be written.
func (v *exportView) show(written carry.Written, err error) {
	v.written = written
	v.words.set(exportWords[v.id()], colorMuted)
	v.left.Objects = nil
	for _, l := range written.Left {
		v.left.Add(remark(l.What+": "+l.Why, colorMuted))
	}
	if len(written.Left) == 0 && err == nil {
		v.left.Add(newLine("Everything fits.", muted))
	}
	text := ""
	switch {
	case err != nil:
		text = problemWords(err)
	case len(written.Files) == 0:
		text = "This tool has no way to say any of it."
	}
	v.wrong.set(text, colorNeed)
	visible(v.wrong, text != "")
	enable(v.save, len(written.Files) > 0)
	v.content.Refresh()
}

// export opens the page for a profile.
func (w *Window) export(name string) {
	if !w.online {
		return
	}
	v := newExportView()
	mine := func() bool { return w.page != nil && w.page.about == v }
	v.format.OnChanged = func(string) {
		id := v.id()
		w.actions.written(name, id, func(written carry.Written, err error) {
			if mine() && id == v.id() {
				v.show(written, err)
			}
		})
	}
	saved := func(err error) {
		if err != nil {
			v.show(v.written, err)
			return
		}
		w.back()
		w.said(name, "Exported.", nil)
	}
	v.save.OnTapped = func() {
		if v.save.Disabled() {
			return
		}
		if len(v.written.Files) == 1 {
			w.save(v.written.Files[0].Path, []byte(v.written.Files[0].Text), saved)
			return
		}
		dialog.ShowFolderOpen(func(folder fyne.ListableURI, err error) {
			if folder == nil && err == nil {
				return
			}
			if err == nil {
				err = v.written.Into(folder.Path())
			}
			saved(err)
		}, w.window)
	}
	p := newPage("Export "+name, nil, v.content, across(8, 0, newLine("", plain), quiet("Cancel", nil, w.back), v.save), w.back)
	p.about, p.accept, p.focus = v, func() { v.save.OnTapped() }, v.format
	w.open(p)
	v.format.SetSelectedIndex(0)
}

// save asks where, writes content there and tells saved; who cancels is told nothing.
func (w *Window) save(name string, content []byte, saved func(error)) {
	d := dialog.NewFileSave(func(file fyne.URIWriteCloser, err error) {
		if file == nil && err == nil {
			return // cancelled
		}
		if err == nil {
			_, err = file.Write(content)
			if shut := file.Close(); err == nil {
				err = shut
			}
		}
		saved(err)
	}, w.window)
	d.SetFileName(name)
	d.Show()
}

// written asks for the profile, and its issuer for what only it knows, and writes it for a tool.
func (a *actions) written(name, id string, done func(carry.Written, error)) {
	begin(a, func(ctx context.Context) (carry.Written, error) {
		view, err := a.agent.Profile(ctx, name)
		if err != nil {
			return carry.Written{}, err
		}
		item := carry.Item{Profile: view.Profile, Secrets: view.Secrets}
		var silent error
		if item.NeedsEndpoints(id) {
			var found agent.Discovery
			if found, silent = a.agent.Discover(ctx, view.Profile.Issuer); silent == nil {
				item.Complete(found.AuthorizationEndpoint, found.TokenEndpoint)
			}
		}
		written, err := carry.Export(id, []carry.Item{item})
		if silent != nil && err == nil {
			written.Left = append([]carry.Left{{Profile: name, What: "endpoints", Why: problemWords(silent)}}, written.Left...)
		}
		return written, err
	}, done)
}
