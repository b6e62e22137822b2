package forge

import (
	"errors"
	"io"
	"math"
)

// The open stream: bytes in, events out, with every timer of R-051 and every end of R-143.
//
//   - Until the first application event a failure is the attempt's, and may be retried.
//   - Idle counts time without bytes, stall time without events; both stand still while the consumer is the cause
//
//   - Every error carries what arrived.

const (
	drainSeconds = 0.1
	gapsKept     = 10_000
)

// streamTimer is what may end the wait for the next bytes.
type streamTimer int

const (
	firstEventTimer streamTimer = iota
	idleTimer
	stallTimer
	deadlineTimer
)

var (
	errLeft     = errors.New("the consumer left")
	errReadOnce = newError(KindStream, "A stream can be read once; use Collect for the accumulated message")
)

// pump is one stream from its first byte to its end; made by opening.
type pump struct {
	call              *call
	rule              *StreamRule
	lease             *lease
	began             float64
	reader            *streamReader
	body              *bodyReader
	shown             accumulator // what the consumer's events add up to, where middleware wraps them
	source            EventSource
	synthesised       bool
	handedOver        bool
	firstEventAfter   float64 // seconds, negative before
	firstContentAfter float64
	stalled           float64
	gaps              Gaps
	waits             []float64
	timer             streamTimer
}

func newPump(c *call, l *lease) *pump {
	made := &pump{call: c, rule: c.operation.Stream, lease: l, began: c.now(), firstEventAfter: -1, firstContentAfter: -1}
	made.reset()
	made.source = made.arrived
	return made
}

func (p *pump) reset() {
	p.reader = newStreamReader(p.rule, func(data any) *Error { return p.call.words().ofEvent(data, p.call.requestID()) },
		func(text string) string { return p.call.redactor().text(text) })
}

// begin reads up to the first application event or the end; returns what failed before that.
func (p *pump) begin() error {
	for p.reader.applicationEvents == 0 && !p.reader.ended() {
		if err := p.read(); err != nil {
			return err
		}
	}
	if p.reader.failure != nil && p.reader.applicationEvents == 0 {
		return p.withPartial(p.reader.failure)
	}
	return nil
}

// takeWhole gives this value, which middleware answered with, as the events of a stream.
func (p *pump) takeWhole(value any) error {
	result, ok := asObject(value)
	events := synthesised(p.rule.Family, result)
	if !ok || events == nil {
		return errNotResult(p.call)
	}
	p.reset()
	p.takeEvents(events)
	return nil
}

// takeEvents gives these events, which stood in one whole answer.
func (p *pump) takeEvents(events []Decoded) {
	p.synthesised = true
	for _, event := range events {
		p.reader.accept(event)
		p.noteArrivals()
	}
}

// arrived is the next event, io.EOF at the stream's end, or the stream's failure.
func (p *pump) arrived() (Decoded, error) {
	for {
		if event, ok := p.reader.next(); ok {
			return event, nil
		}
		if p.reader.ended() {
			return Decoded{}, p.conclude()
		}
		if p.reader.refill() {
			continue
		}
		if err := p.read(); err != nil {
			p.end(err)
			return Decoded{}, err
		}
	}
}

func (p *pump) conclude() error {
	if p.reader.failure != nil {
		err := p.withPartial(p.reader.failure)
		p.end(err)
		return err
	}
	p.finish()
	return io.EOF
}

// read is one read from the socket, decoded; endings become failures of the reader.
func (p *pump) read() error {
	began := p.call.now()
	piece, err := p.body.read(func() float64 { return p.limit(p.call.now(), began) })
	p.stalled += p.call.now() - began
	switch {
	case err == nil:
		p.feed(func() { p.reader.feed(piece) })
	case errors.Is(err, io.EOF):
		p.feed(func() { p.reader.finish(p.call.settings.strictCompletion) })
	default:
		return p.readFailure(err)
	}
	return nil
}

func (p *pump) readFailure(err error) error {
	if errors.Is(err, errTimer) {
		return p.withPartial(p.late())
	}
	err = p.call.stopped(err, "stream")
	own, ours := err.(*Error)
	if !ours {
		return err
	}
	if own.Kind == KindConnectionLost || own.Kind == KindProtocol {
		own = p.broken().because(own)
	}
	return p.withPartial(own)
}

func (p *pump) feed(feed func()) {
	seen := p.reader.applicationEvents
	feed()
	if arrived := p.reader.applicationEvents - seen; arrived > 0 {
		p.noteGap(arrived, seen == 0)
		p.noteArrivals()
	}
}

// limit is how long the next read may take; timer is then the one that would have fired.
func (p *pump) limit(now, began float64) float64 {
	settings := p.call.settings
	limit := settings.idleTimeout
	p.timer = idleTimer
	if p.reader.applicationEvents == 0 {
		limit, p.timer = p.began+settings.firstEventTimeout-now, firstEventTimer
	} else if stall := settings.stallTimeout - p.stalled - (now - began); stall < limit {
		limit, p.timer = stall, stallTimer
	}
	if left := p.call.ends.left(now); left < limit {
		limit, p.timer = left, deadlineTimer
	}
	return math.Max(limit, 0)
}

