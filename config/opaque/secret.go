package opaque

import (
	"fmt"
	"unique"
)

// Redacted is what is printed in the place of a secret.
const Redacted = "(sensitive)"

// A Secret is a password, a token or whatever was made from one. It is
// comparable by value, so configurations that hold secrets can be compared;
// even a dump by reflection shows an address and not the text.
type Secret struct {
	handle unique.Handle[string]
}

// NewSecret returns a Secret that hides text. The empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// IsZero reports whether there is nothing to hide.
func (s Secret) IsZero() bool { return s == Secret{} }

// Reveal returns the text, for the one place that hands it to a server.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// Format implements [fmt.Formatter] so that every verb prints [Redacted].
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// String returns "" for the zero Secret and [Redacted] otherwise.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// MarshalText keeps encoders (JSON, YAML, loggers) from looking inside.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
