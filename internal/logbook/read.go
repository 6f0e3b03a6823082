package logbook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// Line is one line of the log.
type Line struct {
	Time    time.Time
	Level   slog.Level
	Message string
	Attrs   Attrs
	// Text is the line as it stands in the file. Of a line that is none of ours (it was cut, or somebody wrote into the file) it is
	// all there is, with time and level of the line before.
	Text string
}

// Attr is one key of a line with its value.
type Attr struct{ Key, Value string }

// Attrs are the members of an object, in their order.
type Attrs []Attr

// MarshalJSON writes an object.
func (all Attrs) MarshalJSON() ([]byte, error) {
	text := []byte("{")
	for i, a := range all {
		key, err := json.Marshal(a.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(a.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, key...), ':'), value...)
	}
	return append(text, '}'), nil
}

// MarshalJSON writes the line as slog's own JSON does: time, level, msg, and the rest in their order. A line that is none of ours is a
// msg.
func (l Line) MarshalJSON() ([]byte, error) {
	if l.Message == "" {
		l.Message = l.Text
	}
	all := Attrs{{slog.TimeKey, l.Time.Format(time.RFC3339Nano)}, {slog.LevelKey, LevelName(l.Level)}, {slog.MessageKey, l.Message}}
	return append(all, l.Attrs...).MarshalJSON()
}

// parse takes a line apart, as [slog.TextHandler] puts it together.
func parse(text string) (Line, bool) {
	line := Line{Text: text}
	var seen int
	for rest := text; rest != ""; {
		key, value, found := strings.Cut(rest, "=")
		if key, found = unquote(key, found); !found || key == "" {
			return line, false
		}
		if quoted, err := strconv.QuotedPrefix(value); err == nil {
			rest = value[len(quoted):]
			if value, err = strconv.Unquote(quoted); err != nil || rest != "" && rest[0] != ' ' {
				return line, false
			}
			rest = strings.TrimPrefix(rest, " ")
		} else {
			value, rest, _ = strings.Cut(value, " ")
		}
		var err error
		switch seen++; {
		case seen == 1 && key == slog.TimeKey:
			line.Time, err = time.Parse(time.RFC3339Nano, value)
		case seen == 2 && key == slog.LevelKey:
			line.Level, err = ParseLevel(value)
		case seen == 3 && key == slog.MessageKey:
			line.Message = value
		case seen <= 3:
			return line, false
		default:
			line.Attrs = append(line.Attrs, Attr{key, value})
		}
		if err != nil {
			return line, false
		}
	}
	return line, seen >= 3
}

// unquote reads a key, which slog quotes when it has to.
func unquote(key string, found bool) (string, bool) {
	if strings.HasPrefix(key, `"`) {
		text, err := strconv.Unquote(key)
		return text, found && err == nil
	}
	return key, found
}

// LevelName is the name of the line's level.
func (l Line) LevelName() string { return LevelName(l.Level) }

// String is the line as a person reads it, with the time of this computer.
func (l Line) String() string {
	if l.Message == "" {
		return l.Text
	}
	return fmt.Sprintf("%s  %-5s  %s", l.Time.Local().Format("2006-01-02 15:04:05.000"), l.LevelName(), l.Words())
}

// Words is what the line says, without time and level.
func (l Line) Words() string {
	if l.Message == "" {
		return l.Text
	}
	var text strings.Builder
	text.WriteString(l.Message)
	for i, a := range l.Attrs {
		text.WriteString([]string{"  ", " "}[min(i, 1)] + a.Key + "=")
		if a.Value == "" || strings.ContainsAny(a.Value, " \t\r\n\"=") {
			a.Value = strconv.Quote(a.Value)
		}
		text.WriteString(a.Value)
	}
	return text.String()
}

// Reader reads the log of an agent that may be writing it. It keeps no file open: on Windows an open file cannot be moved aside.
type Reader struct {
	path  string
	last  os.FileInfo // the file that was read last
	next  int64       // how far
	level slog.Level  // of the line before
	time  time.Time
}

// NewReader returns a reader of the log at path, from its oldest line.
func NewReader(path string) *Reader { return &Reader{path: path} }

// Next returns the whole lines that came since the last call, oldest first; no file is no line.
func (r *Reader) Next() ([]Line, error) {
	// All are opened at once, the newest first: one that is moved aside meanwhile is met twice, and not missed.
	var files []*os.File
	var infos []os.FileInfo
	defer func() {
		for _, file := range files {
			file.Close()
		}
	}()
	for i := range kept + 1 {
		file, err := os.Open(older(r.path, i))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	from := len(files) - 1
	if r.last != nil {
		// Where the file that was read last is gone, what has changed since is new.
		for from >= 0 && !(os.SameFile(infos[from], r.last) && infos[from].Size() >= r.next) && !infos[from].ModTime().After(r.last.ModTime()) {
			from--
		}
	}
	var all []Line
	for i := from; i >= 0; i-- {
		if i > 0 && os.SameFile(infos[i], infos[i-1]) {
			continue
		}
		if r.last == nil || !os.SameFile(infos[i], r.last) || infos[i].Size() < r.next {
			r.last, r.next = infos[i], 0
		}
		text, err := io.ReadAll(io.NewSectionReader(files[i], r.next, infos[i].Size()-r.next))
		if err != nil {
			return all, err
		}
		if i == 0 { // its last line may still be under way
			text = text[:bytes.LastIndexByte(text, '\n')+1]
		}
		r.next += int64(len(text))
		for line := range strings.Lines(string(text)) {
			all = append(all, r.line(strings.TrimRight(line, "\r\n")))
		}
	}
	return all, nil
}

// followEvery is how often a log that is followed is looked at: at once, for a person who watches it.
const followEvery = 250 * time.Millisecond

// Follow calls show with what is there, then with what comes, and now and then with nothing, until ctx ends or show fails.
func (r *Reader) Follow(ctx context.Context, show func([]Line) error) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		lines, err := r.Next()
		if err == nil {
			err = show(lines)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *Reader) line(text string) Line {
	line, ok := parse(text)
	if !ok {
		return Line{Time: r.time, Level: r.level, Text: text}
	}
	r.time, r.level = line.Time, line.Level
	return line
}
