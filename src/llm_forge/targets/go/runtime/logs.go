package forge

import (
	"context"
	"log/slog"
)

// Logging writes what happens in calls to a structured logger: WithMiddleware(Logging(logger, false)).
//
// Without it a client logs nothing, but for one warning where a stream's end had to be inferred. Info has one line a
// call and one a retry, Debug every event; none has content, credentials or metadata. With content, request and
// response bodies are written too, at Debug, with credentials redacted.
func Logging(logger *slog.Logger, content bool) Middleware {
	made := Middleware{OnEvent: func(event Event) { logEvent(logger, event) }}
	if content {
		made.OnContent = func(about *CallContext, kind, text string) {
			logger.Debug(kind, "call_id", about.CallID, "body", text)
		}
	}
	return made
}

func logEvent(logger *slog.Logger, event Event) {
	level := slog.LevelDebug
	switch event.Name {
	case EventCallEnd, EventRetry, EventBreaker, EventBudgetExhausted, EventStreamInterrupted:
		level = slog.LevelInfo
	}
	if !logger.Enabled(context.Background(), level) {
		return
	}
	about := event.Context
	pairs := []any{"provider", about.Provider, "operation", about.Operation, "model", about.Model, "attempt", about.Attempt, "call_id", about.CallID}
	for _, name := range sortedNames(event.Facts) {
		if name != "gaps" && event.Facts[name] != nil {
			pairs = append(pairs, name, event.Facts[name])
		}
	}
	logger.Log(context.Background(), level, string(event.Name), pairs...)
}
