package session

// The steps of a rotation, in the order in which they come. docs/rotation.md says what a crash after each of them means. The
// engine names them to Options.Step as it passes them; so do packages journal and keychain, whose names come after theirs.
const (
	StepLooked   = "refresh/looked"     // the item was read again: these are the newest tokens
	StepSpending = "refresh/spending"   // the intent is durable; the request is about to be sent
	StepAnswered = "refresh/answered"   // the new tokens are here, and nowhere else
	StepStored   = "refresh/stored"     // the keychain has them
	StepNoted    = "refresh/noted"      // the record says so
	StepShown    = "refresh/shown"      // those who wait are told
	StepStoring  = "keychain/setting"   // package keychain: the item is about to be set
	StepSet      = "keychain/set"       // it was set, and is about to be read back
	StepKept     = "keychain/committed" // it was read back
)

// Steps are all names, also of the steps that only large tokens take, which rest in a sealed file.
var Steps = []string{
	StepLooked,
	"journal/reserved", "journal/intent-written", "journal/intended",
	StepSpending, StepAnswered,
	"journal/answer-written", "journal/answered",
	"keychain/sealing", "keychain/created", "keychain/written", "keychain/synced", "keychain/sealed",
	StepStoring, StepSet, StepKept,
	"keychain/overwritten", "keychain/unlinked",
	StepStored, StepNoted,
	"journal/cleared",
	StepShown,
}

// at tells a test how far a rotation is.
func (e *Engine) at(step string) {
	if e.passed != nil {
		e.passed(step)
	}
}
