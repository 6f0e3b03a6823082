package cli

import (
	"context"
	"errors"
	"strings"

	"fob/internal/agent"
	"fob/profiles"
)

// withName asks the agent something about the profile that the user calls name: exactly that one, else the only one that
// differs in case alone, else an error that suggests the nearest names.
func withName[T any](ctx context.Context, client *agent.Client, name string, ask func(name string) (T, error)) (T, error) {
	answer, err := ask(name)
	var known *agent.Error
	if !errors.As(err, &known) || known.Code != unknownProfile {
		return answer, err
	}
	all, listErr := client.Profiles(ctx)
	if listErr != nil {
		return answer, err
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if actual := onlyFold(names, name); actual != "" {
		return ask(actual)
	}
	return answer, unknownName(names, name)
}

// onlyFold is the one of names that equals name but for case, or nothing.
func onlyFold(names []string, name string) string {
	var found string
	for _, n := range names {
		if !strings.EqualFold(n, name) {
			continue
		}
		if found != "" {
			return ""
		}
		found = n
	}
	return found
}

// unknownProfile is the code of the agent's error for a name that no profile has.
const unknownProfile = "unknown_profile"

func unknownName(names []string, name string) error {
	remedy := "`fob status` lists the profiles there are"
	if near := profiles.Nearest(names, name); len(near) > 0 {
		remedy = "did you mean " + strings.Join(near, " or ") + "?"
	} else if len(names) == 0 {
		remedy = "there are no profiles yet: `fob demo` makes one to try, `fob profile add` one of your own"
	}
	return &agent.Error{Kind: agent.Misused, Code: unknownProfile, Sentence: "no profile is named " + name, Remedy: remedy}
}
