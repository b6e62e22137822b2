package forge

import (
	"math"
	"time"
)

// CallContext is what is known of a call from its start: handed to middleware, hooks and errors. It has
// no content and no credential in it.
//
// CallID is 128 random bits in hexadecimal, the same for all attempts. Attempt counts from 1 and is 0 before the
// first. Started and Deadline are seconds of the client's clock, Deadline infinite for none. Origin is where
// requests go. TraceParent and Metadata are what the caller gave with the call.
type CallContext struct {
	CallID      string         `json:"call_id"`
	Provider    string         `json:"provider"`
	Operation   string         `json:"operation"`
	Model       string         `json:"model,omitempty"`
	Stream      bool           `json:"stream,omitempty"`
	Attempt     int            `json:"attempt"`
	Started     float64        `json:"started"`
	Deadline    float64        `json:"-"`
	Origin      string         `json:"origin,omitempty"`
	TraceParent string         `json:"trace_parent,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

// HasDeadline says whether the call must end by Deadline.
func (c *CallContext) HasDeadline() bool { return !math.IsInf(c.Deadline, 1) }

// Gaps are the waits for the server between the events of a stream, as far as the server is the cause.
// Events that arrive together have none of length.
type Gaps struct {
	Count   int
	Total   time.Duration
	Longest time.Duration
}

// Mean is the time from one event to the next on average, 0 before the second event.
func (g Gaps) Mean() time.Duration {
	if g.Count == 0 {
		return 0
	}
	return g.Total / time.Duration(g.Count)
}

func (g *Gaps) note(waited float64, events int) {
	g.Count += events
	g.Total += seconds(waited)
	g.Longest = max(g.Longest, seconds(waited))
}
