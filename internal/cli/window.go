package cli

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/internal/desktop"
)

func (f *face) windowVerb() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use: "window", Short: "Open the window",
		Long:    "Opens Fob's window: the program fob-app, from beside this command or from PATH. This command does not wait for it to be closed.",
		Example: "  fob window\n  fob window --profile work", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needDisplay(); err != nil {
				return err
			}
			app, err := windowProgram()
			if err != nil {
				return err
			}
			var args []string
			if profile != "" {
				client, err := f.connect(cmd.Context())
				if err != nil {
					return err
				}
				defer client.Close()
				view, err := withName(cmd.Context(), client, profile, func(name string) (agent.ProfileView, error) { return client.Profile(cmd.Context(), name) })
				if err != nil {
					return err
				}
				args = append(args, "--profile", view.Profile.Name)
			}
			return openWindow(app, args)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "show this profile")
	cmd.RegisterFlagCompletionFunc("profile", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return f.profileNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// needDisplay refuses where no window can appear; Fyne would panic there.
func needDisplay() error {
	switch runtime.GOOS {
	case "windows", "darwin":
		return nil
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return failed("no_display", "`fob status` lists the profiles here; the command line does all that the window does", "there is no display to open a window on")
	}
	return nil
}

// windowProgram finds fob-app.
func windowProgram() (string, error) {
	path, err := desktop.Beside("fob-app")
	if err != nil {
		return "", failed("no_window", "install it beside fob or in PATH; `fob status` does without", "the window's program fob-app was not found")
	}
	return path, nil
}

// windowSettles is how long a window may take to fail: without GL or a reachable display it ends within a few milliseconds of
// trying, and one that is still there afterwards has opened.
const windowSettles = 700 * time.Millisecond

// openWindow starts the program detached from this terminal and says so when it ends at once.
func openWindow(app string, args []string) error {
	cmd := exec.Command(app, args...)
	cmd.SysProcAttr = detached()
	// What it says on its way down is worth more than its exit code. A file and not a pipe: the window outlives us.
	said, err := os.CreateTemp("", "fob-window-")
	if err != nil {
		return fmt.Errorf("window: %w", err)
	}
	defer os.Remove(said.Name())
	defer said.Close()
	cmd.Stderr = said
	agent.KeepInherited() // a script's lock or pipe must not live as long as the window
	if err := cmd.Start(); err != nil {
		return failed("window", "run "+app+" to see why", "the window did not start: %s", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timer := time.NewTimer(windowSettles)
	defer timer.Stop()
	select {
	case err := <-ended:
		if err == nil { // it handed over to a window that was open already
			return nil
		}
		return failed("window", "run "+app+" to see all of it", "the window ended at once: %s", firstLine(said.Name(), err))
	case <-timer.C:
		return nil
	}
}

// firstLine is the first line of the file at path, or the error when there is none.
func firstLine(path string, err error) string {
	text, readErr := os.ReadFile(path)
	if readErr != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			return strings.TrimPrefix(strings.TrimPrefix(line, "fob-app: "), "fob: ")
		}
	}
	return err.Error()
}
