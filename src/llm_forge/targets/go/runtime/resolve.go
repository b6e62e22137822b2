package forge

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// Every option that is given anywhere: arguments, then the environment, then files. The key and WithAuth are
// one choice: the first layer that gives either of them decides. A value that a higher layer replaces is not even
// looked at, so that nothing is asked of a variable or file for nothing.

const environmentPrefix = "LLM_FORGE_"

// found is an option with where it stands.
type foundOption struct {
	option ClientOption
	source string
}

// resolve applies all layers, the lowest first; where each option came from.
func (c *config) resolve(profile *Profile, arguments []ClientOption) (map[string]string, error) {
	sources := map[string]string{}
	for _, option := range arguments {
		sources[option.optionName()] = "client argument"
	}
	if _, both := sources["auth"]; both && sources["api_key"] != "" {
		return nil, newError(KindConfig, "api_key and auth exclude each other: give the one that the server wants")
	}
	lower, err := c.fromEnvironment(profile, sources)
	if err != nil {
		return nil, err
	}
	files, err := c.fileNames(arguments)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		more, err := optionsInFile(path, profile.Name, sources)
		if err != nil {
			return nil, err
		}
		lower = append(lower, more...)
	}
	slices.Reverse(lower)
	for _, one := range lower {
		if err := one.option.applyToClient(c); err != nil {
			return nil, newError(KindConfig, "%s: %s", one.source, err.Error())
		}
	}
	return sources, c.apply(arguments)
}

func (c *config) apply(options []ClientOption) error {
	for _, option := range options {
		if err := option.applyToClient(c); err != nil {
			return err
		}
	}
	return nil
}

// fileNames are the configuration files, the last one first, for it goes before the earlier ones.
func (c *config) fileNames(arguments []ClientOption) ([]string, error) {
	var files []string
	if path := strings.TrimSpace(os.Getenv(environmentPrefix + "CONFIG")); path != "" {
		files = []string{path}
	}
	for _, option := range arguments {
		if option.optionName() == "config" {
			if err := option.applyToClient(c); err != nil {
				return nil, err
			}
			files = slices.Clone(c.configFiles)
		}
	}
	slices.Reverse(files)
	return files, nil
}

// note remembers where an option came from; false if a higher layer has it.
func note(sources map[string]string, name, source string) bool {
	_, taken := sources[name]
	if name == "auth" || name == "api_key" {
		taken = taken || sources["auth"] != "" || sources["api_key"] != ""
	}
	if !taken {
		sources[name] = source
	}
	return !taken
}

// fromEnvironment are the options that variables give: key and base URL by the names that the provider's own tools
// read, all others as LLM_FORGE_ and the name in capitals. Blank variables count as unset.
func (c *config) fromEnvironment(profile *Profile, sources map[string]string) ([]foundOption, error) {
	var found []foundOption
	for _, variable := range profile.EnvAPIKey {
		if text := strings.TrimSpace(os.Getenv(variable)); text != "" && note(sources, "api_key", "environment "+variable) {
			key := keyFrom(text, "the environment variable "+variable, "environment "+variable)
			found = append(found, foundOption{WithCredential(key), "environment " + variable})
		}
	}
	for _, variable := range profile.EnvBaseURL {
		if text := strings.TrimSpace(os.Getenv(variable)); text != "" && note(sources, "base_url", "environment "+variable) {
			found = append(found, foundOption{WithBaseURL(text), "environment " + variable})
		}
	}
	for _, name := range environmentOptions {
		variable := environmentPrefix + strings.ToUpper(name)
		text := strings.TrimSpace(os.Getenv(variable))
		if text == "" || !note(sources, name, "environment "+variable) {
			continue
		}
		option, err := optionFromText(name, text)
		if err != nil {
			return nil, newError(KindConfig, "The environment variable %s: %s", variable, err.Error())
		}
		found = append(found, foundOption{option, "The environment variable " + variable})
	}
	return found, nil
}

// environmentOptions are those that are a number of seconds, and max_attempts.
var environmentOptions = []string{
	"timeout", "max_attempts", "attempt_timeout", "first_event_timeout", "idle_timeout", "stall_timeout",
	"max_server_wait", "max_limit_wait", "max_backoff", "hedge_after", "connect_timeout", "pool_timeout",
}

func optionFromText(name, text string) (ClientOption, error) {
	if name == "timeout" && strings.EqualFold(text, "none") {
		return WithoutTimeout(), nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, newError(KindConfig, "%s must be a number", name)
	}
	return Named(name, number)
}
