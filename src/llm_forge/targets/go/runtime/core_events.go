package forge

import "strings"

// eventAccumulator collects typed events that add up to nothing but their list, such as audio as it is spoken.
//
// The description says which events are terminal: values of a field of the event's JSON, or of its name. [DONE]
// is terminal always. Nothing else ends such a stream, so nothing is inferred. Only where no event is said
// to be terminal, a body that ends cleanly after a whole event ends it: that is inferred.
type eventAccumulator struct {
	done      bool
	terminal  []string
	typeField string
	events    []any
	tokens    any
}

func (a *eventAccumulator) isTerminal() bool { return a.done }

func (a *eventAccumulator) isSentinel(data string) bool { return strings.TrimSpace(data) == sentinel }

func (a *eventAccumulator) ends(name, data string) bool {
	if a.isSentinel(data) {
		return true
	}
	value, err := decodeJSON([]byte(data))
	return err == nil && (a.isEnd(name, value) || len(a.terminal) == 0)
}

func (a *eventAccumulator) isEnd(name string, data any) bool {
	if a.typeField == TypeFieldEventName {
		return contains(a.terminal, name)
	}
	event, _ := asObject(data)
	switch kind := event[a.typeField].(type) {
	case bool:
		return kind && contains(a.terminal, "true") || !kind && contains(a.terminal, "false")
	case string:
		return contains(a.terminal, kind)
	}
	return false
}

func (a *eventAccumulator) add(name string, data any) *Error {
	if a.done {
		return nil
	}
	if data != nil {
		a.events = append(a.events, data)
		if event, ok := asObject(data); ok && truthy(event["usage"]) {
			a.tokens = event["usage"]
		}
	}
	a.done = data == nil || a.isEnd(name, data)
	return nil
}

func (a *eventAccumulator) ending() completion {
	switch {
	case a.done:
		return endedExplicit
	case len(a.terminal) == 0:
		return endedInferred
	}
	return endedInterrupted
}

func (a *eventAccumulator) result() any { return a.partial() }

func (a *eventAccumulator) partial() any {
	if a.events == nil {
		return []any{}
	}
	return settled(a.events)
}

func (a *eventAccumulator) usage() any { return a.tokens }

// textOf is the text of an event whose type says that it is a text delta.
func (a *eventAccumulator) textOf(_ string, data any) string {
	event, _ := asObject(data)
	if !strings.HasSuffix(asText(event["type"]), "text.delta") {
		return ""
	}
	return or(asText(event["delta"]), asText(event["text"]))
}

// isContent: all events are content, as far as anybody knows.
func (a *eventAccumulator) isContent(any) bool { return true }

func (a *eventAccumulator) toolInput(int) any { return nil }
