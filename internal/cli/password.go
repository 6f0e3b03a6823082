package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"fob/internal/agent"
)

// passwordNeeded is the code of the agent's error for a login that wants a user name and a password.
const passwordNeeded = "password_needed"

// askPassword asks for what the password grant needs (RFC 6749 §4.3). Nothing keeps the password.
func (f *face) askPassword(ctx context.Context, client *agent.Client, name string, o agent.LoginOptions, why *agent.Error) (agent.LoginOptions, error) {
	view, err := client.Profile(ctx, name)
	if err != nil {
		return o, err
	}
	user := o.Username
	if user == "" {
		user = view.Profile.Username
	}
	if !isTerminal(f.In) || !isTerminal(f.Err) || o.Password != "" { // then it is the user name that is missing
		return o, &agent.Error{Kind: why.Kind, Code: why.Code, Sentence: why.Sentence,
			Remedy: "log in at a terminal, which asks for them, or pipe the password: fob login " + quoted(name) + " --username NAME --password-stdin"}
	}
	f.say("%s logs in with a password: it goes to the server once and is not kept", name)
	if user == "" {
		if user, err = f.question(ctx, "user name: "); err != nil {
			return o, err
		}
		if user == "" {
			return o, misused("", "the user name is empty")
		}
	}
	o.Username = user
	o.Password, err = f.readSecret(ctx, "password of "+user)
	return o, err
}

// readSecret reads a secret from standard input: one line, without its end. At a terminal it asks and shows nothing.
func (f *face) readSecret(ctx context.Context, what string) (string, error) {
	text, err := f.readHidden(ctx, what)
	if err != nil {
		return "", err
	}
	return oneLine(what, text)
}

// readHidden reads standard input to its end, or one line that is not shown at a terminal.
func (f *face) readHidden(ctx context.Context, what string) (string, error) {
	file, ok := f.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return f.readIn()
	}
	fd := int(file.Fd())
	before, err := term.MakeRaw(fd) // before the question: whoever types at once is not shown either
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer term.Restore(fd, before)
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{file, f.Err}, "")
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() { // it stays until the program ends when nobody answers
		line, err := screen.ReadPassword("fob: " + clean(what) + " (not shown): ")
		read <- answer{line, err}
	}()
	select {
	case got := <-read:
		if errors.Is(got.err, io.EOF) { // Ctrl-C and Ctrl-D, which are bytes in raw mode
			io.WriteString(f.Err, "\r\n")
			return "", context.Canceled
		}
		if got.err != nil {
			return "", fmt.Errorf("%s: %w", what, got.err)
		}
		return got.line, nil
	case <-ctx.Done():
		io.WriteString(f.Err, "\r\n")
		return "", ctx.Err()
	}
}

// question asks at the terminal and returns the answer, or why there is none: Ctrl-C is one.
func (f *face) question(ctx context.Context, text string) (string, error) {
	f.mu.Lock()
	io.WriteString(f.Err, "fob: "+clean(text))
	f.mu.Unlock()
	line, err := f.lineIn(ctx)
	return strings.TrimSpace(line), err
}

// lineIn reads a line of standard input, unless ctx ends first; the reader then stays until the program ends.
func (f *face) lineIn(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := readLine(f.In)
		read <- answer{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// readLine reads one line and not a byte more: what follows is for the next reader.
func readLine(in io.Reader) (string, error) {
	var line strings.Builder
	one := make([]byte, 1)
	for line.Len() < pasteMax {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' {
			break
		}
		if n == 1 {
			line.WriteByte(one[0])
		}
		if errors.Is(err, io.EOF) {
			if line.Len() == 0 {
				return "", misused("", "standard input has ended")
			}
			break
		}
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
	}
	return strings.TrimSuffix(line.String(), "\r"), nil
}
