package forge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Client makes calls of one provider. It is immutable and safe to use from many goroutines; close it when it is no
// longer needed.
type Client struct {
	shared   *shared
	settings settings
	sources  map[string]string
	copied   bool
}

// NewClient is a client of a provider. ConfigError says what is wrong with an option, a variable or a file.
func NewClient(profile *Profile, options ...ClientOption) (*Client, error) {
	made := config{
		settings: defaultSettings(), baseURL: profile.BaseURL, pool: DefaultPool(), breaker: DefaultBreaker(),
		clock: SystemClock{}, random: rand.Float64,
	}
	sources, err := made.resolve(profile, options)
	if err != nil {
		return nil, err
	}
	auth, err := resolveAuth(profile, &made)
	if err != nil {
		return nil, err
	}
	source := or(sources["base_url"], "the description")
	if made.baseURL == "" {
		return nil, newError(KindConfig, "%s needs base_url, the server's address, such as https://host/v1", profile.Name)
	}
	baseURL, err := readBaseURL(made.baseURL, "base_url ("+source+")", made.settings.allowInsecureHTTP, profile.BaseURLSuffixes)
	if err != nil {
		return nil, err
	}
	for _, origin := range made.trustedOrigins {
		if _, err := checkedURL(origin, "an entry of trusted_origins", made.settings.allowInsecureHTTP); err != nil {
			return nil, err
		}
	}
	sources["api_key"] = auth.source()
	return &Client{shared: newShared(profile, baseURL, auth, &made), settings: made.settings, sources: sources}, nil
}

// BaseURL is where requests go.
func (c *Client) BaseURL() string { return c.shared.baseURL }

// Sources is where the value of every option that was given came from, without revealing any; what is missing
// is the default.
func (c *Client) Sources() map[string]string {
	found := map[string]string{}
	for name, source := range c.sources {
		found[name] = source
	}
	return found
}

// WithOptions is a copy with other options that shares everything else; closing it leaves this one open.
func (c *Client) WithOptions(options ...CopyOption) (*Client, error) {
	made := *c
	made.copied = true
	for _, option := range options {
		if err := option.applyToCopy(&made.settings); err != nil {
			return nil, err
		}
	}
	return &made, nil
}

// RateLimiter are the limits of its calls, to share with another client of the same credential.
func (c *Client) RateLimiter() *RateLimiter { return c.shared.limiter }

// RateLimitStatus is what is known of the limits, by model or, where limits were declared for one, by family.
func (c *Client) RateLimitStatus() map[string][]LimitState {
	return c.shared.limiter.status(c.shared.clock.Now())
}

// Circuit is that of an operation group, to look at and to switch by hand. model matters where
// BreakerSettings.PerModel is set. Copies of a client share its circuits.
func (c *Client) Circuit(group, model string) *Circuit { return c.shared.circuit(group, model, "") }

// Circuits are those that calls have used so far, by name.
func (c *Client) Circuits() map[string]*Circuit { return c.shared.allCircuits() }

// OpenConnections is how many connections are checked out now.
func (c *Client) OpenConnections() int { return c.shared.transport.slots.active() }

// MissingFields is how many required fields answers lacked at their top level; WithStrict refuses those.
func (c *Client) MissingFields() int64 { return c.shared.missing.Load() }

// HookFailures is how often a hook panicked; its call never noticed.
func (c *Client) HookFailures() int64 { return c.shared.hooks.failures.Load() }

// Close lets running calls finish for five seconds, then cancels them and closes the pool; safe to repeat.
func (c *Client) Close() error {
	if !c.copied {
		c.shared.close()
	}
	return nil
}

// String shows no credential.
func (c Client) String() string {
	return fmt.Sprintf("%s client(base_url=%q, api_key=%s)", c.shared.profile.Name, c.shared.baseURL, redactedText)
}

// GoString is String.
func (c Client) GoString() string { return c.String() }

// Answer is what a unary call answered with: decoded JSON, nil where no body is promised.
type Answer struct {
	Value     any
	Status    int
	Headers   Headers
	RequestID string
	raw       []byte
}

// Raw is the JSON of Value; of an answer that nobody changed the bytes as they came.
func (a *Answer) Raw() ([]byte, error) {
	if a.raw != nil {
		return a.raw, nil
	}
	return encodeJSON(a.Value)
}

// Call makes one unary call. Errors are *Error, or the error of a context that was cancelled.
func (c *Client) Call(ctx context.Context, operation *Operation, params Params, options ...CallOption) (*Answer, error) {
	made, err := c.newCall(ctx, operation, params, options, whole)
	if err != nil {
		return nil, err
	}
	response, err := runUnary(made)
	if err != nil {
		return nil, err
	}
	return &Answer{response.Value, response.Status, response.Headers, made.requestID(), response.raw}, nil
}

// Stream opens a stream: it has its first event, or is at its end. Close it, or read it to its end.
func (c *Client) Stream(ctx context.Context, operation *Operation, params Params, options ...CallOption) (*EventStream, error) {
	if operation.Stream == nil {
		return nil, newError(KindInvalidRequest, "%s does not stream", operation.Name)
	}
	made, err := c.newCall(ctx, operation, params, options, asStream)
	if err != nil {
		return nil, err
	}
	opened, err := openCall(made)
	if err != nil {
		return nil, err
	}
	return newEventStream(opened), nil
}

