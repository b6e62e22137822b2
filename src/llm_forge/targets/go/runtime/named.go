package forge

import (
	"time"
)

// Options by name, as configuration files and the environment give them.

type namedOption func(value any) (ClientOption, error)

func inSeconds(option func(time.Duration) Option) namedOption {
	return func(value any) (ClientOption, error) {
		return secondsOption(value, func(d time.Duration) ClientOption { return option(d) })
	}
}

func defaultInSeconds(option func(time.Duration) DefaultOption) namedOption {
	return func(value any) (ClientOption, error) {
		return secondsOption(value, func(d time.Duration) ClientOption { return option(d) })
	}
}

func secondsOption(value any, option func(time.Duration) ClientOption) (ClientOption, error) {
	number, ok := asFloat(value)
	if !ok {
		return nil, newError(KindConfig, "expected a number of seconds")
	}
	span, err := checkSeconds("the option", number)
	return option(span), err
}

func ofType[T any](what string, option func(T) ClientOption) namedOption {
	return func(value any) (ClientOption, error) {
		if found, ok := value.(T); ok {
			return option(found), nil
		}
		return nil, newError(KindConfig, "expected %s", what)
	}
}

func ofNumber(option func(float64) ClientOption) namedOption {
	return func(value any) (ClientOption, error) {
		if number, ok := asFloat(value); ok {
			return option(number), nil
		}
		return nil, newError(KindConfig, "expected a number")
	}
}

func ofWhole(option func(int) ClientOption) namedOption {
	return func(value any) (ClientOption, error) {
		number, ok := asFloat(value)
		if ok && number == float64(int(number)) {
			return option(int(number)), nil
		}
		return nil, newError(KindConfig, "expected a whole number")
	}
}

func ofTexts(option func(...string) ClientOption) namedOption {
	return func(value any) (ClientOption, error) {
		list, ok := value.([]any)
		texts := make([]string, len(list))
		for place, one := range list {
			text, isText := one.(string)
			texts[place], ok = text, ok && isText
		}
		if !ok {
			return nil, newError(KindConfig, "expected a list of texts")
		}
		return option(texts...), nil
	}
}

func ofWords(words map[string]ClientOption) namedOption {
	return func(value any) (ClientOption, error) {
		if option, ok := words[asText(value)]; ok {
			return option, nil
		}
		return nil, newError(KindConfig, "expected one of %v", sortedNames(words))
	}
}

func timeoutNamed(value any) (ClientOption, error) {
	if value == nil {
		return WithoutTimeout(), nil
	}
	return inSeconds(WithTimeout)(value)
}

func headersNamed(value any) (ClientOption, error) {
	fields, ok := asObject(value)
	headers := map[string]string{}
	for name, entry := range fields {
		text, isText := entry.(string)
		headers[name], ok = text, ok && isText
	}
	if !ok {
		return nil, newError(KindConfig, "expected a mapping of header names to texts")
	}
	return WithHeaders(headers), nil
}

func limitsNamed(value any) (ClientOption, error) {
	limits, err := limitsFrom(value)
	return WithLimits(limits...), err
}

func breakerNamed(value any) (ClientOption, error) {
	breaker, err := breakerOf(value)
	return WithBreaker(breaker), err
}

func poolNamed(value any) (ClientOption, error) {
	pool := DefaultPool()
	named := struct {
		Connections *int          `json:"connections"`
		Idle        *int          `json:"idle"`
		IdleTime    *namedSeconds `json:"idle_seconds"`
		KeepAlive   *namedSeconds `json:"keepalive_seconds"`
	}{&pool.Connections, &pool.Idle, (*namedSeconds)(&pool.IdleTime), (*namedSeconds)(&pool.KeepAlive)}
	err := strictly(value, &named, "pool")
	return WithPool(pool), err
}

func authNamed(value any) (ClientOption, error) {
	if value == "none" {
		return WithAuth(NoAuth{}), nil
	}
	return nil, newError(KindConfig, "expected none, or an object")
}

func metadataNamed(value any) (ClientOption, error) {
	fields, ok := asObject(value)
	if !ok {
		return nil, newError(KindConfig, "expected a mapping")
	}
	return WithMetadata(fields), nil
}

