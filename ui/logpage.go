package ui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// logView is the agent's log, the newest line first, while it is written.
type logView struct {
	content *fyne.Container
	level   *picker
	none    *line
	rows    *fyne.Container
	lines   []agent.LogLine // what there is, oldest first
	now     func() string   // the day, for lines that are of another
}

// logShown bounds what is on the page; `fob log` has the rest.
const logShown = 200

// logLevels are the choices of what to see, and of what to log, in the order of agent.LogLevels.
var logLevels = []string{"Everything", "What is done", "Warnings", "Errors only"}

func newLogView(today func() string) *logView {
	v := &logView{none: newLine("Nothing is logged yet.", muted), rows: column(6), now: today}
	v.level = newPicker(logLevels, func(string) { v.draw() })
	v.content = column(10, across(8, 2, newFixed(48, newShortLine("Show", muted)), container.New(fixedWidth(200), v.level), newLine("the newest first; it goes on by itself", muted)), v.none, v.rows)
	v.level.SetSelectedIndex(0)
	return v
}

// add shows lines that came.
func (v *logView) add(lines []agent.LogLine) {
	if len(lines) == 0 {
		return
	}
	v.lines = append(v.lines, lines...)
	if extra := len(v.lines) - 10*logShown; extra > 0 {
		v.lines = slices.Clone(v.lines[extra:])
	}
	v.draw()
}

// draw is the only code that changes the rows.
func (v *logView) draw() {
	if v.rows == nil {
		return
	}
	v.rows.Objects = nil
	for _, line := range slices.Backward(v.lines) {
		if slices.Index(agent.LogLevels, line.LevelName()) < v.level.SelectedIndex() {
			continue
		}
		if len(v.rows.Objects) == logShown {
			break
		}
		v.rows.Objects = append(v.rows.Objects, v.row(line))
	}
	visible(v.none, len(v.rows.Objects) == 0)
	v.rows.Refresh()
	v.content.Refresh()
}

// logColors make what went wrong stand out.
var logColors = map[string]fyne.ThemeColorName{"warn": colorSoon, "error": colorNeed}

func (v *logView) row(line agent.LogLine) fyne.CanvasObject {
	at := line.Time.Local().Format("15:04:05")
	if day := line.Time.Local().Format("2 Jan"); day != v.now() {
		at = day + " " + at
	}
	color := logColors[line.LevelName()]
	if color == "" {
		color = colorMuted
	}
	words := newNote("")
	words.set(strings.TrimSpace(line.Words()), theme.ColorNameForeground)
	cell := func(width float32, text string, color fyne.ThemeColorName) fyne.CanvasObject { // beside the first of several lines
		return container.NewVBox(newFixed(width, newShortLine(text, look{color: color, size: theme.SizeNameCaptionText})))
	}
	return container.NewBorder(nil, nil, container.NewHBox(cell(100, at, colorMuted), cell(44, line.LevelName(), color)), nil, inset(-7, -7, -8, -8, words))
}

var errLeft = errors.New("the page was left")

// openLog shows the log until the page is left.
func (w *Window) openLog() {
	v := newLogView(func() string { return w.actions.world.now().Format("2 Jan") })
	w.openSub("Log", v, v.content, nil)
	left := false
	w.actions.followLog(func(lines []agent.LogLine) bool {
		if left = left || w.page == nil || w.page.about != v; !left {
			v.add(lines)
		}
		return !left
	}, func(err error) {
		if !left {
			v.none.set(sentence(err.Error()))
			visible(v.none, true)
		}
	})
}

// openSub opens a page that leads back to the settings.
func (w *Window) openSub(heading string, about any, body, below fyne.CanvasObject) {
	p := newPage(heading, nil, body, below, func() {
		w.back()
		w.openSettings()
	})
	p.about = about
	w.open(p)
}

