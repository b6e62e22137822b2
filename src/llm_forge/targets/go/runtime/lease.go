package forge

// lease is what one attempt holds while it runs: a breaker permit, a limiter reservation, an exchange. It ends
// exactly once, on every path: return, error, cancellation, a dropped stream.
type lease struct {
	call         *call
	circuit      *Circuit
	gate         *gate
	permit       permit
	admitted     bool
	reservation  reservation
	reserved     bool
	ended        bool
	sentAt       float64
	responseTime float64
	sent         bool
	exchange     *exchange
}

// acquire is a lease from breaker and limiter, ready to send.
func (c *call) acquire() (*lease, error) {
	l := &lease{call: c, circuit: c.circuit(), gate: c.gate()}
	if err := l.admit(); err != nil {
		return nil, err
	}
	waited, err := l.reserve()
	if err == nil && waited > 0 {
		c.emit(EventLimiterWait, map[string]any{"waited": waited})
		err = l.readmit()
	}
	if err != nil {
		l.end(err, nil)
		return nil, err
	}
	return l, nil
}

// admit passes the breaker; CircuitOpenError with RetryAfter where it is open.
func (l *lease) admit() error {
	given, err := l.circuit.admit(l.call.emit)
	l.permit, l.admitted = given, err == nil
	return err
}

// readmit asks the breaker again after a long wait; the old permit is given back unused.
func (l *lease) readmit() error {
	l.record(outcomeNeutral)
	return l.admit()
}

// reserve passes the limiter; the seconds waited.
func (l *lease) reserve() (float64, error) {
	c := l.call
	wanted := passage{
		cost: cost{requests: 1, input: c.prepared.estimatedInput, output: c.prepared.requestedOutput},
		ends: c.ends, maxWait: c.settings.maxLimitWait, chance: c.shared.random(),
	}
	held, waited, err := l.gate.enter(c.ctx, c.shared.clock, wanted)
	l.reservation, l.reserved = held, err == nil
	return waited, c.stopped(err, "limiter")
}

// beginSending: from now on the server may have work with it.
func (l *lease) beginSending() {
	l.sent, l.sentAt = true, l.call.now()
}

// headersArrived: how long that took is what the slow-call rule counts.
func (l *lease) headersArrived() { l.responseTime = l.call.now() - l.sentAt }

// probeSucceeded: a half-open probe that is a stream succeeds at its first application event.
func (l *lease) probeSucceeded() {
	if l.sent && l.admitted && l.permit.probe {
		l.record(outcomeSuccess)
	}
}

// end reports to breaker and limiter; the exchange is closed by close.
func (l *lease) end(err error, used *cost) {
	if l.ended {
		return
	}
	l.ended = true
	how := outcomeNeutral
	if l.sent || err != nil {
		how = breakerOutcome(err)
	}
	l.record(how)
	if l.reserved {
		l.gate.leave(l.reservation, l.call.now(), used, limiterResult(err, l.sent), serverHealth(err))
	}
}

// close returns or aborts the connection.
func (l *lease) close() {
	if l.exchange != nil {
		l.exchange.close()
		l.exchange = nil
	}
}

func (l *lease) record(how outcome) {
	if !l.admitted {
		return
	}
	l.admitted = false
	l.circuit.record(l.permit, how, l.call.shared.random(), l.responseTime, l.call.emit)
}
