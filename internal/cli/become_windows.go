package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
)

// become runs the command and takes its exit code for our own: Windows has no exec. Ctrl-C goes to every process of the console,
// so that it is the command's to answer.
func become(path string, words, env []string) error {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(path, words[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return exitCode(ended.ExitCode())
	}
	return failed("exec", "", "%s: %s", path, err)
}
