package carry

import (
	"fmt"
	"slices"
	"strings"

	"fob/profiles"
)

// The ways in which a draft meets the profiles there are.
const (
	Adds      = "add"
	Replaces  = "replace"
	Unchanged = "unchanged"
)

// Meets says what it would do to the profiles there are to take a draft in, and every difference to the one of its name. A
// profile is never changed before somebody saw them.
func (d Draft) Meets(present []profiles.Profile) (change string, differences []string) {
	i := slices.IndexFunc(present, func(q profiles.Profile) bool { return q.Name == d.Profile.Name })
	switch {
	case i < 0:
		return Adds, nil
	case present[i].Equal(d.Profile) && len(d.Secrets) == 0:
		return Unchanged, nil
	case !present[i].Equal(d.Profile):
		differences = Differences(present[i], d.Profile)
	}
	for _, key := range d.SecretKeys() {
		differences = append(differences, key+": replaced in the keychain")
	}
	return Replaces, differences
}

// SecretKeys are the keys of the draft's secrets, in order.
func (d Draft) SecretKeys() []string {
	var keys []string
	for key := range d.Secrets {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Revealed are the draft's secrets as the agent takes them.
func (d Draft) Revealed() map[string]string {
	if len(d.Secrets) == 0 {
		return nil
	}
	all := map[string]string{}
	for key, secret := range d.Secrets {
		all[key] = secret.Reveal()
	}
	return all
}

// Differences are the fields in which two profiles differ, one line each.
func Differences(old, now profiles.Profile) []string {
	var lines []string
	show := func(values []string) string {
		if len(values) == 0 {
			return "(not set)"
		}
		return strings.Join(values, " ")
	}
	for _, field := range profiles.Fields() {
		a, b := old.Get(field.Key), now.Get(field.Key)
		if !slices.Equal(a, b) {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", field.Key, show(a), show(b)))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "settings that this version of fob does not know differ")
	}
	return lines
}

// SecretWords says how many secrets of which kinds there are: "2 client secrets and 1 private key".
func SecretWords(drafts []Draft) string {
	count := map[string]int{}
	for _, d := range drafts {
		for key := range d.Secrets {
			count[key]++
		}
	}
	var words []string
	for _, f := range profiles.Fields() {
		if n := count[f.Key]; n > 0 {
			label := strings.ToLower(f.Label[:1]) + f.Label[1:]
			if n > 1 {
				label += "s"
			}
			words = append(words, fmt.Sprintf("%d %s", n, label))
		}
	}
	if len(words) > 1 {
		words[len(words)-2] += " and " + words[len(words)-1]
		words = words[:len(words)-1]
	}
	return strings.Join(words, ", ")
}
