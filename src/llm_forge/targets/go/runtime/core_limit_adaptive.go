package forge

import "math"

// Limits that follow how the server copes; both are off unless asked for.

const (
	concurrencyDecrease = 0.7
	decreaseInterval    = 1.0 // seconds
	throttleWindow      = 120.0
	throttleBuckets     = 12
)

// adaptiveConcurrency: additive increase, multiplicative decrease of the calls in flight, within 1 and most.
type adaptiveConcurrency struct{ most, level, decreasedAt float64 }

func newAdaptiveConcurrency(most int) *adaptiveConcurrency {
	return &adaptiveConcurrency{float64(most), float64(most), math.Inf(-1)}
}

func (a *adaptiveConcurrency) limit() int { return int(a.level) }

// succeed: as many good calls as the limit raise it by one.
func (a *adaptiveConcurrency) succeed() { a.level = min(a.level+1/a.level, a.most) }

// overload: a call was throttled or timed out; one of a burst counts.
func (a *adaptiveConcurrency) overload(now float64) {
	if now-a.decreasedAt < decreaseInterval {
		return
	}
	a.decreasedAt = now
	a.level = max(a.level*concurrencyDecrease, 1)
}

// adaptiveThrottle turns calls away when the server has accepted few of the recent ones. k is how many calls
// are sent for each that the server accepts.
type adaptiveThrottle struct {
	k                 float64
	requests, accepts *outcomeWindow
}

func newAdaptiveThrottle(k float64) *adaptiveThrottle {
	return &adaptiveThrottle{k, newOutcomeWindow(throttleWindow, throttleBuckets), newOutcomeWindow(throttleWindow, throttleBuckets)}
}

// rejects says whether this attempt is turned away; it counts as attempted either way.
func (a *adaptiveThrottle) rejects(now, chance float64) bool {
	requests, _, _ := a.requests.totals(now)
	accepts, _, _ := a.accepts.totals(now)
	a.requests.add(now, false, false)
	return chance < max(0, (float64(requests)-a.k*float64(accepts))/float64(requests+1))
}

func (a *adaptiveThrottle) accept(now float64) { a.accepts.add(now, false, false) }

// Waiters held by one pause or window leave one after another, not in one tick.

const (
	longestSpread  = 5.0
	releaseSpacing = 0.050 // seconds between waiters, where no rate is known
)

// release spaces the grants after a hold: at the limiter's rate, else evenly over min(5 s, waiters x 50 ms).
// The first waiter goes when the hold ends; the spacing covers those who waited then, not later ones.
type release struct {
	notBefore float64
	armed     bool
	left      int
	spacing   float64
}

func newRelease() release { return release{notBefore: math.Inf(-1), spacing: releaseSpacing} }

// granted: a waiter was granted and so many still wait; step are the seconds its cost takes to refill.
func (r *release) granted(step float64, waiters int, now float64) {
	if r.armed {
		r.armed, r.left, r.spacing = false, waiters, spacingOf(waiters+1)
	} else if r.left > 0 {
		r.left = min(r.left-1, waiters)
	}
	r.notBefore = math.Inf(-1)
	if r.left > 0 {
		r.notBefore = now + orFloat(step, r.spacing)
	}
}

// delay are the seconds after the hold's end at which a waiter with so many before it may expect to go.
func (r *release) delay(ahead int, step float64) float64 {
	return float64(ahead) * orFloat(step, spacingOf(ahead+1))
}

func spacingOf(waiters int) float64 { return min(releaseSpacing, longestSpread/float64(waiters)) }

func orFloat(value, otherwise float64) float64 {
	if value == 0 {
		return otherwise
	}
	return value
}