// Download opens a file that arrives.
func (c *Client) Download(ctx context.Context, operation *Operation, params Params, options ...CallOption) (*Download, error) {
	opened, err := c.arrive(ctx, operation, params, options)
	if err != nil {
		return nil, err
	}
	return newDownload(opened), nil
}

var linkOperation = &Operation{Name: "download_url", Method: "GET", Group: "download", Answer: AnswerBinary, Accept: "*/*"}

// DownloadURL opens the file at an absolute URL that an answer named, such as one with results. Credentials go
// along only to the origin of the base URL and to trusted origins. For URLs that somebody else supplied there is
// FetchURL.
func (c *Client) DownloadURL(ctx context.Context, url string, options ...CallOption) (*Download, error) {
	link, err := checkedLink(url, c.settings.allowInsecureHTTP)
	if err != nil {
		return nil, err
	}
	return c.Download(ctx, linkOperation, Params{URL: link}, options...)
}

var linesOperation = &Operation{Name: "lines_url", Method: "GET", Group: "download", Answer: AnswerLines, Accept: "application/jsonl"}

// Lines opens lines of JSON that arrive.
func (c *Client) Lines(ctx context.Context, operation *Operation, params Params, options ...CallOption) (*Lines, error) {
	opened, err := c.arrive(ctx, operation, params, options)
	if err != nil {
		return nil, err
	}
	return newLines(opened), nil
}

// LinesURL opens lines of JSON at an absolute URL that an answer named.
func (c *Client) LinesURL(ctx context.Context, url string, options ...CallOption) (*Lines, error) {
	link, err := checkedLink(url, c.settings.allowInsecureHTTP)
	if err != nil {
		return nil, err
	}
	return c.Lines(ctx, linesOperation, Params{URL: link}, options...)
}

func (c *Client) arrive(ctx context.Context, operation *Operation, params Params, options []CallOption) (*arrival, error) {
	made, err := c.newCall(ctx, operation, params, options, inPieces)
	if err != nil {
		return nil, err
	}
	return arrive(made)
}

func (c *Client) callConfig(options []CallOption) (callConfig, error) {
	made := callConfig{settings: c.settings}
	for _, option := range options {
		if err := option.applyToCall(&made); err != nil {
			return made, err
		}
	}
	return made, nil
}

// reading is how a call's answer is read: whole, as a stream of events, or in pieces. Only the first has a default bound
// of its time, and only the second asks for a stream.
type reading int

const (
	whole reading = iota
	asStream
	inPieces
)

// newCall is a call that is ready to begin.
func (c *Client) newCall(ctx context.Context, operation *Operation, params Params, options []CallOption, how reading) (*call, error) {
	if c.shared.isClosed() {
		return nil, c.shared.closedError()
	}
	chosen, err := c.callConfig(options)
	if err != nil {
		return nil, err
	}
	ready, err := preparation{operation, c.shared.profile, c.shared.baseURL, &chosen.settings, &chosen.extras, &params, how == asStream}.prepare()
	if err != nil {
		return nil, err
	}
	now := c.shared.clock.Now()
	made := &call{
		shared: c.shared, operation: operation, prepared: ready, settings: &chosen.settings, extras: &chosen.extras,
		ends: deadlineOf(ctx, c.shared.clock, chosen.settings.callDeadline(now, how != whole), now), started: now,
		streaming: how != whole, id: newCallID(),
	}
	made.registry = made
	made.ctx, made.cancel = context.WithCancelCause(ctx)
	return made, nil
}

// Health is what one cheap call showed, and what the client knows besides. Kind is that of what went wrong, Status the
// server's if it answered; both are zero where OK.
type Health struct {
	OK       bool
	Latency  time.Duration
	Kind     Kind
	Status   int
	Message  string
	Circuits map[string]CircuitState
	Limits   map[string][]LimitState
}

const healthTimeout = 10 * time.Second

// HealthCheck is what one cheap call shows, within ten seconds unless the options say otherwise, and without a retry.
// What the provider or the network does is in the Health; the error is the caller's own: a description without such a
// call, a closed client, a cancelled context.
func (c *Client) HealthCheck(ctx context.Context, options ...CallOption) (*Health, error) {
	probe := c.shared.profile.Health
	if probe == nil {
		return nil, newError(KindConfig, "The description of %s names no operation for a health check: say x-forge health", c.shared.profile.Name)
	}
	operation := &Operation{Name: probe.Name, Method: "GET", Path: probe.Path, Group: probe.Group, Answer: AnswerJSON}
	began := c.shared.clock.Now()
	_, err := c.Call(ctx, operation, Params{}, append([]CallOption{WithTimeout(healthTimeout), WithMaxAttempts(1)}, options...)...)
	own, ours := err.(*Error)
	if err != nil && (!ours || own.Kind == KindClientClosed || own.Kind == KindConfig) {
		return nil, err
	}
	found := &Health{OK: err == nil, Latency: seconds(c.shared.clock.Now() - began), Circuits: map[string]CircuitState{}, Limits: c.RateLimitStatus()}
	if ours {
		found.Kind, found.Status, found.Message = own.Kind, own.Status, own.Message
	}
	for name, circuit := range c.Circuits() {
		found.Circuits[name] = circuit.State()
	}
	return found, nil
}
