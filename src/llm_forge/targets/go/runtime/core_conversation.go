package forge

import (
	"sort"
	"strings"
)

// The conversation family: entries that grow by typed events, ended by conversation.response.done. What the
// rules leave open:
//
//   - An event belongs to the entry of its id, without one to that of its output_index; entries are ordered by
//     output_index, then by arrival.
//   - Text and typed chunks grow by content_index. Content that was only text is a string, else a list.
//   - An entry's type is that of its events without their last word, so unknown entries are kept too.
//   - An entry that no event started has none that closes it: it is complete when a later one begins.
//   - Nothing is inferred: only the terminal event says that no further entry follows.

const (
	conversationStarted = "conversation.response.started"
	conversationDone    = "conversation.response.done"
)

// conversationEntry is one entry of the outputs, growing.
type conversationEntry struct {
	key             entryKey
	fields          object
	content         map[int]any
	place           int
	started, closed bool
}

type entryKey struct {
	kind, id string
	place    int
}

// add adds one event; word is the last of its type: started, delta or done.
func (e *conversationEntry) add(word string, data object) {
	e.started = e.started || word == "started"
	e.closed = e.closed || word == "done"
	for name, value := range data {
		switch name {
		case "type", "output_index", "content_index", "content", "arguments", "created_at":
		default:
			replaceFields(e.fields, object{name: value})
		}
	}
	e.addContent(data)
	e.addArguments(data["arguments"])
	stamp := "created_at"
	if word == "done" {
		stamp = "completed_at"
	}
	if _, known := e.fields[stamp]; !known && data["created_at"] != nil {
		e.fields[stamp] = data["created_at"]
	}
}

func (e *conversationEntry) addContent(data object) {
	value, told := data["content"]
	if !told {
		return
	}
	key, _ := asInt(data["content_index"])
	old := e.content[key]
	text, isText := value.(string)
	growing, grows := old.(*pieces)
	switch {
	case isText && grows:
		growing.WriteString(text)
	case isText && old == nil:
		e.content[key] = newPieces(text)
	default:
		e.content[key] = grownEntryChunks(old, value)
	}
}

func (e *conversationEntry) addArguments(value any) {
	text, isText := value.(string)
	growing, grows := e.fields["arguments"].(*pieces)
	switch {
	case isText && grows:
		growing.WriteString(text)
	case isText:
		e.fields["arguments"] = newPieces(text)
	case value != nil:
		e.fields["arguments"] = value
	}
}

// shown is the entry as the unary form has it, marked where it is not complete.
func (e *conversationEntry) shown(closed bool) object {
	made := settledObject(e.fields)
	if len(e.content) > 0 {
		made["content"] = e.joined()
	}
	if !closed && !e.closed {
		made["complete"] = false
	}
	return made
}

func (e *conversationEntry) joined() any {
	keys := sortedKeys(e.content)
	if len(keys) == 1 {
		return settled(e.content[keys[0]])
	}
	chunks := []any{}
	for _, key := range keys {
		part := settled(e.content[key])
		if list, ok := part.([]any); ok {
			chunks = append(chunks, list...)
		} else {
			chunks = append(chunks, object{"type": "text", "text": part})
		}
	}
	return chunks
}

// grownEntryChunks are the chunks of one content index with one more delta; the pieces of a text chunk grow
// together.
func grownEntryChunks(old, value any) []any {
	chunks := grownContent(old, []any{})
	entries, ok := value.([]any)
	if !ok {
		entries = []any{value}
	}
	for _, entry := range entries {
		text, isText := textChunk(entry)
		growing := growingText(last(chunks))
		switch {
		case isText && growing != nil:
			growing.WriteString(text)
		case isText:
			made := copyObject(entry.(object))
			made["text"] = newPieces(text)
			chunks = append(chunks, made)
		default:
			chunks = grownContent(chunks, []any{entry})
		}
	}
	return chunks
}

func textChunk(entry any) (string, bool) {
	chunk, _ := asObject(entry)
	text, ok := chunk["text"].(string)
	return text, ok && chunk["type"] == "text"
}

