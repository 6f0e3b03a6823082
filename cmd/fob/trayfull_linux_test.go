package main

import (
	"log/slog"
	"testing"
	"time"

	"fob/internal/agent"
	"fob/internal/fulldisk"
	"fob/internal/tray"
)

// What was said already is not forgotten because the disk was full when more was said: every reminder would come again.
func TestRemindersOnAFullDisk(t *testing.T) {
	disk := fulldisk.New(t)
	icon := newTrayIcon(&resident{home: agent.Home{Data: disk.Dir}, log: slog.New(slog.DiscardHandler)}, true)
	icon.remember(tray.Memory{"work": {Cause: "logged_out", At: time.Unix(1, 0).UTC()}})
	disk.Fill()
	icon.remember(tray.Memory{"work": {Cause: "logged_out"}, "home": {Cause: "logged_out"}})
	disk.Empty()
	if memory := icon.remembered(); len(memory) != 1 || memory["work"].Cause != "logged_out" {
		t.Errorf("it remembers %v", memory)
	}
}
