// Fob-app is Fob's window: it starts the agent when there is none, and shows what it keeps. The command line, the agent and
// the tray are the program fob.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"fob/assets"
	"fob/internal/agent"
	"fob/internal/desktop"
	"fob/ui"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version string

func main() { os.Exit(run()) }

// run opens the window and returns the exit code when it is closed: 0, 1 when no window can be opened, 2 when misused.
func run() (code int) {
	flags := flag.NewFlagSet("fob-app", flag.ContinueOnError)
	flags.Usage = func() {}
	help := func(out io.Writer) {
		fmt.Fprint(out, "fob-app opens Fob's window. The agent is started when it does not run, and goes on when the window is closed.\n\n"+
			"  fob-app [--profile NAME]\n\n  --profile NAME  show this profile\n  --version       print the version\n\nThe command line is fob; see fob --help.\n")
	}
	profile := flags.String("profile", "", "show this profile")
	showVersion := flags.Bool("version", false, "print the version")
	switch err := flags.Parse(os.Args[1:]); {
	case err == flag.ErrHelp:
		help(os.Stdout)
		return 0
	case err != nil || flags.NArg() > 0:
		if err == nil {
			complain("%q is not understood; see fob-app --help", flags.Arg(0))
		}
		return 2
	}
	if *showVersion {
		fmt.Println("fob-app " + versionWords())
		return 0
	}
	if err := needDisplay(); err != nil {
		complain("%v; fob status and fob token NAME work without a window", err)
		return 1
	}
	home, err := agent.HomeFromEnv()
	if err != nil {
		complain("%v", err)
		return 1
	}
	door, first := knock(home, *profile)
	if !first {
		return 0 // the window that is open has come to the front
	}
	defer door.close()
	// A machine can have a display and GLX, and still no GL that works: Fyne says so with a panic.
	defer func() {
		if failure := recover(); failure != nil {
			complain("the window could not be drawn (%v); fob status and fob token NAME work without it", failure)
			code = 1
		}
	}()
	open(home, *profile, door)
	return 0
}

// open runs the window until it is closed.
func open(home agent.Home, profile string, door *door) {
	client := agent.NewClient(home)
	client.Version = versionWords()
	defer client.Close()
	env := desktop.EnvOf(os.Environ())
	log.SetOutput(&fyneLog{out: os.Stderr})
	fob := app.NewWithID(desktop.AppID)
	fob.SetIcon(fyne.NewStaticResource("fob.png", assets.AppIcon()))
	window := ui.Open(fob, client, ui.World{
		Start: func(ctx context.Context) error {
			if err := client.Ensure(ctx, findFob(), true); err != nil {
				return err
			}
			return client.Attach(ctx, env)
		},
		Open: func(ctx context.Context, url, command string) error {
			return desktop.OpenBrowser(ctx, url, command, withoutBrowser(env))
		},
		Env: env, Profile: profile, Theme: agent.StoredSettings(home).Theme, Version: versionWords(), Icon: assets.AppIcon(),
		Forms: func() []agent.FormInfo {
			all, err := agent.Forms(home)
			if err != nil {
				complain("%v", err)
			}
			return all
		},
	})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		signal.Stop(stop) // a second signal ends at once
		window.Quit()
	}()
	go door.answer(window.Raise)
	window.Show()
	fob.Run()
	window.Close()
}

// withoutBrowser leaves out the shell's BROWSER: a window opens the desktop's browser, or the profile's own.
func withoutBrowser(env desktop.Env) desktop.Env {
	plain := desktop.Env{}
	for name, value := range env {
		if name != "BROWSER" {
			plain[name] = value
		}
	}
	return plain
}

// findFob finds the agent's program; "" when it is nowhere.
func findFob() string {
	path, err := desktop.Beside("fob")
	if err != nil {
		return ""
	}
	return path
}

func versionWords() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func complain(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "fob-app: "+format+"\n", values...)
}
