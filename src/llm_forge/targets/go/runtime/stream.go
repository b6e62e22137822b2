package forge

import (
	"errors"
	"io"
	"runtime"
	"time"
)

// EventStream is a stream of events, open from the start and read once. Leaving it in any way, also by
// breaking out of a loop or dropping it, closes its connection.
//
//	for stream.Next() {
//		use(stream.Current())
//	}
//	if err := stream.Err(); err != nil { ... }
//
// Errors carry Partial, the message so far. A stream is for one goroutine.
type EventStream struct {
	pump    *pump
	current Decoded
	err     error
	over    bool
	reading bool
}

func newEventStream(p *pump) *EventStream {
	made := &EventStream{pump: p}
	// A stream that nobody closed gives its permits and its connection back when it is collected.
	runtime.SetFinalizer(made, func(s *EventStream) { s.Close() })
	return made
}

// Next reads the next event; false at the end, whose error, if it was none that is meant to be, Err tells.
func (s *EventStream) Next() bool {
	if s.over {
		return false
	}
	event, err := s.pump.next()
	if err == nil {
		s.current = event
		return true
	}
	s.over, s.current = true, Decoded{}
	if !errors.Is(err, io.EOF) {
		s.err = err
		s.pump.end(err)
	}
	return false
}

// Current is the event that the last Next has read.
func (s *EventStream) Current() Decoded { return s.current }

// Err is what ended the stream, nil if it ended well or goes on.
func (s *EventStream) Err() error { return s.err }

// Close closes the connection; safe in every state.
func (s *EventStream) Close() error {
	if !s.over {
		s.over = true
		s.pump.end(nil)
	}
	return nil
}

// All gives the events and the error that ends them, for range; a second use gives a clear error.
func (s *EventStream) All() func(yield func(Decoded, error) bool) {
	return func(yield func(Decoded, error) bool) {
		if s.reading {
			yield(Decoded{}, errReadOnce)
			return
		}
		s.reading = true
		defer s.Close()
		for s.Next() {
			if !yield(s.current, nil) {
				return
			}
		}
		if s.err != nil {
			yield(Decoded{}, s.err)
		}
	}
}

// Texts gives the text of the answer, piece by piece, and the error that ends it, for range.
func (s *EventStream) Texts() func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		s.All()(func(event Decoded, err error) bool {
			text := ""
			if err == nil {
				text = s.pump.message().textOf(event.Name, event.Data)
			}
			return text == "" && err == nil || yield(text, err)
		})
	}
}

// Text is the text that the current event adds.
func (s *EventStream) Text() string {
	return s.pump.message().textOf(s.current.Name, s.current.Data)
}

// Collect reads what is left and is the whole message, as JSON of the form that the unary call answers with.
func (s *EventStream) Collect() (any, error) {
	for s.Next() {
		continue
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.Completion() == "" {
		left := newError(KindStream, "There is no result: the stream was left before its end")
		left.Partial = s.Partial()
		return nil, left
	}
	result := s.pump.message().result()
	if err := s.pump.call.lacking(result); err != nil {
		return nil, s.pump.withPartial(err.(*Error))
	}
	return result, nil
}

// Partial is the message accumulated so far; unfinished parts carry "complete": false.
func (s *EventStream) Partial() any { return s.pump.message().partial() }

// Completion is "explicit" or "inferred" once the stream has ended well, else "".
func (s *EventStream) Completion() string {
	if len(s.pump.reader.ready) > 0 {
		return ""
	}
	return string(s.pump.reader.completion)
}

// Synthesised says whether the server sent one whole answer instead of a stream.
func (s *EventStream) Synthesised() bool { return s.pump.synthesised }

// RequestID is the provider's id of this exchange.
func (s *EventStream) RequestID() string { return s.pump.call.requestID() }

// FirstEventAfter is the time from the call's start to its first event.
func (s *EventStream) FirstEventAfter() time.Duration { return seconds(max(s.pump.firstEventAfter, 0)) }

// FirstContentAfter is the time from the call's start to its first content.
func (s *EventStream) FirstContentAfter() time.Duration {
	return seconds(max(s.pump.firstContentAfter, 0))
}

// Gaps are the waits for the server between one event and the next so far.
func (s *EventStream) Gaps() Gaps { return s.pump.gaps }

// ToolInput is the best reading of a tool call's input so far, never ahead of the bytes.
func (s *EventStream) ToolInput(index int) any { return s.pump.message().toolInput(index) }

// ToFile writes the text of the whole stream to a file, which appears whole or not at all, and returns the
// message. A file that is there is replaced; a new one has mode 0600. If the stream or the disk fails, the file is
// left as it was; keepPartial leaves the text that arrived beside it, in <name>.partial.
func (s *EventStream) ToFile(path string, keepPartial bool) (any, error) {
	defer s.Close()
	file, err := createAtomic(path, keepPartial)
	if err != nil {
		return nil, s.diskError(path, err)
	}
	defer file.discard()
	for s.Next() {
		if err := file.write([]byte(s.Text())); err != nil {
			return nil, s.diskError(path, err)
		}
	}
	result, err := s.Collect()
	if err != nil {
		return nil, err
	}
	if err := file.commit(); err != nil {
		return nil, s.diskError(path, err)
	}
	return result, nil
}

func (s *EventStream) diskError(path string, err error) error {
	made := newError(KindStream, "The stream could not be written to %s: %s", path, reasonOf(err)).because(err)
	made.Partial = s.Partial()
	return made
}
