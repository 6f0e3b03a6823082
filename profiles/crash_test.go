package profiles

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// crashAt names the step at which the process that this test starts kills itself.
const crashAt = "FOB_PROFILES_CRASH_AT"

var steps = []string{"create", "write", "half written", "sync", "rename", "sync directory", "end"}

// A process that is killed at any step of a write leaves the old file or the new one, whole, and the next write works.
func TestKilledWhileWriting(t *testing.T) {
	if step := os.Getenv(crashAt); step != "" {
		writeAndDie(t, step, os.Getenv("FOB_PROFILES_CRASH_FILE"))
		return
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			path := profilesFile(t, "")
			f := open(t, path)
			if err := f.Put(minimal("old"), "", true); err != nil {
				t.Fatal(err)
			}
			before := read(t, path)
			child := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
			child.Env = append(os.Environ(), crashAt+"="+step, "FOB_PROFILES_CRASH_FILE="+path)
			out, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Success() || exit.Exited() && exit.ExitCode() != 1 {
				t.Fatalf("the process did not die at %s: %v\n%s", step, err, out)
			}
			after := read(t, path)
			wantNew := step == "sync directory" || step == "end"
			again := open(t, path)
			switch {
			case !wantNew && after != before:
				t.Errorf("killed at %s: the old file is changed: %s", step, after)
			case wantNew && names(again) != "old new":
				t.Errorf("killed at %s: the file holds %q", step, names(again))
			}
			// What was left lying about is cleared away, once it is certainly nobody's any more.
			left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".profiles-*"))
			long := time.Now().Add(-time.Hour)
			for _, name := range left {
				if err := os.Chtimes(name, long, long); err != nil {
					t.Fatal(err)
				}
			}
			if err := again.Put(minimal("next"), "", true); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".profiles-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func writeAndDie(t *testing.T, step, path string) {
	f := open(t, path)
	f.step = func(at string, temp *os.File) {
		if step == "half written" && at == "write" {
			if _, err := temp.WriteString("{\n  \"version\": 1,\n  \"prof"); err != nil {
				t.Fatal(err)
			}
			at = step
		}
		if at != step {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill() // no deferred call runs, nothing is cleaned up
		}
		fmt.Println("kill:", err)
		select {}
	}
	err := f.Put(minimal("new"), "", true)
	t.Fatalf("survived %s: %v", step, err)
}

// What the file system refuses leaves the old file and nothing else.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := profilesFile(t, "")
	f := open(t, path)
	if err := f.Put(minimal("old"), "", true); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	f.step = func(step string, temp *os.File) {
		if step == "sync" {
			temp.Close() // as a disk that has gone
		}
	}
	if err := f.Put(minimal("new"), "", true); err == nil {
		t.Error("a write that failed is reported as done")
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if read(t, path) != before || len(left) != 1 || names(f) != "old" {
		t.Errorf("after a failed write: %q, files %v", names(f), left)
	}
}
