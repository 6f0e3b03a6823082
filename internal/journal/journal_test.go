package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, nil)
	must(t, err)
	return j
}

var intent = Entry{Name: "work", Item: "token/work@1", Generation: 7, At: time.Unix(1000, 0).UTC()}

// An answer of any size is there for the next process, sealed, and gone when it is cleared.
func TestAnswer(t *testing.T) {
	key := NewKey()
	for _, size := range []int{0, 1, 2000, 100 << 10} {
		dir := filepath.Join(t.TempDir(), "journal")
		j := open(t, dir)
		answer := bytes.Repeat([]byte("canary!"), size/7+1)
		must(t, j.Intend(intent, size))
		if left := open(t, dir).Left("work"); left == nil || left.Answered || left.Generation != 7 || !left.At.Equal(intent.At) {
			t.Fatalf("the intent is %+v", left)
		}
		must(t, j.Answer("work", key, answer))
		left := open(t, dir).Left("work")
		if left == nil || !left.Answered {
			t.Fatalf("the answer is not there: %+v", left)
		}
		got, err := left.Open(key)
		must(t, err)
		if !bytes.Equal(got, answer) {
			t.Error("another answer")
		}
		if _, err := left.Open(NewKey()); !errors.Is(err, ErrUnreadable) {
			t.Errorf("with another key: %v", err)
		}
		for _, file := range files(t, dir) {
			text, err := os.ReadFile(file)
			must(t, err)
			if bytes.Contains(text, []byte("canary")) {
				t.Error("the answer is on the disk as it is")
			}
		}
		must(t, j.Clear("work"))
		if left := open(t, dir).Left("work"); left != nil {
			t.Errorf("cleared, and %+v is left", left)
		}
	}
}

// That the item is to be removed is known to the next process, and taken back, and hurts no answer. A power failure is no test that runs
// here; so what is asked of the system is looked at: every slot is flushed, and one that cannot be is said.
func TestRemoving(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "journal"), NewKey()
	j := open(t, dir)
	must(t, j.Intend(intent, 0))
	must(t, j.Answer("work", key, []byte("precious")))
	for _, yes := range []bool{true, false, true} {
		must(t, j.Removing("work", yes))
		left := open(t, dir).Left("work")
		if left == nil || left.Removing != yes {
			t.Fatalf("removing %v: %+v", yes, left)
		}
		if got, err := left.Open(key); err != nil || string(got) != "precious" {
			t.Errorf("%q, %v", got, err)
		}
	}
	must(t, j.Intend(intent, 0))
	if open(t, dir).Left("work").Removing {
		t.Error("a new intent is to be removed")
	}
	must(t, j.Clear("work"))
	must(t, j.Removing("work", true))
	if left := open(t, dir).Left("work"); left != nil {
		t.Errorf("%+v is left", left)
	}
	slot := files(t, dir)[0]
	must(t, os.Remove(slot))
	must(t, j.Removing("work", true))
	must(t, os.Mkdir(slot, 0o700))
	if err := j.Removing("work", true); err == nil {
		t.Error("a slot that cannot be flushed is not said")
	}
}

// As many slots as there are requests side by side, whatever the number of logins.
func TestSlotsAreUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir)
	for i := range 100 {
		one, two := intent, intent
		one.Name, two.Name = fmt.Sprint("a", i), fmt.Sprint("b", i)
		must(t, j.Intend(one, 0))
		must(t, j.Intend(two, 0))
		must(t, j.Clear(one.Name))
		must(t, j.Clear(two.Name))
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d slots", n)
	}
	// Another process goes on with them.
	must(t, open(t, dir).Intend(intent, 0))
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d slots after a start", n)
	}
}

// An answer that is left keeps its slot until it is cleared, also over a start.
func TestLeftAnswerIsNotOverwritten(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "journal"), NewKey()
	j := open(t, dir)
	must(t, j.Intend(intent, 0))
	must(t, j.Answer("work", key, []byte("precious")))
	j = open(t, dir)
	other := intent
	for _, other.Name = range []string{"a", "b"} {
		must(t, j.Intend(other, 0))
		must(t, j.Answer(other.Name, key, []byte("other")))
	}
	got, err := open(t, dir).Left("work").Open(key)
	if err != nil || string(got) != "precious" {
		t.Errorf("%q, %v", got, err)
	}
}

