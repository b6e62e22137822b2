//go:build conformance

package forge

import (
	"context"
	"math/rand"
	"sync"
	"time"
)

// Many goroutines against one breaker or limiter.

// tickingClock is virtual time that moves on with every look at it.
type tickingClock struct {
	SystemClock
	mutex sync.Mutex
	tick  float64
	ticks int
}

func (c *tickingClock) Now() float64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.ticks++
	return float64(c.ticks) * c.tick
}

func inGoroutines(count int, work func(dice *rand.Rand)) {
	var all sync.WaitGroup
	for seed := 0; seed < count; seed++ {
		all.Add(1)
		go func(seed int64) {
			defer all.Done()
			work(rand.New(rand.NewSource(seed)))
		}(int64(seed))
	}
	all.Wait()
}

// stormTally is what happened in all goroutines together.
type stormTally struct {
	sync.Mutex
	admitted, rejected, probes, mostProbes int
	entered, left                          map[string]int
}

func (t *stormTally) count(admitted, rejected, probes int) {
	t.Lock()
	defer t.Unlock()
	t.admitted += admitted
	t.rejected += rejected
	t.probes += probes
	t.mostProbes = max(t.mostProbes, t.probes)
}

func (t *stormTally) changed(_ EventName, facts map[string]any) {
	t.Lock()
	defer t.Unlock()
	t.left[facts["before"].(string)]++
	t.entered[facts["after"].(string)]++
}

func breakerStorm(in struct {
	Threads, Each int
	Tick          float64
	Settings      any
}) (any, error) {
	settings, err := breakerOf(in.Settings)
	if err != nil {
		return nil, err
	}
	clock := &tickingClock{tick: in.Tick}
	tally := &stormTally{entered: map[string]int{"closed": 1}, left: map[string]int{}}
	circuit := newCircuit("storm", "", settings, clock.Now, tally.changed)
	inGoroutines(in.Threads, func(dice *rand.Rand) {
		for each := 0; each < in.Each; each++ {
			stormOnce(circuit, tally, dice)
		}
	})
	tally.left[string(circuit.State())]++
	chained := len(tally.entered) == len(tally.left)
	for state, count := range tally.entered {
		chained = chained && tally.left[state] == count
	}
	return object{"most_probes": tally.mostProbes, "attempts": tally.admitted + tally.rejected,
		"admitted_some": tally.admitted > 0, "rejected_some": tally.rejected > 0, "chained": chained}, nil
}

func stormOnce(circuit *Circuit, tally *stormTally, dice *rand.Rand) {
	given, err := circuit.admit(tally.changed)
	if err != nil {
		tally.count(0, 1, 0)
		return
	}
	probe := 0
	if given.probe {
		probe = 1
	}
	tally.count(1, 0, probe)
	how := []outcome{outcomeSuccess, outcomeSuccess, outcomeSuccess, outcomeSuccess, outcomeSuccess,
		outcomeFailure, outcomeFailure, outcomeFailure, outcomeFailure, outcomeNeutral}[dice.Intn(10)]
	// Before the permit goes back, or the next probe would be counted while this one still is.
	tally.count(0, 0, -probe)
	circuit.record(given, how, dice.Float64(), 0, tally.changed)
}

func limiterStorm(in struct {
	Threads, Acquisitions int
	Tick                  float64
	Limit                 any
}) (any, error) {
	limits, err := limitsFrom([]any{in.Limit})
	if err != nil {
		return nil, err
	}
	clock := &tickingClock{tick: in.Tick}
	door := newGate(limiterOptions{limits: limits, maxWait: 60})
	var mutex sync.Mutex
	tries, taken := 0, 0
	inGoroutines(in.Threads, func(dice *rand.Rand) {
		for each := 0; each < in.Acquisitions/in.Threads; each++ {
			units := takeOnce(door, clock, dice)
			mutex.Lock()
			tries, taken = tries+1, taken+units
			mutex.Unlock()
		}
	})
	limit, now := limits[0], clock.Now()
	full := door.snapshot(now + limit.capacity()/limit.rate())[0].Remaining
	return object{"tries": tries, "within_limit_and_burst": float64(taken) <= limit.capacity()+limit.rate()*now,
		"all_that_was_there": float64(taken) >= limit.rate()*now-1, "balance_when_full": full}, nil
}

// takeOnce are the units that one try took for good.
func takeOnce(door *gate, clock Clock, dice *rand.Rand) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	held, _, err := door.enter(ctx, clock, passage{cost: cost{requests: 1}, ends: noDeadline, chance: 1})
	if err != nil {
		return 0
	}
	result, units := settledDone, 1
	if dice.Float64() < 0.1 {
		result, units = settledUnsent, 0
	}
	door.leave(held, clock.Now(), nil, result, healthGood)
	return units
}
