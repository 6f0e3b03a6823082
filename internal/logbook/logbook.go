// Package logbook knows the agent's log: lines that a person and a program can read, in files that stay small together, and how to
// read them again while they are written.
package logbook

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// fileMax is the size at which a file is moved aside: some ten thousand lines, which an editor opens at once.
	fileMax = 1 << 20
	// kept is how many older files there are: 4 MiB in all hold weeks at level info, and an afternoon at debug.
	kept = 3
)

// Levels are the names of the levels, from the one that says most.
var Levels = []string{"debug", "info", "warn", "error"}

// ParseLevel reads the name of a level; "" is info.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return slog.LevelInfo, fmt.Errorf("level %q: there is no such level; use %s", name, strings.Join(Levels, ", "))
}

// LevelName is the name of a level.
func LevelName(l slog.Level) string { return strings.ToLower(l.String()) }

// File is the log that one process writes. A log that cannot be written stops nobody: lines are lost and counted, each line tries
// anew, and the first one that can be written again follows one that says how many are missing.
type File struct {
	// Max is the size at which a file is moved aside; it is set before the first line.
	Max  int64
	path string
	kept int

	mu     sync.Mutex // guards what follows; held while writing, for lines must not mix
	file   *os.File
	size   int64
	broken bool // the file ends within a line
	lost   int  // lines since the last one that was written
	why    error
}

// New returns the log at path. It is opened by the first line.
func New(path string) *File { return &File{path: path, Max: fileMax, kept: kept} }

// Logger returns a logger that writes lines of level and above; level may change at any time.
func (f *File) Logger(level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch value := a.Value.Any().(type) {
		case time.Time:
			if a.Key == slog.TimeKey { // a laptop travels
				a.Value = slog.TimeValue(value.UTC())
			}
		case slog.Level:
			if a.Key == slog.LevelKey {
				a.Value = slog.StringValue(LevelName(value))
			}
		}
		return a
	}}))
}

// Problem says why lines are lost now, nil when they are not.
func (f *File) Problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}

// Close closes the file; a later line opens it again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.close()
}

// Write writes one line, and moves the file aside before it gets too large.
func (f *File) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.ready(int64(len(line)))
	if err == nil && f.lost > 0 {
		gap := fmt.Sprintf("time=%s level=warn msg=log lost=%d problem=%q\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), f.lost, f.why.Error())
		err = f.append([]byte(gap))
	}
	if err == nil {
		f.lost, f.why = 0, nil
		err = f.append(line)
	}
	if err != nil {
		f.lost, f.why = f.lost+1, err
		return 0, err
	}
	return len(line), nil
}

func (f *File) append(line []byte) error {
	if f.broken {
		line = append([]byte("\n"), line...)
	}
	if _, err := f.file.Write(line); err != nil {
		return errors.Join(err, f.close()) // the next line opens what is there then
	}
	f.size, f.broken = f.size+int64(len(line)), false
	return nil
}

// ready opens the file at path, and makes room in it for a line.
func (f *File) ready(line int64) error {
	if f.file != nil {
		// Somebody may have removed or moved it; a line a person never finds is lost.
		now, err := os.Lstat(f.path)
		own, ownErr := f.file.Stat()
		if err != nil || ownErr != nil || !os.SameFile(now, own) {
			f.close()
		}
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.size == 0 || f.size+line <= f.Max {
		return nil
	}
	f.close()
	if err := f.shift(); err != nil && f.size+line > 2*f.Max {
		// Whoever keeps it from being moved must not fill the disk with it either.
		if err := os.Truncate(f.path, 0); err != nil {
			return err
		}
	}
	return f.open()
}

// open opens or makes the file, for this user alone.
func (f *File) open() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	// Not a link that somebody laid, nor a pipe that nobody reads.
	if info, err := os.Lstat(f.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %s, not a file", f.path, kind(info.Mode()))
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = file.Chmod(0o600)
		if errors.Is(err, errors.ErrUnsupported) {
			err = nil
		}
	}
	if err != nil {
		file.Close()
		return err
	}
	last := []byte("\n")
	if info.Size() > 0 {
		file.ReadAt(last, info.Size()-1) // an unreadable one only costs an empty line
	}
	f.file, f.size, f.broken = file, info.Size(), last[0] != '\n'
	return nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "something else"
}

func (f *File) close() error {
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}

// shift moves the files aside, each to the place of the next older one.
func (f *File) shift() error {
	for i := f.kept; i > 0; i-- {
		if err := os.Rename(older(f.path, i-1), older(f.path, i)); err != nil && (i == 1 || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// older is the path of the file that was moved aside i times.
func older(path string, i int) string {
	if i == 0 {
		return path
	}
	return path + "." + strconv.Itoa(i)
}
