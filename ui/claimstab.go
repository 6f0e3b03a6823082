package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// claimsTab is what is written in the tokens, with times people can read. Claims of an access token are for display only:
// nothing in Fob depends on them.
type claimsTab struct {
	content *fyne.Container
	idTitle *line
	id      *facts
	atTitle *line
	at      *facts
	atNote  *widget.Label
	none    *widget.Label
	hint    *line
	who     *asked
	shown   time.Time // when the token that is shown was obtained
	atGroup fyne.CanvasObject
	idGroup fyne.CanvasObject
}

func newClaimsTab() *claimsTab {
	t := &claimsTab{idTitle: newLine("ID TOKEN", section), id: newFacts(), atTitle: newLine("ACCESS TOKEN", section), at: newFacts(),
		atNote: paragraph(""), none: paragraph(""), who: newWhoAmI()}
	t.id.mono, t.at.mono = true, true
	t.id.least, t.at.least = 120, 120
	t.atGroup = column(6, t.atTitle, t.at.content, t.atNote)
	t.idGroup = column(6, t.idTitle, t.id.content)
	t.hint = newLine("Press a value to copy it.", caption)
	t.content = column(16, t.none, t.hint, t.atGroup, t.idGroup, t.who.content)
	return t
}

// show is the only code that changes the tab's widgets.
func (t *claimsTab) show(d agent.Details, now time.Time) {
	obtained := time.Time{}
	if d.ObtainedAt != nil {
		obtained = *d.ObtainedAt
	}
	if !obtained.Equal(t.shown) {
		t.who.clear()
	}
	t.shown = obtained
	t.who.offer(d.Usable() && d.TokenType != typeOAuth1 && !unattended(d.Status))
	t.at.show(claimFacts(d.AccessClaims, now))
	t.id.show(claimFacts(d.IDClaims, now))
	visible(t.hint, len(d.AccessClaims)+len(d.IDClaims) > 0)
	visible(t.idGroup, len(d.IDClaims) > 0)
	opaque := d.Usable() && len(d.AccessClaims) == 0 && !d.Locked
	visible(t.atGroup, len(d.AccessClaims) > 0 || opaque)
	t.atNote.SetText("The access token is opaque: only the server can read it.")
	visible(t.atNote, opaque)
	t.none.SetText("No token, so no claims. Log in to see them.")
	if unattended(d.Status) {
		t.none.SetText("No token, so no claims.")
	}
	if d.Locked {
		t.none.SetText("Fob is locked. The claims are here again when it is unlocked.")
	}
	visible(t.none, (!d.Usable() || d.Locked) && len(d.AccessClaims)+len(d.IDClaims) == 0)
}

// claimOrder is the order of the claims everybody looks for; the others follow by name.
var claimOrder = []string{"iss", "sub", "aud", "azp", "client_id", "email", "email_verified", "preferred_username", "name", "scope", "scp", "exp", "iat", "nbf", "auth_time"}

// claimMost is how much of one claim is shown, in bytes: a directory's groups can fill megabytes.
const claimMost = 4000

func claimFacts(claims map[string]any, now time.Time) []fact {
	names := slices.SortedFunc(maps.Keys(claims), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	all := make([]fact, 0, len(names))
	for _, name := range names {
		all = append(all, fact{name, claimText(name, claims[name], now)})
	}
	return all
}

func rank(name string) int {
	if i := slices.Index(claimOrder, name); i >= 0 {
		return i
	}
	return len(claimOrder)
}

// claimText is a claim's value, with the moment beside it where it is one.
func claimText(name string, value any, now time.Time) string {
	switch v := value.(type) {
	case string:
		return shorten(v)
	case float64:
		number := strconv.FormatFloat(v, 'f', -1, 64)
		if at, ok := claimTime(name, v); ok {
			return number + "  " + moment(at, now)
		}
		return number
	case bool, nil:
		return fmt.Sprint(v)
	case []any:
		if words, ok := plainList(v); ok {
			return shorten(words)
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if encoder.Encode(value) != nil {
		return "(not JSON)"
	}
	return shorten(strings.TrimSpace(text.String()))
}

// moment is a time for people: when, and how far away.
func moment(at, now time.Time) string {
	words := at.Local().Format("Mon 2 Jan 2006 15:04:05")
	if d := at.Sub(now); d > 0 {
		return words + ", in " + roughly(d)
	}
	return words + ", " + ago(now.Sub(at))
}

// claimTime says whether a number is a NumericDate (RFC 7519 §2): by the claim's name, and within a century.
func claimTime(name string, v float64) (time.Time, bool) {
	switch {
	case name == "exp", name == "iat", name == "nbf", name == "auth_time", strings.HasSuffix(name, "_at"), strings.HasSuffix(name, "_time"):
	default:
		return time.Time{}, false
	}
	if v < 1e8 || v > 5e9 || math.IsNaN(v) {
		return time.Time{}, false
	}
	whole := math.Floor(v)
	return time.Unix(int64(whole), int64((v-whole)*1e9)), true
}

func plainList(values []any) (string, bool) {
	words := make([]string, 0, len(values))
	for _, value := range values {
		word, ok := value.(string)
		if !ok {
			return "", false
		}
		words = append(words, word)
	}
	return strings.Join(words, "\n"), true
}

func shorten(s string) string {
	if len(s) <= claimMost {
		return s
	}
	return strings.ToValidUTF8(s[:claimMost], "") + fmt.Sprintf("… (%d bytes in all)", len(s))
}
