package forge

import (
	"container/list"
	"math"
)

// Who may send, who waits and for how long.
//
// How to run it (it holds no lock and sleeps nowhere; its owner does):
//
//   - reserve answers granted, refused or waiting. After waiting, sleep until its instant and claim; the answer
//     may be another, later wait with the same ticket, which keeps its place.
//   - First in, first out: only the head of the queue can be granted. Whatever may free the head early
//     is followed by a look at head, whose waiter the owner wakes; it then claims. Register a waiter for that
//     before the lock held for its reserve or claim is released, or the wake-up may be lost.
//   - A waiter that gives up calls cancel; a reservation is settled exactly once.
//
// All instants are absolute monotonic seconds.

const (
	poolSize = 100 // connections of a client by default: the most that adaptive concurrency allows
	// behindHead: a waiter behind the head is woken by the head's grant; its own timer is only a second line.
	behindHead = 0.010
)

// limiterOptions: maxWait is in seconds; concurrency counts reservations until they are settled, 0 for
// no limit. With admitOversize a request larger than a limit goes out when that limit is untouched, and leaves
// a debt. adaptive lets the concurrency follow the server's health; throttle is the K of R-121,
// 0 for off.
type limiterOptions struct {
	limits        []Limit
	sliding       bool
	maxWait       float64
	concurrency   int
	admitOversize bool
	adaptive      bool
	throttle      float64
}

type waiter struct {
	ticket int64
	cost   cost
}

type heldMarks struct {
	metered  []*charged
	reported []familyMark
}

// limiter is one queue before any set of limits, the server's reports, a pause and a concurrency limit.
type limiter struct {
	options     limiterOptions
	meters      meters
	families    families
	adaptive    *adaptiveConcurrency
	throttle    *adaptiveThrottle
	queue       *list.List
	places      map[int64]*list.Element
	queued      cost
	open        map[int64]heldMarks
	pausedUntil float64
	release     release
	lastID      int64
}

func newLimiter(options limiterOptions) *limiter {
	if options.adaptive && options.concurrency == 0 {
		options.concurrency = poolSize
	}
	l := &limiter{
		options: options, meters: newMeters(options.limits, options.sliding), queue: list.New(),
		places: map[int64]*list.Element{}, open: map[int64]heldMarks{}, pausedUntil: math.Inf(-1), release: newRelease(),
	}
	if options.adaptive {
		l.adaptive = newAdaptiveConcurrency(options.concurrency)
	}
	if options.throttle > 0 {
		l.throttle = newAdaptiveThrottle(options.throttle)
	}
	return l
}

// reserve is leave to send, a place in the queue, or a refusal; left are the seconds to the deadline, longest
// the wait that this call accepts (negative for the limiter's own). All limits are charged together or none is
// . chance in [0, 1] is for adaptive throttling.
func (l *limiter) reserve(c cost, now, left, longest, chance float64) decision {
	if l.throttle != nil && l.throttle.rejects(now, chance) {
		return decision{verdict: refused, why: "throttled"}
	}
	empty := l.queue.Len() == 0
	if empty && l.isUnlimited(now) {
		return decision{reservation: reservation{cost: c}}
	}
	if !l.options.admitOversize && l.meters.isTooLarge(c) {
		return decision{verdict: refused, why: "too-large"}
	}
	if empty && l.headReadyAt(c, now) <= now {
		return l.grant(c, now)
	}
	return l.enqueue(c, now, l.longest(left, longest))
}

// claim is the decision on a waiter whose time has come; false for a ticket that is not waiting. Only the head
// is granted, and only the head is refused, if from now on it would wait longer than it accepts.
func (l *limiter) claim(ticket int64, now, left, longest float64) (decision, bool) {
	place, found := l.places[ticket]
	if !found {
		return decision{}, false
	}
	c := place.Value.(waiter).cost
	ready := l.headReadyAt(c, now)
	if head, _ := l.head(); head != ticket {
		return decision{verdict: waiting, ticket: ticket, until: max(ready, now+behindHead)}, true
	}
	if ready <= now {
		l.leave(ticket)
		l.release.granted(l.meters.step(c), l.queue.Len(), now)
		return l.grant(c, now), true
	}
	if isTooLong(ready-now, l.longest(left, longest)) {
		l.cancel(ticket)
		return decision{verdict: refused, wait: ready - now, why: "wait"}, true
	}
	l.noteHold(c, now)
	return decision{verdict: waiting, ticket: ticket, until: ready}, true
}

// cancel: a waiter gives up and leaves no hole; tickets that do not wait are ignored.
func (l *limiter) cancel(ticket int64) {
	if _, found := l.places[ticket]; !found {
		return
	}
	l.leave(ticket)
	if l.queue.Len() == 0 {
		l.release = newRelease() // nobody is left of those who were held
	}
}

