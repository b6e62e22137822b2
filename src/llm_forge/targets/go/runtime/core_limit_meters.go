package forge

import (
	"fmt"
	"math"
	"strconv"
)

// All declared limits of one limiter: charged together or not at all.

// clockNoise: a deficit that refills within so many seconds is float noise of the clock, not a deficit.
const clockNoise = 1e-6

// meter is one limit: a token bucket or a sliding window.
type meter interface {
	declared() Limit
	holds() float64                             // the most that it can give at once
	balance(now float64) float64                // units available now
	readyAt(amount, now float64) float64        // when so much can be taken; now if it can be now
	step(amount float64) float64                // seconds in which the amount is gained again
	charge(amount, now float64) *charged        // the mark is for correct
	correct(mark *charged, change, now float64) // charge more after the fact, or give back
	fullIn(now float64) float64                 // seconds until nothing is used
}

// charged is what a window remembers of a charge; buckets remember nothing.
type charged struct{ first, last, amount float64 }

// bucket holds up to its capacity and gains its rate a second; an excess charged later is a debt.
type bucket struct {
	limit           Limit
	capacity, level float64
	at              float64
}

func newBucket(limit Limit) *bucket {
	return &bucket{limit: limit, capacity: limit.capacity(), level: limit.capacity(), at: math.Inf(-1)}
}

func (b *bucket) declared() Limit { return b.limit }

func (b *bucket) holds() float64 { return b.capacity }

func (b *bucket) balance(now float64) float64 {
	if !math.IsInf(b.at, -1) && now > b.at {
		b.level = min(b.level+(now-b.at)*b.limit.rate(), b.capacity)
	}
	b.at = max(b.at, now)
	return b.level
}

// readyAt projects more than the capacity as if taken in parts as they come.
func (b *bucket) readyAt(amount, now float64) float64 {
	wait := (amount - b.balance(now)) / b.limit.rate()
	if wait <= clockNoise {
		return now
	}
	return now + wait
}

func (b *bucket) step(amount float64) float64 { return amount / b.limit.rate() }

func (b *bucket) charge(amount, now float64) *charged {
	b.level = b.balance(now) - amount
	return nil
}

func (b *bucket) correct(_ *charged, change, now float64) {
	b.level = min(b.balance(now)-change, b.capacity)
}

func (b *bucket) fullIn(now float64) float64 {
	return max(b.capacity-b.balance(now), 0) / b.limit.rate()
}

// grain: charges closer together than this share of a period are kept as one and expire with the last of
// them: never too early, at most 1 % too late, and the log has a bounded length whatever the traffic.
const grain = 0.01

// window is a log of what was admitted in the last period.
type window struct {
	limit  Limit
	log    []*charged
	used   float64
	noise  float64
	period float64
}

func newWindow(limit Limit) *window {
	return &window{limit: limit, noise: limit.Amount * 1e-9, period: limit.Period.Seconds()}
}

func (w *window) declared() Limit { return w.limit }

func (w *window) holds() float64 { return w.limit.Amount }

func (w *window) balance(now float64) float64 {
	for len(w.log) > 0 && w.log[0].last+w.period <= now {
		w.used -= w.log[0].amount
		w.log = w.log[1:]
	}
	if len(w.log) == 0 {
		w.used = 0
	}
	return w.limit.Amount - w.used
}

// readyAt projects more than the capacity as whole periods and a rest.
func (w *window) readyAt(amount, now float64) float64 {
	free := w.balance(now)
	if amount <= free+w.noise {
		return now
	}
	periods := max(math.Ceil(amount/w.limit.Amount-1e-9)-1, 0)
	return periods*w.period + w.freedAt(amount-periods*w.limit.Amount-free, now)
}

func (w *window) freedAt(missing, now float64) float64 {
	for _, one := range w.log {
		if missing <= w.noise {
			return now
		}
		if missing -= one.amount; missing <= w.noise {
			return one.last + w.period
		}
	}
	return now
}

