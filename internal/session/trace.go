package session

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"fob/internal/durable"
	"fob/oauth"
)

// The operations that are recorded, one of each for a profile.
const (
	operationLogin   = "login"
	operationRefresh = "refresh"
	operationBegun   = "login begun" // by hand; its steps become the first ones of the login that completes it
)

// traces keeps the last recorded operations of each profile in a file each, read only when somebody looks: memory stays flat
// with thousands of profiles. No secret is in them; see [oauth.Trace]. A traces without directory keeps them in memory.
type traces struct {
	dir string

	mu   sync.Mutex // orders writers, guards held
	held map[string][]TraceRun
}

// traced records what happens under the context it returns; done keeps the record.
func (e *Engine) traced(ctx context.Context, name, operation string) (recording context.Context, done func(error)) {
	trace, began := new(oauth.Trace), wall()
	return context.WithValue(oauth.WithTrace(ctx, trace), tracing{}, trace), func(err error) {
		run := TraceRun{Operation: operation, At: began}
		if err != nil {
			run.Problem = trimName(Explain(name, err).Sentence, name)
		}
		steps := trace.Steps()
		e.logRun(name, operation, began, steps, err)
		for _, step := range steps {
			run.Steps = append(run.Steps, TraceStep{Step: step, Explanation: step.Explain(), Curl: step.Curl()})
		}
		if len(run.Steps) == 0 {
			return // nothing was said to anybody
		}
		if begun, _ := ctx.Value(completing{}).(bool); begun {
			run.Steps = append(e.traces.begun(name), run.Steps...)
		}
		if err := e.traces.keep(name, run); err != nil {
			e.log.Info("trace", "profile", name, "problem", err.Error())
		}
	}
}

// logRun logs what an operation did and what it said to whom: hosts and paths, no parameters.
func (e *Engine) logRun(name, operation string, began time.Time, steps []oauth.Step, err error) {
	for _, step := range steps {
		where := step.URL
		if u, err := url.Parse(step.URL); err == nil {
			where = u.Scheme + "://" + u.Host + u.Path
		}
		about := []any{"profile", name, "what", step.What, "method", step.Method, "url", where, "status", step.Status, "took", step.Took.Round(time.Millisecond).String()}
		if step.Browser {
			about = []any{"profile", name, "what", step.What, "by", "browser"}
		}
		e.log.Debug("exchange", about...)
	}
	level, about := slog.LevelDebug, []any{"profile", name, "took", wall().Sub(began).Round(time.Millisecond).String()}
	if operation != operationRefresh { // which the schedule makes all day
		level = slog.LevelInfo
	}
	if err != nil {
		about = append(about, "code", Explain(name, err).Code)
	}
	e.log.Log(context.Background(), level, operation, about...)
}

// completing marks an operation that goes on with a login begun by hand.
type completing struct{}

// begun are the steps of the login that was begun by hand.
func (t *traces) begun(name string) []TraceStep {
	runs, err := t.read(name)
	if err != nil {
		return nil
	}
	for _, run := range runs {
		if run.Operation == operationBegun {
			return run.Steps
		}
	}
	return nil
}

// tracing finds the trace of an operation again.
type tracing struct{}

// browsed records a step that the browser made.
func browsed(ctx context.Context, title, address, note string) {
	trace, _ := ctx.Value(tracing{}).(*oauth.Trace)
	trace.Browser(title, address, note) // nil records nothing
}

// Trace returns the profile's last login and refresh, the newest first.
func (e *Engine) Trace(name string) ([]TraceRun, error) {
	if _, err := e.one(name); err != nil {
		return nil, err
	}
	runs, err := e.traces.read(name)
	if err != nil {
		return nil, Explain(name, err)
	}
	return runs, nil
}

func (t *traces) path(name string) string { return recordDir(t.dir).path(name) }

func (t *traces) read(name string) ([]TraceRun, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readLocked(name)
}

func (t *traces) readLocked(name string) ([]TraceRun, error) {
	if t.dir == "" {
		return t.held[name], nil
	}
	text, err := os.ReadFile(t.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var runs []TraceRun
	if json.Unmarshal(text, &runs) != nil {
		return nil, nil // cut short by a power failure: the next operation writes a new one
	}
	return runs, nil
}

// keep puts a run in place of the profile's last one of the same operation.
func (t *traces) keep(name string, run TraceRun) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	runs, err := t.readLocked(name)
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(slices.Clone(runs), func(r TraceRun) bool {
		return r.Operation == run.Operation || r.Operation == operationBegun && run.Operation == operationLogin
	})
	runs = append([]TraceRun{run}, runs...)
	if t.dir == "" {
		if t.held == nil {
			t.held = map[string][]TraceRun{}
		}
		t.held[name] = runs
		return nil
	}
	text, err := json.Marshal(runs)
	if err != nil {
		return err
	}
	return durable.Write(t.path(name), text, false)
}

// rename takes what was recorded of a profile to its new name.
func (t *traces) rename(from, to string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dir == "" {
		if runs, ok := t.held[from]; ok {
			t.held[to] = runs
			delete(t.held, from)
		}
		return nil
	}
	err := os.Rename(t.path(from), t.path(to))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// forget removes what was recorded of a profile.
func (t *traces) forget(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, name)
	if t.dir == "" {
		return nil
	}
	err := os.Remove(t.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// traceDir is where the traces of a home rest.
func traceDir(home string) string {
	if home == "" {
		return ""
	}
	return filepath.Join(home, "traces")
}
