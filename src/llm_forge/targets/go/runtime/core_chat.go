package forge

import "strings"

// The chat-completion family: chunks with choices, ended by [DONE]. What the rules leave open:
//
//   - Of the fields beside choices, the identifying ones keep their first value and all others their last;
//     padding (obfuscation, p) is dropped, because no unary response has it.
//   - Of the fields of a choice beside delta, logprobs and the text of plain completions, which have no message,
//     grow by type; all others keep their last.
//   - Groq's x_groq.usage and x_groq.usage_breakdown go where its unary answer has them, to the top.

const sentinel = "[DONE]"

// chatChoice is one choice, growing.
type chatChoice struct {
	message, fields object
	reason          any
	calls           *toolCalls
}

func (c *chatChoice) add(choice object) *Error {
	for name, value := range choice {
		switch {
		case name == "delta":
			if err := c.addDelta(value); err != nil {
				return err
			}
		case name == "finish_reason":
			if truthy(value) {
				c.reason = value
			}
		case value == nil:
			mergeField(c.fields, name, nil)
		case name == "logprobs" || name == "text":
			mergeField(c.fields, name, value)
		case name != "index":
			c.fields[name] = value
		}
	}
	return nil
}

func (c *chatChoice) addDelta(value any) *Error {
	if value == nil {
		return nil
	}
	delta, ok := asObject(value)
	if !ok {
		return protocolError("a delta of the stream is not an object")
	}
	for name, value := range delta {
		c.addField(name, c.message[name], value)
	}
	return nil
}

func (c *chatChoice) addField(name string, old, value any) {
	list, isList := value.([]any)
	_, wasList := old.([]any)
	switch {
	case name == "tool_calls" && isList:
		if c.calls == nil {
			c.calls = newToolCalls()
		}
		c.calls.add(list)
	case name == "content" && (isList || wasList && value != nil):
		c.message[name] = grownContent(old, value)
	case name == "executed_tools" && isList:
		c.message[name] = grownReports(old, list)
	default:
		mergeField(c.message, name, value)
	}
}

// isCut: no finish reason although a tool call is not complete.
func (c *chatChoice) isCut() bool {
	if c.reason != nil {
		return false
	}
	for _, call := range c.calls.ordered() {
		if !call.isValid() {
			return true
		}
	}
	return false
}

func (c *chatChoice) shown(index int, final, terminal bool) object {
	body := settledObject(c.message)
	if c.calls != nil {
		shown := []any{}
		for _, call := range c.calls.ordered() {
			shown = append(shown, call.shown(!final && c.reason == nil))
		}
		body["tool_calls"] = shown
	}
	made := settledObject(c.fields)
	made["index"] = index
	if _, plain := c.fields["text"]; !plain || len(body) > 0 {
		made["message"] = body
	}
	made["finish_reason"] = c.reason
	if c.reason == nil && final && terminal {
		made["finish_reason"] = "unknown"
	}
	return made
}

// chatAccumulator accumulates one chat-completion stream.
type chatAccumulator struct {
	terminal bool
	head     object
	tokens   any
	choices  map[int]*chatChoice
}

func newChatAccumulator() *chatAccumulator {
	return &chatAccumulator{head: object{}, choices: map[int]*chatChoice{}}
}

func (a *chatAccumulator) isTerminal() bool { return a.terminal }

func (a *chatAccumulator) isSentinel(data string) bool { return strings.TrimSpace(data) == sentinel }

func (a *chatAccumulator) ends(_, data string) bool { return a.isSentinel(data) }

func (a *chatAccumulator) add(_ string, data any) *Error {
	if a.terminal || data == nil {
		a.terminal = true
		return nil
	}
	chunk, ok := asObject(data)
	if !ok {
		return protocolError("a chunk of the stream is not an object")
	}
	for field, value := range chunk {
		switch field {
		case "choices":
			if err := a.addChoices(value); err != nil {
				return err
			}
		case "usage":
			a.addUsage(value)
		case "obfuscation", "p":
		default:
			a.addHead(field, value)
		}
	}
	return nil
}

func (a *chatAccumulator) addUsage(value any) {
	if truthy(value) {
		a.tokens = value
	}
}

