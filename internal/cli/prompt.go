package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/agent"
)

// promptTime is how long a prompt may be held up by an agent that does not answer.
const promptTime = 300 * time.Millisecond

// promptShells are what --color takes: how each program wants colours in its prompt.
var promptShells = []string{"ansi", "bash", "fish", "starship", "zsh"}

// prompt prints a segment for a shell's prompt. It starts no agent and never fails: a prompt that complains is worse than none.
// Package quick does the same before the rest of the program is set up; this is for where it cannot.
func (f *face) prompt(ctx context.Context, name, color string) error {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, promptTime)
	defer cancel()
	client := agent.NewClient(home)
	defer client.Close()
	text, err := client.Prompt(ctx, agent.PromptRequest{Name: name, Color: color})
	if err != nil {
		return nil
	}
	return f.print(text)
}

// Prompt is the segment of a shell's prompt: with a name that profile and how long its token is good, without one those that wait
// for a person. It is empty when there is nothing to say. The agent calls it.
func Prompt(all []agent.Status, r agent.PromptRequest, now time.Time) string {
	const most = 3 // a prompt is one line, and not about Fob
	var parts []string
	for _, s := range all {
		waits := s.State == agent.LoginRequired || s.State == agent.Unusable || s.State == agent.Expiring
		if r.Name != "" && s.Name != r.Name || r.Name == "" && !waits {
			continue
		}
		parts = append(parts, promptPart(s, r.Color, now))
	}
	if n := len(parts) - most; n > 0 {
		parts = append(parts[:most], fmt.Sprintf("+%d", n))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " ") + "\n"
}

func promptPart(s agent.Status, color string, now time.Time) string {
	shape, _ := statusWord(s)
	name := []rune(clean(s.Name))
	if len(name) > 24 {
		name = append(name[:23], '…')
	}
	text := shape + " " + string(name)
	if s.Usable() && s.ExpiresAt != nil {
		text += " " + shortSpan(s.ExpiresAt.Sub(now))
	}
	if color == "zsh" {
		text = strings.ReplaceAll(text, "%", "%%") // the prompt is expanded once more
	}
	code := map[agent.State]string{agent.LoggedIn: "32", agent.Expiring: "33", agent.Offline: "36", agent.LoggingIn: "36", agent.LoginRequired: "31", agent.Unusable: "31"}[s.State]
	if code == "" {
		code = "2"
	}
	paint := func(code string) string {
		sequence := "\x1b[" + code + "m"
		switch color {
		case "bash": // what has no width stands between these (readline, RL_PROMPT_START_IGNORE)
			return "\x01" + sequence + "\x02"
		case "zsh":
			return "%{" + sequence + "%}"
		case "ansi", "fish", "starship":
			return sequence
		}
		return ""
	}
	return paint(code) + text + paint("0")
}

// shortSpan is a length of time in a prompt's few letters.
func shortSpan(d time.Duration) string {
	switch {
	case d <= 0:
		return "ended"
	case d < time.Minute:
		return "<1m"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
}

func checkColor(color string) error {
	if color != "" && !slices.Contains(promptShells, color) {
		return misused("one of "+strings.Join(promptShells, ", "), "there are no colours for %s", color)
	}
	return nil
}
