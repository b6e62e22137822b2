//go:build conformance

package forge

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"sort"
	"strings"
)

// The pure functions of this package, asked by the project's corpora (conformance/README.md). This file is built
// for the conformance driver and for tests only.

const (
	corpusWall     = 1_800_000_000.0
	mostCharsShown = 65_536
)

var corpusProfile = &Profile{Name: "test", BaseURL: "https://example.test"}

// CoreFunctions are the names of the functions.
func CoreFunctions() []string {
	var names []string
	for name := range coreFunctions {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// CoreFunction is a function's output, or the error that it gave.
func CoreFunction(name string, input json.RawMessage) (any, error) {
	function, known := coreFunctions[name]
	if !known {
		return nil, fmt.Errorf("no function %q", name)
	}
	return function(input)
}

var coreFunctions = map[string]func(json.RawMessage) (any, error){
	"sse":           asked(sseCorpus),
	"lines":         asked(linesCorpus),
	"file_name":     asked(fileNameCorpus),
	"durations":     asked(durationsCorpus),
	"server_wait":   asked(serverWaitCorpus),
	"retry":         asked(retryCorpus),
	"backoff":       asked(backoffCorpus),
	"breaker":       asked(breakerCorpus),
	"breaker_storm": asked(breakerStorm),
	"limiter":       asked(limiterCorpus),
	"limiter_storm": asked(limiterStorm),
	"accumulate":    asked(accumulateCorpus),
	"errors":        asked(errorsCorpus),
}

func asked[T any](function func(T) (any, error)) func(json.RawMessage) (any, error) {
	return func(input json.RawMessage) (any, error) {
		var value T
		if err := json.Unmarshal(input, &value); err != nil {
			return nil, err
		}
		return function(value)
	}
}

// chunkEntry is a chunk in hex, or one that is repeated.
type chunkEntry struct {
	Hex    string
	Times  int
	Pieces int
}

func (c *chunkEntry) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &c.Hex) == nil {
		c.Times, c.Pieces = 1, 1
		return nil
	}
	type plain chunkEntry
	return json.Unmarshal(data, (*plain)(c))
}