// followLog hands lines to show, where widgets may be touched, until it returns false.
func (a *actions) followLog(show func([]agent.LogLine) bool, failed func(error)) {
	begin(a, func(ctx context.Context) (nothing, error) {
		return nothing{}, a.agent.FollowLog(ctx, func(lines []agent.LogLine) error {
			goes := make(chan bool, 1)
			a.post(func() { goes <- show(lines) })
			select {
			case on := <-goes:
				if !on {
					return errLeft
				}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}, func(_ nothing, err error) {
		if err != nil && !errors.Is(err, errLeft) {
			failed(err)
		}
	})
}

// reportView is a report to attach to a bug, to be read before it is saved.
type reportView struct {
	content *fyne.Container
	files   *picker
	about   *line
	text    *widget.Label
	legend  *fyne.Container
	wrong   *note
	save    *button
	made    agent.BugReport
}

func newReportView() *reportView {
	v := &reportView{about: newLine("", muted), text: widget.NewLabel(""), legend: column(3), wrong: newNote("")}
	v.text.TextStyle, v.text.Wrapping = fyne.TextStyle{Monospace: true}, fyne.TextWrapBreak
	v.text.SizeName = theme.SizeNameCaptionText
	v.files = newPicker(nil, func(string) { v.draw() })
	v.save = newButton("Save …", theme.DocumentSaveIcon(), widget.HighImportance, nil)
	v.content = column(12,
		inset(-7, -7, -8, -8, paragraph("A zip file to attach to a bug, with what helps and nothing private: names have stand-ins, the same everywhere. All of it is text. Read it here before you save it.")),
		across(8, 1, newFixed(80, newShortLine("In it", muted)), v.files), v.about, v.legend, v.wrong, inset(0, 0, -8, -8, v.text))
	enable(v.save, false)
	visible(v.wrong, false)
	return v
}

// show is the only code that takes a report.
func (v *reportView) show(made agent.BugReport, err error) {
	if err != nil {
		v.say(err)
		return
	}
	v.made = made
	var names []string
	for _, file := range made.Files {
		names = append(names, file.Name)
	}
	v.files.Options = names
	v.legend.Objects = nil
	for _, stand := range made.Stands() {
		v.legend.Add(newLine(stand+" is "+made.Legend[stand]+", which the report does not say", muted))
		if len(v.legend.Objects) == legendShown && len(made.Legend) > legendShown {
			v.legend.Add(newLine("and so on; fob doctor --bundle tells all", muted))
			break
		}
	}
	enable(v.save, len(names) > 0)
	if len(names) > 0 {
		v.files.SetSelectedIndex(0)
	}
	v.content.Refresh()
}

// legendShown bounds the legend on the page.
const legendShown = 5

// linesShown bounds the text on the page: Fyne lays out a label at once, whatever its length.
const linesShown = 150

func (v *reportView) draw() {
	if i := v.files.SelectedIndex(); i >= 0 && i < len(v.made.Files) {
		file := v.made.Files[i]
		lines := strings.SplitAfter(file.Text, "\n")
		more := ""
		if len(lines) > linesShown {
			lines, more = lines[len(lines)-linesShown:], "; its last lines are shown here"
		}
		v.about.set(sentence(file.About + takenWords(file.Taken) + more))
		v.text.SetText(strings.Join(lines, ""))
		v.content.Refresh()
	}
}

func takenWords(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; one place taken out"
	}
	return "; " + strconv.Itoa(n) + " places taken out"
}

func (v *reportView) say(err error) {
	v.wrong.set(problemWords(err), colorNeed)
	visible(v.wrong, true)
	v.content.Refresh()
}

// openReport makes a report, shows it, and saves it where the user likes.
func (w *Window) openReport() {
	v := newReportView()
	mine := func() bool { return w.page != nil && w.page.about == v }
	w.actions.report(func(made agent.BugReport, err error) {
		if mine() {
			v.show(made, err)
		}
	})
	v.save.OnTapped = func() {
		if v.save.Disabled() {
			return
		}
		now := w.actions.world.now()
		packed, err := v.made.Zip(now)
		if err != nil {
			v.say(err)
			return
		}
		w.save("fob-report-"+now.Format("20060102-150405")+".zip", packed, func(err error) {
			if err != nil {
				v.say(err)
			} else if mine() {
				w.page.leave()
			}
		})
	}
	w.openSub("Report a bug", v, v.content, across(8, 0, newLine("", plain), quiet("Cancel", nil, func() { w.page.leave() }), v.save))
	w.page.accept = func() { v.save.OnTapped() }
}

func (a *actions) report(done func(agent.BugReport, error)) {
	begin(a, func(ctx context.Context) (agent.BugReport, error) {
		request := agent.ReportRequest{Facts: []agent.Fact{{Name: "window", Value: a.world.Version}}}
		return a.agent.Report(ctx, request)
	}, done)
}
