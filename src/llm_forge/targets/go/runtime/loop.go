package forge

import (
	"context"
	"errors"
)

// The one call loop: deadline, retry, breaker, limiter, auth, transport, in this order.
//
//   - There is exactly one retry loop in the product; run is it.
//   - The last real error is raised, enriched, never wrapped.
//   - Decisions come from core; this file waits and records, attempt.go and pump.go send.

// run makes attempts until one succeeds or the policy gives up; the last real error is returned.
func run[T any](c *call, attempt func(*call) (T, error)) (T, error) {
	var none T
	var next *plan
	before := len(c.attempts)
	c.lastError = nil
	for {
		c.beginAttempt(next)
		result, err := attempt(c)
		if err == nil {
			c.succeed()
			return result, nil
		}
		own, ours := err.(*Error)
		switch {
		case !ours:
			c.tellAttemptEnd(err)
			return none, err
		case own.Kind.Is(KindLocalRejection):
			c.tellAttemptEnd(err)
			return none, c.rejected(own)
		case own.Kind != KindDeadlineExceeded && c.isClosing():
			return none, c.enrich(newError(KindClientClosed, "%s", errClosing.Message).because(err))
		}
		c.note(err)
		if next = c.decide(len(c.attempts)-before, own); next == nil {
			return none, c.enrich(own)
		}
		if err := c.sleep(next.after); err != nil {
			return none, err
		}
	}
}

func (c *call) isClosing() bool { return context.Cause(c.ctx) == error(errClosing) }

// rejected is what is raised where this client itself declines to send: the last real error, if there is one.
func (c *call) rejected(err *Error) *Error {
	last := c.lastError
	if last == nil || err.Kind == KindClientClosed {
		return c.enrich(err)
	}
	last.CircuitOpen = last.CircuitOpen || err.Kind == KindCircuitOpen
	if last.cause == nil {
		last.cause = err
	}
	return c.enrich(last)
}

// succeed notes an attempt that succeeded; a stream may yet fail.
func (c *call) succeed() {
	c.note(nil)
	if c.plan == nil {
		c.shared.refund(c.elsewhere(), firstSuccessGains)
	} else {
		c.shared.refund(c.elsewhere(), c.plan.cost)
	}
}

// decide is the retry to make after so many attempts, nil where the error is final.
func (c *call) decide(number int, err *Error) *plan {
	policy := c.settings.retryPolicy(&c.shared.profile.Errors)
	failed := failureOf(err, c.responseHeaders)
	if c.settings.ignoreRetryAfter {
		failed.serverWait = 0
	}
	err.Retryable = policy.isRetryable(failed)
	renewable := err.Status == 401 && c.shared.auth.refused(c) && c.renewals == 0
	next := policy.decide(number-c.renewals, failed, situation{
		replay: c.operation.Replay, rewindable: c.prepared.request.body.canRepeat(), keyed: c.isKeyed(), renewable: renewable,
		timeouts: c.timeouts, left: c.ends.left(c.now()), chance: c.shared.random(), jitter: c.shared.random(),
	})
	if next.again && !c.shared.spend(c.elsewhere(), next.cost) {
		err.RetryBudgetExhausted = true
		c.emit(EventBudgetExhausted, nil)
		return nil
	}
	if !next.again {
		return nil
	}
	if next.source == "token" {
		c.renewals++
	}
	c.emit(EventRetry, map[string]any{"cause": string(err.Kind), "status": err.Status, "wait": next.after, "source": next.source})
	return &next
}

// sleep waits for the next attempt; DeadlineExceededError if it woke too late to make one.
func (c *call) sleep(duration float64) error {
	err := c.stopped(c.shared.clock.Sleep(c.ctx, duration), "retry-sleep")
	if own, ok := err.(*Error); ok {
		return c.enrich(own)
	}
	if err != nil {
		return err
	}
	if c.ends.left(c.now()) < minAttempt {
		late := newError(KindDeadlineExceeded, "The deadline passed while waiting to retry").in("retry-sleep")
		if c.lastError != nil {
			late.cause = c.lastError
		}
		return c.enrich(late)
	}
	return nil
}

// runUnary is a unary call from its start to its end.
func runUnary(c *call) (*Response, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	outcome := "raised"
	var answer *Response
	defer func() { c.finish(outcome, valueOf(answer), nil) }()
	response, err := through(c, c.shared.steps.call, c.prepared.request, func(request httpRequest) (*Response, error) {
		return run(c.asking(request), hedged(unaryResponse))
	})
	outcome = outcomeName(err)
	if err != nil {
		return nil, err
	}
	if response.stream != nil {
		return nil, errNotStream
	}
	answer = response
	return response, nil
}

func valueOf(response *Response) any {
	if response == nil {
		return nil
	}
	return response.Value
}

var errNoResponse = errors.New("middleware returned neither a response nor an error")
