package forge

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a configuration file may say about a provider, and the options that it means.
//
//	providers:
//	  anthropic:
//	    api_key: env:TEAM_KEY                  # a reference, never the key itself
//	    timeout: 30                            # options by their own names
//	    retry: {max_attempts: 5, backoff_factor: 2, max_wait: 30, respect_retry_after: true}
//	    rate_limit: {requests_per_minute: 60, tokens_per_minute: 90000}
//
// Credentials are references: env:NAME, file:PATH (relative to the file), or cmd:COMMAND, which is run without a shell
// when the key is first needed. Files are read by a loader of its own that knows mappings, lists and scalars only: it
// has no tags, anchors or aliases (see yaml.go). The keys models, aliases, default_model, kind and optimizations belong
// to tools that share the file.

const (
	mostConfigBytes = mib
	commandTimeout  = 30 * time.Second
	referenceForms  = "env:NAME, file:PATH or cmd:COMMAND"
)

// optionsInFile are the options that a file gives a provider, but for those that a higher layer has.
func optionsInFile(path, provider string, sources map[string]string) ([]foundOption, error) {
	root, err := readConfigFile(path)
	if err != nil {
		return nil, err
	}
	providers, err := root.entry("providers")
	if err != nil || providers == nil {
		return nil, err
	}
	section, err := providers.entry(provider)
	if err != nil || section == nil {
		return nil, err
	}
	var found []foundOption
	for _, entry := range section.entries {
		more, err := optionsAt(entry, sources)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func readConfigFile(path string) (*yamlNode, error) {
	if rest, found := strings.CutPrefix(path, "~/"); found {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, newError(KindConfig, "%s: there is no home folder", path)
		}
		path = filepath.Join(home, rest)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, newError(KindConfig, "%s: the configuration cannot be read", path)
	}
	if len(content) > mostConfigBytes {
		return nil, newError(KindConfig, "%s: a configuration of more than %d bytes is refused", path, mostConfigBytes)
	}
	root, err := parseYAML(content, path)
	if err != nil {
		return nil, err
	}
	for _, entry := range root.entries {
		if !slices.Contains([]string{"providers", "models", "aliases", "default_model"}, entry.key) {
			return nil, entry.errorf("%s", unknownName(entry.key, "key", []string{"providers", "models", "aliases", "default_model"}))
		}
	}
	return root, nil
}

func optionsAt(entry *yamlNode, sources map[string]string) ([]foundOption, error) {
	switch entry.key {
	case "kind", "models", "optimizations":
		return nil, nil
	case "retry":
		return renamedOptions(entry, sources, map[string]string{
			"max_attempts": "max_attempts", "backoff_factor": "backoff_factor", "max_wait": "max_backoff", "respect_retry_after": "respect_retry_after"})
	case "rate_limit":
		return rateLimitAt(entry, sources)
	}
	if !note(sources, entry.key, entry.String()) {
		return nil, nil
	}
	option, err := optionAt(entry)
	if err != nil {
		return nil, err
	}
	return []foundOption{{option, entry.String()}}, nil
}

func renamedOptions(group *yamlNode, sources, names map[string]string) ([]foundOption, error) {
	var found []foundOption
	for _, entry := range group.entries {
		name, known := names[entry.key]
		if !known {
			return nil, entry.errorf("%s", unknownName(entry.key, "key", sortedNames(names)))
		}
		if !note(sources, name, entry.String()) {
			continue
		}
		option, err := Named(name, entry.plain())
		if err != nil {
			return nil, entry.errorf("%s", err.Error())
		}
		found = append(found, foundOption{option, entry.String()})
	}
	return found, nil
}

func rateLimitAt(group *yamlNode, sources map[string]string) ([]foundOption, error) {
	units := map[string]string{"requests_per_minute": "requests", "tokens_per_minute": "tokens"}
	var limits []Limit
	for _, entry := range group.entries {
		amount, isNumber := asFloat(entry.plain())
		unit, known := units[entry.key]
		if !known || !isNumber {
			return nil, entry.errorf("expected numbers of %v", sortedNames(units))
		}
		limits = append(limits, Limit{Unit: unit, Amount: amount, Period: time.Minute})
	}
	if sources["rate_limiter"] != "" || !note(sources, "limits", group.String()) {
		return nil, nil
	}
	return []foundOption{{WithLimits(limits...), group.String()}}, nil
}

func optionAt(entry *yamlNode) (ClientOption, error) {
	switch entry.key {
	case "api_key":
		credential, err := referenceAt(entry)
		return WithCredential(credential), err
	case "ca_bundle":
		return WithCABundle(entry.besideFile(entry.text())), nil
	case "headers":
		for _, header := range entry.entries {
			if namesASecret(header.key) && !strings.HasPrefix(header.text(), "env:") {
				return nil, header.errorf("a header that holds a credential must be a reference (env:NAME)")
			}
		}
		return headersAt(entry)
	}
	option, err := Named(entry.key, entry.plain())
	if err != nil {
		return nil, entry.errorf("%s", err.Error())
	}
	return option, nil
}

func headersAt(entry *yamlNode) (ClientOption, error) {
	headers := map[string]string{}
	for _, header := range entry.entries {
		text := header.text()
		if name, isReference := strings.CutPrefix(text, "env:"); isReference {
			if text = strings.TrimSpace(os.Getenv(name)); text == "" {
				return nil, header.errorf("the environment variable %s is not set", name)
			}
		}
		headers[header.key] = text
	}
	return WithHeaders(headers), nil
}

// besideFile is a path that starts at the configuration file's folder, unless it is absolute.
func (n *yamlNode) besideFile(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(n.file), path)
}

// referenceAt is the credential that a reference means; ConfigError for anything else, without showing it.
func referenceAt(entry *yamlNode) (Credential, error) {
	if !entry.isText() {
		return Credential{}, entry.errorf("expected a reference (%s), found %s", referenceForms, entry.kind())
	}
	form, rest, found := strings.Cut(entry.text(), ":")
	switch {
	case !found || rest == "":
	case form == "env":
		text := strings.TrimSpace(os.Getenv(rest))
		if text == "" {
			return Credential{}, entry.errorf("the environment variable %s is not set", rest)
		}
		made := keyFrom(text, fmt.Sprintf("%s: the environment variable %s", entry, rest), entry.String())
		return made, made.err
	case form == "file":
		made := keyInFile(entry.besideFile(rest), entry.String(), entry.String())
		return made, made.err
	case form == "cmd":
		return commandCredential(strings.Fields(rest), entry.String()), nil
	}
	return Credential{}, entry.errorf("must be a reference (%s), not the credential itself", referenceForms)
}

// commandCredential asks a command once, when the key is first needed.
func commandCredential(words []string, source string) Credential {
	ask := sync.OnceValues(func() (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
		defer cancel()
		output, err := exec.CommandContext(ctx, words[0], words[1:]...).Output()
		if err != nil {
			return "", newError(KindAuth, "The credential's command failed (%s): %s", source, typeName(err))
		}
		return string(output), nil
	})
	return Credential{ask: func(context.Context) (string, error) { return ask() }, source: source + ", command " + words[0]}
}
