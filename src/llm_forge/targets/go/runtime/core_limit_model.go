package forge

import (
	"math"
	"strings"
	"time"
)

// The limiter's vocabulary: limits, costs and decisions.

// burstSeconds is the share of a limit that may go at once.
const burstSeconds = 10.0

// Limit is at most Amount of a unit in a Period; Unit is requests, tokens, input or output, where tokens are
// input and output together.
//
// Burst is the capacity in bucket mode; 0 is ten seconds' worth, at least 1. Models names a family of
// models that share the limit, such as claude-opus-*; * is any text, and "" is each model that belongs to no
// family, on its own.
type Limit struct {
	Unit   string
	Amount float64
	Period time.Duration
	Burst  float64
	Models string
}

func (l Limit) check() error {
	switch l.Unit {
	case "requests", "tokens", "input", "output":
	default:
		return newError(KindConfig, "Limit.Unit must be requests, tokens, input or output, not %q", l.Unit)
	}
	if !(l.Amount > 0) || math.IsInf(l.Amount, 0) || l.Period <= 0 || !(l.Burst >= 0) || math.IsInf(l.Burst, 0) {
		return newError(KindConfig, "Limit.Amount and Period must be finite and above 0, and Burst not negative")
	}
	return nil
}

func (l Limit) rate() float64 { return l.Amount / l.Period.Seconds() }

func (l Limit) capacity() float64 {
	if l.Burst > 0 {
		return l.Burst
	}
	return max(1, l.rate()*burstSeconds)
}

// cost is what one attempt takes of each unit.
type cost struct{ requests, input, output float64 }

func (c cost) of(unit string) float64 {
	switch unit {
	case "requests":
		return c.requests
	case "tokens":
		return c.input + c.output
	case "input":
		return c.input
	case "output":
		return c.output
	}
	return 0 // a unit that we do not count
}

func (c cost) plus(other cost) cost {
	return cost{c.requests + other.requests, c.input + other.input, c.output + other.output}
}

func (c cost) minus(other cost) cost {
	return cost{c.requests - other.requests, c.input - other.input, c.output - other.output}
}

// settlement is how a reservation ended.
type settlement string

const (
	settledDone      settlement = "done"
	settledUnsent    settlement = "unsent"
	settledThrottled settlement = "throttled"
	settledCancelled settlement = "cancelled"
)

// health is what an ended call says about the server, for the adaptive limits.
type health string

const (
	healthGood     health = "good"
	healthOverload health = "overload"
	healthUnknown  health = "unknown"
)

// reservation is leave to send one attempt; it is settled exactly once.
type reservation struct {
	id   int64
	cost cost
}

type verdict int

const (
	granted verdict = iota
	waiting
	refused
)

// decision is the limiter's answer. Granted has a reservation; waiting has a ticket to claim at the instant
// until, which is infinite where only another call's end can free the place; refused has the wait in seconds
// that would be too long, and why: wait, too-large or throttled.
type decision struct {
	verdict     verdict
	reservation reservation
	ticket      int64
	until       float64
	wait        float64
	why         string
}

// LimitState is one limit as it stands. Source is "local" for a declared limit and "server" for one learned
// from response headers; what is unknown is nil. ResetsIn is in seconds.
type LimitState struct {
	Family    string   `json:"family"`
	Unit      string   `json:"unit"`
	Limit     *float64 `json:"limit"`
	Remaining *float64 `json:"remaining"`
	ResetsIn  *float64 `json:"resets_in"`
	Source    string   `json:"source"`
}

// familyOf is the pattern of the family that a model belongs to: the first that matches its whole name.
func familyOf(model string, limits []Limit) string {
	for _, limit := range limits {
		if limit.Models != "" && matchesModel(limit.Models, model) {
			return limit.Models
		}
	}
	return ""
}

// limitsOf are the limits of a family, or those of each model without one.
func limitsOf(family string, limits []Limit) []Limit {
	var found []Limit
	for _, limit := range limits {
		if limit.Models == family {
			found = append(found, limit)
		}
	}
	return found
}

// matchesModel says whether a pattern covers a name; linear in both, as each part takes its first place.
func matchesModel(pattern, model string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == model
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(model, first) || !strings.HasSuffix(model, last) || len(model) < len(first)+len(last) {
		return false
	}
	rest := model[len(first) : len(model)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		place := strings.Index(rest, part)
		if place < 0 {
			return false
		}
		rest = rest[place+len(part):]
	}
	return true
}
