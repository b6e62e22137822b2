package forge

// What the server said about its families, and how long that holds a call.
//
//   - State ends at the reported reset; after it the family is unknown, not full: nothing is held.
//   - Until then the lowest reported remaining wins, whatever order responses arrive in; for refill meaning,
//     remaining rises by the refill in between.
//   - Calls that went out since the report was taken over are subtracted until they are settled, so that a
//     crowd does not share the same last few units.
//   - Without a usable reset nothing is ever held.

// mostFamilies: a server may invent names; we do not keep them without end.
const mostFamilies = 64

type learned struct {
	observed
	reported, seenAt, underWay float64
	epoch                      int
}

func (l *learned) take(one observed, now float64) {
	l.observed, l.reported, l.seenAt, l.underWay = one, *one.remaining, now, 0
	l.epoch++
}

// learn takes over a later report, unless an earlier one of the same window said less.
func (l *learned) learn(one observed, now float64) {
	if l.resetsAt == nil || one.resetsAt == nil || l.expired(now) {
		l.take(one, now)
		return
	}
	if *one.remaining > l.refilled(now) {
		return
	}
	earliest := min(*l.resetsAt, *one.resetsAt)
	l.take(one, now)
	if !l.refills {
		// Delay on the way only ever makes a window's end look later than it is.
		l.resetsAt = known(earliest)
	}
}

func (l *learned) expired(now float64) bool { return l.resetsAt != nil && now >= *l.resetsAt }

// remainingAt are the units left by our reckoning; nil once unknown.
func (l *learned) remainingAt(now float64) *float64 {
	if l.expired(now) {
		return nil
	}
	return known(max(l.refilled(now)-l.underWay, 0))
}

// readyAt is the instant until which a call of this cost is held.
func (l *learned) readyAt(amount, now float64) float64 {
	if l.resetsAt == nil || l.expired(now) {
		return now
	}
	missing := amount + l.underWay - l.refilled(now)
	if missing <= 1e-9*max(amount, 1) {
		return now
	}
	if rate := l.rate(); rate > 0 {
		return min(now+missing/rate, *l.resetsAt)
	}
	return *l.resetsAt
}

func (l *learned) refilled(now float64) float64 { return l.reported + (now-l.seenAt)*l.rate() }

// rate are the units a second of a refilling family, 0 if it does not refill or the report does not say.
func (l *learned) rate() float64 {
	if !l.refills || l.limit == nil || l.resetsAt == nil {
		return 0
	}
	span, units := *l.resetsAt-l.seenAt, *l.limit-l.reported
	if span <= 0 || units <= 0 {
		return 0
	}
	return units / span
}

// families are the server's families by name, in the order in which they were first seen.
type families struct{ list []*learned }

type familyMark struct {
	family *learned
	epoch  int
}

func (f *families) find(name string) *learned {
	for _, one := range f.list {
		if one.family == name {
			return one
		}
	}
	return nil
}

// learn takes over what a response reports; a family without a remaining count is skipped.
func (f *families) learn(reports []observed, now float64) {
	for _, one := range reports {
		if one.remaining == nil {
			continue
		}
		if found := f.find(one.family); found != nil {
			found.learn(one, now)
		} else if len(f.list) < mostFamilies {
			made := &learned{}
			made.take(one, now)
			f.list = append(f.list, made)
		}
	}
}

// readyAt is until when a call of this cost is held behind what is ahead of it.
func (f *families) readyAt(c cost, now float64, ahead cost) float64 {
	ready := now
	for _, one := range f.list {
		if amount := c.of(one.unit); amount > 0 {
			ready = max(ready, one.readyAt(amount+ahead.of(one.unit), now))
		}
	}
	return ready
}

func (f *families) charge(c cost) []familyMark {
	marks := make([]familyMark, len(f.list))
	for place, one := range f.list {
		one.underWay += c.of(one.unit)
		marks[place] = familyMark{one, one.epoch}
	}
	return marks
}

// release: a call ended, and the server's next report includes it, if it has not yet.
func (f *families) release(marks []familyMark, c cost) {
	for _, mark := range marks {
		if mark.epoch == mark.family.epoch {
			mark.family.underWay = max(mark.family.underWay-c.of(mark.family.unit), 0)
		}
	}
}

func (f *families) states(now float64) []LimitState {
	var found []LimitState
	for _, one := range f.list {
		state := LimitState{Family: one.family, Unit: one.unit, Limit: one.limit, Remaining: one.remainingAt(now), Source: "server"}
		if one.resetsAt != nil {
			state.ResetsIn = known(max(*one.resetsAt-now, 0))
		}
		found = append(found, state)
	}
	return found
}
