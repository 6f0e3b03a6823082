package profiles

import "strings"

// Nearest returns at most three candidates that somebody who typed name may have meant, nearest first: those that are a typing
// error away, and those that begin with it.
func Nearest(candidates []string, name string) []string {
	name = strings.ToLower(name)
	limit := max(1, (len(name)+2)/3) // a third mistyped, or two letters swapped, is a typing error; more is another word
	var near []string
	for distance := 0; distance <= limit; distance++ {
		for _, candidate := range candidates {
			lower := strings.ToLower(candidate)
			d := edits(lower, name)
			if len(name) >= 2 && strings.HasPrefix(lower, name) {
				d = min(d, 1)
			}
			if d == distance && len(near) < 3 {
				near = append(near, candidate)
			}
		}
	}
	return near
}

// edits counts the letters to insert, remove or replace to get from a to b (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