func (a *chatAccumulator) addChoices(value any) *Error {
	if !truthy(value) {
		return nil
	}
	choices, ok := value.([]any)
	if !ok {
		return protocolError("the choices of a chunk are not a list")
	}
	for _, one := range choices {
		choice, ok := asObject(one)
		if !ok {
			return protocolError("a choice of a chunk is not an object")
		}
		index, _ := asInt(choice["index"])
		known := a.choices[index]
		if known == nil {
			known = &chatChoice{message: object{}, fields: object{}}
			a.choices[index] = known
		}
		if err := known.add(choice); err != nil {
			return err
		}
	}
	return nil
}

func (a *chatAccumulator) addHead(field string, value any) {
	groq, isObject := asObject(value)
	switch {
	case field == "x_groq" && isObject:
		a.addGroq(groq)
	case value == nil:
		mergeField(a.head, field, nil)
	case !isIdentity(field) || !truthy(a.head[field]):
		a.head[field] = value
	}
}

func (a *chatAccumulator) addGroq(value object) {
	before, _ := asObject(a.head["x_groq"])
	made := copyObject(before)
	for name, entry := range value {
		switch name {
		case "usage":
			a.addUsage(entry)
		case "usage_breakdown":
			a.head[name] = entry
		default:
			made[name] = entry
		}
	}
	a.head["x_groq"] = made
}

func isIdentity(field string) bool {
	switch field {
	case "id", "created", "model", "system_fingerprint":
		return true
	}
	return false
}

func (a *chatAccumulator) ending() completion {
	finished := len(a.choices) > 0
	for _, choice := range a.choices {
		if a.terminal && choice.isCut() {
			return endedInterrupted
		}
		finished = finished && choice.reason != nil
	}
	switch {
	case a.terminal:
		return endedExplicit
	case finished:
		return endedInferred
	}
	return endedInterrupted
}

func (a *chatAccumulator) result() any { return a.message(true) }

func (a *chatAccumulator) partial() any { return a.message(false) }

func (a *chatAccumulator) message(final bool) object {
	made := settledObject(a.head)
	if kind, ok := made["object"].(string); ok {
		made["object"] = strings.TrimSuffix(kind, ".chunk")
	}
	choices := []any{}
	for _, index := range sortedKeys(a.choices) {
		choices = append(choices, a.choices[index].shown(index, final, a.terminal))
	}
	made["choices"] = choices
	if a.tokens != nil {
		made["usage"] = settled(a.tokens)
	}
	return made
}

func (a *chatAccumulator) usage() any { return a.tokens }

func (a *chatAccumulator) textOf(_ string, data any) string {
	for _, choice := range choicesOf(data) {
		if index, ok := asInt(choice["index"]); choice["index"] != nil && (!ok || index != 0) {
			continue
		}
		if delta, ok := asObject(choice["delta"]); ok {
			return contentText(delta["content"])
		}
		return asText(choice["text"])
	}
	return ""
}

// contentText is the text of content that is a string or a list of typed chunks.
func contentText(content any) string {
	if text, ok := content.(string); ok {
		return text
	}
	chunks, _ := content.([]any)
	var text strings.Builder
	for _, value := range chunks {
		if chunk, _ := asObject(value); chunk["type"] == "text" {
			text.WriteString(asText(chunk["text"]))
		}
	}
	return text.String()
}

// isContent is whether any choice of this chunk brings more than its role.
func (a *chatAccumulator) isContent(data any) bool {
	for _, choice := range choicesOf(data) {
		delta, ok := asObject(choice["delta"])
		if !ok && truthy(choice["text"]) {
			return true
		}
		for name, value := range delta {
			if truthy(value) && name != "role" && name != "channel" {
				return true
			}
		}
	}
	return false
}

func (a *chatAccumulator) toolInput(index int) any {
	choice := a.choices[0]
	if choice == nil {
		return nil
	}
	calls := choice.calls.ordered()
	if index < 0 || index >= len(calls) {
		return nil
	}
	return parsedSoFar(calls[index].arguments())
}

func choicesOf(data any) []object {
	chunk, _ := asObject(data)
	list, _ := chunk["choices"].([]any)
	var choices []object
	for _, value := range list {
		if choice, ok := asObject(value); ok {
			choices = append(choices, choice)
		}
	}
	return choices
}
