package logbook

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// small is a log whose files take a dozen lines.
func small(t *testing.T) *File {
	f := New(filepath.Join(t.TempDir(), "data", "agent.log"))
	f.Max = 1000
	t.Cleanup(func() { f.Close() })
	return f
}

func messages(lines []Line) string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Message)
	}
	return strings.Join(all, " ")
}

func read(t *testing.T, r *Reader) []Line {
	t.Helper()
	lines, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestFilesStaySmall(t *testing.T) {
	f := small(t)
	log := f.Logger(slog.LevelDebug)
	for i := range 1000 {
		log.Debug("line", "number", i)
		total := int64(0)
		entries, err := os.ReadDir(filepath.Dir(f.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if total += info.Size(); runtime.GOOS != "windows" && info.Mode() != 0o600 {
				t.Fatalf("%s has mode %v", entry.Name(), info.Mode())
			}
		}
		if total > f.Max*int64(f.kept+1) || len(entries) > f.kept+1 {
			t.Fatalf("after %d lines: %d bytes in %d files", i, total, len(entries))
		}
	}
	lines := read(t, NewReader(f.path))
	if len(lines) < 30 {
		t.Errorf("%d lines are left", len(lines))
	}
	for i, line := range lines {
		if want := fmt.Sprint(1000 - len(lines) + i); line.Message != "line" || line.Attrs[0] != (Attr{"number", want}) {
			t.Fatalf("line %d is %q, want number %s", i, line.Text, want)
		}
	}
}

func TestLevelsChangeAtOnce(t *testing.T) {
	f := small(t)
	var level slog.LevelVar
	log := f.Logger(&level)
	log.Debug("a")
	log.Info("b")
	level.Set(slog.LevelDebug)
	log.Debug("c")
	level.Set(slog.LevelError)
	log.Warn("d")
	log.Error("e")
	if got := messages(read(t, NewReader(f.path))); got != "b c e" {
		t.Errorf("logged %s", got)
	}
	for _, name := range Levels {
		if l, err := ParseLevel(strings.ToUpper(name)); err != nil || LevelName(l) != name {
			t.Errorf("%s is read as %v, %v", name, l, err)
		}
	}
	if l, err := ParseLevel("loud"); err == nil || l != slog.LevelInfo {
		t.Errorf("loud is read as %v, %v", l, err)
	}
}

func TestLinesAreReadAsTheyWereWritten(t *testing.T) {
	f := small(t)
	hard := "two words\nand \"more\" = \x1b[31m"
	f.Logger(slog.LevelInfo).Warn("store moved", "problem", hard, "empty", "", "odd key", "é", "n", 7)
	lines := read(t, NewReader(f.path))
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	want := []Attr{{"problem", hard}, {"empty", ""}, {"odd key", "é"}, {"n", "7"}}
	if l := lines[0]; l.Message != "store moved" || l.Level != slog.LevelWarn || fmt.Sprint(l.Attrs) != fmt.Sprint(want) || l.Time.IsZero() {
		t.Errorf("read %+v", l)
	}
	if shown := lines[0].String(); strings.ContainsAny(shown, "\n\x1b") || !strings.Contains(shown, `  warn   store moved  problem="two words\nand`) {
		t.Errorf("shown as %q", shown)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`time=2026-11-29T00:00:00.000Z level=info msg="a b" k="v w" k2=v`)
	f.Add(`time=2026-11-29T00:00:00.000Z level=info msg=x "odd key"=`)
	f.Add("goroutine 1 [running]:")
	f.Fuzz(func(t *testing.T, text string) {
		line, ok := parse(text)
		if ok && (line.Time.IsZero() && !strings.Contains(text, "0001-01-01") || line.Text != text) {
			t.Errorf("%q became %+v", text, line)
		}
		_ = line.String()
	})
}

func TestReaderFollows(t *testing.T) {
	f := small(t)
	log := f.Logger(slog.LevelInfo)
	r := NewReader(f.path)
	if lines := read(t, r); len(lines) != 0 {
		t.Errorf("before the first line: %d", len(lines))
	}
	next := 0
	expect := func(upTo int) {
		t.Helper()
		for _, line := range read(t, r) {
			if len(line.Attrs) != 1 || line.Attrs[0].Value != fmt.Sprint(next) {
				t.Fatalf("read %q, want number %d", line.Text, next)
			}
			next++
		}
		if next != upTo {
			t.Fatalf("read up to %d, want %d", next, upTo)
		}
	}
	for i := range 200 { // over many rotations, a few lines at a time, and a whole file at a time
		if log.Info("line", "number", i); i%7 == 0 && (i < 100 || i%28 == 0) {
			expect(i + 1)
		}
	}
	expect(200)

	// Half a line waits for its end.
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprint(file, `time=2026-11-29T00:00:00.000Z level=info msg=line num`)
	expect(200)
	fmt.Fprintln(file, "ber=200")
	expect(201)

	// A file that was removed says nothing twice.
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	log.Info("line", "number", 201)
	expect(202)
}

func TestLogThatIsMovedAwayIsMadeAgain(t *testing.T) {
	f := small(t)
	log := f.Logger(slog.LevelInfo)
	log.Info("before")
	if err := os.Rename(f.path, f.path+".mine"); err != nil {
		t.Fatal(err)
	}
	log.Info("after")
	if got := messages(read(t, NewReader(f.path))); got != "after" {
		t.Errorf("in the log: %s", got)
	}
}

func TestOldLogIsMadePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // its directory's access list keeps others out
	}
	f := small(t)
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, []byte("half a line of a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.Logger(slog.LevelInfo).Info("one")
	info, err := os.Stat(f.path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if lines := read(t, NewReader(f.path)); len(lines) != 2 || lines[0].Text != "half a line of a crash" || lines[1].Message != "one" {
		t.Errorf("read %+v", lines)
	}
}

// What stands where the log should be never stops the agent, is never written into, and is said once it is gone.
func TestLogThatCannotBeWritten(t *testing.T) {
	blocks := map[string]func(path string) error{
		"a directory":     func(path string) error { return os.MkdirAll(path, 0o700) },
		"a symbolic link": func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "victim"), path) },
	}
	for name, block := range blocks {
		t.Run(name, func(t *testing.T) {
			f := small(t)
			if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := block(f.path); err != nil {
				t.Fatal(err)
			}
			log := f.Logger(slog.LevelInfo)
			log.Info("one")
			log.Info("two")
			if err := f.Problem(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the problem is %v", err)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(f.path), "victim")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the link was followed: %v", err)
			}
			if err := os.Remove(f.path); err != nil {
				t.Fatal(err)
			}
			log.Info("three")
			lines := read(t, NewReader(f.path))
			if messages(lines) != "log three" || lines[0].Attrs[0] != (Attr{"lost", "2"}) || f.Problem() != nil {
				t.Errorf("read %+v, problem %v", lines, f.Problem())
			}
		})
	}
}

