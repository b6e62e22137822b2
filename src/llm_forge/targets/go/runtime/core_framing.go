package forge

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Bytes in any chunking to lines, and newline-delimited JSON to events.
//
//   - LF, CR and CRLF end a line, nothing else does; one byte order mark at the start is dropped.
//   - A CR ends its line at once; an LF that comes next is part of it.
//   - Every limit is checked on each line and on the unfinished one, so memory stays bounded.
//   - Every byte is copied a fixed number of times, however small the chunks are.

const mib = 1024 * 1024

// rawEvent is one event of a stream as it was framed. event is "message" where the stream named none; raw its
// data, lines joined with LF; id the last event id at dispatch, "" if there was none.
type rawEvent struct {
	event string
	raw   []byte
	id    string
}

// text is the data; bytes that are not UTF-8 are U+FFFD.
func (e rawEvent) text() string { return validText(e.raw) }

// validText is the text with each maximal part of an invalid sequence replaced by U+FFFD, as browsers do.
func validText(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var text strings.Builder
	for len(data) > 0 {
		char, size := utf8.DecodeRune(data)
		if char == utf8.RuneError && size == 1 {
			size = invalidPart(data)
		}
		text.WriteRune(char)
		data = data[size:]
	}
	return text.String()
}

// invalidPart is how many bytes the invalid sequence at the start has in common with a valid one (at least 1).
func invalidPart(data []byte) int {
	low, high := byte(0x80), byte(0xBF)
	switch first := data[0]; {
	case first < 0xE0 || first > 0xF4:
		return 1
	case first == 0xE0:
		low = 0xA0
	case first == 0xED:
		high = 0x9F
	case first == 0xF0:
		low = 0x90
	case first == 0xF4:
		high = 0x8F
	}
	if len(data) < 2 || data[1] < low || data[1] > high {
		return 1
	}
	if data[0] >= 0xF0 && len(data) > 2 && data[2]&0xC0 == 0x80 {
		return 3
	}
	return 2
}

// lineTaker takes whole lines, without their ends, and makes events of them. owned says that the line's bytes
// belong to the taker; others must be copied.
type lineTaker interface {
	takeLine(line []byte, owned bool) (rawEvent, bool, *Error)
	// checkTail refuses an unfinished line that crosses a limit.
	checkTail(tail []byte) *Error
	// rest is the event that the body's end completes; tail is the line without an end.
	rest(tail []byte) (rawEvent, bool)
}

// framer splits bytes into lines.
type framer struct {
	taker   lineTaker
	head    []byte // what may still become a byte order mark
	begun   bool
	afterCR bool
	tail    []byte // the line that has not ended yet
	crossed *Error
}

// feed are the events that the chunk completes, and ResponseTooLargeError if it crosses a limit.
func (f *framer) feed(chunk []byte) ([]rawEvent, error) {
	if f.crossed != nil {
		return nil, f.crossed
	}
	if !f.begun {
		chunk = f.withoutMark(chunk)
	}
	if f.afterCR && len(chunk) > 0 {
		f.afterCR = false
		chunk = bytes.TrimPrefix(chunk, []byte{'\n'})
	}
	events, err := f.read(chunk)
	if err != nil {
		f.crossed = err
		return events, err
	}
	return events, nil
}

// finish is the unfinished event at the end of the body, if it has data.
func (f *framer) finish() (rawEvent, bool, error) {
	if f.crossed != nil {
		return rawEvent{}, false, f.crossed
	}
	tail := append(f.tail, f.head...)
	f.tail, f.head = nil, nil
	event, found := f.taker.rest(tail)
	return event, found, nil
}

func (f *framer) withoutMark(chunk []byte) []byte {
	head := append(f.head, chunk...)
	if len(head) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, head) {
		f.head = head
		return nil
	}
	f.begun, f.head = true, nil
	return bytes.TrimPrefix(head, byteOrderMark)
}

func (f *framer) read(chunk []byte) ([]rawEvent, *Error) {
	var events []rawEvent
	for len(chunk) > 0 {
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			f.tail = append(f.tail, chunk...)
			return events, f.taker.checkTail(f.tail)
		}
		event, complete, err := f.line(chunk[:end])
		if err != nil {
			return events, err
		}
		if complete {
			events = append(events, event)
		}
		chunk = f.afterEnd(chunk, end)
	}
	return events, nil
}

func (f *framer) line(line []byte) (rawEvent, bool, *Error) {
	if len(f.tail) == 0 {
		return f.taker.takeLine(line, false)
	}
	whole := append(f.tail, line...)
	f.tail = nil
	return f.taker.takeLine(whole, true)
}

// afterEnd is what follows the line end at a place.
func (f *framer) afterEnd(chunk []byte, end int) []byte {
	rest := chunk[end+1:]
	if chunk[end] == '\n' {
		return rest
	}
	if len(rest) == 0 {
		f.afterCR = true
	}
	return bytes.TrimPrefix(rest, []byte{'\n'})
}

// jsonLines makes an event of every line that is not blank.
type jsonLines struct {
	framer
	maxLine      int
	decodeErrors int
}

func newJSONLines(maxLine int) *jsonLines {
	made := &jsonLines{maxLine: maxLine}
	made.taker = made
	return made
}

func (l *jsonLines) takeLine(line []byte, owned bool) (rawEvent, bool, *Error) {
	if len(line) > l.maxLine {
		return rawEvent{}, false, tooLarge("a line of the stream", l.maxLine)
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return rawEvent{}, false, nil
	}
	return l.eventOf(kept(line, owned)), true, nil
}

func (l *jsonLines) checkTail(tail []byte) *Error {
	if len(tail) > l.maxLine {
		return tooLarge("a line of the stream", l.maxLine)
	}
	return nil
}

func (l *jsonLines) rest(tail []byte) (rawEvent, bool) {
	if len(bytes.TrimSpace(tail)) == 0 {
		return rawEvent{}, false
	}
	return l.eventOf(tail), true
}

func (l *jsonLines) eventOf(line []byte) rawEvent {
	if !utf8.Valid(line) {
		l.decodeErrors++
	}
	return rawEvent{event: "message", raw: line}
}

func (l *jsonLines) lastEventID() string { return "" }

func kept(line []byte, owned bool) []byte {
	if owned {
		return line
	}
	return append([]byte(nil), line...)
}

func tooLarge(what string, limit int) *Error {
	return newError(KindResponseTooLarge, "%s exceeded the limit of %d bytes", what, limit)
}