// settle ends a reservation with what it really used; a second time changes nothing.
func (l *limiter) settle(r reservation, now float64, used *cost, result settlement, h health) {
	open, found := l.open[r.id]
	if !found {
		return
	}
	delete(l.open, r.id)
	l.meters.settle(open.metered, r.cost, used, result, now)
	l.families.release(open.reported, r.cost)
	l.adapt(h, now)
}

// head is the only waiter that can be granted next.
func (l *limiter) head() (int64, bool) {
	if front := l.queue.Front(); front != nil {
		return front.Value.(waiter).ticket, true
	}
	return 0, false
}

// pause holds all new sends until then; the latest of several pauses counts.
func (l *limiter) pause(until, now float64) {
	if now < until && !math.IsInf(until, 1) {
		l.pausedUntil = max(l.pausedUntil, until)
	}
}

// learn takes over what a response reports.
func (l *limiter) learn(reports []observed, now float64) { l.families.learn(reports, now) }

// snapshot is every limit as it stands: the declared ones, then the server's.
func (l *limiter) snapshot(now float64) []LimitState {
	return append(l.meters.states(now), l.families.states(now)...)
}

func (l *limiter) isUnlimited(now float64) bool {
	nothing := len(l.meters) == 0 && len(l.families.list) == 0 && l.options.concurrency == 0
	return nothing && now >= l.pausedUntil && l.throttle == nil
}

func (l *limiter) adapt(h health, now float64) {
	if l.adaptive != nil && h == healthGood {
		l.adaptive.succeed()
	} else if l.adaptive != nil && h == healthOverload {
		l.adaptive.overload(now)
	}
	if l.throttle != nil && h == healthGood {
		l.throttle.accept(now)
	}
}

// isCrowded says whether so many calls are in flight, with those ahead, that another's end must come first.
func (l *limiter) isCrowded(ahead int) bool {
	most := l.options.concurrency
	if l.adaptive != nil {
		most = l.adaptive.limit()
	}
	return most > 0 && len(l.open)+ahead >= most
}

// headReadyAt is when a head of this cost could go; infinite if another call must end first.
func (l *limiter) headReadyAt(c cost, now float64) float64 {
	if l.isCrowded(0) {
		return math.Inf(1)
	}
	held := max(l.heldUntil(c, now, cost{}), l.release.notBefore)
	return max(held, l.meters.readyAt(c, now, cost{}))
}

// heldUntil is the end of the pause and of the server's windows that hold this cost.
func (l *limiter) heldUntil(c cost, now float64, ahead cost) float64 {
	return max(l.pausedUntil, l.families.readyAt(c, now, ahead), now)
}

// noteHold: somebody is held, so the next grant from the queue begins a release.
func (l *limiter) noteHold(c cost, now float64) {
	if l.heldUntil(c, now, cost{}) > now {
		l.release.armed = true
	}
}

func (l *limiter) enqueue(c cost, now, longest float64) decision {
	ready := l.projection(c, now)
	if isTooLong(ready-now, longest) {
		return decision{verdict: refused, wait: ready - now, why: "wait"}
	}
	l.noteHold(c, now)
	ticket := l.nextID()
	ahead := l.queue.Len()
	l.places[ticket] = l.queue.PushBack(waiter{ticket, c})
	l.queued = l.queued.plus(c)
	switch {
	case l.isCrowded(ahead):
		ready = math.Inf(1)
	case ahead > 0:
		ready = max(ready, now+behindHead)
	}
	return decision{verdict: waiting, ticket: ticket, until: ready}
}

// projection is when a new waiter may expect to go behind all others, the ends of other calls left aside.
func (l *limiter) projection(c cost, now float64) float64 {
	ready := max(l.heldUntil(c, now, l.queued), l.meters.readyAt(c, now, l.queued))
	released := max(l.heldUntil(c, now, cost{}), l.release.notBefore)
	if released > now {
		ready = max(ready, released+l.release.delay(l.queue.Len(), l.meters.step(c)))
	}
	return ready
}

// longest is the longest wait that a call accepts: its own or the limiter's, never beyond its deadline.
func (l *limiter) longest(left, own float64) float64 {
	if own < 0 {
		own = l.options.maxWait
	}
	return min(left, own+clockNoise)
}

// isTooLong: the end of another call cannot be foreseen; the deadline bounds that wait.
func isTooLong(wait, longest float64) bool { return wait > longest && !math.IsInf(wait, 1) }

func (l *limiter) leave(ticket int64) {
	place := l.places[ticket]
	l.queued = l.queued.minus(place.Value.(waiter).cost)
	l.queue.Remove(place)
	delete(l.places, ticket)
	if l.queue.Len() == 0 {
		l.queued = cost{}
	}
}

func (l *limiter) grant(c cost, now float64) decision {
	made := reservation{l.nextID(), c}
	l.open[made.id] = heldMarks{l.meters.charge(c, now), l.families.charge(c)}
	return decision{reservation: made}
}

func (l *limiter) nextID() int64 {
	l.lastID++
	return l.lastID
}
