package forge

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"strings"
)

// redactedText stands where a credential was.
const redactedText = "[redacted]"

// Secret is a credential; every way to print, log or encode it gives [redacted], only Reveal gives the value
// . The value sits in a closure, for debuggers and reflection print fields.
type Secret struct{ read func() string }

// NewSecret is a secret of this value, as it is.
func NewSecret(value string) Secret { return Secret{func() string { return value }} }

// CleanSecret is the secret in a text, without the white space around it. ConfigError naming source,
// never the value, if it is empty or has a character that cannot stand in a header.
func CleanSecret(text, source string) (Secret, error) {
	value := strings.TrimSpace(text)
	if value == "" {
		return Secret{}, newError(KindConfig, "%s is empty: set it to the credential", source)
	}
	for place, char := range []rune(value) {
		if char < '!' || char > '~' {
			return Secret{}, newError(KindConfig,
				"%s holds %s at position %d: a credential is visible ASCII only; copy it again", source, charKind(char), place+1)
		}
	}
	return NewSecret(value), nil
}

func charKind(char rune) string {
	switch {
	case char == ' ':
		return "a space"
	case char < 0x20 || char == 0x7F:
		return "a control character"
	}
	return "a character outside visible ASCII"
}

// Reveal is the credential itself, "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.read == nil {
		return ""
	}
	return s.read()
}

// Fingerprint tells secrets apart without telling them: the start of a hash.
func (s Secret) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])[:8]
}

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String is [redacted].
func (s Secret) String() string { return redactedText }

// GoString is [redacted].
func (s Secret) GoString() string { return redactedText }

// MarshalText is [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redactedText), nil }

// LogValue is [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redactedText) }
