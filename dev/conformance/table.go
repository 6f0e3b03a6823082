package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// row is a line of the table without its result.
type row struct {
	line
	tests []test
	where string
}

// witness is the tests' own authorization server: what its tests hold is that it is strict, and nothing about Fob.
const witness = "fob/internal/authserver"

func (r row) gap() bool {
	return r.none == "" && r.later == "" && !slices.ContainsFunc(r.tests, func(t test) bool { return t.pkg != witness })
}

// table is what the sources say.
type table struct{ requirements, features []row }

// sources reads the data files and the tests below root.
func sources(root string) (*table, error) {
	requirements, err := parseLines(requirementsText)
	if err != nil {
		return nil, fmt.Errorf("requirements.txt: %w", err)
	}
	features, err := parseLines(featuresText)
	if err != nil {
		return nil, fmt.Errorf("features.txt: %w", err)
	}
	ids := map[string]bool{}
	for _, l := range slices.Concat(requirements, features) {
		ids[l.id] = true
	}
	held, err := holders(root, func(id string) bool { return ids[id] })
	if err != nil {
		return nil, err
	}
	t := &table{}
	for _, l := range requirements {
		if l.later != "" && len(held[l.id]) > 0 {
			return nil, fmt.Errorf("requirements.txt: %s is for later, and tests hold it", l.id)
		}
		t.requirements = append(t.requirements, row{line: l, tests: held[l.id]})
	}
	for _, l := range features {
		r := row{line: l, tests: held[l.id], where: strings.Join(l.where, "; ")}
		for _, place := range l.where {
			known, err := there(root, place)
			if err != nil {
				return nil, err
			}
			if !known {
				return nil, fmt.Errorf("features.txt: %s: Fob has no %q; several places are parted by a semicolon", l.id, place)
			}
		}
		if l.none != "" {
			r.where = "outside a library this means nothing: " + l.none
		}
		t.features = append(t.features, r)
	}
	return t, nil
}

const head = `# Conformance

<!-- Written by go run ./dev/conformance; make conformance does it. -->

What Fob must do, and the tests that hold it. A test names the line that it holds in a comment; this page is made from those comments and from the
results of ` + "`go test -json`" + `, and ` + "`make test`" + ` fails when it says something else than the sources do. **gap** means: no test of Fob's names the line. *not run* means:
no result was at hand, as for tests of another operating system.

`

// page is docs/conformance.md.
func (t *table) page(known map[test]outcome) string {
	var b strings.Builder
	b.WriteString(head)
	fmt.Fprintf(&b, "- Requirements: %s\n- Features: %s\n", count(t.requirements), count(t.features))
	b.WriteString("\n## Requirements\n\nM: the specification says MUST for the client. S: SHOULD. T: Fob's own policy. They are numbered in `dev/conformance/requirements.txt`.\n")
	for rows := range groups(t.requirements) {
		fmt.Fprintf(&b, "\n### %s\n\n| line | | what | tests | result |\n|---|---|---|---|---|\n", rows[0].group)
		for _, r := range rows {
			fmt.Fprintf(&b, "%s %s |\n", r.start(), result(r, known))
		}
	}
	b.WriteString("\n## Features\n\nWhat MSAL, requests_oauth2client, Authlib and httpx-oauth can do, and where Fob has it. They are numbered in `dev/conformance/features.txt`.\n")
	for rows := range groups(t.features) {
		fmt.Fprintf(&b, "\n### %s\n\n| row | what | where | tests | result |\n|---|---|---|---|---|\n", rows[0].group)
		for _, r := range rows {
			fmt.Fprintf(&b, "%s %s |\n", r.start(), result(r, known))
		}
	}
	return b.String()
}

