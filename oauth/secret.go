package oauth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// masked is all that a Secret ever shows of itself.
const masked = "[secret]"

// Secret is a value that must not be printed: a token, a client secret, a
// PKCE verifier. It formats under every verb, logs and marshals as "[secret]",
// so that an accident is harmless; [Secret.Reveal] is the way to its value. Two
// things no type can prevent: fmt asks nobody about unexported fields, nor
// about what is behind a pointer in a struct that is printed with %s or %q. A
// struct with a Secret that may be printed has a Format of its own; those of
// this package do.
type Secret string

// Reveal returns the value. The caller answers for where it goes.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (s Secret) String() string { return masked }

// Format writes "[secret]" whatever the verb, %q, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue makes log/slog write "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalJSON returns "[secret]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// MarshalText returns "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// UnmarshalText takes the value, but refuses the mask: a value that went
// through MarshalText is lost, and pretending otherwise would send "[secret]"
// to a server as if it were a token.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == masked {
		return errors.New("a masked secret cannot be read back; keep it with Reveal")
	}
	*s = Secret(text)
	return nil
}
