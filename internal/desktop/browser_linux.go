package desktop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// openers are what github.com/pkg/browser tries, in its order. It is not used
// on Linux because it knows only our own environment, not the face's.
var openers = []string{"xdg-open", "x-www-browser", "www-browser"}

func openSystem(ctx context.Context, env Env, address string) error {
	if onWSL(env) {
		if _, err := env.find("wslview"); err == nil {
			return env.launch(ctx, "wslview", address)
		}
		for _, name := range powershells {
			if _, err := env.find(name); err == nil {
				return openPowershell(ctx, env, name, address)
			}
		}
	}
	for _, name := range openers {
		if _, err := env.find(name); err == nil {
			return env.launch(ctx, name, address)
		}
	}
	return errors.New("none of " + strings.Join(openers, ", ") + " is installed; set BROWSER, or open the link by hand")
}

// powershells are where Windows' PowerShell is seen from WSL: in PATH, or where it is mounted when /etc/wsl.conf keeps the
// PATH of Windows out (interop.appendWindowsPath=false). Tests have their own.
var powershells = []string{"powershell.exe", "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"}

func onWSL(env Env) bool {
	if env["WSL_DISTRO_NAME"] != "" {
		return true
	}
	_, err := os.Stat("/proc/sys/fs/binfmt_misc/WSLInterop")
	return err == nil
}

// openPowershell hands the URL over on stdin: in the command line PowerShell
// would evaluate it.
func openPowershell(ctx context.Context, env Env, name, address string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	cmd, err := env.command(ctx, name, "-NoProfile", "-NonInteractive",
		"-Command", "Start-Process -FilePath ([Console]::In.ReadLine())")
	if err != nil {
		return err
	}
	cmd.Stdin = strings.NewReader(address + "\n")
	if err := cmd.Run(); err != nil {
		return &exec.Error{Name: "powershell.exe", Err: err}
	}
	return nil
}
