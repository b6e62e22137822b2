package forge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Opening a stream: a call, its attempts, and what kind of answer it is that came.
//
// Some servers answer a stream call with one whole result, and some label a real event stream wrongly, or not at all:
// where the label does not say it, the first bytes do.

// enoughBytes is the longest start of an event stream.
const enoughBytes = 6

// openCall is a stream call from its start to its open stream; the call ends with the stream.
func openCall(c *call) (*pump, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	var opened []*pump
	var kept *pump
	outcome := "raised"
	defer func() {
		for _, one := range opened {
			if one != kept {
				one.end(nil)
			}
		}
		if kept == nil {
			c.finish(outcome, nil, nil)
		}
	}()
	response, err := through(c, c.shared.steps.call, c.prepared.request, func(request httpRequest) (*Response, error) {
		response, err := run(c.asking(request), openStream)
		if err == nil && response.stream != nil {
			opened = append(opened, response.stream)
		}
		return response, err
	})
	outcome = outcomeName(err)
	if err != nil {
		return nil, err
	}
	made, err := c.pumpOf(response)
	if err != nil {
		return nil, err
	}
	kept = made
	kept.wrap(response.wraps)
	kept.handedOver = true
	return kept, nil
}

// pumpOf is a response's stream, or one that gives what middleware answered with: it holds nothing.
func (c *call) pumpOf(response *Response) (*pump, error) {
	if response.stream != nil {
		return response.stream, nil
	}
	made := newPump(c, &lease{call: c, circuit: c.circuit(), gate: c.gate()})
	return made, made.takeWhole(response.Value)
}

// openStream is one attempt to open a stream: a pump that has an event ready or is at its end.
func openStream(c *call) (*Response, error) {
	l, err := c.acquire()
	if err != nil {
		return nil, err
	}
	made := newPump(c, l)
	kept := false
	defer func() {
		if !kept {
			l.end(errPanicked, nil) // changes nothing where the attempt ended
			l.close()
		}
	}()
	response, err := through(c, c.shared.steps.attempt, c.prepared.request, func(request httpRequest) (*Response, error) {
		if err := made.open(request); err != nil {
			return nil, err
		}
		return &Response{Status: c.responseStatus, Headers: c.responseHeaders, stream: made}, nil
	})
	if err == nil && response.stream != made {
		l.close()
		if err = made.takeWhole(response.Value); err == nil {
			response.stream = made
		}
	}
	if err != nil {
		l.end(err, nil)
		return nil, err
	}
	kept = true
	return response, nil
}

// open sends the request and reads up to the first application event or the end.
func (p *pump) open(request httpRequest) error {
	c := p.call
	ends := p.began + c.settings.firstEventTimeout
	x, err := p.lease.send(request, ends)
	if err != nil {
		return err
	}
	if x.status < 200 || x.status >= 300 {
		return c.refuse(x, ends)
	}
	if isBodiless(x.status) {
		return c.invalidResponse(x, fmt.Sprintf("The %d answer is empty", x.status), nil)
	}
	if p.body, err = newBodyReader(x, streamBytes); err != nil {
		return err
	}
	if !p.isLabelled(mediaTypeOf(x.headers)) {
		whole, err := p.takeIfWhole(x, ends)
		if whole || err != nil {
			return err
		}
	}
	return p.begin()
}

// isLabelled says whether the media type says that the answer is a stream of this kind.
func (p *pump) isLabelled(kind string) bool {
	if !p.rule.NDJSON {
		return kind == "text/event-stream"
	}
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/stream+json":
		return true
	}
	return false
}

// takeIfWhole takes an answer that is no event stream as the whole result.
func (p *pump) takeIfWhole(x *exchange, ends float64) (bool, error) {
	first, over, err := p.firstBytes(ends)
	if err != nil {
		return false, err
	}
	if p.looksStreamed(mediaTypeOf(x.headers), bytes.TrimLeft(first, " \t\r\n")) {
		p.feed(func() { p.reader.feed(first) })
		return false, nil
	}
	if !over {
		if first, err = p.call.readRest(p.body, ends, first); err != nil {
			return false, err
		}
	}
	value, err := p.call.readResult(x, first)
	if err != nil {
		return false, err
	}
	result, _ := asObject(value)
	events := synthesised(p.rule.Family, result)
	if events == nil {
		return false, p.call.invalidResponse(x, "The answer to a stream request is neither an event stream nor a result", first)
	}
	p.takeEvents(events)
	return true, nil
}

func (p *pump) looksStreamed(kind string, head []byte) bool {
	unlabelled := kind == "" || kind == "text/plain" || kind == "application/octet-stream"
	switch {
	case p.rule.NDJSON: // a line and a whole answer look the same: only the label tells
		return unlabelled && !bytes.HasPrefix(head, []byte("<"))
	case kind == "":
		return !hasAnyPrefix(head, "{", "[", "<")
	}
	return hasAnyPrefix(head, "data:", "event:", ":", "id:", "retry:", "\xef\xbb\xbf")
}

func hasAnyPrefix(text []byte, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return true
		}
	}
	return false
}

func (p *pump) firstBytes(ends float64) (first []byte, over bool, err error) {
	for len(bytes.TrimSpace(first)) < enoughBytes {
		piece, err := p.call.readPiece(p.body, ends, "body")
		first = append(first, piece...)
		switch {
		case errors.Is(err, io.EOF):
			return first, true, nil
		case is(err, KindConnectionLost) || is(err, KindProtocol):
			return nil, false, p.withPartial(p.broken().because(err))
		case err != nil:
			return nil, false, err
		}
	}
	return first, false, nil
}
