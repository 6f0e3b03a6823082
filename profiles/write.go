package profiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// errOvertaken says that somebody else wrote the file since it was read.
var errOvertaken = errors.New("profiles.json was changed again and again by something else while Fob wrote it; nothing was written")

// tempPattern names the files that a write makes beside the file; what a crash leaves of them is cleared away later.
const tempPattern = ".profiles-*.tmp"

// write replaces the file by text, whole or not at all: a new file beside it, on the disk before it takes the name.
func (f *File) write(text string, was *snapshot) (fs.FileInfo, error) {
	target, err := resolve(f.path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f.pass("create", nil)
	temp, err := os.CreateTemp(dir, tempPattern) // mode 0600
	if err != nil {
		return nil, err
	}
	done := false
	defer func() {
		temp.Close()
		if !done {
			os.Remove(temp.Name())
		}
	}()
	f.pass("write", temp)
	if _, err := temp.WriteString(text); err != nil {
		return nil, err
	}
	f.pass("sync", temp)
	if err := temp.Sync(); err != nil {
		return nil, err
	}
	if err := temp.Close(); err != nil {
		return nil, err
	}
	f.pass("rename", nil)
	if f.overtaken(was) {
		return nil, errOvertaken
	}
	if err := os.Rename(temp.Name(), target); err != nil {
		return nil, err
	}
	done = true
	f.pass("sync directory", nil)
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	f.pass("end", nil)
	sweep(dir)
	return os.Stat(target)
}

func (f *File) pass(step string, temp *os.File) {
	if f.step != nil {
		f.step(step, temp)
	}
}

// overtaken says whether the file is not the one that was read any more.
func (f *File) overtaken(was *snapshot) bool {
	info, err := os.Stat(f.path)
	if was.info == nil {
		return err == nil
	}
	return err != nil || !os.SameFile(info, was.info) || info.Size() != was.info.Size() || !info.ModTime().Equal(was.info.ModTime())
}

// resolve follows symbolic links, so that a profiles.json that a dotfile manager links stays a link. The last one may
// point to a file that is not there yet.
func resolve(path string) (string, error) {
	for range 40 {
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // not a link, or not there: it is the target itself
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", errors.New(path + " is a symbolic link that leads in a circle; remove it")
}

// sweep clears away what a crash left of earlier writes. A minute is far longer than any write takes.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(escapeGlob(dir), tempPattern))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > time.Minute {
			os.Remove(path)
		}
	}
}

// escapeGlob makes filepath.Glob take a directory by its name, whatever is in it.
func escapeGlob(dir string) string {
	if filepath.Separator == '\\' {
		return dir // there is no escaping on Windows
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
