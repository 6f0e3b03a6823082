package cli

import (
	"context"
	"os"

	"fob/internal/desktop"
)

// openBrowser shows a page in the environment of this shell: its BROWSER, its display.
func openBrowser(ctx context.Context, address, command string) error {
	return desktop.OpenBrowser(ctx, address, command, desktop.EnvOf(os.Environ()))
}

// desktopEnv is the desktop this command runs on, for the agent to act there.
func desktopEnv() map[string]string { return desktop.EnvOf(os.Environ()) }