var namedOptions = map[string]namedOption{
	"timeout":              timeoutNamed,
	"attempt_timeout":      inSeconds(WithAttemptTimeout),
	"first_event_timeout":  inSeconds(WithFirstEventTimeout),
	"idle_timeout":         inSeconds(WithIdleTimeout),
	"stall_timeout":        inSeconds(WithStallTimeout),
	"max_server_wait":      inSeconds(WithMaxServerWait),
	"max_limit_wait":       inSeconds(WithMaxLimitWait),
	"max_backoff":          inSeconds(WithMaxBackoff),
	"hedge_after":          inSeconds(WithHedgeAfter),
	"connect_timeout":      defaultInSeconds(WithConnectTimeout),
	"pool_timeout":         defaultInSeconds(WithPoolTimeout),
	"max_attempts":         ofWhole(func(n int) ClientOption { return WithMaxAttempts(n) }),
	"backoff_factor":       ofNumber(func(f float64) ClientOption { return WithBackoffFactor(f) }),
	"respect_retry_after":  ofType("true or false", func(b bool) ClientOption { return WithRespectRetryAfter(b) }),
	"strict":               ofType("true or false", func(b bool) ClientOption { return WithStrict(b) }),
	"strict_completion":    ofType("true or false", func(b bool) ClientOption { return WithStrictCompletion(b) }),
	"allow_insecure_http":  ofType("true or false", WithAllowInsecureHTTP),
	"trust_env":            ofType("true or false", WithTrustEnv),
	"http2":                ofType("true or false", WithHTTP2),
	"base_url":             ofType("a text", WithBaseURL),
	"api_key":              ofType("a text", WithAPIKey),
	"ca_bundle":            ofType("the path of a PEM file", WithCABundle),
	"proxy":                ofType("the URL of a proxy", WithProxy),
	"headers":              headersNamed,
	"call_metadata":        metadataNamed,
	"trusted_origins":      ofTexts(WithTrustedOrigins),
	"secret_headers":       ofTexts(WithSecretHeaders),
	"limits":               limitsNamed,
	"breaker":              breakerNamed,
	"pool":                 poolNamed,
	"auth":                 authNamed,
	"limiter_mode":         ofWords(map[string]ClientOption{"bucket": WithSlidingLimits(false), "sliding": WithSlidingLimits(true)}),
	"oversize":             ofWords(map[string]ClientOption{"refuse": WithAdmitOversize(false), "admit-when-full": WithAdmitOversize(true)}),
	"concurrency":          ofWhole(WithConcurrency),
	"adaptive_concurrency": ofType("true or false", WithAdaptiveConcurrency),
	"adaptive_throttle":    ofNumber(WithAdaptiveThrottle),
}

// Named is a client option by its name in configuration files, with a value of JSON; durations are seconds. ConfigError
// proposes the nearest name for one that is not known.
func Named(name string, value any) (ClientOption, error) {
	make, known := namedOptions[name]
	if !known {
		return nil, newError(KindConfig, "%s", unknownName(name, "client option", sortedNames(namedOptions)))
	}
	option, err := make(value)
	if err != nil {
		return nil, newError(KindConfig, "%s: %s", name, err.Error())
	}
	return option, nil
}

// elsewhereNames are what other libraries call our options.
var elsewhereNames = map[string]string{
	"max_retries": "max_attempts (it counts the first attempt too)", "retries": "max_attempts (it counts the first attempt too)",
	"request_timeout": "timeout", "http_client": "transport", "api_base": "base_url", "endpoint": "base_url",
	"token": "api_key", "default_headers": "headers",
}

// unknownName is a sentence on a name that is not known, with the nearest one that is.
func unknownName(name, what string, names []string) string {
	near, best := "", 0.5
	for _, one := range append(append([]string(nil), names...), sortedNames(elsewhereNames)...) {
		if likeness := likenessOf(name, one); likeness > best {
			near, best = one, likeness
		}
	}
	if near == "" {
		return "Unknown " + what + " " + name
	}
	return "Unknown " + what + " " + name + "; did you mean " + or(elsewhereNames[near], near) + "?"
}

// likenessOf is 1 for equal names and 0 for those with nothing in common: the share of letters that need no edit.
func likenessOf(one, other string) float64 {
	row := make([]int, len(other)+1)
	for place := range row {
		row[place] = place
	}
	for i := range one {
		diagonal := row[0]
		row[0] = i + 1
		for j := range other {
			edit := diagonal
			if one[i] != other[j] {
				edit = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], edit
		}
	}
	longest := max(len(one), len(other))
	return 1 - float64(row[len(other)])/float64(longest)
}
