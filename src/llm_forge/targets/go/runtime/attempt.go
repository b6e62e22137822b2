package forge

import (
	"errors"
	"fmt"
	"io"
	"net/url"
)

// One attempt: pass breaker and limiter, send, read, and make a result or a typed error of the answer.

const mostRedirects = 3

var errTwice = errors.New("attempt middleware may proceed once; repeating is for the client, or for call middleware")

// send opens the exchange and returns it with its headers learnt; ends is when the attempt's timer fires, for the
// whole answer or, for a stream, for its first event. Up to three same-origin redirects of bodiless requests are
// followed.
func (l *lease) send(request httpRequest, ends float64) (*exchange, error) {
	if l.sent {
		return nil, errTwice
	}
	c := l.call
	for hop := 0; hop <= mostRedirects; hop++ {
		opened, err := l.open(request, ends)
		if err != nil {
			return nil, err
		}
		l.exchange = opened
		l.headersArrived()
		c.responseHeaders, c.responseStatus = opened.headers, opened.status
		c.learn(opened)
		if err := checkResponseHeaders(opened.headers); err != nil {
			return nil, err
		}
		if !isRedirect(opened.status) {
			return opened, nil
		}
		if request, err = redirected(request, opened); err != nil {
			return nil, err
		}
		l.close()
	}
	return nil, newError(KindRedirect, "More than %d redirects", mostRedirects)
}

func (l *lease) open(request httpRequest, ends float64) (*exchange, error) {
	c := l.call
	wired, err := c.authorized(request.withAttempt(c.shared.profile, c.number), ends)
	if err != nil {
		return nil, c.stopped(err, "auth")
	}
	now := c.now()
	limit := c.ends.timer(ends-now, now)
	if limit < minAttempt {
		return nil, newError(KindDeadlineExceeded, "No time is left to send the request").in("connect")
	}
	limits := timers{connect: min(c.settings.connectTimeout, limit), pool: min(c.settings.poolTimeout, limit), response: limit}
	l.beginSending()
	opened, err := l.openFresh(wired, limits)
	return opened, c.openingFailure(err)
}

// openFresh sends again once where the server closed an idle connection under us; not counted as an attempt.
func (l *lease) openFresh(request httpRequest, limits timers) (*exchange, error) {
	c := l.call
	opened, err := c.shared.transport.open(c.ctx, request, limits)
	if !errors.Is(err, errStale) {
		return opened, err
	}
	if c.isReplayable() && request.body.canRepeat() {
		opened, err = c.shared.transport.open(c.ctx, request, limits)
	}
	if errors.Is(err, errStale) {
		err = newError(KindConnectionLost, "The connection was lost before the response began").in("response")
	}
	return opened, err
}