// step is 0: a window frees what it admitted in lumps, at no pace of its own.
func (w *window) step(float64) float64 { return 0 }

func (w *window) charge(amount, now float64) *charged {
	w.used = w.limit.Amount - w.balance(now) + amount
	if len(w.log) > 0 {
		newest := w.log[len(w.log)-1]
		if now-newest.first <= w.period*grain {
			newest.amount += amount
			newest.last = max(newest.last, now)
			return newest
		}
	}
	made := &charged{now, now, amount}
	w.log = append(w.log, made)
	return made
}

// correct: what is given back belongs to the instant of the charge and is void once that has left the window;
// an excess counts from now.
func (w *window) correct(mark *charged, change, now float64) {
	w.balance(now)
	if change > 0 {
		w.charge(change, now)
	} else if mark.last+w.period > now {
		mark.amount += change
		w.used += change
	}
}

func (w *window) fullIn(now float64) float64 {
	w.balance(now)
	if len(w.log) == 0 {
		return 0
	}
	return w.log[len(w.log)-1].last + w.period - now
}

// meters are any number of buckets or windows.
type meters []meter

func newMeters(limits []Limit, sliding bool) meters {
	var made meters
	for _, limit := range limits {
		if sliding {
			made = append(made, newWindow(limit))
		} else {
			made = append(made, newBucket(limit))
		}
	}
	return made
}

// isTooLarge says whether a limit can never hold as much.
func (m meters) isTooLarge(c cost) bool {
	for _, one := range m {
		if c.of(one.declared().Unit) > one.holds() {
			return true
		}
	}
	return false
}

// readyAt is when the cost can be charged after what is ahead of it. A cost above a limit's capacity is ready
// when that limit is untouched.
func (m meters) readyAt(c cost, now float64, ahead cost) float64 {
	ready := now
	for _, one := range m {
		unit := one.declared().Unit
		if amount := c.of(unit); amount > 0 {
			ready = max(ready, one.readyAt(min(amount, one.holds())+ahead.of(unit), now))
		}
	}
	return ready
}

// step are the seconds in which the buckets gain this cost again; 0 without one, as windows have no pace.
func (m meters) step(c cost) float64 {
	longest := 0.0
	for _, one := range m {
		longest = max(longest, one.step(c.of(one.declared().Unit)))
	}
	return longest
}

func (m meters) charge(c cost, now float64) []*charged {
	marks := make([]*charged, len(m))
	for place, one := range m {
		marks[place] = one.charge(c.of(one.declared().Unit), now)
	}
	return marks
}

// settle corrects what was charged to what was used.
func (m meters) settle(marks []*charged, c cost, used *cost, result settlement, now float64) {
	for place, one := range m {
		unit := one.declared().Unit
		reserved := c.of(unit)
		if change := actual(unit, reserved, used, result) - reserved; change != 0 {
			one.correct(marks[place], change, now)
		}
	}
}

// actual is what an ended attempt took: nothing unsent, no tokens when throttled, else usage or the estimate.
func actual(unit string, reserved float64, used *cost, result settlement) float64 {
	switch {
	case result == settledUnsent:
		return 0
	case unit == "requests":
		return reserved
	case result == settledThrottled:
		return 0
	case used == nil:
		return reserved
	}
	return used.of(unit)
}

// states are the limits as they stand; ResetsIn is when one is untouched again.
func (m meters) states(now float64) []LimitState {
	var found []LimitState
	for _, one := range m {
		limit := one.declared()
		period := strconv.FormatFloat(limit.Period.Seconds(), 'g', 6, 64)
		found = append(found, LimitState{
			Family: fmt.Sprintf("%s/%ss", limit.Unit, period), Unit: limit.Unit, Limit: known(limit.Amount),
			Remaining: known(one.balance(now)), ResetsIn: known(one.fullIn(now)), Source: "local",
		})
	}
	return found
}
