package logbook

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/fulldisk"
)

// A full disk loses lines and nothing else: the log goes on, whole, when there is room again.
func TestFullDisk(t *testing.T) {
	disk := fulldisk.New(t)
	f := New(filepath.Join(disk.Dir, "agent.log"))
	f.Max = 1000
	log := f.Logger(slog.LevelInfo)
	log.Info("before")
	disk.Fill()
	for i := range 500 { // what the last block has room for, then none, also for rotation
		log.Info("while full", "number", i)
	}
	if f.Problem() == nil {
		t.Fatal("everything was written")
	}
	disk.Empty()
	log.Info("after")
	lines := read(t, NewReader(f.path))
	gap := ""
	for _, line := range lines {
		switch {
		case line.Message == "log":
			gap = fmt.Sprint(line.Attrs)
		case line.Message == "" && !strings.HasPrefix(line.Text, "t"):
			t.Errorf("not a line, nor the beginning of one: %q", line.Text)
		}
	}
	if last := lines[len(lines)-1]; last.Message != "after" || !strings.Contains(gap, "lost") || !strings.Contains(gap, "agent.log") || f.Problem() != nil {
		t.Errorf("the log ends with %q; the gap is told as %s; problem %v", last.Text, gap, f.Problem())
	}
}
