package main

import (
	"errors"
	"log/slog"
	"os"
	"runtime/debug"

	"fob/internal/agent"
	"fob/internal/logbook"
)

// agentLog is the agent's log and what it logs at least: FOB_LOG decides, else the setting. An agent whose log cannot be written
// works all the same, and says so in `fob doctor`.
type agentLog struct {
	home   agent.Home
	file   *logbook.File
	logger *slog.Logger
	level  slog.LevelVar
	forced bool
}

func newAgentLog(home agent.Home) *agentLog {
	l := &agentLog{home: home, file: logbook.New(home.LogFile())}
	l.logger = l.file.Logger(&l.level)
	if name := os.Getenv("FOB_LOG"); name != "" {
		level, err := logbook.ParseLevel(name)
		if err != nil {
			l.logger.Warn("log", "problem", "FOB_LOG: "+err.Error()+"; the setting decides")
		}
		l.level.Set(level)
		l.forced = err == nil
	}
	l.set(agent.StoredSettings(home).LogLevel) // what is done before the settings are opened is logged too
	return l
}

// set puts the setting in force.
func (l *agentLog) set(name string) {
	level, err := logbook.ParseLevel(name)
	if err != nil || l.forced || level == l.level.Level() {
		return
	}
	l.level.Set(min(level, slog.LevelInfo)) // that it changes is said at either
	l.logger.Info("log", "level", logbook.LevelName(level))
	l.level.Set(level)
}

func (l *agentLog) state() agent.LogState {
	state := agent.LogState{Path: l.home.LogFile(), Level: logbook.LevelName(l.level.Level()), Forced: l.forced}
	if err := l.file.Problem(); err != nil {
		state.Problem = err.Error()
	}
	return state
}

// lastCrash says whether the agent before crashed, and lets a crash of this one be written down: a detached agent has nowhere else
// to say it. Traces hold addresses, never the strings behind them.
func (l *agentLog) lastCrash() {
	path := l.home.CrashFile()
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		l.logger.Warn("crash", "problem", path+" is no file: a crash will leave no trace")
		return
	case err == nil && info.Size() > 0:
		l.logger.Error("crash", "when", info.ModTime().UTC(), "trace", path+".1")
		if err := os.Rename(path, path+".1"); err != nil {
			l.logger.Warn("crash", "problem", err.Error())
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(debug.SetCrashOutput(file, debug.CrashOptions{}), file.Close()) // the runtime has a copy of its own
	}
	if err != nil {
		l.logger.Warn("crash", "problem", err.Error())
	}
}

// doctorLog says where the log is, and that it cannot be written.
func (r *resident) doctorLog() agent.Finding {
	state := r.logging.state()
	finding := agent.Finding{Subject: "log", OK: state.Problem == "", Detail: state.Path + ", level " + state.Level}
	if state.Forced {
		finding.Detail += " by FOB_LOG"
	}
	if !finding.OK {
		finding.Detail = "the log cannot be written: " + state.Problem
		finding.Remedy = "see that the disk has room and that " + r.home.Data + " is yours; the agent works all the same"
	}
	return finding
}