// An intent that takes the place of one with an answer leaves nothing of that: an answer opens with its own intent only.
func TestAnswerOfAnotherIntent(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "journal"), NewKey()
	j := open(t, dir)
	must(t, j.Intend(intent, 0))
	must(t, j.Answer("work", key, []byte("old")))
	must(t, j.Intend(intent, 0))
	if left := open(t, dir).Left("work"); left == nil || left.Answered {
		t.Fatalf("%+v", left)
	}
	// Power loss may bring back the blocks of before one by one.
	file := files(t, dir)[0]
	must(t, j.Answer("work", key, []byte("new")))
	answered, err := os.ReadFile(file)
	must(t, err)
	must(t, j.Intend(intent, 0))
	latest, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(append([]byte(nil), latest[:headSize]...), answered[headSize:]...), 0o600))
	if _, err := open(t, dir).Left("work").Open(key); !errors.Is(err, ErrUnreadable) {
		t.Errorf("the answer of another intent: %v", err)
	}
}

// Whatever power loss makes of a slot, the next start comes up, and an answer is whole or none.
func TestPowerLoss(t *testing.T) {
	key := NewKey()
	for _, cut := range []int64{0, 1, 20, 100, headSize - 1, headSize, headSize + 4, headSize + lengthSize, headSize + lengthSize + 10, headSize + lengthSize + 60} {
		for _, way := range []string{"truncated", "zeros behind", "garbage behind", "renamed away", "missing"} {
			dir := filepath.Join(t.TempDir(), "journal")
			j := open(t, dir)
			must(t, j.Intend(intent, 0))
			must(t, j.Answer("work", key, []byte(strings.Repeat("precious", 20))))
			file := files(t, dir)[0]
			text, err := os.ReadFile(file)
			must(t, err)
			switch way {
			case "truncated":
				text = text[:cut]
			case "zeros behind":
				clear(text[cut:])
			case "garbage behind":
				for i := range text[cut:] {
					text[cut+int64(i)] = byte(i*7 + 13)
				}
			}
			must(t, os.WriteFile(file, text, 0o600))
			switch way {
			case "renamed away":
				must(t, os.Rename(file, file+".old"))
			case "missing":
				must(t, os.Remove(file))
			}
			must(t, os.WriteFile(filepath.Join(dir, ".new-123"), []byte("half"), 0o600))
			j = open(t, dir)
			if left := j.Left("work"); left != nil && left.Answered {
				if _, err := left.Open(key); !errors.Is(err, ErrUnreadable) {
					t.Errorf("%s at %d: half an answer is taken for a whole one: %v", way, cut, err)
				}
			}
			must(t, j.Intend(intent, 0))
			must(t, j.Answer("work", key, []byte("next")))
			if got, err := open(t, dir).Left("work").Open(key); err != nil || string(got) != "next" {
				t.Errorf("%s at %d: %q, %v", way, cut, got, err)
			}
		}
	}
}

// A head that is longer than its place is refused before anything is spent.
func TestLongName(t *testing.T) {
	e := intent
	e.Name = strings.Repeat("ä", headSize)
	if err := open(t, filepath.Join(t.TempDir(), "journal")).Intend(e, 0); err == nil {
		t.Error("written")
	}
}

func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // the user's own directories are
	}
	dir := filepath.Join(t.TempDir(), "journal")
	must(t, open(t, dir).Intend(intent, 0))
	for path, want := range map[string]fs.FileMode{dir: 0o700, files(t, dir)[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

// A journal that keeps nothing, as with FOB_STORE=memory.
func TestNil(t *testing.T) {
	var j *Journal
	must(t, j.Prepare())
	must(t, j.Intend(intent, 0))
	must(t, j.Answer("work", NewKey(), nil))
	must(t, j.Clear("work"))
	if j.Left("work") != nil {
		t.Error("something is left")
	}
}

// BenchmarkRotation is what the journal adds to a refresh, on the disk that TMPDIR names.
func BenchmarkRotation(b *testing.B) {
	j, key, answer := open(b, filepath.Join(b.TempDir(), "journal")), NewKey(), make([]byte, 2000)
	for b.Loop() {
		must(b, j.Intend(intent, len(answer)))
		must(b, j.Answer("work", key, answer))
		must(b, j.Clear("work"))
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "slot-*"))
	must(t, err)
	if len(all) == 0 {
		t.Fatal("no slot")
	}
	return all
}
