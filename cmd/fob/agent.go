package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"fob/internal/agent"
	"fob/internal/cli"
	"fob/internal/desktop"
	"fob/internal/keychain"
	"fob/internal/session"
	"fob/profiles"
)

// runAgent runs the agent in this process until ctx ends or it is told to stop, and returns the exit code.
func runAgent(ctx context.Context, home agent.Home, noTray bool, stderr io.Writer) int {
	err := serveAgent(ctx, home, noTray)
	agent.Report(err)
	if err == nil {
		return 0
	}
	if errors.Is(err, agent.ErrRunning) {
		err = agent.Refusal(ctx, home)
	}
	fmt.Fprintf(stderr, "fob: %v\n", err)
	var known *agent.Error
	if errors.As(err, &known) && known.Remedy != "" {
		fmt.Fprintln(stderr, "fob: hint: "+known.Remedy)
	}
	return int(agent.Failed)
}

// passed is told how far a rotation is. It is nil but in binaries built with the tag soak.
var passed func(step string)

// resident is the agent process: what lives as long as it does.
type resident struct {
	home      agent.Home
	life      context.Context // ends with the agent
	log       *slog.Logger
	logging   *agentLog
	file      *profiles.File
	stores    stores
	store     *homeStore
	engine    *session.Engine
	server    *agent.Server
	demo      *demo
	clipboard *desktop.Clipboard
	tray      *trayIcon
}

// serveAgent is the agent from the lock to its release, or to its becoming a newer program.
func serveAgent(ctx context.Context, home agent.Home, noTray bool) error {
	limitCore()
	socket, err := agent.Listen(home)
	if err != nil {
		return err
	}
	defer socket.Close()
	next, err := serveOn(ctx, socket, home, noTray)
	if err != nil || next == nil {
		return err
	}
	args := []string{"agent"}
	if noTray {
		args = append(args, "--no-tray")
	}
	return socket.Become(next.program, args, next.env)
}

// successor is the program that takes over, and what it has to know of this agent's surroundings.
type successor struct {
	program string
	env     []string
}

// serveOn serves on socket until the agent is to end, or a newer program is to take over.
func serveOn(ctx context.Context, socket *agent.Socket, home agent.Home, noTray bool) (*successor, error) {
	log := newAgentLog(home)
	defer log.file.Close()
	logger := log.logger
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &resident{home: home, life: ctx, log: logger, logging: log, clipboard: desktop.NewClipboard()}
	if err := r.build(); err != nil {
		return nil, err
	}
	defer r.engine.Close()
	r.demo = &demo{home: home, engine: r.engine, ctx: ctx}
	r.tray = newTrayIcon(r, noTray)
	var err error
	r.server, err = agent.NewServer(home, r.engine, agent.Options{
		Version: cli.Version(), Build: ownBuild(), Keeps: r.keeps, Store: r.storeActs(), Log: logger,
		Copy: r.copy, Open: r.tray.openPage, Attach: r.tray.attach, Tray: r.tray.shown, Demo: r.demo.start, Doctor: r.doctor,
		StartAtLogin: startAtLogin, Logging: log.state, LogLevel: log.set,
		Prompt: func(all []agent.Status, r agent.PromptRequest) string { return cli.Prompt(all, r, time.Now()) },
	})
	if err != nil {
		return nil, err
	}
	if err := r.demo.resume(); err != nil {
		logger.Warn("demo", "problem", err.Error())
	}
	shared := r.share(ctx)
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(ctx, socket.Listener) }()
	agent.Report(nil)
	logger.Info("agent", "version", cli.Version(), "pid", os.Getpid(), "store", string(r.store.current().Kind()), "level", log.state().Level)
	log.lastCrash()
	if r.stores.found != "" {
		logger.Warn("store", "problem", r.stores.found)
	}
	if note := r.stores.contradiction(); note != "" {
		logger.Warn("store", "problem", note)
	}
	r.background()
	select {
	case <-ctx.Done():
	case <-r.server.Stopped():
	case <-lost(ctx, socket):
		logger.Warn("agent", "problem", "its socket was removed, and nobody can ask it any more: the next command starts another one")
	case err := <-served:
		return nil, err
	}
	logger.Info("agent", "ends", os.Getpid())
	next := r.successor(socket)
	cancel()
	<-shared
	r.tray.wait()
	if err := r.clipboard.Close(); err != nil {
		logger.Info("clipboard", "problem", err.Error())
	}
	return next, <-served
}

// lostEvery is how often the agent looks whether its socket is still there.
const lostEvery = 10 * time.Second

// lost is closed when the socket is not there any more.
func lost(ctx context.Context, socket *agent.Socket) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		tick := time.NewTicker(lostEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if socket.Lost() {
					close(gone)
					return
				}
			}
		}
	}()
	return gone
}

