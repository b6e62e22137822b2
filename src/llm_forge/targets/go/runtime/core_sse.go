package forge

import (
	"bytes"
	"math/big"
	"unicode/utf8"
)

// Server-sent events from bytes in any chunking (WHATWG HTML, section 9.2).
//
//   - Lines, limits and chunks are those of framing.
//   - A blank line dispatches if there was a data line, else it only clears the event name.
//   - An event is returned by the feed that brought its last byte, also when that byte is a CR.

const mostRetryDigits = 1000

type sseLimits struct{ line, event, comments int }

var defaultSSELimits = sseLimits{8 * mib, 16 * mib, mib}

// sseDecoder: bytes in, events out; the same events for every chunking of the same bytes. retry is the
// last valid reconnection time in milliseconds.
type sseDecoder struct {
	framer
	limits       sseLimits
	retry        *big.Int
	decodeErrors int
	data         [][]byte
	name         string
	id           string
	dispatchedID string
	size         int
	comments     int
}

func newSSEDecoder(limits sseLimits) *sseDecoder {
	made := &sseDecoder{limits: limits}
	made.taker = made
	return made
}

func (d *sseDecoder) lastEventID() string { return d.dispatchedID }

func (d *sseDecoder) takeLine(line []byte, owned bool) (rawEvent, bool, *Error) {
	if len(line) == 0 {
		return d.dispatch()
	}
	if line[0] == ':' {
		d.comments += len(line)
		return rawEvent{}, false, d.checkComments(0)
	}
	d.size += len(line)
	if err := d.checkSize(len(line), 0); err != nil {
		return rawEvent{}, false, err
	}
	d.field(line, owned)
	return rawEvent{}, false, nil
}

func (d *sseDecoder) dispatch() (rawEvent, bool, *Error) {
	d.size = 0
	d.dispatchedID = d.id
	if len(d.data) == 0 {
		d.name = ""
		return rawEvent{}, false, nil
	}
	d.comments = 0
	return d.event(), true, nil
}

func (d *sseDecoder) checkTail(tail []byte) *Error {
	if tail[0] == ':' {
		return d.checkComments(len(tail))
	}
	return d.checkSize(len(tail), len(tail))
}

func (d *sseDecoder) checkComments(more int) *Error {
	if d.comments+more > d.limits.comments {
		return tooLarge("comments without an event", d.limits.comments)
	}
	return nil
}

func (d *sseDecoder) checkSize(line, more int) *Error {
	if line > d.limits.line {
		return tooLarge("a line of the stream", d.limits.line)
	}
	if d.size+more > d.limits.event {
		return tooLarge("an event of the stream", d.limits.event)
	}
	return nil
}

func (d *sseDecoder) rest(tail []byte) (rawEvent, bool) {
	if len(tail) > 0 && tail[0] != ':' {
		d.field(tail, true)
	}
	if len(d.data) == 0 {
		return rawEvent{}, false
	}
	return d.event(), true
}

func (d *sseDecoder) field(line []byte, owned bool) {
	name, value := line, []byte(nil)
	if colon := bytes.IndexByte(line, ':'); colon >= 0 {
		name, value = line[:colon], bytes.TrimPrefix(line[colon+1:], []byte{' '})
	}
	switch string(name) {
	case "data":
		d.data = append(d.data, kept(value, owned))
	case "event":
		d.name = d.text(value)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			d.id = d.text(value)
		}
	case "retry":
		d.setRetry(value)
	}
}

func (d *sseDecoder) setRetry(value []byte) {
	if len(value) == 0 || len(value) > mostRetryDigits || digitsIn(value) != len(value) {
		return
	}
	d.retry, _ = new(big.Int).SetString(string(value), 10)
}

func (d *sseDecoder) text(value []byte) string {
	if !utf8.Valid(value) {
		d.decodeErrors++
	}
	return validText(value)
}

func (d *sseDecoder) event() rawEvent {
	raw := d.data[0]
	if len(d.data) > 1 {
		raw = bytes.Join(d.data, []byte{'\n'})
	}
	for _, line := range d.data {
		if !utf8.Valid(line) {
			d.decodeErrors++
		}
	}
	made := rawEvent{event: or(d.name, "message"), raw: raw, id: d.id}
	d.data, d.name = nil, ""
	return made
}
