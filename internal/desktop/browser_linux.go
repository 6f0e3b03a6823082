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
		if _, err := env.find("powershell.exe"); err == nil {
			return openPowershell(ctx, env, address)
		}
	}
	for _, name := range openers {
		if _, err := env.find(name); err == nil {
			return env.launch(ctx, name, address)
		}
	}
	return errors.New("none of " + strings.Join(openers, ", ") + " is installed; set BROWSER, or open the link by hand")
}

func onWSL(env Env) bool {
	if env["WSL_DISTRO_NAME"] != "" {
		return true
	}
	_, err := os.Stat("/proc/sys/fs/binfmt_misc/WSLInterop")
	return err == nil
}

// openPowershell hands the URL over on stdin: in the command line PowerShell
// would evaluate it.
func openPowershell(ctx context.Context, env Env, address string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	cmd, err := env.command(ctx, "powershell.exe", "-NoProfile", "-NonInteractive",
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
