package forge

// completion is how a stream ended well: explicit (its terminal event was seen) or inferred; "" is not.
type completion string

const (
	endedExplicit    completion = "explicit"
	endedInferred    completion = "inferred"
	endedInterrupted completion = ""
)

// accumulator puts the events of one stream together into the message that the unary call would have returned
//
type accumulator interface {
	// isTerminal is whether the terminal event was added.
	isTerminal() bool
	// isSentinel is whether this data is not JSON but legal, such as [DONE].
	isSentinel(data string) bool
	// ends is whether this raw event is complete and ends the stream.
	ends(name, data string) bool
	// add adds one event: decoded JSON, or nil for the sentinel; ignored after the terminal event.
	// StreamProtocolError for events in an order that the family does not allow.
	add(name string, data any) *Error
	// ending is the verdict if the body ended cleanly now; asked at the terminal event too.
	ending() completion
	// result is the accumulated message in its unary form, or the list of the events; a fresh copy.
	result() any
	// partial is the message so far; what is unfinished carries "complete": false.
	partial() any
	// usage are the tokens used, as the stream has told them so far; nil for nothing.
	usage() any
	// textOf is the text that this event adds, of the first choice.
	textOf(name string, data any) string
	// isContent is whether this event carries content: no role-only and no empty delta.
	isContent(data any) bool
	// toolInput is the tool input so far at this index, as far as its bytes show it; nil for nothing.
	toolInput(index int) any
}

func newAccumulator(rule *StreamRule) accumulator {
	switch rule.Family {
	case FamilyBlocks:
		return newBlockAccumulator()
	case FamilyResponse:
		return newResponseAccumulator()
	case FamilyConversation:
		return newConversationAccumulator()
	case FamilyEvents:
		return &eventAccumulator{terminal: rule.Terminal, typeField: or(rule.TypeField, "type")}
	}
	return newChatAccumulator()
}

// kindOf is the type of an event: that of its JSON, else its name.
func kindOf(name string, data object) any {
	if kind := data["type"]; truthy(kind) {
		return kind
	}
	return name
}

// isTerminalKind is whether raw data is a complete event whose type, or without one its name, is terminal.
func isTerminalKind(name, data string, terminal ...string) bool {
	value, err := decodeJSON([]byte(data))
	event, ok := asObject(value)
	if err != nil || !ok {
		return false
	}
	kind, told := event["type"]
	if !told {
		kind = name
	}
	return contains(terminal, asText(kind)) && asText(kind) != ""
}

func protocolError(format string, args ...any) *Error {
	return newError(KindStreamProtocol, format, args...)
}

// parsedSoFar is a tool's input as far as it can be read.
func parsedSoFar(value any) any {
	if text, ok := textOf(value); ok {
		return parsePartial(text)
	}
	return settled(value)
}
