package forge

import (
	"context"
	"time"
)

// Clock is time, as something that a client is given: the system's, or a virtual one in tests.
//
// Now are monotonic seconds, of which only differences mean anything; Wall is the time of day, for servers' dates
// only. A virtual clock must know who takes part: Go starts a goroutine that does. What waits for the network is
// bounded by Real: how long a socket really waits for a timer of so many seconds.
type Clock interface {
	Now() float64
	Wall() float64
	// Sleep waits so many seconds, or until ctx is done, whose error it then returns.
	Sleep(ctx context.Context, seconds float64) error
	// Wait waits until woken is closed or has a value, so many seconds (infinite for no limit), or until ctx is
	// done, whose error it then returns.
	Wait(ctx context.Context, woken <-chan struct{}, seconds float64) error
	// Go runs work in a goroutine of its own.
	Go(work func())
	// Real is the real duration that a socket waits for a timer of so many seconds; infinite stays unlimited.
	Real(seconds float64) time.Duration
	// Until are the seconds from now until a context's deadline.
	Until(deadline time.Time) float64
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

var processStart = time.Now()

// Now are the monotonic seconds since the process began.
func (SystemClock) Now() float64 { return time.Since(processStart).Seconds() }

// Wall are the seconds since the epoch.
func (SystemClock) Wall() float64 { return float64(time.Now().UnixNano()) / 1e9 }

// Sleep waits on a timer.
func (c SystemClock) Sleep(ctx context.Context, seconds float64) error {
	return c.Wait(ctx, nil, seconds)
}

// Wait waits on a timer.
func (c SystemClock) Wait(ctx context.Context, woken <-chan struct{}, seconds float64) error {
	timer := time.NewTimer(c.Real(seconds))
	defer timer.Stop()
	select {
	case <-woken:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Go starts a goroutine.
func (SystemClock) Go(work func()) { go work() }

// Real is the duration itself.
func (SystemClock) Real(value float64) time.Duration { return seconds(value) }

// Until is what the deadline leaves.
func (SystemClock) Until(deadline time.Time) float64 { return time.Until(deadline).Seconds() }
