package forge

import (
	"math"
	"time"
)

// A circuit breaker of one origin and operation group.
//
//   - Closed counts outcomes of attempts in a sliding window of buckets; enough failures open it.
//   - Open rejects until its time is over, then half-open admits probes, at most Probes at once.
//   - SuccessesToClose good probes in a row close it; one bad one re-opens it, for twice as long.
//   - Every transition starts a new generation; an outcome of an older one changes nothing but the count of
//     probes under way, which is kept over generations so that the limit holds for every interleaving.

// CircuitState is closed, open, half-open, forced-open or disabled.
type CircuitState string

// The states of a circuit.
const (
	CircuitClosed     CircuitState = "closed"
	CircuitOpen       CircuitState = "open"
	CircuitHalfOpen   CircuitState = "half-open"
	CircuitForcedOpen CircuitState = "forced-open"
	CircuitDisabled   CircuitState = "disabled"
)

// BreakerSettings are the numbers of a circuit breaker; start from DefaultBreaker.
//
// Jitter is the share by which the open time varies both ways. The slow-call rule counts answers whose headers
// took longer than SlowCall and opens at SlowCallRatio of all outcomes; 0 switches it off. PerModel
// gives each model of an operation group a breaker of its own.
type BreakerSettings struct {
	Window           time.Duration
	Buckets          int
	MinOutcomes      int
	Ratio            float64
	Open             time.Duration
	OpenMax          time.Duration
	Jitter           float64
	Probes           int
	SuccessesToClose int
	Disabled         bool
	SlowCall         time.Duration
	SlowCallRatio    float64
	PerModel         bool
}

// DefaultBreaker are the settings of a client that is given no others.
func DefaultBreaker() BreakerSettings {
	return BreakerSettings{
		Window: 30 * time.Second, Buckets: 10, MinOutcomes: 20, Ratio: 0.5, Open: 5 * time.Second,
		OpenMax: 30 * time.Second, Jitter: 0.2, Probes: 1, SuccessesToClose: 2, SlowCallRatio: 1,
	}
}

func (s BreakerSettings) check() error {
	for _, one := range []struct {
		name  string
		value time.Duration
	}{{"Window", s.Window}, {"Open", s.Open}, {"OpenMax", s.OpenMax}} {
		if err := checkDuration("breaker "+one.name, one.value); err != nil {
			return err
		}
	}
	switch {
	case s.Buckets < 1 || s.MinOutcomes < 1 || s.Probes < 1 || s.SuccessesToClose < 1:
		return newError(KindConfig, "the breaker's Buckets, MinOutcomes, Probes and SuccessesToClose must be at least 1")
	case !(s.Ratio > 0 && s.Ratio <= 1) || !(s.SlowCallRatio > 0 && s.SlowCallRatio <= 1):
		return newError(KindConfig, "the breaker's ratios must be above 0 and at most 1")
	case !(s.Jitter >= 0 && s.Jitter < 1):
		return newError(KindConfig, "the breaker's Jitter must be at least 0 and below 1")
	case s.SlowCall < 0:
		return newError(KindConfig, "the breaker's SlowCall must not be negative; 0 switches the rule off")
	}
	return nil
}

// outcome is how an attempt counts: neutral is for attempts cancelled or never sent.
type outcome string

const (
	outcomeSuccess outcome = "success"
	outcomeFailure outcome = "failure"
	outcomeNeutral outcome = "neutral"
)

// permit is leave to send one attempt; it is given back with record exactly once.
type permit struct {
	generation int
	probe      bool
}

// transition is one change of state.
type transition struct{ before, after CircuitState }

// breaker decides who may send; it holds no lock, so its owner guards every call.
type breaker struct {
	settings       BreakerSettings
	state          CircuitState
	window         *outcomeWindow
	generation     int
	openUntil      float64
	failedProbes   int
	goodProbes     int
	probesUnderWay int
	transitions    []transition
}

func newBreaker(settings BreakerSettings) *breaker {
	b := &breaker{settings: settings, state: CircuitClosed, window: newOutcomeWindow(settings.Window.Seconds(), settings.Buckets)}
	if settings.Disabled {
		b.state = CircuitDisabled
	}
	return b
}

