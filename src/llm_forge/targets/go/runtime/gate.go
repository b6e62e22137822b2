package forge

import (
	"context"
	"math"
	"sync"
)

// gate is one limiter and its queue, shared by the calls for one model or family of models. Who must wait sleeps
// here, first in, first out.
//
// The limiter decides and holds no lock; it is guarded here, and the lock is never held across a wait.
type gate struct {
	mutex   sync.Mutex
	limiter *limiter
	signals map[int64]Signal
}

func newGate(options limiterOptions) *gate {
	return &gate{limiter: newLimiter(options), signals: map[int64]Signal{}}
}

// passage is what a call brings to the gate; maxWait is in seconds, negative for the limiter's own.
type passage struct {
	cost    cost
	ends    deadline
	maxWait float64
	chance  float64
}

// enter is a reservation, and the seconds waited for it. RateLimitWaitError, RateLimitConfigError,
// DeadlineExceededError in phase limiter, or the context's error.
func (g *gate) enter(ctx context.Context, clock Clock, p passage) (reservation, float64, error) {
	began := clock.Now()
	g.mutex.Lock()
	d := g.limiter.reserve(p.cost, began, p.ends.left(began), p.maxWait, p.chance)
	g.followLocked(clock, d)
	g.mutex.Unlock()
	if d.verdict == granted {
		return d.reservation, 0, nil
	}
	for d.verdict == waiting {
		var err error
		if d, err = g.wait(ctx, clock, d, p); err != nil {
			return reservation{}, 0, err
		}
	}
	if d.verdict == refused {
		return reservation{}, 0, refusal(d, p.cost)
	}
	return d.reservation, clock.Now() - began, nil
}

func (g *gate) wait(ctx context.Context, clock Clock, d decision, p passage) (decision, error) {
	g.mutex.Lock()
	signal := g.signals[d.ticket]
	g.mutex.Unlock()
	now := clock.Now()
	if err := signal.Wait(ctx, p.ends.timer(d.until-now, now)); err != nil {
		g.giveUp(d.ticket)
		return d, err
	}
	now = clock.Now()
	left := p.ends.left(now)
	if left < minAttempt {
		g.giveUp(d.ticket)
		return d, newError(KindDeadlineExceeded, "The deadline passed while waiting for the rate limiter").in("limiter")
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.signals, d.ticket)
	next, _ := g.limiter.claim(d.ticket, now, left, p.maxWait)
	g.followLocked(clock, next)
	return next, nil
}

// followLocked registers who waits, in the same breath as the decision, so that no wake-up is lost.
func (g *gate) followLocked(clock Clock, d decision) {
	if d.verdict == waiting {
		g.signals[d.ticket] = clock.Signal()
	} else {
		g.wakeHeadLocked()
	}
}

func (g *gate) giveUp(ticket int64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.signals, ticket)
	g.limiter.cancel(ticket)
	g.wakeHeadLocked()
}

// leave settles a reservation and wakes the head waiter.
func (g *gate) leave(r reservation, now float64, used *cost, result settlement, h health) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.limiter.settle(r, now, used, result, h)
	g.wakeHeadLocked()
}

// learn takes over what a response's headers say.
func (g *gate) learn(reports []observed, now float64) {
	if len(reports) == 0 {
		return
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.limiter.learn(reports, now)
	g.wakeHeadLocked()
}

// pause holds all new sends until then.
func (g *gate) pause(until, now float64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.limiter.pause(until, now)
}

func (g *gate) snapshot(now float64) []LimitState {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.limiter.snapshot(now)
}

// wakeHeadLocked: only the head can be granted; it wakes the next when it is.
func (g *gate) wakeHeadLocked() {
	if head, found := g.limiter.head(); found && g.signals[head] != nil {
		g.signals[head].Set()
	}
}

func refusal(d decision, c cost) *Error {
	switch d.why {
	case "too-large":
		return newError(KindRateLimitConfig,
			"The request reserves %.0f input and %.0f output tokens, more than a declared limit admits at once; raise that "+
				"limit's Burst, set max_tokens, or let such requests through alone with WithOversize(AdmitWhenFull)", c.input, c.output)
	case "throttled":
		return newError(KindRateLimitWait, "The server accepted so few of the recent calls that this one is not sent (WithAdaptiveThrottle)")
	}
	err := newError(KindRateLimitWait, "The rate limiter would hold this call for %.1f s, longer than it may wait", d.wait)
	if !math.IsInf(d.wait, 1) {
		err.RetryAfter = seconds(d.wait)
	}
	return err
}
