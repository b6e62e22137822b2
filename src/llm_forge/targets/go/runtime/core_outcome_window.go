package forge

import "math"

// outcomeWindow counts outcomes of the last seconds in a ring of buckets; adding and reading cost the
// same whatever the traffic.
type outcomeWindow struct {
	width   float64
	buckets []outcomeBucket
}

type outcomeBucket struct {
	number              int64
	total, failed, slow int
}

func newOutcomeWindow(seconds float64, buckets int) *outcomeWindow {
	w := &outcomeWindow{width: seconds / float64(buckets), buckets: make([]outcomeBucket, buckets)}
	w.clear()
	return w
}

func (w *outcomeWindow) clear() {
	for place := range w.buckets {
		w.buckets[place] = outcomeBucket{number: math.MinInt64}
	}
}

func (w *outcomeWindow) numberAt(now float64) int64 { return int64(math.Floor(now / w.width)) }

func (w *outcomeWindow) add(now float64, failed, slow bool) {
	number := w.numberAt(now)
	count := int64(len(w.buckets))
	bucket := &w.buckets[(number%count+count)%count]
	if bucket.number != number {
		*bucket = outcomeBucket{number: number}
	}
	bucket.total++
	if failed {
		bucket.failed++
	}
	if slow {
		bucket.slow++
	}
}

// totals are all outcomes, failed ones and slow ones of the window that ends now.
func (w *outcomeWindow) totals(now float64) (total, failed, slow int) {
	oldest := w.numberAt(now) - int64(len(w.buckets)) + 1
	for _, bucket := range w.buckets {
		if bucket.number >= oldest {
			total, failed, slow = total+bucket.total, failed+bucket.failed, slow+bucket.slow
		}
	}
	return total, failed, slow
}
