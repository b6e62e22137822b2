package forge

import "math"

// Whether a failed attempt is repeated, and after how long. Asked in this order:
//
//   - the failure is one that another attempt may cure;
//   - attempts are left;
//   - sending again cannot do a thing twice;
//   - an attempt time-out is repeated once per call;
//   - the server's wait is neither longer than we accept nor than the time left;
//   - the whole wait ends early enough for an attempt to follow.
//
// The retry budget is asked by the caller, last, with the cost given here.

const (
	mostAttempts     = 20
	retryCost        = 5
	timeoutRetryCost = 10
)

// failure is what went wrong in an attempt. kind is status, connect, refused-stream, lost, timeout, pool or
// fatal; serverWait is in seconds, 0 for none; shouldRetry is the server's own word; terminalQuota marks a 429
// that waiting does not cure.
type failure struct {
	kind          string
	status        int
	serverWait    float64
	shouldRetry   *bool
	terminalQuota bool
}

// plan is what follows a failure: a retry after so many seconds, which costs the budget so much, or giving up
// (again is false). source is backoff, server, token or hedge.
type plan struct {
	again  bool
	after  float64
	source string
	cost   int
}

var giveUp = plan{}

// retryPolicy are the numbers of in seconds, and the provider's additions.
type retryPolicy struct {
	maxAttempts                                     int
	base, throttleBase, factor, most, maxServerWait float64
	retryable, notProcessed                         []int
}

func defaultRetryPolicy() retryPolicy {
	return retryPolicy{maxAttempts: 3, base: 0.5, throttleBase: 1, factor: 2, most: 20, maxServerWait: 60, notProcessed: []int{429}}
}

// situation is what else counts: timeouts are the call's attempt time-outs with this one, keyed says that an
// idempotency key is really sent, renewable that a 401 may be cured by another token, left are the
// seconds to the deadline (infinite without one), chance and jitter are uniform in [0, 1].
type situation struct {
	replay                       Replay
	rewindable, keyed, renewable bool
	timeouts                     int
	left, chance, jitter         float64
}

// decide is the plan after attempt number attempt (from 1) failed.
func (p retryPolicy) decide(attempt int, f failure, s situation) plan {
	if s.renewable && f.status == 401 && (f.shouldRetry == nil || *f.shouldRetry) {
		return p.renewed(f, s)
	}
	switch {
	case !p.isRetryable(f), attempt >= p.maxAttempts, !s.rewindable || !p.mayReplay(f, s):
		return giveUp
	case f.kind == "timeout" && s.timeouts > 1:
		return giveUp
	}
	return p.timed(attempt, f, s)
}

// renewed is at once with another token, if there is time for an attempt.
func (p retryPolicy) renewed(f failure, s situation) plan {
	if !s.rewindable || !p.mayReplay(f, s) || s.left < minAttempt {
		return giveUp
	}
	return plan{again: true, source: "token", cost: retryCost}
}

// isRetryable says whether another attempt may cure this. A terminal quota code outweighs x-should-retry.
func (p retryPolicy) isRetryable(f failure) bool {
	if f.kind != "status" {
		return f.kind != "fatal"
	}
	if f.shouldRetry != nil && !*f.shouldRetry || p.quotaIsSpent(f) {
		return false
	}
	return f.shouldRetry != nil || retryableStatus(f.status) || contains(p.retryable, f.status)
}

func (p retryPolicy) quotaIsSpent(f failure) bool {
	return f.terminalQuota && (f.serverWait == 0 || f.serverWait > p.maxServerWait)
}

// mayReplay is R-076; an operation that would need a key and has none counts as once. A pool time-out is ours
// to add to that list: nothing was sent.
func (p retryPolicy) mayReplay(f failure, s situation) bool {
	if s.replay == "" || s.replay == ReplaySafe || s.replay == ReplayKeyed && s.keyed {
		return true
	}
	neverProcessed := f.kind == "connect" || f.kind == "refused-stream" || f.kind == "pool"
	return neverProcessed || f.kind == "status" && contains(p.notProcessed, f.status)
}

func (p retryPolicy) timed(attempt int, f failure, s situation) plan {
	cost := retryCost
	if f.kind == "timeout" {
		cost = timeoutRetryCost
	}
	wait := f.serverWait
	if wait > p.maxServerWait || wait > s.left {
		return giveUp
	}
	after := max(wait, p.backoff(attempt, f)*s.chance) + s.jitter*min(1, wait/10)
	if after+minAttempt > s.left {
		return giveUp
	}
	source := "backoff"
	if wait > 0 {
		source = "server"
	}
	return plan{again: true, after: after, source: source, cost: cost}
}

// backoff is the upper bound of the wait before the attempt that follows.
func (p retryPolicy) backoff(attempt int, f failure) float64 {
	base := p.base
	if throttles(f.status) || f.status == 503 && f.serverWait > 0 {
		base = p.throttleBase
	}
	return min(p.most, base*math.Pow(p.factor, float64(attempt-1)))
}

func retryableStatus(status int) bool {
	switch status {
	case 408, 409, 425, 429, 500, 502, 503, 504, 529:
		return true
	}
	return false
}

func throttles(status int) bool { return status == 429 || status == 498 || status == 529 }

// The retry budget: retries are paid for by successes, so an outage is not answered by a flood.

const (
	budgetCapacity    = 500
	firstSuccessGains = 1
)

// retryBudget holds the tokens of one client and origin; it starts full and never holds more.
type retryBudget struct{ tokens int }

func newRetryBudget() *retryBudget { return &retryBudget{budgetCapacity} }

// spend says whether the retry can be paid; only then the tokens are taken.
func (b *retryBudget) spend(cost int) bool {
	if cost > b.tokens {
		return false
	}
	b.tokens -= cost
	return true
}

func (b *retryBudget) refund(tokens int) { b.tokens = min(b.tokens+tokens, budgetCapacity) }
