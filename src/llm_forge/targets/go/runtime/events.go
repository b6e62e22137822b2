package forge

import "sync/atomic"

// EventName is what happened inside a call.
type EventName string

// The events.
const (
	EventCallStart         EventName = "call-start"
	EventCallEnd           EventName = "call-end"
	EventAttemptStart      EventName = "attempt-start"
	EventAttemptEnd        EventName = "attempt-end"
	EventRetry             EventName = "retry"
	EventLimiterWait       EventName = "limiter-wait"
	EventBreaker           EventName = "breaker"
	EventTokenRefresh      EventName = "token-refresh"
	EventFirstContent      EventName = "stream-first-content"
	EventStreamEnd         EventName = "stream-end"
	EventStreamInterrupted EventName = "stream-interrupted"
	EventBudgetExhausted   EventName = "budget-exhausted"
)

// Event is one thing that happened; Facts holds plain values, never content or secrets. Durations are in seconds.
type Event struct {
	Name    EventName
	Context *CallContext
	Facts   map[string]any
}

// Hook is called in place with every event: it should be quick, because the call waits for it. A hook that panics
// never changes a call; it is counted.
type Hook func(Event)

// ContentReader is given bodies, with credentials redacted; kind is request or response.
type ContentReader func(about *CallContext, kind, text string)

// hooks hands events to the user's functions, in their order.
type hooks struct {
	functions []Hook
	readers   []ContentReader
	failures  atomic.Int64
}

func (h *hooks) watched() bool { return len(h.functions) > 0 || len(h.readers) > 0 }

func (h *hooks) tell(event Event) {
	for _, function := range h.functions {
		h.guarded(func() { function(event) })
	}
}

func (h *hooks) tellContent(about *CallContext, kind, text string) {
	for _, reader := range h.readers {
		h.guarded(func() { reader(about, kind, text) })
	}
}

// guarded runs a user's function; what it panics with keeps the event from nobody else.
func (h *hooks) guarded(work func()) {
	defer func() {
		if recover() != nil {
			h.failures.Add(1)
		}
	}()
	work()
}