func eachChunk(entries []chunkEntry, feed func([]byte) error) error {
	for _, entry := range entries {
		one, err := hex.DecodeString(entry.Hex)
		if err != nil {
			return err
		}
		chunk := []byte(strings.Repeat(string(one), entry.Times))
		for piece := 0; piece < entry.Pieces; piece++ {
			if err := feed(chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

func kindOfError(err error) any {
	var own *Error
	if errors.As(err, &own) {
		return own.Kind
	}
	return nil
}

type framedInput struct {
	Chunks []chunkEntry
	Limits struct {
		Line     int `json:"max_line_bytes"`
		Event    int `json:"max_event_bytes"`
		Comments int `json:"max_comment_bytes"`
	}
}

func sseCorpus(in framedInput) (any, error) {
	limits := defaultSSELimits
	limits.line = orInt(in.Limits.Line, limits.line)
	limits.event = orInt(in.Limits.Event, limits.event)
	limits.comments = orInt(in.Limits.Comments, limits.comments)
	decoder := newSSEDecoder(limits)
	events, number := []any{}, 0
	err := eachChunk(in.Chunks, func(chunk []byte) error {
		found, err := decoder.feed(chunk)
		for _, event := range found {
			told := eventFact(event)
			told["chunk"] = number
			events = append(events, told)
		}
		number++
		return err
	})
	told := object{"events": events, "error": kindOfError(err), "rest": nil}
	if err == nil {
		if rest, found, _ := decoder.finish(); found {
			told["rest"] = eventFact(rest)
		}
	}
	told["retry"], told["decode_errors"] = decoder.retry, decoder.decodeErrors
	return told, nil
}

func orInt(value, otherwise int) int {
	if value == 0 {
		return otherwise
	}
	return value
}

func eventFact(event rawEvent) object {
	text := event.text()
	told := object{"event": event.event, "id": event.id, "size": len([]rune(text))}
	if len([]rune(text)) <= mostCharsShown {
		told["data"] = text
	}
	return told
}

func linesCorpus(in framedInput) (any, error) {
	decoder := newJSONLines(orInt(in.Limits.Line, defaultSSELimits.line))
	lines := []any{}
	err := eachChunk(in.Chunks, func(chunk []byte) error {
		found, err := decoder.feed(chunk)
		for _, line := range found {
			lines = append(lines, strings.TrimSpace(line.text()))
		}
		return err
	})
	told := object{"lines": lines, "rest": nil, "error": kindOfError(err)}
	if err == nil {
		rest, _, _ := decoder.finish()
		told["rest"] = strings.TrimSpace(rest.text())
	}
	return told, nil
}

func fileNameCorpus(in struct{ Disposition string }) (any, error) {
	served := dispositionName(in.Disposition)
	told := object{"served": nil, "safe": safeFileName(served)}
	if served != "" {
		told["served"] = served
	}
	return told, nil
}

func durationsCorpus(in struct{ Text string }) (any, error) {
	if span, ok := parseDuration(in.Text); ok {
		return object{"seconds": span}, nil
	}
	return object{"seconds": nil}, nil
}

type headerPairs [][2]string

func (p headerPairs) headers() Headers {
	var fields []Field
	for _, pair := range p {
		fields = append(fields, Field{pair[0], pair[1]})
	}
	return NewHeaders(fields...)
}

func serverWaitCorpus(in struct {
	Status  int
	Headers headerPairs
	Wall    *float64
	Rules   []LimitHeaders
}) (any, error) {
	wall := corpusWall
	if in.Wall != nil {
		wall = *in.Wall
	}
	if wait := serverWait(in.Headers.headers(), in.Status, in.Rules, wall); wait != 0 {
		return object{"wait": wait}, nil
	}
	return object{"wait": nil}, nil
}

type retryInput struct {
	Attempt       int
	Kind          string
	Status        int
	ServerWait    float64 `json:"server_wait"`
	ShouldRetry   *bool   `json:"should_retry"`
	TerminalQuota bool    `json:"terminal_quota"`
	Replay        Replay
	Keyed         bool
	Rewindable    *bool
	Timeouts      int
	Left          *float64
	Chance        float64
	Jitter        float64
	Policy        struct {
		MaxAttempts   *int     `json:"max_attempts"`
		Base          *float64 `json:"base"`
		ThrottleBase  *float64 `json:"throttle_base"`
		Factor        *float64 `json:"factor"`
		Most          *float64 `json:"cap"`
		MaxServerWait *float64 `json:"max_server_wait"`
		Retryable     []int    `json:"retryable_statuses"`
		NotProcessed  []int    `json:"not_processed"`
	}
}

func given[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}

func (in retryInput) policy() retryPolicy {
	policy := defaultRetryPolicy()
	given(&policy.maxAttempts, in.Policy.MaxAttempts)
	given(&policy.base, in.Policy.Base)
	given(&policy.throttleBase, in.Policy.ThrottleBase)
	given(&policy.factor, in.Policy.Factor)
	given(&policy.most, in.Policy.Most)
	given(&policy.maxServerWait, in.Policy.MaxServerWait)
	policy.retryable = in.Policy.Retryable
	if in.Policy.NotProcessed != nil {
		policy.notProcessed = in.Policy.NotProcessed
	}
	return policy
}

func retryCorpus(in retryInput) (any, error) {
	about := situation{replay: in.Replay, rewindable: true, keyed: in.Keyed, timeouts: in.Timeouts, left: math.Inf(1), chance: in.Chance, jitter: in.Jitter}
	given(&about.rewindable, in.Rewindable)
	given(&about.left, in.Left)
	next := in.policy().decide(in.Attempt, failure{in.Kind, in.Status, in.ServerWait, in.ShouldRetry, in.TerminalQuota}, about)
	if !next.again {
		return object{"after": nil}, nil
	}
	return object{"after": next.after}, nil
}

func backoffCorpus(in struct {
	Attempt, Count int
	Seed           int64
	Most           float64
}) (any, error) {
	dice := rand.New(rand.NewSource(in.Seed))
	waits := make([]float64, in.Count)
	for place := range waits {
		next := defaultRetryPolicy().decide(in.Attempt, failure{kind: "lost"},
			situation{rewindable: true, left: math.Inf(1), chance: dice.Float64(), jitter: dice.Float64()})
		waits[place] = next.after / in.Most
	}
	sort.Float64s(waits)
	distance, count := 0.0, float64(in.Count)
	for place, wait := range waits {
		distance = max(distance, math.Abs(wait-float64(place)/count), math.Abs(wait-float64(place+1)/count))
	}
	return object{"count": in.Count, "distance": distance, "within": waits[0] >= 0 && waits[in.Count-1] <= 1}, nil
}

// toldOutcome is an outcome by its name, or what an attempt ended with.
type toldOutcome struct{ outcome }

func (o *toldOutcome) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &o.outcome) == nil {
		return nil
	}
	told := struct {
		Kind   string
		Status int
	}{Kind: "status"}
	err := json.Unmarshal(data, &told)
	o.outcome = outcomeOf(failure{kind: told.Kind, status: told.Status})
	return err
}

type breakerStep struct {
	At      float64
	Do      string
	As      string
	Permit  string
	Outcome toldOutcome
	Times   *int
	Every   float64
	Chance  *float64
}

func breakerCorpus(in struct {
	Settings any
	Steps    []breakerStep
}) (any, error) {
	settings, err := breakerOf(in.Settings)
	if err != nil {
		return nil, err
	}
	trace := breakerTrace{breaker: newBreaker(settings), permits: map[string]permit{}}
	steps := []any{}
	for _, step := range in.Steps {
		steps = append(steps, trace.play(step))
	}
	return object{"steps": steps}, nil
}

type breakerTrace struct {
	breaker *breaker
	permits map[string]permit
}

func (t *breakerTrace) play(step breakerStep) object {
	times := 1
	given(&times, step.Times)
	told := object{"admitted": 0, "rejected": 0}
	for number := 0; number < times; number++ {
		t.once(step, step.At+float64(number)*step.Every, told)
	}
	told["state"] = t.breaker.state
	return told
}

func (t *breakerTrace) once(step breakerStep, now float64, told object) {
	chance := 0.5
	given(&chance, step.Chance)
	if step.Do == "record" {
		t.breaker.record(t.permits[step.Permit], step.Outcome.outcome, now, chance, 0)
		return
	}
	permit, wait, admitted := t.breaker.admit(now)
	if !admitted {
		told["rejected"] = told["rejected"].(int) + 1
		told["retry_after"] = wait
		return
	}
	told["admitted"] = told["admitted"].(int) + 1
	if step.Do == "attempt" {
		t.breaker.record(permit, step.Outcome.outcome, now, chance, 0)
	} else if step.As != "" {
		t.permits[step.As] = permit
	}
}

func accumulateCorpus(in struct {
	Family    Family
	Text      string
	Strict    bool
	NDJSON    bool
	Terminal  []string
	TypeField string `json:"type_field"`
}) (any, error) {
	rule := &StreamRule{Family: in.Family, NDJSON: in.NDJSON, Terminal: in.Terminal, TypeField: in.TypeField}
	words := errorReader{corpusProfile, newRedactor(nil, nil)}
	reader := newStreamReader(rule, func(data any) *Error { return words.ofEvent(data, "") }, words.redactor.text)
	reader.feed([]byte(in.Text))
	for len(reader.waiting) > 0 && !reader.ended() {
		reader.ready = nil
		reader.refill()
	}
	if !reader.ended() {
		reader.finish(in.Strict)
	}
	told := object{"completion": nil, "error": nil, "message": reader.accumulator.partial()}
	if reader.completion != endedInterrupted {
		told["completion"], told["message"] = reader.completion, reader.accumulator.result()
	}
	if reader.failure != nil {
		told["error"] = reader.failure.Kind
	}
	return told, nil
}

func errorsCorpus(in struct {
	Status  int
	Headers headerPairs
	Body    string
	Stream  bool
}) (any, error) {
	words := errorReader{corpusProfile, newRedactor(nil, nil)}
	if in.Stream {
		value, err := decodeJSON([]byte(in.Body))
		if err != nil {
			return nil, err
		}
		if found := words.ofEvent(value, ""); found != nil {
			return ErrorFact(found), nil
		}
		return object{"kind": nil}, nil
	}
	headers := in.Headers.headers()
	wait := serverWait(headers, in.Status, nil, corpusWall)
	return ErrorFact(words.ofAnswer(in.Status, headers, []byte(in.Body), wait, 60)), nil
}

// ErrorFact is an error as the conformance protocol tells it.
func ErrorFact(err *Error) map[string]any {
	told := object{"kind": err.Kind, "message": err.Message, "retryable": err.Retryable, "mid_stream": err.MidStream,
		"circuit_open": err.CircuitOpen, "retry_budget_exhausted": err.RetryBudgetExhausted}
	for name, text := range map[string]string{"type": err.Type, "code": err.Code, "param": err.Param, "request_id": err.RequestID, "phase": err.Phase} {
		told[name] = nil
		if text != "" {
			told[name] = text
		}
	}
	told["status"], told["retry_after"], told["partial"] = nil, nil, err.Partial
	if err.Status != 0 {
		told["status"] = err.Status
	}
	if err.RetryAfter != 0 {
		told["retry_after"] = err.RetryAfter.Seconds()
	}
	details, attempts := []any{}, []any{}
	for _, one := range err.Details {
		detail := object{"path": one.Path, "message": one.Message, "type": nil}
		if one.Type != "" {
			detail["type"] = one.Type
		}
		details = append(details, detail)
	}
	for _, one := range err.Attempts {
		attempt := object{"number": one.Number, "outcome": one.Outcome, "waited": one.Waited.Seconds()}
		if one.Status != 0 {
			attempt["status"] = one.Status
		}
		if one.RequestID != "" {
			attempt["request_id"] = one.RequestID
		}
		attempts = append(attempts, attempt)
	}
	told["details"], told["attempts"] = details, attempts
	if err.cause != nil {
		told["cause"] = strings.TrimPrefix(fmt.Sprintf("%T", err.cause), "*")
		if own, ok := err.cause.(*Error); ok {
			told["cause"] = own.Kind
		}
	}
	return told
}
