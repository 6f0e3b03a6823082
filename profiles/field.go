package profiles

import (
	"slices"
	"strings"
	"sync"
)

// Kind is what sort of value a field holds; an editor chooses its widget by it.
type Kind string

// The kinds.
const (
	KindText       Kind = "text"
	KindURL        Kind = "url"
	KindSecret     Kind = "secret"     // goes to the keychain, is never part of a [Profile]
	KindList       Kind = "list"       // several values
	KindChoice     Kind = "choice"     // one of Choices
	KindBool       Kind = "bool"       // "true" or "false"
	KindDuration   Kind = "duration"   // as [ParseDuration] reads it
	KindNumber     Kind = "number"     // a whole number
	KindParameters Kind = "parameters" // KEY=VALUE, any number of them
	KindColor      Kind = "color"      // as [RGB] reads it
	KindCommand    Kind = "command"    // a program with arguments, started without a shell
	KindJSON       Kind = "json"       // an object or an array, as JSON text
	KindPEM        Kind = "pem"        // certificates, as text of several lines
)

// The groups of fields, in the order to show them.
const (
	GroupProfile      = "Profile"
	GroupServer       = "Server"
	GroupClient       = "Client"
	GroupRequest      = "Request"
	GroupAccount      = "Account"
	GroupAssertion    = "Assertion"
	GroupExchange     = "Token exchange"
	GroupBackchannel  = "Login on another device"
	GroupOAuth1       = "OAuth 1.0a"
	GroupRedirect     = "Redirect"
	GroupToken        = "Token"
	GroupProtection   = "Signatures and encryption"
	GroupConstrained  = "Sender-constrained tokens"
	GroupRegistration = "Registration"
	GroupNetwork      = "Network"
	GroupQuirks       = "Quirks"
)

// Choice is one of the values a field offers.
type Choice struct {
	Value string // as in the profile; "" is the default
	Label string
}

// Field describes one field of a profile: the same row drives validation, `--set`, the editor and the documentation.
type Field struct {
	Key     string // as in profiles.json and `--set`
	Label   string // for people
	Group   string
	Kind    Kind
	Default string // what an empty value stands for; "" when it stands for nothing
	Help    string // one or two sentences: what it does, when to set it
	Example string
	RFC     string // the specification and section that names it
	Choices []Choice
	Open    bool // Choices are suggestions, other values are allowed
	// Required says that a profile does not work without a value here, whatever its other fields hold.
	Required bool
	Advanced bool // most profiles leave it alone
	// Multiline says that a value has several lines: a key, a certificate, JSON.
	Multiline bool
	// When says in words what the condition behind Shown is; "" for a field that always has a meaning.
	When string

	spaced bool               // values of a list never hold a space, so that text splits at spaces
	empty  bool               // `KEY.NAME=` stores an empty value, which leaves the parameter out, and does not remove it
	shown  func(Profile) bool // nil is always
	check  func(string) string
	member func(*Profile) any // *string, *List, *Parameters, *Duration, **int or *bool; nil for a secret
}

// Multiple says whether the field takes several values: `--set` may be repeated for it.
func (f Field) Multiple() bool { return f.Kind == KindList || f.Kind == KindParameters }

// Shown says whether the field has a meaning for this profile: its grant or its method uses it.
func (f Field) Shown(p Profile) bool { return f.shown == nil || f.shown(p) }

// Fields returns every field of a profile, in the order to show them.
func Fields() []Field { return slices.Clone(table) }

// FieldByKey finds a field by its key. "authorize_params.audience" finds authorize_params.
func FieldByKey(key string) (Field, bool) {
	f, _, ok := lookup(key)
	if !ok {
		return Field{}, false
	}
	return *f, true
}

// lookup finds a field, and the parameter that a key with a dot addresses.
func lookup(key string) (f *Field, parameter string, ok bool) {
	base, parameter, dotted := strings.Cut(key, ".")
	f = row(base)
	if f == nil || dotted && (f.Kind != KindParameters || parameter == "") {
		return nil, "", false
	}
	return f, parameter, true
}

func row(key string) *Field {
	if i, ok := rows()[key]; ok {
		return &table[i]
	}
	return nil
}

// rows finds a row by its key.
var rows = sync.OnceValue(func() map[string]int {
	index := make(map[string]int, len(table))
	for i := range table {
		index[table[i].Key] = i
	}
	return index
})

// unknownKey says that there is no such field, and which one may have been meant.
func unknownKey(key string) Problem {
	base, parameter, dotted := strings.Cut(strings.ToLower(strings.ReplaceAll(key, "-", "_")), ".")
	best, distance := "", 1<<30
	for i := range table {
		if d := edits(base, table[i].Key); d < distance {
			best, distance = table[i].Key, d
		}
	}
	if f := row(best); dotted && f.Kind == KindParameters && parameter != "" {
		best += "." + parameter
	}
	return Problem{Key: key, Message: "is not a field of a profile; did you mean " + best + "?"}
}