func (c *call) openingFailure(err error) error {
	own, ok := err.(*Error)
	if !ok || !own.Kind.Is(KindTransport) {
		return c.stopped(err, "response")
	}
	return c.orDeadline(own, or(own.Phase, "response"))
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

func redirected(request httpRequest, x *exchange) (httpRequest, error) {
	base, _ := url.Parse(request.url)
	target, err := base.Parse(x.headers.Get("location"))
	origin := "an invalid URL"
	if err == nil {
		origin = or(originOf(target.String()), origin)
	}
	if err != nil || request.method != "GET" && request.method != "HEAD" || origin != originOf(request.url) || target.User != nil {
		made := newError(KindRedirect, "The server redirects (%d) to %s, which is not followed; check the base URL", x.status, origin)
		made.Status = x.status
		return request, made
	}
	return httpRequest{method: request.method, url: target.String(), headers: request.headers}, nil
}

// learn tells the limiter what a response's headers say.
func (c *call) learn(x *exchange) {
	profile, now, wall := c.shared.profile, c.now(), c.shared.clock.Wall()
	reports := observe(x.headers, profile.RateLimits, now, wall)
	gate := c.gate()
	if throttles(x.status) && !c.settings.ignoreRetryAfter {
		if wait := serverWait(x.headers, x.status, profile.RateLimits, wall); wait > 0 {
			gate.pause(now+wait, now)
			reports = shortened(reports, now+wait)
		}
	}
	gate.learn(reports, now)
}

// readPiece are the next body bytes before the attempt's timer (ends) and the deadline; io.EOF at the end.
func (c *call) readPiece(body *bodyReader, ends float64, phase string) ([]byte, error) {
	piece, err := body.read(func() float64 {
		now := c.now()
		return c.ends.timer(ends-now, now)
	})
	if errors.Is(err, errTimer) {
		late := newError(KindAttemptTimeout, "The response was not complete when the attempt's time ran out").in(phase)
		return nil, c.orDeadline(late, phase)
	}
	return piece, c.stopped(err, phase)
}

// readBody is the whole decoded body, under the limits of R-195; that of an error is cut at its limit instead of
// refused: its beginning says enough.
func (c *call) readBody(x *exchange, ends float64) ([]byte, error) {
	body, err := newBodyReader(x, bodyBytes)
	if err != nil {
		return nil, err
	}
	return c.readRest(body, ends, nil)
}

func (c *call) readRest(body *bodyReader, ends float64, content []byte) ([]byte, error) {
	failed := body.exchange.status < 200 || body.exchange.status >= 300
	body.most = bodyBytes
	for {
		piece, err := c.readPiece(body, ends, "body")
		content = append(content, piece...)
		switch {
		case failed && len(content) > errorBytes:
			return content[:errorBytes], nil
		case errors.Is(err, io.EOF):
			return content, nil
		case err != nil:
			return nil, err
		}
	}
}

// refuse is the typed error of a response that is not 2xx, or what ended the call meanwhile.
func (c *call) refuse(x *exchange, ends float64) error {
	body, err := c.readBody(x, ends)
	if err != nil && !is(err, KindTransport) {
		return err // the status alone is worth more than a lost body, but not than the caller's own end
	}
	wait := serverWait(x.headers, x.status, c.shared.profile.RateLimits, c.shared.clock.Wall())
	return c.words().ofAnswer(x.status, x.headers, body, wait, c.settings.maxServerWait)
}

// unaryResponse is one attempt of a unary call.
func unaryResponse(c *call) (*Response, error) {
	l, err := c.acquire()
	if err != nil {
		return nil, err
	}
	defer l.close()
	defer l.end(errPanicked, nil) // changes nothing where the attempt ended
	response, err := through(c, c.shared.steps.attempt, c.prepared.request, l.exchangeUnary)
	if err == nil && response.stream != nil {
		err = errNotStream
	}
	if err != nil {
		l.end(err, nil)
		return nil, err
	}
	usage, _ := asObject(response.Value)
	l.end(nil, usageCost(usage["usage"]))
	return response, nil
}

var (
	errPanicked  = errors.New("panicked")
	errNotStream = errors.New("middleware answered a unary call with a stream")
)

func (l *lease) exchangeUnary(request httpRequest) (*Response, error) {
	c := l.call
	ends := c.now() + c.settings.attemptTimeout
	x, err := l.send(request, ends)
	if err != nil {
		return nil, err
	}
	if x.status < 200 || x.status >= 300 {
		return nil, c.refuse(x, ends)
	}
	body, err := c.readBody(x, ends)
	if err != nil {
		return nil, err
	}
	value, err := c.readResult(x, body)
	if err != nil {
		return nil, err
	}
	return &Response{Value: value, Status: x.status, Headers: x.headers, raw: body}, nil
}

// readResult is the JSON of a 2xx body, nil for an operation that promises no body, or the error that it is.
func (c *call) readResult(x *exchange, body []byte) (any, error) {
	promised := c.operation.answer()
	if promised == AnswerEmpty {
		return nil, c.errorInstead(x, body)
	}
	value, reason := decodedBody(x, body)
	if _, ok := asObject(value); promised == AnswerObject && reason == "" && !ok {
		reason = "is not a JSON object"
	}
	if reason != "" {
		return nil, c.invalidResponse(x, fmt.Sprintf("The %d answer %s", x.status, reason), body)
	}
	if err := c.errorInside(value); err != nil {
		return nil, err
	}
	if c.streaming { // a stream's result is checked when it is complete
		return value, nil
	}
	return value, c.lacking(value)
}