func (p *pump) late() *Error {
	settings := p.call.settings
	switch p.timer {
	case firstEventTimer:
		return newError(KindAttemptTimeout, "No event of the stream arrived in time").in("response")
	case idleTimer:
		return newError(KindStreamIdle, "The stream sent nothing for %g s", settings.idleTimeout)
	case stallTimer:
		return newError(KindStreamStall, "The stream sent no event for %g s", settings.stallTimeout)
	}
	return newError(KindDeadlineExceeded, "The call's deadline passed during the stream").in("stream")
}

func (p *pump) noteArrivals() {
	c := p.call
	if p.firstEventAfter < 0 {
		p.firstEventAfter = c.now() - c.started
		p.lease.probeSucceeded()
	}
	if p.firstContentAfter < 0 && p.hasContent() {
		p.firstContentAfter = c.now() - c.started
		c.emit(EventFirstContent, map[string]any{"after": p.firstContentAfter})
	}
}

// noteGap remembers how long the server took for these events after the one before; for hooks one by one.
func (p *pump) noteGap(events int, first bool) {
	if first {
		p.gaps.note(0, events-1)
	} else {
		p.gaps.note(p.stalled, events)
		if p.call.shared.hooks.watched() && len(p.waits) < gapsKept {
			p.waits = append(p.waits, p.stalled)
		}
	}
	p.stalled = 0
}

func (p *pump) hasContent() bool {
	for _, event := range p.reader.ready {
		if p.reader.accumulator.isContent(event.Data) {
			return true
		}
	}
	return false
}

// finish: the stream ended well, so settle, and give the server a moment so that the connection is kept.
func (p *pump) finish() {
	p.settle(nil)
	p.call.emit(EventStreamEnd, map[string]any{
		"completion": string(p.reader.completion), "events": p.reader.eventsSeen,
		"mean_gap": p.gaps.Mean().Seconds(), "longest_gap": p.gaps.Longest.Seconds(),
	})
	if p.reader.completion == endedInferred {
		p.call.shared.warnInferred()
	}
	p.drain()
	p.lease.close()
	p.release("ok")
}

// drain: the stream is complete, and whatever follows it cannot matter.
func (p *pump) drain() {
	ends := p.call.now() + drainSeconds
	for p.lease.exchange != nil && !p.synthesised && p.call.now() < ends {
		if _, err := p.lease.exchange.read(ends - p.call.now()); err != nil {
			return
		}
	}
}

// end stops here: settles with what is known and aborts the connection. Idempotent.
func (p *pump) end(err error) {
	if p.lease.ended && !p.handedOver {
		return
	}
	if own, ours := err.(*Error); ours {
		p.call.emit(EventStreamInterrupted, map[string]any{"error": string(own.Kind)})
	}
	outcome := "left"
	if err != nil {
		outcome = outcomeName(err)
	} else {
		err = errLeft
	}
	p.settle(err)
	p.lease.close()
	p.release(outcome)
}

func (p *pump) settle(err error) {
	var used *cost
	if p.handedOver {
		used = usageCost(p.reader.accumulator.usage())
	}
	p.lease.end(err, used)
}

func (p *pump) release(outcome string) {
	if !p.handedOver {
		return
	}
	p.handedOver = false
	var answer any
	if p.call.shared.hooks.watched() {
		answer = p.message().partial()
	}
	p.call.finish(outcome, answer, map[string]any{"gaps": p.waits, "completion": string(p.reader.completion)})
}

// withPartial is the error with what arrived, and once the stream was handed over with the facts of the call.
func (p *pump) withPartial(err *Error) *Error {
	err.Partial = p.reader.accumulator.partial()
	err.EventsSeen, err.LastEventID = p.reader.eventsSeen, p.reader.decoder.lastEventID()
	if !p.handedOver {
		return err
	}
	p.call.failLast(err)
	return p.call.enrich(err)
}

// broken is the error of a connection that was lost in the stream.
func (p *pump) broken() *Error {
	return newError(KindStreamInterrupted, "The connection broke after %d events; Partial is what arrived", p.reader.eventsSeen)
}

// message is what the consumer's events add up to: with middleware that wraps them, those that came out.
func (p *pump) message() accumulator {
	if p.shown != nil {
		return p.shown
	}
	return p.reader.accumulator
}

// wrap passes the events through what middleware put around them.
func (p *pump) wrap(wraps []func(EventSource) EventSource) {
	if len(wraps) == 0 {
		return
	}
	p.shown = newAccumulator(p.rule)
	for _, one := range wraps {
		p.source = one(p.source)
	}
}

// next is the next event as the consumer gets it.
func (p *pump) next() (Decoded, error) {
	event, err := p.source()
	switch {
	case p.shown == nil:
	case err == nil:
		if failed := p.shown.add(event.Name, event.Data); failed != nil {
			return event, failed
		}
	case errors.Is(err, io.EOF) && p.reader.completion == endedExplicit:
		p.shown.add("message", nil) // a sentinel is no event that anybody wraps
	}
	return event, err
}
