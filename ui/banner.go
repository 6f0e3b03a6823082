package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// banner says what is wrong, what to do, since when, and when Fob tries again.
type banner struct {
	content *fyne.Container
	back    *fillOf
	shape   *canvas.Image
	what    *widget.Label
	remedy  *widget.Label
	times   *line
	shut    *button         // takes it away; hidden where the banner goes by itself
	acts    *fyne.Container // what can be done about it, if that is a button
}

func newBanner() *banner {
	b := &banner{back: newFill(colorNeedTint, 8), shape: square(nil, 18), what: paragraph(""), remedy: paragraph(""), times: newShortLine("", caption), shut: quiet("", theme.CancelIcon(), nil)}
	b.what.TextStyle.Bold = true
	b.acts = inset(6, 4, 8, 8, container.NewHBox())
	b.acts.Hide()
	words := column(0, container.New(tight{}, b.what, b.remedy, inset(2, 0, 8, 8, b.times)), b.acts)
	b.content = container.NewStack(b.back, inset(6, 8, 12, 8, container.NewBorder(nil, nil, inset(8, 0, 0, 0, container.NewVBox(b.shape)), container.NewVBox(b.shut), words)))
	b.shut.Hide()
	b.content.Hide()
	return b
}

// offer puts buttons under the words.
func (b *banner) offer(all ...*button) {
	row := b.acts.Objects[0].(*fyne.Container)
	for _, act := range all {
		row.Add(act)
	}
	b.acts.Show()
}

// kind is how bad it is: a shape and the colour behind it.
type kind struct {
	shape string
	color fyne.ThemeColorName
	tint  fyne.ThemeColorName
}

var (
	needs = kind{"login_required", colorNeed, colorNeedTint}
	soon  = kind{"expiring", colorSoon, colorSoonTint}
	away  = kind{"offline", colorAway, colorAwayTint}
)

// show writes the problem, or takes the banner away when there is none.
func (b *banner) show(name string, p *agent.Problem, k kind, now time.Time) {
	if p == nil {
		visible(b.content, false)
		return
	}
	b.back.color = k.tint
	b.shape.Resource = icon(k.shape, k.color)
	b.what.SetText(sentence(about(name, p.Sentence)))
	b.remedy.SetText(sentence(p.Remedy))
	visible(b.remedy, p.Remedy != "")
	b.tick(p, now)
	b.back.Refresh()
	b.shape.Refresh()
	visible(b.content, true)
}

// tick writes only what moves with time.
func (b *banner) tick(p *agent.Problem, now time.Time) {
	words := upperFirst(p.Times(now)) // the same words as the command line's
	b.times.set(words)
	visible(b.times, words != "")
}

// tight stacks labels without the space that each brings along above and below.
type tight struct{}

func (tight) overlap() float32 { return theme.Size(theme.SizeNameInnerPadding) * 1.25 }

func (l tight) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size, n := fyne.Size{}, 0
	for _, o := range objects {
		if o.Visible() {
			least := o.MinSize()
			size.Width, size.Height, n = max(size.Width, least.Width), size.Height+least.Height, n+1
		}
	}
	size.Height -= l.overlap() * float32(max(0, n-1))
	return size
}

func (l tight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		height := o.MinSize().Height // wrapped text knows its height only once it has its width
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, height))
		y += height - l.overlap()
	}
}