// admit is a permit for one attempt, or false and the seconds after which to ask again.
func (b *breaker) admit(now float64) (permit, float64, bool) {
	switch b.state {
	case CircuitClosed, CircuitDisabled:
		return permit{generation: b.generation}, 0, true
	case CircuitForcedOpen:
		return permit{}, b.settings.OpenMax.Seconds(), false
	case CircuitOpen:
		if now < b.openUntil {
			return permit{}, b.openUntil - now, false
		}
		b.enter(CircuitHalfOpen)
	}
	return b.probe()
}

// record says how an admitted attempt ended, once per permit. chance in [0, 1] spreads the open time;
// responseTime are the seconds to the response headers, for the slow-call rule.
func (b *breaker) record(p permit, how outcome, now, chance, responseTime float64) {
	if p.probe {
		b.probesUnderWay = max(b.probesUnderWay-1, 0)
	}
	if p.generation != b.generation || how == outcomeNeutral {
		return
	}
	switch b.state {
	case CircuitHalfOpen:
		b.recordProbe(how, now, chance)
	case CircuitClosed:
		slow := b.settings.SlowCall > 0 && responseTime > b.settings.SlowCall.Seconds()
		b.window.add(now, how == outcomeFailure, slow)
		if b.isTripped(now) {
			b.open(now, chance)
		}
	}
}

// takeTransitions are the transitions since the last call, each once.
func (b *breaker) takeTransitions() []transition {
	taken := b.transitions
	b.transitions = nil
	return taken
}

func (b *breaker) forceOpen() { b.enter(CircuitForcedOpen) }

func (b *breaker) disable() { b.enter(CircuitDisabled) }

func (b *breaker) reset() {
	b.failedProbes = 0
	b.enter(CircuitClosed)
}

func (b *breaker) probe() (permit, float64, bool) {
	// A probe's end is not known; the shortest open time is a fair guess.
	if b.probesUnderWay >= b.settings.Probes {
		return permit{}, b.settings.Open.Seconds(), false
	}
	b.probesUnderWay++
	return permit{generation: b.generation, probe: true}, 0, true
}

func (b *breaker) recordProbe(how outcome, now, chance float64) {
	if how == outcomeFailure {
		b.failedProbes++
		b.open(now, chance)
		return
	}
	b.goodProbes++
	if b.goodProbes >= b.settings.SuccessesToClose {
		b.failedProbes = 0
		b.enter(CircuitClosed)
	}
}

func (b *breaker) isTripped(now float64) bool {
	total, failed, slow := b.window.totals(now)
	if total < b.settings.MinOutcomes {
		return false
	}
	tooSlow := b.settings.SlowCall > 0 && float64(slow) >= b.settings.SlowCallRatio*float64(total)
	return tooSlow || float64(failed) >= b.settings.Ratio*float64(total)
}

func (b *breaker) open(now, chance float64) {
	doubled := b.settings.Open.Seconds() * math.Pow(2, float64(min(b.failedProbes, 64)))
	span := min(doubled, b.settings.OpenMax.Seconds())
	b.openUntil = now + span*(1+b.settings.Jitter*(2*chance-1))
	b.enter(CircuitOpen)
}

func (b *breaker) enter(state CircuitState) {
	if state == b.state {
		return
	}
	b.transitions = append(b.transitions, transition{b.state, state})
	b.state = state
	b.generation++
	b.goodProbes = 0
	b.window.clear()
}

// outcomeOf is how an attempt counts. Statuses other than 500, 502, 503, 504 and 529 are successes: the
// server is there. A pool time-out and a fatal failure without a status say nothing about the server.
func outcomeOf(f failure) outcome {
	switch f.status {
	case 0:
	case 500, 502, 503, 504, 529:
		return outcomeFailure
	default:
		return outcomeSuccess
	}
	if f.kind == "pool" || f.kind == "fatal" {
		return outcomeNeutral
	}
	return outcomeFailure
}
