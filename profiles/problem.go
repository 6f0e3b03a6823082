package profiles

import "strings"

// Problem is what is wrong with one field of a profile.
type Problem struct {
	Key     string `json:"key"`
	Message string `json:"message"` // what is wrong and what would be right; never the value of a secret
}

// Error is the field and what is wrong with it.
func (p Problem) Error() string { return p.Key + ": " + p.Message }

// InvalidError is returned when a profile is refused: by [File.Put] for what [Profile.Validate] found, and when a
// profile cannot be read from JSON. errors.As finds each [Problem].
type InvalidError struct {
	Name     string // "" when even the name could not be read
	Problems []Problem
}

// Error names the profile and everything that is wrong with it.
func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Error()
	}
	text := strings.Join(parts, "; ")
	if e.Name == "" {
		return "profile: " + text
	}
	return "profile " + e.Name + ": " + text
}

// Unwrap are the problems.
func (e *InvalidError) Unwrap() []error {
	all := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		all[i] = p
	}
	return all
}
