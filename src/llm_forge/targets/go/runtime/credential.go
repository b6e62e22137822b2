package forge

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// longestSecretFile: a larger file is no credential.
const longestSecretFile = 64 * 1024

// Credential is a secret that is given, or asked for at each attempt. It shows itself nowhere.
type Credential struct {
	secret *Secret
	ask    func(context.Context) (string, error)
	source string
	err    error
}

// Key is a credential in a text, without the white space around it.
func Key(text string) Credential { return keyFrom(text, "api_key", "client argument") }

func keyFrom(text, name, source string) Credential {
	secret, err := CleanSecret(text, name)
	return Credential{secret: &secret, source: source, err: err}
}

// KeySecret is a credential in a Secret.
func KeySecret(secret Secret) Credential {
	return Credential{secret: &secret, source: "client argument"}
}

// KeyFile is the credential in a file, without the white space around it; the file is read when the client is made.
func KeyFile(path string) Credential { return keyInFile(path, "the credential", "client argument") }

func keyInFile(path, name, source string) Credential {
	made := Credential{source: fmt.Sprintf("%s, file %s", source, path)}
	content, err := os.ReadFile(path)
	switch {
	case err != nil:
		made.err = newError(KindConfig, "%s cannot be read from the file %s", name, path)
	case len(content) > longestSecretFile:
		made.err = newError(KindConfig, "%s cannot be read from the file %s: it is larger than a credential", name, path)
	case !utf8.Valid(content):
		made.err = newError(KindConfig, "%s cannot be read from the file %s: it is not text", name, path)
	default:
		secret, err := CleanSecret(string(content), name+" in the file "+path)
		made.secret, made.err = &secret, err
	}
	return made
}

// KeyFunc is asked for the credential at each attempt; its failure is an AuthError with the cause.
func KeyFunc(ask func(context.Context) (string, error)) Credential {
	return Credential{ask: ask, source: "client argument"}
}

// String is [redacted].
func (c Credential) String() string { return redactedText }

// GoString is [redacted].
func (c Credential) GoString() string { return redactedText }

// current is the secret for this attempt.
func (c Credential) current(ctx context.Context) (Secret, error) {
	if c.secret != nil {
		return *c.secret, nil
	}
	if c.ask == nil {
		return Secret{}, newError(KindAuth, "There is no credential to send")
	}
	text, err := c.ask(ctx)
	if err != nil {
		return Secret{}, credentialFailure(ctx, c.source, err)
	}
	secret, err := CleanSecret(text, fmt.Sprintf("the function's result (%s)", c.source))
	if err != nil {
		return Secret{}, newError(KindAuth, "%s", err.Error())
	}
	return secret, nil
}

func credentialFailure(ctx context.Context, source string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if own, ok := err.(*Error); ok {
		return own
	}
	return newError(KindAuth, "The credential could not be obtained (%s): %s", source, typeName(err)).because(err)
}

// typeName is what a foreign error may be called in a message: its text may hold anything.
func typeName(err error) string { return strings.TrimPrefix(fmt.Sprintf("%T", err), "*") }
