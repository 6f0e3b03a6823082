package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed requirements.txt
var requirementsText string

//go:embed features.txt
var featuresText string

// line is an R-line or F-row of the data files.
type line struct {
	id, group, text string
	level           string   // of an R-line: M, S or T
	where           []string // of an F-row
	none            string   // why an F-row means nothing here
	later           string   // when an R-line's matter comes, which nothing of is there yet
}

// parseLines reads a data file: "# " begins a comment, "## " a group.
func parseLines(text string) ([]line, error) {
	var lines []line
	group, seen := "", map[string]bool{}
	for row := range strings.SplitSeq(text, "\n") {
		if title, is := strings.CutPrefix(row, "## "); is {
			group = title
			continue
		}
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		l := line{group: group}
		if strings.HasPrefix(row, "R-") {
			l.id, row, _ = strings.Cut(row, " ")
			l.level, l.text, _ = strings.Cut(row, " ")
			l.text, l.later, _ = strings.Cut(l.text, " | later: ")
		} else {
			cells := strings.Split(row, " | ")
			if len(cells) != 3 {
				return nil, fmt.Errorf("%q has not three parts", row)
			}
			l.id, l.text = cells[0], cells[1]
			if why, is := strings.CutPrefix(cells[2], "none: "); is {
				l.none = why
			} else {
				l.where = strings.Split(cells[2], "; ")
			}
		}
		if number.FindString(l.id) != l.id || l.text == "" || seen[l.id] {
			return nil, fmt.Errorf("%q is no line, or there twice", l.id)
		}
		seen[l.id] = true
		lines = append(lines, l)
	}
	return lines, nil
}
