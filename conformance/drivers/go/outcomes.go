package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"llm-forge.example/forge"
)

// What the driver tells of a call: its times, its result or error as plain JSON, and everything shown.

var errCaller = errors.New("the caller's own")

// record is what one call did, noted while it ran.
type record struct {
	mutex       sync.Mutex
	clock       *virtualClock
	sleeps      []float64
	sends       []float64
	shown       []string
	starts      int
	ends        int
	events      int
	pending     map[int]float64
	completion  string
	synthesised bool
	second      any
	files       map[string]string
	story       []string
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	found, _ := ctx.Value(recordKey{}).(*record)
	return found
}

func (r *record) noteSleep(seconds float64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.sleeps = append(r.sleeps, seconds)
}

func (r *record) noteStory(text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.story = append(r.story, text)
}

func (r *record) noteShown(text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.shown = append(r.shown, text)
}

// noteEvent notes what a client says of its call; an attempt is sent when its wait for the limiter is over.
func (r *record) noteEvent(event forge.Event) {
	now := r.clock.Now()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	attempt := event.Context.Attempt
	r.story = append(r.story, fmt.Sprintf("%s %d", event.Name, attempt))
	r.shown = append(r.shown, fmt.Sprintf("%+v %+v", event, *event.Context))
	switch event.Name {
	case forge.EventCallStart:
		r.starts++
	case forge.EventCallEnd:
		r.ends++
	case forge.EventAttemptStart, forge.EventLimiterWait:
		r.pending[attempt] = now
	case forge.EventAttemptEnd:
		switch event.Facts["outcome"] {
		case "CircuitOpenError", "RateLimitWaitError", "RateLimitConfigError":
		default:
			r.sends = append(r.sends, r.pending[attempt])
			sort.Float64s(r.sends)
		}
	}
}

// registry finds the record of a call by what its metadata says.
type registry struct {
	mutex   sync.Mutex
	records []*record
	strays  []string
}

const recordName = "driver_record"

func (g *registry) add(one *record) int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.records = append(g.records, one)
	return len(g.records) - 1
}

func (g *registry) of(about *forge.CallContext) *record {
	number, ok := about.Metadata[recordName].(int)
	if !ok {
		return nil
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.records[number]
}

// Enabled: the driver's log is at the most talkative level.
func (g *registry) Enabled(context.Context, slog.Level) bool { return true }

// Handle notes one line of the log.
func (g *registry) Handle(_ context.Context, line slog.Record) error {
	var text strings.Builder
	text.WriteString(line.Message)
	line.Attrs(func(one slog.Attr) bool {
		fmt.Fprintf(&text, " %s=%v", one.Key, one.Value)
		return true
	})
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.strays = append(g.strays, text.String())
	return nil
}

// WithAttrs changes nothing: no logger of the runtime has attributes of its own.
func (g *registry) WithAttrs([]slog.Attr) slog.Handler { return g }

// WithGroup changes nothing.
func (g *registry) WithGroup(string) slog.Handler { return g }

// inFolder runs work with a folder target to store files in; what is then in it and around it is noted.
func (r *record) inFolder(work func(target string) (any, error)) (any, error) {
	around, err := os.MkdirTemp("", "forge-driver")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(around)
	target := filepath.Join(around, "target")
	if err := os.Mkdir(target, 0o755); err != nil {
		return nil, err
	}
	result, err := work(target)
	r.files = map[string]string{}
	walked := filepath.Walk(around, func(path string, about os.FileInfo, err error) error {
		if err != nil || about.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(around, path)
		r.files[filepath.ToSlash(name)] = string(content)
		return err
	})
	return result, errors.Join(err, walked)
}

// errorFact is an error as the protocol tells it.
func errorFact(err error) map[string]any {
	var own *forge.Error
	switch {
	case errors.As(err, &own):
		return forge.ErrorFact(own)
	case errors.Is(err, errCaller):
		return map[string]any{"kind": "Raised"}
	case errors.Is(err, context.Canceled):
		return map[string]any{"kind": "Cancelled"}
	}
	return map[string]any{"kind": fmt.Sprintf("Untyped:%T", err), "message": err.Error()}
}

// shownOf is everything that a person could see of an error and its causes.
func shownOf(err error) string {
	var lines []string
	for ; err != nil; err = errors.Unwrap(err) {
		encoded, _ := json.Marshal(err)
		lines = append(lines, fmt.Sprintf("%v %+v %#v %s", err, err, err, encoded))
	}
	return strings.Join(lines, "\n")
}

// outcome is one call's entry of the answer.
func (r *record) outcome(started float64, result any, err error) map[string]any {
	ended := r.clock.Now()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	told := map[string]any{
		"started": started, "ended": ended, "events": r.events, "sends": list(r.sends), "sleeps": list(r.sleeps),
		"starts": r.starts, "ends": r.ends, "synthesised": r.synthesised, "story": list(r.story),
	}
	if r.files != nil {
		told["files"] = r.files
	}
	if result != nil {
		told["result"] = result
	}
	if r.completion != "" {
		told["completion"] = r.completion
	}
	if r.second != nil {
		told["second"] = r.second
	}
	if err != nil {
		told["error"] = errorFact(err)
	}
	return told
}

func list[T any](entries []T) []T {
	if entries == nil {
		return []T{}
	}
	return entries
}
