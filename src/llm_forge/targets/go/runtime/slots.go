package forge

import (
	"context"
	"sync"
	"time"
)

// slots are how many exchanges may be open per origin, and who waits for one. net/http counts connections,
// but has no timer for the wait, and no order of waiters. A freed slot goes to the longest waiter.
type slots struct {
	mutex   sync.Mutex
	most    int
	origins map[string]*slotQueue
}

type slotQueue struct {
	active  int
	waiters []chan struct{}
}

func newSlots(most int) *slots { return &slots{most: most, origins: map[string]*slotQueue{}} }

// active are the slots in use now: the count of checked-out connections.
func (s *slots) active() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	total := 0
	for _, queue := range s.origins {
		total += queue.active
	}
	return total
}

// acquire takes a slot of an origin, and is what gives it back; errTimer if none is free in time.
func (s *slots) acquire(ctx context.Context, origin string, limit time.Duration) (func(), error) {
	s.mutex.Lock()
	queue := s.origins[origin]
	if queue == nil {
		queue = &slotQueue{}
		s.origins[origin] = queue
	}
	if queue.active < s.most && len(queue.waiters) == 0 {
		queue.active++
		s.mutex.Unlock()
		return sync.OnceFunc(func() { s.release(queue) }), nil
	}
	turn := make(chan struct{})
	queue.waiters = append(queue.waiters, turn)
	s.mutex.Unlock()
	return s.await(ctx, queue, turn, limit)
}

func (s *slots) await(ctx context.Context, queue *slotQueue, turn chan struct{}, limit time.Duration) (func(), error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var err error
	select {
	case <-turn:
		return sync.OnceFunc(func() { s.release(queue) }), nil
	case <-timer.C:
		err = errTimer
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.leave(queue, turn)
	return nil, err
}

// leave takes a waiter out of the queue; one whose turn has just come passes it on.
func (s *slots) leave(queue *slotQueue, turn chan struct{}) {
	s.mutex.Lock()
	for place, one := range queue.waiters {
		if one == turn {
			queue.waiters = append(queue.waiters[:place], queue.waiters[place+1:]...)
			s.mutex.Unlock()
			return
		}
	}
	s.mutex.Unlock()
	s.release(queue)
}

func (s *slots) release(queue *slotQueue) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(queue.waiters) == 0 {
		queue.active--
		return
	}
	next := queue.waiters[0]
	queue.waiters = queue.waiters[1:]
	close(next)
}
