package carry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is what is read: a text, or the files of a folder.
type Source struct {
	Name  string            // of the file or the folder, to propose names from; "" for what was pasted
	Text  string            // of the one file
	Files map[string]string // of a folder, by their paths in it with "/"

	skipped []Left // what of a folder was not looked at
}

// Limits of what is read. Collections with saved answers have some megabytes; who sends more sends something else.
const (
	maxBytes = 16 << 20
	maxFiles = 5000
	maxDepth = 12 // of folders
)

// ErrTooLarge is a source larger than any collection.
var ErrTooLarge = errors.New("is larger than " + strconv.Itoa(maxBytes>>20) + " MiB")

// Open reads a file, or a folder's files that a collection may have. It follows no link in a folder.
func Open(name string) (Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Source{}, err
	}
	s := Source{Name: base(name)}
	if info.IsDir() {
		root, err := os.OpenRoot(name) // whatever happens to the folder meanwhile, nothing outside of it is read
		if err != nil {
			return s, err
		}
		defer root.Close()
		return s, s.folder(root.FS())
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("%s is neither a file nor a folder", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return s, err
	}
	defer file.Close()
	s.Text, err = bounded(file, maxBytes)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Read reads a text that was piped or pasted.
func Read(r io.Reader) (Source, error) {
	text, err := bounded(r, maxBytes)
	return Source{Text: text}, err
}

// bounded reads at most limit bytes of text.
func bounded(r io.Reader, limit int64) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return "", err
	case int64(len(text)) > limit:
		return "", ErrTooLarge
	}
	return strings.ToValidUTF8(strings.TrimPrefix(string(text), "\ufeff"), "\ufffd"), nil
}

func (s *Source) folder(tree fs.FS) error {
	s.Files = map[string]string{}
	left := int64(maxBytes)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || name != "." && strings.HasPrefix(entry.Name(), ".") || strings.Count(name, "/") >= maxDepth):
			return fs.SkipDir
		case entry.Type()&fs.ModeSymlink != 0:
			s.skipped = append(s.skipped, Left{What: clean(name), Why: "is a link; only what lies in the folder itself is read"})
			return nil
		case !entry.Type().IsRegular() || !collectionFile(name):
			return nil
		case len(s.Files) == maxFiles:
			return fmt.Errorf("the folder has more than %d files", maxFiles)
		}
		file, err := tree.Open(name)
		if err != nil {
			return err
		}
		text, err := bounded(file, left)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("the folder, at %s: %w", name, err)
		}
		left -= int64(len(text))
		s.Files[name] = text
		return nil
	})
	return err
}

func collectionFile(name string) bool {
	switch path.Ext(name) {
	case ".bru", ".yml", ".yaml":
		return true
	}
	return path.Base(name) == "bruno.json"
}

// base is the name of a file as a name for people: without its folder, its ending and what tools add to it.
func base(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	for _, end := range []string{".json", ".yaml", ".yml", ".bru", ".txt", ".postman_collection", ".postman_environment"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

// tree is the source as JSON or YAML, once for all formats; the error says why it is neither.
func (s Source) tree() (node, error) {
	if s.Files != nil {
		return node{}, nil
	}
	return parse(s.Text)
}

func printable(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
