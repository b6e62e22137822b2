package forge

import (
	"context"
	"errors"
	"math"
	"sync"
)

// A second attempt beside a slow first one.
//
//   - Off unless WithHedgeAfter is set; only the first attempt of a unary call of a safe operation is hedged, and only
//     while another attempt is allowed and the retry budget can pay for it.
//   - Both are attempts like any other: each passes breaker, limiter and auth on its own.
//   - The hedge is paid like a retry: a hedge that wins gets its cost back, one that loses does not.
//   - A hedge that this client refused to send (limiter, breaker) never was: it costs nothing and is not listed.

type unaryAttempt func(*call) (*Response, error)

// hedged is the attempt, joined by a second one where the call's options ask for it.
func hedged(attempt unaryAttempt) unaryAttempt {
	return func(c *call) (*Response, error) {
		if !c.isHedged() {
			return attempt(c)
		}
		return (&hedge{call: c, attempt: attempt}).race()
	}
}

func (c *call) isHedged() bool {
	safe := c.operation.Replay == "" || c.operation.Replay == ReplaySafe
	return c.settings.hedgeAfter > 0 && c.plan == nil && c.settings.maxAttempts > 1 && safe &&
		c.prepared.request.body.isWhole() // others are read once at a time
}

// hedgeBranch is one of the two attempts, on a copy of the call that it alone changes.
type hedgeBranch struct {
	call     *call
	cancel   context.CancelCauseFunc
	response *Response
	err      error
	over     bool
}

type hedge struct {
	call     *call
	attempt  unaryAttempt
	mutex    sync.Mutex
	changed  Signal
	branches []*hedgeBranch
}

// race is the first result; afterwards the call stands as if only the winner had been, and a loser is noted.
func (h *hedge) race() (*Response, error) {
	c := h.call
	changed := h.newSignal()
	h.start(c.number, nil)
	err := changed.Wait(c.ctx, c.settings.hedgeAfter)
	if err == nil && !h.isOver(0) && c.shared.spend(c.elsewhere(), retryCost) {
		next := &plan{again: true, after: c.settings.hedgeAfter, source: "hedge", cost: retryCost}
		c.emit(EventRetry, map[string]any{"cause": "slow", "status": 0, "wait": next.after, "source": next.source})
		h.start(c.number+1, next).tellAttempt()
	}
	return h.settled(h.winner())
}

func (h *hedge) newSignal() Signal {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.changed = h.call.shared.clock.Signal()
	return h.changed
}

func (h *hedge) isOver(place int) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.branches[place].over
}

func (h *hedge) start(number int, next *plan) *call {
	ctx, cancel := context.WithCancelCause(h.call.ctx)
	branch := &hedgeBranch{call: h.call.branch(ctx, number, next), cancel: cancel}
	h.branches = append(h.branches, branch)
	h.call.shared.clock.Go(func() {
		response, err := h.attempt(branch.call)
		h.mutex.Lock()
		defer h.mutex.Unlock()
		branch.response, branch.err, branch.over = response, err, true
		h.changed.Set()
	})
	return branch.call
}

// winner is the branch that decides: the first to succeed, else the last to fail, unless a failure is final. The
// loser is cancelled on every way out.
func (h *hedge) winner() *hedgeBranch {
	defer func() {
		for _, branch := range h.branches {
			branch.cancel(errLostRace)
		}
	}()
	for {
		changed := h.newSignal()
		if found := h.decided(); found != nil {
			return found
		}
		if changed.Wait(h.call.ctx, math.Inf(1)) != nil {
			return h.branches[0]
		}
	}
}

var errLostRace = errors.New("the other attempt was faster")

func (h *hedge) decided() *hedgeBranch {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	var failed *hedgeBranch
	running := 0
	for _, branch := range h.branches {
		switch {
		case !branch.over:
			running++
		case branch.err == nil || h.isFinal(branch):
			return branch
		case failed == nil || is(failed.err, KindLocalRejection):
			failed = branch
		}
	}
	if running > 0 {
		return nil
	}
	return failed
}

// isFinal says whether the other attempt could only fail in the same way.
func (h *hedge) isFinal(branch *hedgeBranch) bool {
	own, ours := branch.err.(*Error)
	if !ours {
		return true
	}
	policy := h.call.settings.retryPolicy(&h.call.shared.profile.Errors)
	return !own.Kind.Is(KindLocalRejection) && !policy.isRetryable(failureOf(own, branch.call.responseHeaders))
}

func (h *hedge) settled(decisive *hedgeBranch) (*Response, error) {
	c := h.call
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, branch := range h.branches {
		if branch != decisive {
			h.noteLoser(branch)
		}
	}
	c.adopt(decisive.call)
	if !decisive.over {
		return nil, c.stopped(c.ctx.Err(), "response")
	}
	return decisive.response, decisive.err
}

func (h *hedge) noteLoser(branch *hedgeBranch) {
	c := h.call
	c.adopt(branch.call.branch(c.ctx, branch.call.number, branch.call.plan))
	switch {
	case !is(branch.err, KindLocalRejection):
		loss := branch.err
		if loss == nil {
			loss = context.Canceled
		}
		c.note(loss)
	case branch.call.plan != nil:
		c.shared.refund(c.elsewhere(), branch.call.plan.cost)
	}
}
