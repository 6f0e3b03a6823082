package agent

import (
	"encoding/json"
	"net/http"
	"sync"
)

// lines writes JSON values to a streaming answer, one a line, at once.
type lines struct {
	mu      sync.Mutex // one writer at a time
	encoder *json.Encoder
	flush   func() error
}

func newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lines{encoder: json.NewEncoder(w), flush: http.NewResponseController(w).Flush}
}

func (l *lines) write(values ...any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, value := range values {
		if err := l.encoder.Encode(value); err != nil {
			return err
		}
	}
	return l.flush()
}

// watchSettings wakes the streams when the settings change.
type watchSettings struct {
	mu   sync.Mutex // guards subs
	subs map[chan struct{}]bool
}

func (w *watchSettings) add() (changes <-chan struct{}, forget func()) {
	sub := make(chan struct{}, 1)
	w.mu.Lock()
	if w.subs == nil {
		w.subs = map[chan struct{}]bool{}
	}
	w.subs[sub] = true
	w.mu.Unlock()
	return sub, func() {
		w.mu.Lock()
		delete(w.subs, sub)
		w.mu.Unlock()
	}
}

func (w *watchSettings) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for sub := range w.subs {
		select {
		case sub <- struct{}{}:
		default:
		}
	}
}
