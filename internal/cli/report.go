package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fob/internal/agent"
)

// exitCode is the error of a verb that has already said everything.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// misused is the error of a request that makes no sense; its exit code is 2.
func misused(remedy, format string, args ...any) error {
	return &agent.Error{Kind: agent.Misused, Code: "usage", Sentence: fmt.Sprintf(format, args...), Remedy: remedy}
}

// failed is the error of something that did not work; its exit code is 1.
func failed(code, remedy, format string, args ...any) error {
	return &agent.Error{Kind: agent.Failed, Code: code, Sentence: fmt.Sprintf(format, args...), Remedy: remedy}
}

// report says what went wrong and returns the exit code.
func (f *face) report(err error) int {
	var code exitCode
	var known *agent.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &known):
		f.say("%s", known.Sentence)
		if known.Remedy != "" {
			f.hint("%s", known.Remedy)
		}
		if times := known.Times(time.Now()); times != "" {
			f.say("%s", times)
		}
		return int(known.Kind)
	case errors.Is(err, context.Canceled):
		f.say("cancelled")
		return int(agent.Failed)
	case !f.entered: // cobra refused the command line
		f.say("%s", err)
		f.hint("run `fob help` for what there is")
		return int(agent.Misused)
	}
	f.say("%s", err)
	return int(agent.Failed)
}

// say writes one line to standard error.
func (f *face) say(format string, args ...any) { sayTo(f, "fob: ", format, args...) }

// hint writes what to do next to standard error.
func (f *face) hint(format string, args ...any) { sayTo(f, "fob: hint: ", format, args...) }

func sayTo(f *face, prefix, format string, args ...any) {
	line := prefix + clean(fmt.Sprintf(format, args...)) + "\n"
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live != "" {
		line = wipe + line + f.live
	}
	io.WriteString(f.Err, line) // with standard error gone there is nobody left to tell
}

// print writes a result to standard output, whole. A result that could not be written is a failure, not a success.
func (f *face) print(text string) error {
	if _, err := io.WriteString(f.Out, text); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// printJSON writes a result to standard output as indented JSON.
func (f *face) printJSON(value any) error {
	text, err := jsonText(value, "  ")
	if err != nil {
		return err
	}
	return f.print(text)
}

// jsonText is the JSON of value with a newline, safe to show on a terminal: the control characters that JSON allows in a
// string (RFC 8259 §7 forbids only those below U+0020) are escaped as well.
func jsonText(value any, indent string) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	var text strings.Builder
	for _, r := range buffer.String() {
		if r != '\n' && unsafe(r) {
			fmt.Fprintf(&text, `\u%04x`, r) // every unsafe rune is within the first plane
			continue
		}
		text.WriteRune(r)
	}
	return text.String(), nil
}

// clean replaces what could steer a terminal or reorder its text: names and messages come from servers.
func clean(text string) string {
	if strings.IndexFunc(text, unsafe) < 0 && utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unsafe(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// unsafe says whether r is a control character or one that changes the direction of text.
func unsafe(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}
