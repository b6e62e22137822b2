package forge

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"
)

// What users put around calls and around attempts.
//
//   - Order outside in, as given. Call steps stand outside deadline, retry, breaker and limiter, and run once a call.
//     Attempt steps stand inside them, outside auth and transport, and run once an attempt.
//   - A step passes a changed copy of its request on, which no other attempt sees.
//   - No step sees a credential, and none changes the origin.
//   - What a step returns as error goes on unchanged; an error of ours then follows the retry rules.

// Request is a request as middleware sees it: without credentials. Change a copy of it. Body is nil where it is not
// held in memory; BodyIsStreamed then says so.
type Request struct {
	Method         string
	URL            string
	Headers        Headers
	Body           []byte
	BodyIsStreamed bool
}

// String shows no query, header or body: they may be secret.
func (r Request) String() string {
	shown, _, _ := strings.Cut(r.URL, "?")
	return r.Method + " " + shown
}

// GoString is String.
func (r Request) GoString() string { return r.String() }

// Response is what came of a request. Return one with a Value to answer without sending anything. Value is the
// decoded JSON of a whole answer, nil for a stream; it belongs to the caller, so change a copy.
type Response struct {
	Value   any
	Status  int
	Headers Headers

	raw    []byte // the bytes of Value, nil where it was never bytes
	stream *pump
	wraps  []func(EventSource) EventSource
}

// EventSource gives the next event of a stream, and io.EOF after the last.
type EventSource func() (Decoded, error)

// IsStream says whether events follow; see WithEvents.
func (r *Response) IsStream() bool { return r.stream != nil }

// WithValue is the same response with another value; a stream is given up for it.
func (r *Response) WithValue(value any) *Response {
	return &Response{Value: value, Status: r.Status, Headers: r.Headers}
}

// WithEvents is the same stream with its events passed through wrap, as they are read. The accumulated message is
// made of the events that come out.
func (r *Response) WithEvents(wrap func(EventSource) EventSource) *Response {
	made := *r
	made.wraps = append(append([]func(EventSource) EventSource(nil), r.wraps...), wrap)
	return &made
}

// Proceed runs what stands inside a step.
type Proceed func(ctx context.Context, request Request) (*Response, error)

// Step stands around calls or attempts. Leave proceed out to answer yourself.
type Step func(ctx context.Context, about *CallContext, request Request, proceed Proceed) (*Response, error)

// Middleware stands around the calls and attempts of a client; every part may be nil. Call runs once a call,
// outside the retries; Attempt once an attempt, and may proceed once. OnEvent is told of everything that happens;
// OnContent is given bodies, with credentials redacted, of a stream its message.
type Middleware struct {
	Call      Step
	Attempt   Step
	OnEvent   Hook
	OnContent ContentReader
}

// steps is what of a client's middleware is there, by level; empty levels cost nothing.
type steps struct {
	call, attempt []Step
	hooks         []Hook
	readers       []ContentReader
}

func stepsOf(middleware []Middleware) steps {
	var made steps
	for _, one := range middleware {
		if one.Call != nil {
			made.call = append(made.call, one.Call)
		}
		if one.Attempt != nil {
			made.attempt = append(made.attempt, one.Attempt)
		}
		if one.OnEvent != nil {
			made.hooks = append(made.hooks, one.OnEvent)
		}
		if one.OnContent != nil {
			made.readers = append(made.readers, one.OnContent)
		}
	}
	return made
}

type sender func(httpRequest) (*Response, error)

// through is what send brings, or what the steps around it make of that.
func through(c *call, around []Step, request httpRequest, send sender) (*Response, error) {
	if len(around) == 0 {
		return send(request)
	}
	shown := c.shownRequest(request)
	response, err := around[0](c.ctx, c.context(), shown, func(_ context.Context, changed Request) (*Response, error) {
		onward, err := c.applied(request, shown, changed)
		if err != nil {
			return nil, err
		}
		return through(c, around[1:], onward, send)
	})
	if c.ctx.Err() != nil { // a cancelled call stays cancelled, whatever the step made of it
		return nil, c.stopped(c.ctx.Err(), "response")
	}
	if err == nil && response == nil {
		err = errNoResponse
	}
	return response, err
}

// shownRequest is the request without headers that may hold credentials, also those that the caller set himself.
func (c *call) shownRequest(request httpRequest) Request {
	var shown []Field
	for _, field := range request.headers.fields {
		if !c.shared.isSecretHeader(field.Name) {
			shown = append(shown, field)
		}
	}
	made := Request{Method: request.method, URL: request.url, Headers: Headers{shown}}
	if request.body.present && request.body.isWhole() {
		made.Body = bytes.Clone(request.body.whole)
	} else {
		made.BodyIsStreamed = request.body.present
	}
	return made
}

// applied is the changed request, checked, with the headers that were hidden from the step put back.
func (c *call) applied(before httpRequest, shown, changed Request) (httpRequest, error) {
	if err := checkChanged(before, changed); err != nil {
		return before, err
	}
	headers := Headers{changed.Headers.Fields()}
	for _, field := range before.headers.fields {
		if c.shared.isSecretHeader(field.Name) && !changed.Headers.Has(field.Name) {
			headers.fields = append(headers.fields, field)
		}
	}
	body := before.body
	if !bytes.Equal(changed.Body, shown.Body) {
		body = bytesBody(changed.Body)
	}
	return httpRequest{changed.Method, changed.URL, headers, body}, nil
}

func checkChanged(before httpRequest, changed Request) error {
	parts, err := url.Parse(changed.URL)
	if err != nil || !headerName.MatchString(changed.Method) || strings.ContainsAny(changed.URL, " \r\n\x00") {
		return newError(KindInvalidRequest, "Middleware made a method or URL with characters that HTTP does not allow")
	}
	if originOf(changed.URL) != originOf(before.url) || parts.User != nil {
		return newError(KindInvalidRequest, "Middleware changed the request's origin to %s; make a client with that base URL instead",
			or(originOf(changed.URL), "an invalid URL"))
	}
	for _, field := range changed.Headers.fields {
		if err := checkHeader(field.Name, field.Value); err != nil {
			return err
		}
	}
	return nil
}

// errNotResult: middleware answered a stream call with what is no result of its operation.
func errNotResult(c *call) error {
	return fmt.Errorf("middleware answered the stream call %s with what is no result of it", c.operation.Name)
}
