package forge

import (
	"fmt"
	"sync"
)

// Circuit is the circuit of one origin and operation group, or of one model of the group. It is also what a user
// sees and switches by hand. Safe to use from many goroutines.
//
// The breaker decides and holds no lock; it is guarded here, and the lock is never held across a wait or a call of
// the user's hooks.
type Circuit struct {
	name     string
	provider string
	now      func() float64
	emit     emitter
	mutex    sync.Mutex
	breaker  *breaker
}

// emitter tells the hooks of a call, or those of nobody's call, what happened.
type emitter func(name EventName, facts map[string]any)

func newCircuit(name, provider string, settings BreakerSettings, now func() float64, emit emitter) *Circuit {
	return &Circuit{name: name, provider: provider, now: now, emit: emit, breaker: newBreaker(settings)}
}

// Name is the group, with the model or the origin that the circuit is about.
func (c *Circuit) Name() string { return c.name }

// State is the state now; an open circuit whose time is over turns half-open with the next call.
func (c *Circuit) State() CircuitState {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.breaker.state
}

// ForceOpen refuses every call until Reset.
func (c *Circuit) ForceOpen() { c.change(c.emit, func(float64) { c.breaker.forceOpen() }) }

// Disable lets every call through and counts nothing until Reset.
func (c *Circuit) Disable() { c.change(c.emit, func(float64) { c.breaker.disable() }) }

// Reset starts anew, closed and without history.
func (c *Circuit) Reset() { c.change(c.emit, func(float64) { c.breaker.reset() }) }

// String shows name and state.
func (c *Circuit) String() string { return fmt.Sprintf("%s: %s", c.name, c.State()) }

// admit is leave to send one attempt; CircuitOpenError with RetryAfter where it is open.
func (c *Circuit) admit(emit emitter) (permit, error) {
	var given permit
	var wait float64
	var admitted bool
	c.change(emit, func(now float64) { given, wait, admitted = c.breaker.admit(now) })
	if admitted {
		return given, nil
	}
	err := newError(KindCircuitOpen, "%s failed too often; the circuit stays open for another %.1f s", or(c.provider, c.name), wait)
	err.RetryAfter = seconds(wait)
	return permit{}, err
}

// record says how an admitted attempt ended, once per permit.
func (c *Circuit) record(given permit, how outcome, chance, responseTime float64, emit emitter) {
	c.change(emit, func(now float64) { c.breaker.record(given, how, now, chance, responseTime) })
}

// change does something to the breaker, and then tells of its transitions outside the lock: a hook may take its
// time, or use the client itself.
func (c *Circuit) change(emit emitter, do func(now float64)) {
	c.mutex.Lock()
	do(c.now())
	changes := c.breaker.takeTransitions()
	c.mutex.Unlock()
	for _, one := range changes {
		emit(EventBreaker, map[string]any{"before": string(one.before), "after": string(one.after), "circuit": c.name})
	}
}
