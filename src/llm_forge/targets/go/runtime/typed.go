package forge

import "context"

// What generated clients are thin methods over: the calls of Client, with typed results. R is the type of a result, E
// that of a stream's event; both are decoded with encoding/json, so unknown fields are for their UnmarshalJSON to keep
// (see Extra).

// Result is a typed result with the answer that it came from.
type Result[R any] struct {
	Value  R
	Answer *Answer
}

// Call makes one unary call with a typed result.
func Call[R any](ctx context.Context, client *Client, operation *Operation, params Params, options ...CallOption) (*Result[R], error) {
	answer, err := client.Call(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	made := &Result[R]{Answer: answer}
	if operation.answer() == AnswerEmpty {
		return made, nil
	}
	return made, typedValue(answer.raw, answer.Value, &made.Value, operation)
}

// typedValue decodes into a type; InvalidResponseError where the JSON has another shape.
func typedValue(raw []byte, value any, into any, operation *Operation) error {
	if raw == nil {
		encoded, err := encodeJSON(value)
		if err != nil {
			return err
		}
		raw = encoded
	}
	if err := unmarshal(raw, into); err != nil {
		made := newError(KindInvalidResponse, "The answer of %s has another shape than its description says", operation.Name).because(err)
		made.Operation = operation.Name
		return made
	}
	return nil
}

// Stream is an EventStream with typed events and a typed result.
type Stream[E, R any] struct {
	*EventStream
	operation *Operation
	event     E
}

// OpenStream opens a stream with typed events and result.
func OpenStream[E, R any](ctx context.Context, client *Client, operation *Operation, params Params, options ...CallOption) (*Stream[E, R], error) {
	opened, err := client.Stream(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	return &Stream[E, R]{EventStream: opened, operation: operation}, nil
}

// Next reads the next event; false at the end, whose error Err tells.
func (s *Stream[E, R]) Next() bool {
	if !s.EventStream.Next() {
		return false
	}
	var event E
	current := s.EventStream.Current()
	if err := typedValue(current.Raw, current.Data, &event, s.operation); err != nil {
		s.over, s.err = true, err
		s.pump.end(err)
		return false
	}
	s.event = event
	return true
}

// Current is the event that the last Next has read; Event is the untyped one.
func (s *Stream[E, R]) Current() E { return s.event }

// Event is the event as it was decoded: name, JSON, id.
func (s *Stream[E, R]) Event() Decoded { return s.EventStream.Current() }

// All gives the events and the error that ends them, for range; a second use gives a clear error.
func (s *Stream[E, R]) All() func(yield func(E, error) bool) {
	return func(yield func(E, error) bool) {
		var none E
		if s.reading {
			yield(none, errReadOnce)
			return
		}
		s.reading = true
		defer s.Close()
		for s.Next() {
			if !yield(s.event, nil) {
				return
			}
		}
		if s.err != nil {
			yield(none, s.err)
		}
	}
}

// Collect reads what is left and is the whole message, of the type that the unary call answers with.
func (s *Stream[E, R]) Collect() (*R, error) {
	result, err := s.EventStream.Collect()
	if err != nil {
		return nil, err
	}
	var made R
	return &made, typedValue(nil, result, &made, s.operation)
}

// LinesOf are Lines of a type.
type LinesOf[T any] struct {
	*Lines
	operation *Operation
	line      T
}

// OpenLines opens lines of JSON of a type.
func OpenLines[T any](ctx context.Context, client *Client, operation *Operation, params Params, options ...CallOption) (*LinesOf[T], error) {
	opened, err := client.Lines(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	return &LinesOf[T]{Lines: opened, operation: operation}, nil
}

// Next reads the next line; false at the end, whose error Err tells.
func (l *LinesOf[T]) Next() bool {
	if !l.Lines.Next() {
		return false
	}
	var line T
	if err := typedValue(l.Lines.Current(), nil, &line, l.operation); err != nil {
		l.fail(err)
		return false
	}
	l.line = line
	return true
}

// Current is the line that the last Next has read; Raw is its JSON.
func (l *LinesOf[T]) Current() T { return l.line }

// Raw are the bytes of the current line.
func (l *LinesOf[T]) Raw() []byte { return l.Lines.Current() }

// PageOf is a page with typed items.
type PageOf[T any] struct {
	*Page
	Items []T
}

// FirstPage asks for the first page of a list, with typed items.
func FirstPage[T any](ctx context.Context, client *Client, operation *Operation, params Params, options ...CallOption) (*PageOf[T], error) {
	page, err := client.Pages(ctx, operation, params, options...)
	return typedPage[T](page, err)
}

func typedPage[T any](page *Page, err error) (*PageOf[T], error) {
	if page == nil || err != nil {
		return nil, err
	}
	made := &PageOf[T]{Page: page}
	return made, typedValue(nil, page.Items, &made.Items, page.operation)
}

// Next is the page after this one, nil at the end of the list.
func (p *PageOf[T]) Next(ctx context.Context) (*PageOf[T], error) {
	page, err := p.Page.Next(ctx)
	return typedPage[T](page, err)
}

// All gives the items of this page and of all that follow, and the error that ends them, for range.
func (p *PageOf[T]) All(ctx context.Context) func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		var none T
		for page := p; page != nil; {
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			next, err := page.Next(ctx)
			if err != nil {
				yield(none, err)
				return
			}
			page = next
		}
	}
}
