package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// startGrace is how long a program that is started for its own life is watched
// for an early end. xdg-open says "no browser" in 0.1 to 0.5 s. Tests, on
// loaded machines, are more patient.
var startGrace = time.Second

// words splits a command line the way a shell would, without being one: words
// are separated by blanks; '…' and "…" hold blanks; a backslash takes the next
// character as it is, but not on Windows, where it separates directories.
func words(line string) ([]string, error) {
	return splitWords(line, runtime.GOOS != "windows")
}

func splitWords(line string, escapes bool) ([]string, error) {
	var list []string
	var word strings.Builder
	var quote rune // the quote we are in, or 0
	inWord, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			// In "…" a backslash is itself before all but these.
			if quote == '"' && !strings.ContainsRune("\"\\$`", c) {
				word.WriteRune('\\')
			}
			word.WriteRune(c)
			escaped = false
		case escapes && c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' && escapes || c == '"'):
			quote, inWord = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if inWord {
				list = append(list, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	}
	if escaped {
		return nil, errors.New("the backslash at the end stands before nothing")
	}
	if inWord {
		list = append(list, word.String())
	}
	return list, nil
}

// find looks a program up in the Env's PATH, not in ours.
func (e Env) find(name string) (string, error) {
	if name == "" {
		return "", errors.New("the command is empty")
	}
	if rest, ok := strings.CutPrefix(name, "~/"); ok && e["HOME"] != "" {
		name = filepath.Join(e["HOME"], rest)
	}
	if runtime.GOOS == "windows" {
		return exec.LookPath(name)
	}
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			return "", fmt.Errorf("%s: give the whole path, the agent's directory is not yours", name)
		}
		return name, executable(name)
	}
	path, ok := e["PATH"]
	if !ok {
		path = os.Getenv("PATH")
	}
	for _, dir := range filepath.SplitList(path) {
		if full := filepath.Join(dir, name); filepath.IsAbs(dir) && executable(full) == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return &os.PathError{Op: "start", Path: path, Err: os.ErrPermission}
	}
	return nil
}

// command prepares a program with the Env alone, its own session and none of
// our descriptors: the three standard ones are the null device. ctx ends it.
func (e Env) command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path, err := e.find(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Args[0], cmd.Dir = name, e.home()
	cmd.WaitDelay = time.Second // a grandchild that holds a pipe is not waited for
	cmd.Env = e.environ()
	if len(cmd.Env) == 0 {
		cmd.Env = []string{} // nil would mean ours
	}
	if cmd.Dir != "" {
		if _, err := os.Stat(cmd.Dir); err != nil {
			cmd.Dir = ""
		}
	}
	keepDescriptors()
	detach(cmd)
	return cmd, nil
}

// launch starts a program that lives on by itself. An end with a non-zero
// status within the grace is an error; a program that stays is not waited for.
func (e Env) launch(ctx context.Context, name string, args ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd, err := e.command(context.WithoutCancel(ctx), name, args...)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // collects the child, whenever it ends
	grace := time.NewTimer(startGrace)
	defer grace.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	case <-grace.C:
		return nil
	case <-ctx.Done():
		return nil // it runs; the caller has lost interest
	}
}

// Beside finds a program of ours: in the directory of the one that runs, where the links to that point, or in PATH. The
// name is without ".exe".
func Beside(name string) (string, error) {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if exe, err := os.Executable(); err == nil {
		beside := []string{filepath.Join(filepath.Dir(exe), name)}
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			beside = append(beside, filepath.Join(filepath.Dir(real), name))
		}
		for _, path := range beside {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	return exec.LookPath(name)
}
