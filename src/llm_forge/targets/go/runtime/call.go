package forge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"math"
	"sort"
	"strings"
)

// call is one call in progress: its context and the record of its attempts.
type call struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	shared    *shared
	operation *Operation
	prepared  prepared
	settings  *settings
	extras    *extras
	ends      deadline
	started   float64
	streaming bool
	id        string
	registry  *call // what shared counts: the call itself, also for a branch of it

	number          int
	began           float64
	plan            *plan // that led to this attempt, nil for the first
	attempts        []Attempt
	timeouts        int
	lastError       *Error
	responseHeaders Headers
	responseStatus  int
	secrets         []Secret
	token           *token
	renewals        int
}

func newCallID() string {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("forge: the system has no source of randomness: " + err.Error())
	}
	return hex.EncodeToString(random[:])
}

func (c *call) now() float64 { return c.shared.clock.Now() }

// redactor removes every credential of this call and its client from texts; made when an error needs it.
func (c *call) redactor() *redactor {
	return c.shared.redactorFor(c.secrets, c.prepared.request.headers)
}

func (c *call) words() errorReader { return errorReader{c.shared.profile, c.redactor()} }

// requestID is the provider's id of the latest response.
func (c *call) requestID() string {
	if id := requestIDOf(c.responseHeaders, c.shared.profile, nil); id != "" {
		return c.redactor().text(id)
	}
	return ""
}

// elsewhere is the origin of a URL that is not at this client's own, "" for all others. Its circuit, limits and
// budget are apart: a storage host that fails says nothing of the API.
func (c *call) elsewhere() string {
	url, base := c.prepared.request.url, c.shared.baseURL
	if strings.HasPrefix(url, base+"/") {
		return ""
	}
	if origin := originOf(url); origin != originOf(base) {
		return origin
	}
	return ""
}

func (c *call) circuit() *Circuit {
	return c.shared.circuit(c.operation.group(), c.prepared.model, c.elsewhere())
}

func (c *call) gate() *gate { return c.shared.limiter.gateOf(c.prepared.model, c.elsewhere()) }

func (c *call) isKeyed() bool { return c.prepared.request.isKeyed(c.shared.profile) }

// isReplayable says whether sending the request again cannot do a thing twice.
func (c *call) isReplayable() bool {
	replay := c.operation.Replay
	return replay == "" || replay == ReplaySafe || replay == ReplayKeyed && c.isKeyed()
}

// beginAttempt starts the attempt that a plan led to, nil for the first.
func (c *call) beginAttempt(next *plan) {
	latest := 0
	if len(c.attempts) > 0 {
		latest = c.attempts[len(c.attempts)-1].Number
	}
	c.number, c.plan, c.began = max(latest, c.number)+1, next, c.now()
	c.responseHeaders, c.responseStatus = Headers{}, 0
	c.tellAttempt()
}

func (c *call) tellAttempt() {
	c.emit(EventAttemptStart, map[string]any{"method": c.prepared.request.method})
}

// branch is a copy for one of two attempts that run at once; it alone changes it.
func (c *call) branch(ctx context.Context, number int, next *plan) *call {
	made := *c
	made.ctx, made.number, made.plan, made.began = ctx, number, next, c.now()
	made.secrets = append([]Secret(nil), c.secrets...)
	return &made
}

// adopt takes over what a branch knows of its attempt.
func (c *call) adopt(branch *call) {
	c.number, c.plan, c.began, c.token = branch.number, branch.plan, branch.began, branch.token
	c.responseHeaders, c.responseStatus = branch.responseHeaders, branch.responseStatus
	c.secrets = append(c.secrets, branch.secrets...)
}

// context is this call, and its running attempt, as others see it.
func (c *call) context() *CallContext {
	return &CallContext{
		CallID: c.id, Provider: c.shared.profile.Name, Operation: c.operation.Name, Model: c.prepared.model, Stream: c.streaming,
		Attempt: c.number, Started: c.started, Deadline: float64(c.ends), Origin: originOf(c.prepared.request.url),
		TraceParent: c.extras.traceParent, Metadata: c.settings.metadata,
	}
}

// asking is this call, with the request that its middleware has made.
func (c *call) asking(request httpRequest) *call {
	c.prepared = c.prepared.again(request)
	return c
}

// begin counts this call as running and says so; ClientClosedError if the client is closed.
func (c *call) begin() error {
	if err := c.shared.begin(c.registry); err != nil {
		return err
	}
	c.emit(EventCallStart, map[string]any{
		"provider": c.shared.profile.Name, "operation": c.operation.Name, "model": c.prepared.model, "stream": c.streaming,
	})
	return nil
}

