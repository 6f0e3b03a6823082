package session

import "time"

// Kind says what a caller can do about an error; it decides the command line's exit code.
type Kind int

// The kinds, with the exit codes of the command line.
const (
	Failed      Kind = 1 // it did not work
	Misused     Kind = 2 // the request makes no sense: unknown profile, unknown key
	LogInFirst  Kind = 3 // a person has to log in
	Unreachable Kind = 4 // the agent cannot be reached
	TryAgain    Kind = 5 // the network, the server or the keychain is away
)

// Error is what every face shows: one sentence and one remedy, made in one place.
type Error struct {
	Kind     Kind   `json:"kind"`
	Code     string `json:"code"`             // stable, for scripts
	Sentence string `json:"sentence"`         // what happened, to what
	Remedy   string `json:"remedy,omitempty"` // what to do
	// Since and NextTry are of an outage that a kept login meets: when it began, and when Fob tries again by itself.
	Since   *time.Time `json:"since,omitempty"`
	NextTry *time.Time `json:"next_try,omitempty"`
	cause   error
}

// Error is the sentence.
func (e *Error) Error() string { return e.Sentence }

// Unwrap is what caused it; it is nil on the far side of the socket.
func (e *Error) Unwrap() error { return e.cause }
