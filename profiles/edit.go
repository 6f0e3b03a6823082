package profiles

import (
	"errors"
	"fmt"
	"slices"
)

// What an edit of the file can be refused for; each comes wrapped with the profile's name.
var (
	ErrNotFound = errors.New("there is no such profile")
	ErrExists   = errors.New("the name is taken by another profile")
)

// put is [File.Put] on a document.
func (d *document) put(p Profile, rename string, create bool) (*document, error) {
	if problems := p.Validate(); len(problems) > 0 {
		return nil, &InvalidError{Name: p.Name, Problems: problems}
	}
	from := p.Name
	if rename != "" {
		from = rename
	}
	i, usable := d.find(from)
	if from != p.Name {
		if i < 0 {
			return nil, fmt.Errorf("profile %s: %w", from, ErrNotFound)
		}
		if j, _ := d.find(p.Name); j >= 0 {
			return nil, fmt.Errorf("profile %s: %w", p.Name, ErrExists)
		}
	}
	if i >= 0 {
		if create {
			return nil, fmt.Errorf("profile %s: %w", p.Name, ErrExists)
		}
		if err := d.writable(i, usable); err != nil {
			return nil, err
		}
	}
	entries := slices.Clone(d.entries)
	if i < 0 {
		return d.with(append(entries, newEntry(p))), nil
	}
	// A hand edit may have added members that Fob does not know since p was read: those of the file are kept.
	p.unknown = entries[i].profile.unknown
	if p.Equal(entries[i].profile) {
		return d, nil
	}
	entries[i] = newEntry(p)
	return d.with(entries), nil
}

// writable says why an entry must not be replaced: its text holds something that Fob would lose.
func (d *document) writable(i int, usable bool) error {
	e := d.entries[i]
	problems := e.problems
	if usable {
		problems = e.profile.secretProblems()
	}
	if len(problems) == 0 {
		return nil
	}
	line, _ := position(d.text, e.at)
	return fmt.Errorf("%w; the profile stands in line %d of the file", &InvalidError{Name: e.profile.Name, Problems: problems}, line)
}

// remove is [File.Remove] on a document.
func (d *document) remove(name string) (*document, error) {
	i, _ := d.find(name)
	if i < 0 {
		return nil, fmt.Errorf("profile %s: %w", name, ErrNotFound)
	}
	return d.with(slices.Delete(slices.Clone(d.entries), i, i+1)), nil
}