// start is a row of the page up to its result.
func (r row) start() string {
	if r.level != "" {
		return fmt.Sprintf("| %s | %s | %s | %s |", r.id, r.level, cell(r.text), names(r.tests))
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", r.id, cell(r.text), cell(r.where), names(r.tests))
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// names is tests in words, by package.
func names(tests []test) string {
	var parts []string
	for i, t := range tests {
		pkg := strings.TrimPrefix(t.pkg, "fob/")
		if i > 0 && tests[i-1].pkg == t.pkg {
			parts[len(parts)-1] += ", " + t.name
		} else {
			parts = append(parts, pkg+": "+t.name)
		}
	}
	return strings.Join(parts, "; ")
}

func result(r row, known map[test]outcome) string {
	if r.later != "" {
		return r.later
	}
	if r.gap() && len(r.tests) > 0 {
		return "**gap**: only the test server"
	}
	if r.gap() {
		return "**gap**"
	}
	by := map[string][]string{}
	for _, t := range r.tests {
		word := map[string]string{"pass": "pass", "fail": "**fail**", "skip": "skipped"}[known[t].action]
		if word == "" {
			word = "*not run*"
		}
		by[word] = append(by[word], t.name)
	}
	var parts []string
	for _, word := range []string{"pass", "**fail**", "skipped", "*not run*"} {
		switch {
		case len(by[word]) == len(r.tests) && len(r.tests) > 0 || word == "pass" && len(by[word]) > 0:
			parts = append(parts, word)
		case len(by[word]) > 0:
			parts = append(parts, word+": "+strings.Join(by[word], ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func count(rows []row) string {
	gaps, none, later := 0, 0, 0
	for _, r := range rows {
		switch {
		case r.gap():
			gaps++
		case r.later != "":
			later++
		case len(r.tests) == 0:
			none++
		}
	}
	text := fmt.Sprintf("%d, of which %d are held by tests and %d are gaps", len(rows), len(rows)-gaps-none-later, gaps)
	if later > 0 {
		text += fmt.Sprintf("; %d for later", later)
	}
	if none > 0 {
		text += fmt.Sprintf("; %d mean nothing outside a library", none)
	}
	return text
}

// groups yields the rows of each group.
func groups(rows []row) func(func([]row) bool) {
	return func(yield func([]row) bool) {
		for len(rows) > 0 {
			end := slices.IndexFunc(rows, func(r row) bool { return r.group != rows[0].group })
			if end < 0 {
				end = len(rows)
			}
			if !yield(rows[:end]) {
				return
			}
			rows = rows[end:]
		}
	}
}

// check compares the page at path, but for its results, with the sources. A failure that it records is an error, too.
func (t *table) check(path, page string) error {
	said := map[string]string{}
	for l := range strings.SplitSeq(page, "\n") {
		if id, _, is := strings.Cut(strings.TrimPrefix(l, "| "), " |"); is && number.FindString(id) == id {
			said[id] = l
		}
	}
	var errs []error
	for _, r := range slices.Concat(t.requirements, t.features) {
		now, have := r.start(), said[r.id]
		delete(said, r.id)
		switch ended, is := strings.CutPrefix(have, now); {
		case !is:
			errs = append(errs, fmt.Errorf("%s: the sources say\n  %s\nand the page\n  %s", r.id, now, have))
		case r.later != "" && !strings.HasPrefix(ended, " "+r.later+" |"):
			errs = append(errs, fmt.Errorf("%s: the result is%s and not %q", r.id, strings.TrimSuffix(ended, "|"), r.later))
		case strings.Contains(ended, "**fail**") || strings.Contains(ended, "**gap**") != r.gap():
			errs = append(errs, fmt.Errorf("%s: the result is%s", r.id, strings.TrimSuffix(ended, "|")))
		}
	}
	for id := range said {
		errs = append(errs, fmt.Errorf("%s: the page has a line that is none", id))
	}
	if errs != nil {
		return errors.Join(append(errs, fmt.Errorf("%s is stale: run make conformance after make test, and commit it", path))...)
	}
	return nil
}
