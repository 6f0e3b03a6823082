package agent

import "fob/internal/session"

// Kind says what a caller can do about an error; it decides the command line's exit code.
type Kind = session.Kind

// The kinds and their exit codes.
const (
	Failed      = session.Failed      // 1: it did not work
	Misused     = session.Misused     // 2: the request makes no sense: unknown profile, unknown key
	LogInFirst  = session.LogInFirst  // 3: a person has to log in
	Unreachable = session.Unreachable // 4: no agent
	TryAgain    = session.TryAgain    // 5: the network, the server or the keychain is away
)

// Error is what every face shows: one sentence, one remedy. The client returns no other kind of error than this and
// context errors.
type Error = session.Error

// CodeStopping is the code of the error of what is not begun any more because the agent ends.
const CodeStopping = session.CodeStopping

// CodeSilent is the code of the error of an agent that runs and does not answer.
const CodeSilent = "agent_silent"

// CodeStopped is the code of the error with which [Client.Watch] ends when somebody stopped the agent on purpose: a face should
// not start another one by itself.
const CodeStopped = "agent_stopped"
