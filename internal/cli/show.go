package cli

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) showVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show claims, scopes, expiry and checks of a login",
		Long: `Shows everything Fob knows of the profile's login: account, expiry, scopes granted and not granted, the claims of the access
token (for display: only the API judges it) and of the ID token, the checks the ID token passed, and what happened. No token is shown.`,
		Example: "  fob show work\n  fob show work --json | jq .id_token_claims",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			details, err := withName(ctx, client, args[0], func(name string) (agent.Details, error) { return client.Details(ctx, name) })
			switch {
			case err != nil:
				return err
			case asJSON:
				return f.printJSON(details)
			}
			return f.print(showText(details, time.Now()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func showText(d agent.Details, now time.Time) string {
	shape, word := statusWord(d.Status)
	rows := [][]string{{"profile", d.Name}, {"state", shape + " " + word}}
	add := func(label, value string) {
		if value != "" {
			rows = append(rows, []string{label, value})
		}
	}
	add("environment", d.Environment)
	add("issuer", d.Issuer)
	add("grant", d.Grant)
	for i, weak := range d.Weaknesses {
		label := "weak"
		if i > 0 {
			label = "also weak" // a person reads each, a script --json
		}
		add(label, weak.Key+": "+weak.Sentence)
	}
	add("account", d.Account)
	if d.Subject != d.Account {
		add("subject", d.Subject)
	}
	if d.ObtainedAt != nil {
		add("obtained", moment(*d.ObtainedAt)+", "+relative(*d.ObtainedAt, now))
	}
	if left := timeLeft(d.Status, now); left != "" {
		if d.ExpiresAt != nil {
			left = moment(*d.ExpiresAt) + ", " + left
		}
		add("token", strings.TrimPrefix(d.TokenType+", "+left, ", "))
		add("refresh", refreshWords(d.Status, now))
	}
	add("client auth", d.Authentication)
	for _, suggestion := range d.Suggestions {
		add("suggestion", suggestion)
	}
	add("scope", strings.Join(d.Scope, " "))
	if d.Usable() && len(d.Scope) > 0 {
		missing := slices.DeleteFunc(slices.Clone(d.ScopeRequested), func(s string) bool { return slices.Contains(d.Scope, s) })
		add("not granted", strings.Join(missing, " "))
	} else if len(d.Scope) == 0 {
		add("asks for", strings.Join(d.ScopeRequested, " "))
	}
	add("granted details", string(d.AuthorizationDetails))
	add("api", d.APIBaseURL)
	if p := d.Problem; p != nil {
		add("problem", p.Sentence)
		add("when", p.Times(now))
		add("remedy", p.Remedy)
	}
	if c := d.Clock; c != nil {
		add("clock", c.Sentence)
		add("clock remedy", c.Remedy)
	}
	text := table(rows)
	if len(d.Forecast) > 0 {
		var ends [][]string
		for _, end := range d.Forecast {
			ends = append(ends, []string{end.Name(), end.Words(now)})
		}
		text += "\nwhat ends when\n" + indent(table(ends))
	}
	if d.Locked && d.Usable() {
		text += "\nFob is locked. The claims are shown after: fob unlock\n"
	}
	text += claimsText("access token claims (for display only)", d.AccessClaims, now)
	text += claimsText("ID token claims", d.IDClaims, now)
	if len(d.Checks) > 0 {
		text += "\nID token checks\n" + indent(table(checkRows(d.Checks)))
	}
	if len(d.History) > 0 {
		var rows [][]string
		for _, ev := range d.History {
			rows = append(rows, []string{moment(ev.At), ev.What})
		}
		text += "\nhistory\n" + indent(table(rows))
	}
	return text
}

func refreshWords(s agent.Status, now time.Time) string {
	switch {
	case unattended(s):
		return "by asking again: this grant needs nobody"
	case !s.Refreshable:
		return "not possible: the server gave no refresh token"
	case s.RefreshDueAt == nil:
		return "when a token is asked for"
	case s.RefreshDueAt.After(now):
		return "by itself in " + span(s.RefreshDueAt.Sub(now))
	}
	return "due"
}

func checkRows(checks []agent.Check) [][]string {
	var rows [][]string
	for _, check := range checks {
		mark := "ok"
		if !check.OK {
			mark = "FAILED"
		}
		rows = append(rows, []string{mark, check.Name, check.Detail, check.Spec})
	}
	return rows
}

// firstClaims are the registered claims in the order a person looks for them (RFC 7519 §4.1, OpenID Connect Core §2); the
// others follow by name.
var firstClaims = []string{"iss", "sub", "aud", "azp", "client_id", "scope", "exp", "iat", "nbf", "auth_time"}

// timeClaims are seconds since 1970 (NumericDate, RFC 7519 §2).
var timeClaims = []string{"exp", "iat", "nbf", "auth_time", "updated_at"}

func claimsText(title string, claims map[string]any, now time.Time) string {
	if len(claims) == 0 {
		return ""
	}
	return "\n" + title + "\n" + indent(table(claimRows(claims, now)))
}

func claimRows(claims map[string]any, now time.Time) [][]string {
	rank := func(name string) int {
		if i := slices.Index(firstClaims, name); i >= 0 {
			return i
		}
		return len(firstClaims)
	}
	names := make([]string, 0, len(claims))
	for name := range claims {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var rows [][]string
	for _, name := range names {
		rows = append(rows, []string{name, claimWords(name, claims[name], now)})
	}
	return rows
}

// claimWords is a claim's value: text as it is, times for people, the rest as JSON.
func claimWords(name string, value any, now time.Time) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		seconds, err := v.Float64()
		// Times beyond the year 9999 are not times; Go's time.Unix would show nonsense.
		if err == nil && slices.Contains(timeClaims, name) && seconds >= 0 && seconds < 253402300800 {
			t := time.Unix(int64(math.Floor(seconds)), 0)
			return moment(t) + ", " + relative(t, now)
		}
		return v.String()
	case float64: // from the agent's answer
		return claimWords(name, json.Number(strconv.FormatFloat(v, 'f', -1, 64)), now)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
