package main

import (
	"bytes"
	"io"
)

// fyneLog passes on what Fyne logs, but for what it says of its preferences file: Fob keeps nothing there, and when a window ends
// for the first time Fyne 2.8.1 reads the file while it is writing it, and complains of its own half-written text
// (app/preferences.go: forceImmediateSave truncates the file that its watcher reads).
type fyneLog struct {
	out     io.Writer
	skipped bool // the last line was left out: what belongs to it is, too
}

// Write takes one line, as package log writes them.
func (l *fyneLog) Write(line []byte) (int, error) {
	belongs := bytes.Contains(line, []byte("  Cause:")) || bytes.Contains(line, []byte("  At:"))
	l.skipped = bytes.Contains(line, []byte("Preferences load error")) || l.skipped && belongs
	if l.skipped {
		return len(line), nil
	}
	return l.out.Write(line)
}
