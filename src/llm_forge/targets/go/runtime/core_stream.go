package forge

import "errors"

// From a stream's bytes to its events and its end, without any I/O.
//
//   - Events decoded before a failure are delivered before the failure is raised.
//   - A stream ends explicitly, by inference, or not at all; nothing else is an end.
//   - What follows the terminal event is ignored.
//   - At most mostReady events are decoded ahead of the consumer; the rest of a chunk waits as bytes.

const (
	mostReady  = 256
	shownBytes = 2000
)

// Decoded is one event: the name that the wire gave it ("message" where none), its JSON, and its id ("" for
// none). Application is false for pings. Raw are the bytes of Data, nil where it was never bytes.
type Decoded struct {
	Name        string
	Data        any
	Raw         []byte
	ID          string
	Application bool
}

// frameDecoder makes raw events of bytes.
type frameDecoder interface {
	feed(chunk []byte) ([]rawEvent, error)
	finish() (rawEvent, bool, error)
	lastEventID() string
}

// streamReader: feed it bytes; take events from ready, then look at failure and completion. errorOf makes the
// typed error of an event that reports one, nil for all others; redact cleans the text of an event that is not
// JSON.
type streamReader struct {
	accumulator       accumulator
	open              bool // no event is known to end the stream, so that the end of the body does
	ready             []Decoded
	failure           *Error
	completion        completion
	eventsSeen        int
	applicationEvents int
	decoder           frameDecoder
	waiting           []rawEvent
	bodyFailure       *Error
	errorOf           func(data any) *Error
	redact            func(string) string
}

func newStreamReader(rule *StreamRule, errorOf func(any) *Error, redact func(string) string) *streamReader {
	made := &streamReader{accumulator: newAccumulator(rule), errorOf: errorOf, redact: redact}
	made.open = rule.Family == FamilyEvents && len(rule.Terminal) == 0
	if rule.NDJSON {
		made.decoder = newJSONLines(defaultSSELimits.line)
	} else {
		made.decoder = newSSEDecoder(defaultSSELimits)
	}
	return made
}

func (r *streamReader) ended() bool { return r.completion != endedInterrupted || r.failure != nil }

// next is the next event that is ready.
func (r *streamReader) next() (Decoded, bool) {
	if len(r.ready) == 0 {
		return Decoded{}, false
	}
	event := r.ready[0]
	r.ready = r.ready[1:]
	return event, true
}

// feed decodes what this chunk completes, as far as ready has room; refill decodes the rest.
func (r *streamReader) feed(chunk []byte) {
	events, err := r.decoder.feed(chunk)
	errors.As(err, &r.bodyFailure)
	r.waiting = append(r.waiting, events...)
	r.refill()
}

// refill decodes events that wait; whether that changed anything.
func (r *streamReader) refill() bool {
	if r.ended() {
		return false
	}
	before := r.eventsSeen
	for len(r.ready) < mostReady && len(r.waiting) > 0 && !r.ended() {
		r.takeWaiting()
	}
	if !r.ended() && len(r.waiting) == 0 {
		r.failure = r.bodyFailure
	}
	return r.ended() || r.eventsSeen > before
}

func (r *streamReader) takeWaiting() {
	event := r.waiting[0]
	r.waiting = r.waiting[1:]
	r.take(event)
}

// finish: the body ended cleanly, so decide how the stream ended; strict refuses inference.
func (r *streamReader) finish(strict bool) {
	for !r.ended() && len(r.waiting) > 0 {
		r.takeWaiting()
	}
	if r.ended() {
		return
	}
	rest, found, err := r.decoder.finish()
	if errors.As(err, &r.failure) {
		return
	}
	cut := found && !r.accumulator.ends(rest.event, rest.text())
	if found && !cut {
		r.take(rest)
	}
	if !r.ended() {
		r.judge(strict, cut && r.open)
	}
}

// judge decides how the stream ended; cut says that its body ended inside an event that may have been the last.
func (r *streamReader) judge(strict, cut bool) {
	verdict := r.accumulator.ending()
	if cut {
		verdict = endedInterrupted
	}
	switch {
	case verdict == endedInferred && strict:
		r.failure = newError(KindStreamInterrupted, "The stream ended without its terminal event, which StrictCompletion requires")
	case verdict == endedInterrupted:
		r.failure = newError(KindStreamInterrupted,
			"The stream was cut short after %d events, before its terminal event; what arrived is in Partial", r.eventsSeen)
	default:
		r.completion = verdict
	}
}

// accept takes an event that is decoded already; nil data is the sentinel.
func (r *streamReader) accept(event Decoded) {
	if mayBeError(event.Name, event.Data) {
		if r.failure = r.reported(event); r.failure != nil {
			return
		}
	}
	if r.failure = r.accumulator.add(event.Name, event.Data); r.failure != nil {
		return
	}
	if event.Data != nil {
		event.Application = !isPing(event.Name, event.Data)
		r.ready = append(r.ready, event)
		if event.Application {
			r.applicationEvents++
		}
	}
	if r.accumulator.isTerminal() {
		r.conclude()
	}
}

func (r *streamReader) take(raw rawEvent) {
	r.eventsSeen++
	event := Decoded{Name: raw.event, Raw: raw.raw, ID: raw.id}
	data, err := decodeJSON(raw.raw)
	if err != nil {
		r.takeOther(event, raw.text())
		return
	}
	if data == nil { // to the accumulators nil is the sentinel, which null must never pass for
		r.failure = protocolError("Event %d of the stream is null", r.eventsSeen)
		return
	}
	event.Data = data
	r.accept(event)
}

// takeOther takes an event whose bytes are not JSON: the sentinel, JSON that is not valid UTF-8, or a failure.
func (r *streamReader) takeOther(event Decoded, text string) {
	if r.accumulator.isSentinel(text) {
		r.accept(Decoded{Name: event.Name, ID: event.ID})
		return
	}
	data, err := decodeJSON([]byte(text))
	if err != nil {
		r.failure = newError(KindStreamDecode, "Event %d of the stream is not valid JSON: %v", r.eventsSeen, err)
		r.failure.Body = firstChars(r.redact(text), shownBytes)
		return
	}
	event.Data, event.Raw = data, []byte(text)
	r.accept(event)
}

// reported is the failure that an event reports, nil for a harmless one.
func (r *streamReader) reported(event Decoded) *Error {
	failure := r.errorOf(event.Data)
	if failure == nil && event.Name == "error" {
		return protocolError("The stream reported an error that says nothing more")
	}
	return failure
}

func (r *streamReader) conclude() {
	r.completion = r.accumulator.ending()
	if r.completion == endedInterrupted {
		r.failure = newError(KindStreamInterrupted, "The stream declared its end while a tool call was still incomplete; see Partial")
	}
}

func isPing(name string, data any) bool {
	event, _ := asObject(data)
	kind := asText(event["type"])
	return name == "ping" || name == "keepalive" || kind == "ping" || kind == "keepalive"
}

// mayBeError says whether an event, or a whole 2xx body, is worth reading as an error: by its name, type or
// fields.
func mayBeError(name string, data any) bool {
	event, ok := asObject(data)
	if !ok {
		return name == "error"
	}
	return isErrorEvent(name) || truthy(event["error"]) || event["object"] == "error" || isErrorEvent(asText(event["type"]))
}

func isErrorEvent(name string) bool {
	return name == "error" || name == "response.failed" || name == "conversation.response.error"
}

// firstChars is the text up to so many characters.
func firstChars(text string, most int) string {
	for place := range text {
		if most == 0 {
			return text[:place]
		}
		most--
	}
	return text
}