// finish counts this call as over: ok, left (a stream that nobody read to its end), or what ended it. answer is the
// JSON that the caller gets, or has got so far.
func (c *call) finish(outcome string, answer any, more map[string]any) {
	if c.shared.hooks.watched() {
		c.tellContent(answer)
		facts := answerFacts(answer)
		facts["elapsed"], facts["outcome"] = c.now()-c.started, outcome
		facts["status"], facts["attempts"] = c.responseStatus, len(c.attempts)
		for name, value := range more {
			facts[name] = value
		}
		c.emit(EventCallEnd, facts)
	}
	c.shared.end(c.registry)
	c.cancel(nil)
}

func (c *call) tellContent(answer any) {
	if len(c.shared.hooks.readers) == 0 {
		return
	}
	clean := c.redactor()
	if body := c.prepared.request.body; body.present && body.isWhole() {
		c.shared.hooks.tellContent(c.context(), "request", clean.text(validText(body.whole)))
	}
	if encoded, err := marshal(answer); err == nil && answer != nil {
		c.shared.hooks.tellContent(c.context(), "response", clean.text(string(encoded)))
	}
}

// emit tells the client's hooks; costs next to nothing where there are none.
func (c *call) emit(name EventName, facts map[string]any) {
	if c.shared.hooks.watched() {
		c.shared.hooks.tell(Event{name, c.context(), facts})
	}
}

// note lists the running attempt with how it ended; nil is success.
func (c *call) note(err error) {
	own, _ := err.(*Error)
	one := Attempt{Number: c.number, Outcome: outcomeName(err), Duration: seconds(c.now() - c.began), RequestID: c.requestID()}
	if own != nil {
		one.Status = own.Status
		if own.Kind == KindAttemptTimeout {
			c.timeouts++
		}
		if own.Kind == KindDeadlineExceeded && own.cause == nil && c.lastError != nil {
			own.cause = c.lastError
		}
	}
	if c.plan != nil {
		one.Waited = seconds(c.plan.after)
	}
	c.attempts = append(c.attempts, one)
	// Two may have run at once.
	sort.SliceStable(c.attempts, func(i, j int) bool { return c.attempts[i].Number < c.attempts[j].Number })
	c.lastError = own
	c.tellAttemptEnd(err)
}

func (c *call) tellAttemptEnd(err error) {
	if !c.shared.hooks.watched() {
		return
	}
	status := c.responseStatus
	if own, ok := err.(*Error); ok && own.Status != 0 {
		status = own.Status
	}
	c.emit(EventAttemptEnd, map[string]any{
		"outcome": outcomeName(err), "status": status, "duration": c.now() - c.began, "request_id": c.requestID(),
	})
}

// failLast records that the latest attempt, a stream that had begun, failed after all.
func (c *call) failLast(err *Error) {
	if len(c.attempts) > 0 {
		latest := &c.attempts[len(c.attempts)-1]
		latest.Outcome, latest.Status = string(err.Kind), err.Status
	}
}

// enrich adds what this call knows to an error that is about to reach the user.
func (c *call) enrich(err *Error) *Error {
	err.Provider, err.Operation, err.Model, err.CallID = c.shared.profile.Name, c.operation.Name, c.prepared.model, c.id
	err.Context = c.context()
	err.Attempts = append([]Attempt(nil), c.attempts...)
	err.Elapsed = seconds(c.now() - c.started)
	err.RequestID = or(err.RequestID, c.requestID())
	return err
}

// outcomeName is how an attempt or call that ended with this error is reported.
func outcomeName(err error) string {
	var own *Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &own):
		return string(own.Kind)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	}
	return "raised"
}

// orDeadline is the deadline's error if it is the deadline that fired, else the error itself.
func (c *call) orDeadline(err *Error, phase string) *Error {
	if !c.ends.expired(c.now()) {
		return err
	}
	return c.late(err, phase)
}

func (c *call) late(err error, phase string) *Error {
	late := newError(KindDeadlineExceeded, "The call's deadline passed in phase %s", phase).in(phase)
	late.cause = err
	if c.lastError != nil {
		late.cause = c.lastError
	}
	return late
}

// stopped is what a done context means: the client was closed, the caller's deadline passed, or it cancelled.
func (c *call) stopped(err error, phase string) error {
	if err == nil || c.ctx.Err() == nil || !errors.Is(err, c.ctx.Err()) {
		return err
	}
	switch {
	case context.Cause(c.ctx) == error(errClosing):
		return newError(KindClientClosed, "%s", errClosing.Message)
	case errors.Is(err, context.DeadlineExceeded):
		return c.late(err, phase)
	}
	return err
}

// Is says of a deadline that passed that it is context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Kind == KindDeadlineExceeded
}

// deadlineOf is the earlier of a call's own deadline and that of its context.
func deadlineOf(ctx context.Context, clock Clock, own deadline, now float64) deadline {
	if at, ok := ctx.Deadline(); ok {
		return deadline(math.Min(float64(own), now+clock.Until(at)))
	}
	return own
}