// successor is the program that a newer client wants the agent to become; nil when the agent just ends.
func (r *resident) successor(socket *agent.Socket) *successor {
	program := r.server.Successor()
	if program == "" {
		return nil
	}
	if err := socket.Keep(); err != nil {
		r.log.Warn("take-over", "problem", err.Error()) // the client starts the new one
		return nil
	}
	env := os.Environ()
	for name, value := range r.tray.desk() {
		env = append(env, name+"="+value) // of the desktop that the agent has learnt of
	}
	return &successor{program, env}
}

// keeps says what only this process has.
func (r *resident) keeps() string {
	switch r.store.current().Kind() {
	case keychain.KindMemory:
		return "it keeps its logins in memory, and they would be lost"
	case keychain.KindFile:
		if os.Getenv("FOB_PASSPHRASE_FILE") == "" && os.Getenv("CREDENTIALS_DIRECTORY") == "" {
			return "somebody has typed the passphrase of its store, and would have to do so again"
		}
	}
	return ""
}

// ownBuild is the build of this program, as it was when it started: the file may be another one later.
func ownBuild() agent.Build {
	exe, err := os.Executable()
	if err != nil {
		return agent.Build{}
	}
	return agent.BuildOf(cli.Version(), exe)
}

// share serves the socket that is for forwarding; the channel is closed when that has ended. Without it the agent is whole but for that.
func (r *resident) share(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	listener, err := agent.ListenShared(r.home)
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			r.log.Warn("share socket", "problem", err.Error())
		}
		close(ended)
		return ended
	}
	go func() {
		defer close(ended)
		if err := r.server.ServeShared(ctx, listener); err != nil {
			r.log.Warn("share socket", "problem", err.Error())
		}
	}()
	return ended
}

// build opens profiles and store and makes the engine.
func (r *resident) build() error {
	for _, dir := range []string{r.home.Config, r.home.Data} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	var err error
	r.file, err = profiles.OpenFile(r.home.ProfilesFile())
	// A file that is damaged, or a newer Fob's, comes with the error: it is told by the engine, and everything else works.
	if r.file == nil {
		return err
	}
	r.stores.home, r.store = r.home, &homeStore{}
	if r.store.now, err = r.stores.first(); err != nil {
		return err
	}
	if r.store.mark, err = homeMark(r.home); err != nil {
		return err
	}
	known := r.home.Data
	if r.store.now.Kind() == keychain.KindMemory {
		known = "" // what is known of logins that are forgotten with the process is forgotten too
	}
	if passed != nil {
		r.store.now.Watch(func(step string) { passed("keychain/" + step) })
	}
	r.engine, err = session.New(session.Options{
		Profiles: r.file, Store: r.store, Dir: known, Log: r.log, Step: passed, Spenders: func() string { return spendersDir(r.store.mark) },
		LockFile: filepath.Join(r.home.Data, "lock.json"),
		Ready: func(ctx context.Context, attended bool) error {
			_, err := r.store.current().Probe(ctx, attended)
			return err
		},
	})
	return err
}

// background starts what goes on beside answering: refreshing, waking up, the tray icon.
func (r *resident) background() {
	go r.engine.Run(r.life)
	go r.sweep()
	go func() {
		for wake := range desktop.Wakes(r.life) {
			if r.log.Info("wake", "why", wake.String()); wake.Resumed {
				r.engine.Resumed()
			} else {
				r.engine.NetworkChanged()
			}
		}
	}()
	r.tray.attach(desktop.EnvOf(os.Environ())) // before the screen's lock is looked for on its bus
	go desktop.Screen(r.life, r.tray.desk, func(locked bool) {
		if err := r.server.ScreenLocked(locked); err != nil {
			r.log.Warn("screen lock", "problem", err.Error())
		}
	})
	debug.SetGCPercent(gcPercent)
	for _, settled := range []time.Duration{2 * time.Second, 10 * time.Second} { // the agent is up; tray and keychain are, too
		time.AfterFunc(settled, lean)
	}
}

// sweep removes what a crash may have left of sealed tokens.
func (r *resident) sweep() {
	if n, err := r.store.current().Sweep(r.life, r.store.marked(r.engine.Keys())); err != nil {
		r.log.Info("sealed files", "problem", err.Error())
	} else if n > 0 {
		r.log.Info("sealed files", "removed", n)
	}
}

func (r *resident) copy(ctx context.Context, env map[string]string, text string, clearAfter time.Duration) error {
	_, err := r.clipboard.Copy(ctx, desktop.Env(env), text, true, clearAfter)
	return err
}
