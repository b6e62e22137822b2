package forge

import (
	"container/list"
	"sync"
)

// modelsKept: of limiters per model the least recently used go beyond so many.
const modelsKept = 1000

// RateLimiter are limits that several clients share; without one every client has its own. What one of them
// sends, or learns from the server, counts for all. Get one from Client.RateLimiter, or make one.
type RateLimiter struct {
	options limiterOptions
	mutex   sync.Mutex
	gates   map[string]*list.Element
	order   *list.List
}

type namedGate struct {
	name string
	gate *gate
}

// NewRateLimiter are limits to share; the options are those of a client that are about limits.
func NewRateLimiter(options ...ClientOption) (*RateLimiter, error) {
	made := config{}
	for _, option := range options {
		if err := option.applyToClient(&made); err != nil {
			return nil, err
		}
	}
	return newRateLimiter(made.limiter), nil
}

func newRateLimiter(options limiterOptions) *RateLimiter {
	options.maxWait = defaultSettings().maxLimitWait
	return &RateLimiter{options: options, gates: map[string]*list.Element{}, order: list.New()}
}

// gateOf is the limiter of a model or its family. elsewhere is an origin that the declared limits are not about; what
// it says holds for it alone.
func (r *RateLimiter) gateOf(model, elsewhere string) *gate {
	family := ""
	if elsewhere == "" {
		family = familyOf(model, r.options.limits)
	}
	key := or(elsewhere, or(family, model))
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if place, found := r.gates[key]; found {
		r.order.MoveToBack(place)
		return place.Value.(namedGate).gate
	}
	options := r.options
	options.limits = nil
	if elsewhere == "" {
		options.limits = limitsOf(family, r.options.limits)
	}
	made := newGate(options)
	r.gates[key] = r.order.PushBack(namedGate{key, made})
	if r.order.Len() > modelsKept {
		oldest := r.order.Front()
		r.order.Remove(oldest)
		delete(r.gates, oldest.Value.(namedGate).name)
	}
	return made
}

func (r *RateLimiter) status(now float64) map[string][]LimitState {
	r.mutex.Lock()
	var gates []namedGate
	for place := r.order.Front(); place != nil; place = place.Next() {
		gates = append(gates, place.Value.(namedGate))
	}
	r.mutex.Unlock()
	found := map[string][]LimitState{}
	for _, one := range gates {
		found[one.name] = one.gate.snapshot(now)
	}
	return found
}
