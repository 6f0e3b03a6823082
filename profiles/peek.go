package profiles

import "os"

// Peek reads the profiles of the file at path for a shell that completes names: it makes nothing and, other than [OpenFile], copies
// nothing aside. What cannot be read is left out.
func Peek(path string) []Profile {
	info, err := os.Stat(path)
	if err != nil || info.Size() > fileMax {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	doc, err := parseDocument(path, string(text))
	if err != nil {
		return nil
	}
	var all []Profile
	for _, e := range doc.entries {
		if e.problems == nil {
			all = append(all, e.profile.Clone())
		}
	}
	return all
}
