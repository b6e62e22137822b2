package main

import (
	"context"
	"math"
	"sync"
	"time"

	"llm-forge.example/forge"
)

// virtualClock is a clock whose sleeps take no time.
//
//   - Sleeping moves the clock instead of waiting: when nobody who takes part is awake, the clock jumps to the earliest
//     wake-up and wakes that one sleeper. So concurrent calls wake in the order of virtual time.
//   - Who is in a network call is awake. With a scale (real seconds of one virtual second) time also flows meanwhile, and
//     timers of sockets shrink by it; without one, only sleeps move the clock.
//   - A sleeper that waits for a signal wakes by the signal or by time, whichever comes first. Who sets a signal wakes the
//     waiter in the same breath, so that time cannot jump in between.
type virtualClock struct {
	mutex    sync.Mutex
	scale    float64 // 0 for a clock that only jumps
	jumps    bool
	wall     float64
	offset   float64
	start    time.Time
	awake    int
	sleepers []*sleeper
	orders   int
}

// sleeper is someone asleep until wake.
type sleeper struct {
	wake     float64
	order    int
	woken    bool
	released bool
	bell     chan struct{}
}

// deadlineBase is the time that a context's deadline counts from; far off, so that no real timer of a library sees it.
var deadlineBase = time.Now().AddDate(100, 0, 0)

func newVirtualClock(scale, wall float64, jumps bool) *virtualClock {
	return &virtualClock{scale: scale, wall: wall, jumps: jumps, start: time.Now()}
}

func (c *virtualClock) Now() float64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.nowLocked()
}

func (c *virtualClock) nowLocked() float64 {
	if c.scale == 0 {
		return c.offset
	}
	return c.offset + time.Since(c.start).Seconds()/c.scale
}

func (c *virtualClock) Wall() float64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.wall + c.nowLocked()
}

// jumpWall lets the time of day jump; Now does not notice.
func (c *virtualClock) jumpWall(seconds float64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.wall += seconds
}

func (c *virtualClock) Real(seconds float64) time.Duration {
	if c.scale > 0 {
		seconds *= c.scale
	}
	return time.Duration(math.Min(seconds, 1e9) * float64(time.Second))
}

func (c *virtualClock) Until(deadline time.Time) float64 {
	return deadline.Sub(deadlineBase).Seconds() - c.Now()
}

// within is a context whose deadline is so many virtual seconds from now.
func (c *virtualClock) within(ctx context.Context, seconds float64) context.Context {
	at := deadlineBase.Add(time.Duration((c.Now() + seconds) * float64(time.Second)))
	return deadlineContext{ctx, at}
}

type deadlineContext struct {
	context.Context
	at time.Time
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.at, true }

// begin: one more takes part, awake.
func (c *virtualClock) begin() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.awake++
}

// end: one of those awake takes part no more.
func (c *virtualClock) end() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.awake--
	c.advanceLocked()
}

func (c *virtualClock) Go(work func()) {
	c.begin()
	go func() {
		defer c.end()
		work()
	}()
}

func (c *virtualClock) Sleep(ctx context.Context, seconds float64) error {
	if record := recordOf(ctx); record != nil {
		record.noteSleep(seconds)
	}
	c.mutex.Lock()
	one := c.fallAsleepLocked(seconds)
	c.mutex.Unlock()
	return c.pause(ctx, one)
}

func (c *virtualClock) Signal() forge.Signal { return &virtualSignal{clock: c} }

type virtualSignal struct {
	clock   *virtualClock
	set     bool
	waiting *sleeper
}

func (s *virtualSignal) Set() {
	s.clock.mutex.Lock()
	defer s.clock.mutex.Unlock()
	s.set = true
	if s.waiting != nil {
		s.clock.ringLocked(s.waiting)
	}
}

func (s *virtualSignal) Wait(ctx context.Context, seconds float64) error {
	s.clock.mutex.Lock()
	if s.set {
		s.clock.mutex.Unlock()
		return nil
	}
	s.waiting = s.clock.fallAsleepLocked(seconds)
	s.clock.mutex.Unlock()
	return s.clock.pause(ctx, s.waiting)
}

func (c *virtualClock) newSleeperLocked(seconds float64) *sleeper {
	c.orders++
	one := &sleeper{wake: c.nowLocked() + math.Max(seconds, 0), order: c.orders, bell: make(chan struct{})}
	c.sleepers = append(c.sleepers, one)
	return one
}

func (c *virtualClock) fallAsleepLocked(seconds float64) *sleeper {
	one := c.newSleeperLocked(seconds)
	c.awake--
	c.advanceLocked()
	return one
}

// pause waits until a sleeper is woken by a jump, a signal, the flow of time, or the end of its context.
func (c *virtualClock) pause(ctx context.Context, one *sleeper) error {
	flow, stop := c.flow(one)
	defer stop()
	var err error
	select {
	case <-one.bell:
		return nil
	case <-flow:
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.markLocked(one)
	return err
}

// flow fires when time has flowed to a sleeper's wake-up.
func (c *virtualClock) flow(one *sleeper) (<-chan time.Time, func()) {
	if c.scale == 0 || math.IsInf(one.wake, 1) {
		return nil, func() {}
	}
	timer := time.NewTimer(time.Duration(math.Max(one.wake-c.Now(), 0) * c.scale * float64(time.Second)))
	return timer.C, func() { timer.Stop() }
}

// markLocked counts a sleeper as awake.
func (c *virtualClock) markLocked(one *sleeper) {
	if one.woken {
		return
	}
	one.woken = true
	c.awake++
	for place, other := range c.sleepers {
		if other == one {
			c.sleepers = append(c.sleepers[:place], c.sleepers[place+1:]...)
			return
		}
	}
}

func (c *virtualClock) ringLocked(one *sleeper) {
	if !one.woken {
		c.markLocked(one)
		close(one.bell)
	}
}

// advanceLocked jumps to the earliest wake-up, if nobody is awake.
func (c *virtualClock) advanceLocked() {
	if c.awake > 0 || !c.jumps {
		return
	}
	var first *sleeper
	for _, one := range c.sleepers {
		if first == nil || one.wake < first.wake || one.wake == first.wake && one.order < first.order {
			first = one
		}
	}
	if first == nil || math.IsInf(first.wake, 1) {
		return
	}
	c.offset += math.Max(first.wake-c.nowLocked(), 0)
	c.ringLocked(first)
}

// watch does something at a time from now; the result takes it back. With hold, time does not jump between the action
// and taking it back.
func (c *virtualClock) watch(seconds float64, action func(), hold bool) (takeBack func()) {
	c.mutex.Lock()
	one := c.newSleeperLocked(seconds)
	c.mutex.Unlock()
	void := make(chan struct{})
	go func() {
		flow, stop := c.flow(one)
		defer stop()
		select {
		case <-one.bell:
		case <-flow:
			c.mutex.Lock()
			c.markLocked(one)
			c.mutex.Unlock()
		case <-void:
			return
		}
		action()
		if !hold {
			c.release(one)
		}
	}()
	return func() {
		close(void)
		c.mutex.Lock()
		c.markLocked(one)
		c.mutex.Unlock()
		c.release(one)
	}
}

// release gives a watcher's token back, once.
func (c *virtualClock) release(one *sleeper) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !one.released {
		one.released = true
		c.awake--
		c.advanceLocked()
	}
}
