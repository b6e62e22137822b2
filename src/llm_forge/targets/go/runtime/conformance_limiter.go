//go:build conformance

package forge

import (
	"container/heap"
	"fmt"
	"math"
)

// limiterTrace plays a corpus trace against the limiter, in virtual time, as the runtime would: steps, waits that
// are over and calls that end, in the order of their time.
type limiterTrace struct {
	limiter *limiter
	calls   object
	rules   []LimitHeaders
	chance  float64
	waiting map[int64]string
	told    map[string]limiterStep
	queue   moments
	order   int
}

type costInput struct {
	Requests *float64
	Input    float64
	Output   float64
}

func (c costInput) cost() cost {
	requests := 1.0
	given(&requests, c.Requests)
	return cost{requests, c.Input, c.Output}
}

type limiterStep struct {
	At      float64
	Do      string
	As      string
	Times   *int
	Cost    costInput
	Left    *float64
	Lasts   float64
	Used    *costInput
	Result  settlement
	Call    string
	Headers headerPairs
	Until   float64
}

type limiterInput struct {
	Limits      any
	Mode        string
	MaxWait     *float64 `json:"max_wait"`
	Concurrency int
	Oversize    string
	Adaptive    bool
	Throttle    float64
	Rules       []LimitHeaders
	Chance      *float64
	Steps       []limiterStep
}

type moment struct {
	at    float64
	order int
	do    func(now float64)
}

type moments []moment

func (m moments) Len() int { return len(m) }

func (m moments) Less(i, j int) bool {
	return m[i].at < m[j].at || m[i].at == m[j].at && m[i].order < m[j].order
}

func (m moments) Swap(i, j int) { m[i], m[j] = m[j], m[i] }

func (m *moments) Push(one any) { *m = append(*m, one.(moment)) }

func (m *moments) Pop() any {
	all := *m
	one := all[len(all)-1]
	*m = all[:len(all)-1]
	return one
}

func limiterCorpus(in limiterInput) (any, error) {
	var limits []Limit
	if in.Limits != nil {
		var err error
		if limits, err = limitsFrom(in.Limits); err != nil {
			return nil, err
		}
	}
	options := limiterOptions{limits: limits, sliding: in.Mode == "sliding", maxWait: 60, concurrency: in.Concurrency,
		admitOversize: in.Oversize == "admit-when-full", adaptive: in.Adaptive, throttle: in.Throttle}
	given(&options.maxWait, in.MaxWait)
	trace := &limiterTrace{limiter: newLimiter(options), calls: object{}, rules: in.Rules, chance: 1,
		waiting: map[int64]string{}, told: map[string]limiterStep{}}
	given(&trace.chance, in.Chance)
	for _, step := range in.Steps {
		trace.push(step.At, func(now float64) { trace.step(step, now) })
	}
	for trace.queue.Len() > 0 {
		next := heap.Pop(&trace.queue).(moment)
		next.do(next.at)
	}
	return object{"calls": trace.calls}, nil
}

func (t *limiterTrace) push(at float64, do func(float64)) {
	heap.Push(&t.queue, moment{at, t.order, do})
	t.order++
}

func (t *limiterTrace) step(step limiterStep, now float64) {
	switch step.Do {
	case "call":
		t.call(step, now)
	case "cancel":
		t.cancel(step, now)
	case "response":
		t.limiter.learn(observe(step.Headers.headers(), t.rules, now, corpusWall+now), now)
		t.wake(now)
	case "pause":
		t.limiter.pause(step.Until, now)
	}
}

func (t *limiterTrace) call(step limiterStep, now float64) {
	if step.Times == nil {
		t.reserve(step.As, step, now)
		return
	}
	for number := 1; number <= *step.Times; number++ {
		t.reserve(fmt.Sprintf("%s%d", step.As, number), step, now)
	}
}

func (t *limiterTrace) reserve(name string, step limiterStep, now float64) {
	t.told[name] = step
	left := math.Inf(1)
	given(&left, step.Left)
	t.take(name, t.limiter.reserve(step.Cost.cost(), now, left, -1, t.chance), now)
}

func (t *limiterTrace) take(name string, d decision, now float64) {
	switch d.verdict {
	case waiting:
		t.waiting[d.ticket] = name
		if !math.IsInf(d.until, 1) {
			t.push(d.until, func(now float64) { t.due(d.ticket, now) })
		}
	case refused:
		t.calls[name] = object{"refused": d.why, "wait": d.wait}
	case granted:
		t.calls[name] = object{"admitted": now}
		t.push(now+t.told[name].Lasts, func(now float64) { t.end(name, d.reservation, now) })
		t.wake(now)
	}
}

func (t *limiterTrace) due(ticket int64, now float64) {
	name, waits := t.waiting[ticket]
	if !waits {
		return
	}
	delete(t.waiting, ticket)
	left := math.Inf(1)
	if step := t.told[name]; step.Left != nil {
		left = step.At + *step.Left - now
	}
	d, _ := t.limiter.claim(ticket, now, left, -1)
	t.take(name, d, now)
}

func (t *limiterTrace) end(name string, r reservation, now float64) {
	step := t.told[name]
	var used *cost
	if step.Used != nil {
		taken := step.Used.cost()
		used = &taken
	}
	result := settlement(or(string(step.Result), string(settledDone)))
	how := map[settlement]health{settledDone: healthGood, settledThrottled: healthOverload}[result]
	t.limiter.settle(r, now, used, result, how)
	t.wake(now)
}

func (t *limiterTrace) cancel(step limiterStep, now float64) {
	for ticket, name := range t.waiting {
		if name == step.Call {
			delete(t.waiting, ticket)
			t.calls[name] = object{"cancelled": true}
			t.limiter.cancel(ticket)
			t.wake(now)
		}
	}
}

// wake: something was given back, so who is first in line asks again.
func (t *limiterTrace) wake(now float64) {
	if head, found := t.limiter.head(); found {
		t.due(head, now)
	}
}