// A file that cannot be moved aside is cut rather than that it fills the disk.
func TestRotationThatFails(t *testing.T) {
	f := small(t)
	if err := os.MkdirAll(filepath.Join(filepath.Dir(f.path), "agent.log.1", "full"), 0o700); err != nil { // nothing replaces a directory
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(filepath.Dir(f.path), "agent.log.2", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	log := f.Logger(slog.LevelInfo)
	for i := range 200 {
		log.Info("line", "number", i)
		if info, err := os.Stat(f.path); err != nil || info.Size() > 2*f.Max {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
	text, err := os.ReadFile(f.path)
	if err != nil || !bytes.HasSuffix(text, []byte("number=199\n")) || f.Problem() != nil {
		t.Errorf("the log ends with %.80q, %v", text[max(0, len(text)-80):], err)
	}
}

func TestWritersDoNotMix(t *testing.T) {
	f := small(t)
	f.Max = 1 << 20
	log := f.Logger(slog.LevelInfo)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for range 100 {
				log.Info("line", "writer", w, "text", strings.Repeat("x", 100))
			}
		})
	}
	writers.Wait()
	lines := read(t, NewReader(f.path))
	if len(lines) != 800 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if line.Message != "line" || len(line.Attrs) != 2 {
			t.Fatalf("mixed: %q", line.Text)
		}
	}
}
