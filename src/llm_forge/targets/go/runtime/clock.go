package forge

import (
	"context"
	"math"
	"time"
)

// Clock is time, as something that a client is given: the system's, or a virtual one in tests.
//
// Now are monotonic seconds, of which only differences mean anything; Wall is the time of day, for servers' dates
// only. A virtual clock must know who takes part: so goroutines are started by Go, and who waits for somebody else
// waits for a Signal. What waits for the network is bounded by Real: how long a socket really waits for a timer of
// so many seconds.
type Clock interface {
	Now() float64
	Wall() float64
	// Sleep waits so many seconds, or until ctx is done, whose error it then returns.
	Sleep(ctx context.Context, seconds float64) error
	// Signal is a new signal that is not set.
	Signal() Signal
	// Go runs work in a goroutine of its own.
	Go(work func())
	// Real is the real duration that a socket waits for a timer of so many seconds.
	Real(seconds float64) time.Duration
	// Until are the seconds from now until a context's deadline.
	Until(deadline time.Time) float64
}

// Signal wakes one waiter, once; it stays set.
type Signal interface {
	Set()
	// Wait waits until the signal is set, so many seconds (infinite for no limit), or until ctx is done, whose
	// error it then returns.
	Wait(ctx context.Context, seconds float64) error
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

var processStart = time.Now()

// Now are the monotonic seconds since the process began.
func (SystemClock) Now() float64 { return time.Since(processStart).Seconds() }

// Wall are the seconds since the epoch.
func (SystemClock) Wall() float64 { return float64(time.Now().UnixNano()) / 1e9 }

// Sleep waits on a timer.
func (SystemClock) Sleep(ctx context.Context, duration float64) error {
	return waitFor(ctx, nil, duration)
}

// Signal is a channel.
func (SystemClock) Signal() Signal { return systemSignal(make(chan struct{}, 1)) }

// Go starts a goroutine.
func (SystemClock) Go(work func()) { go work() }

// Real is the duration itself.
func (SystemClock) Real(duration float64) time.Duration { return seconds(duration) }

// Until is what the deadline leaves.
func (SystemClock) Until(deadline time.Time) float64 { return time.Until(deadline).Seconds() }

type systemSignal chan struct{}

func (s systemSignal) Set() {
	select {
	case s <- struct{}{}:
	default: // it is set
	}
}

func (s systemSignal) Wait(ctx context.Context, duration float64) error {
	return waitFor(ctx, s, duration)
}

func waitFor(ctx context.Context, woken <-chan struct{}, duration float64) error {
	var over <-chan time.Time
	if !math.IsInf(duration, 1) {
		timer := time.NewTimer(seconds(duration))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-woken:
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