// conversationAccumulator accumulates one stream of the conversation family.
type conversationAccumulator struct {
	terminal bool
	head     object
	entries  []*conversationEntry
	latest   *conversationEntry
}

func newConversationAccumulator() *conversationAccumulator {
	return &conversationAccumulator{head: object{}}
}

func (a *conversationAccumulator) isTerminal() bool { return a.terminal }

func (a *conversationAccumulator) isSentinel(string) bool { return false }

func (a *conversationAccumulator) ends(name, data string) bool {
	return isTerminalKind(name, data, conversationDone)
}

func (a *conversationAccumulator) add(name string, data any) *Error {
	if a.terminal || data == nil {
		return nil
	}
	event, ok := asObject(data)
	if !ok {
		return protocolError("an event of the stream is not an object")
	}
	kind := asText(kindOf(name, event))
	_, hasPlace := event["output_index"]
	_, hasID := event["id"]
	if kind == conversationStarted || kind == conversationDone {
		a.addHead(event)
		a.terminal = kind == conversationDone
	} else if kind != "" && (hasPlace || hasID) {
		stem, word := "", kind
		if dot := strings.LastIndexByte(kind, '.'); dot >= 0 {
			stem, word = kind[:dot], kind[dot+1:]
		}
		a.latest = a.entry(stem, event)
		a.latest.add(word, event)
	}
	return nil
}

func (a *conversationAccumulator) addHead(event object) {
	if len(a.head) == 0 {
		a.head["object"] = "conversation.response"
	}
	for name, value := range event {
		if name != "type" && name != "created_at" {
			a.head[name] = value
		}
	}
}

func (a *conversationAccumulator) entry(kind string, event object) *conversationEntry {
	place, _ := asInt(event["output_index"])
	key := entryKey{kind: kind, place: place}
	if id, ok := event["id"].(string); ok {
		key = entryKey{kind: kind, id: "id:" + id}
	}
	for _, one := range a.entries {
		if one.key == key {
			return one
		}
	}
	made := &conversationEntry{key: key, fields: object{"object": "entry", "type": kind}, content: map[int]any{}, place: place}
	a.entries = append(a.entries, made)
	return made
}

func (a *conversationAccumulator) ending() completion {
	if a.terminal {
		return endedExplicit
	}
	return endedInterrupted
}

func (a *conversationAccumulator) result() any { return a.shown(true) }

func (a *conversationAccumulator) partial() any { return a.shown(a.terminal) }

func (a *conversationAccumulator) shown(final bool) object {
	if len(a.head) == 0 && len(a.entries) == 0 {
		return object{}
	}
	ordered := append([]*conversationEntry(nil), a.entries...)
	sort.SliceStable(ordered, func(i, j int) bool { return ordered[i].place < ordered[j].place })
	outputs := []any{}
	for _, entry := range ordered {
		outputs = append(outputs, entry.shown(final || !entry.started && entry != a.latest))
	}
	made := object{"outputs": outputs}
	for name, value := range a.head {
		made[name] = settled(value)
	}
	return made
}

func (a *conversationAccumulator) usage() any { return a.head["usage"] }

func (a *conversationAccumulator) textOf(name string, data any) string {
	event, ok := asObject(data)
	if !ok || kindOf(name, event) != "message.output.delta" {
		return ""
	}
	if text, ok := textChunk(event["content"]); ok {
		return text
	}
	return contentText(event["content"])
}

// isContent is whether this event brings text, a tool's input or a hand-off.
func (a *conversationAccumulator) isContent(data any) bool {
	event, ok := asObject(data)
	kind := asText(event["type"])
	if !ok || kind == conversationStarted || kind == conversationDone {
		return false
	}
	return kind != "message.output.delta" || truthy(event["content"])
}

func (a *conversationAccumulator) toolInput(index int) any {
	for _, entry := range a.entries {
		if arguments, ok := entry.fields["arguments"]; ok && entry.place == index {
			return parsedSoFar(arguments)
		}
	}
	return nil
}
