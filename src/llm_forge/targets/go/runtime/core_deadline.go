package forge

import "math"

// minAttempt is, in seconds, the time with less than which no attempt starts.
const minAttempt = 0.010

// instant of the monotonic clock by which a call must have ended; infinite for none.
type deadline float64

var noDeadline = deadline(math.Inf(1))

// left are the seconds left, negative once it has passed.
func (d deadline) left(now float64) float64 { return float64(d) - now }

func (d deadline) expired(now float64) bool { return now >= float64(d) }

// timer is the smaller of a phase's own limit and the time left, never negative.
func (d deadline) timer(limit, now float64) float64 { return max(min(limit, d.left(now)), 0) }
