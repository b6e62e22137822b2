package forge

import (
	"sort"
	"strings"
)

// Tool calls of one choice, put together from their deltas.
//
// A delta belongs to the call of its index; without one, to the call of its id; without both, several entries
// of one delta are told apart by position, and a single entry continues the latest call, unless it brings a
// name although that call's arguments are complete already.

// toolCall is one tool call, growing.
type toolCall struct{ fields object }

// add adds one delta; its index is bookkeeping of the stream and not kept.
func (c *toolCall) add(entry object) {
	for name, value := range entry {
		if function, ok := asObject(value); ok && name == "function" {
			c.addFunction(function)
		} else if name != "index" {
			mergeField(c.fields, name, value)
		}
	}
}

func (c *toolCall) addFunction(delta object) {
	function, ok := asObject(c.fields["function"])
	if !ok {
		function = object{}
		c.fields["function"] = function
	}
	if repeatsName(function, delta) {
		delta = copyObject(delta)
		delete(delta, "name")
	}
	merge(function, delta)
}

// repeatsName: a further fragment before any argument belongs to the name; a repetition does not.
func repeatsName(function, delta object) bool {
	name, _ := textOf(function["name"])
	more := asText(delta["name"])
	return name != "" && more != "" && (more == name || truthy(function["arguments"]))
}

// arguments is the argument text so far; some providers send the decoded object instead.
func (c *toolCall) arguments() any {
	function, _ := asObject(c.fields["function"])
	if text, ok := textOf(function["arguments"]); ok {
		return text
	}
	return function["arguments"]
}

// isValid is whether the arguments are JSON; a call without argument text has none to judge.
func (c *toolCall) isValid() bool {
	text, ok := c.arguments().(string)
	return !ok || isJSON(text)
}

// isWhole is whether the arguments are a complete JSON object, which nothing can continue.
func (c *toolCall) isWhole() bool {
	arguments := c.arguments()
	text, ok := arguments.(string)
	if !ok {
		return arguments != nil
	}
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && isJSON(text)
}

// shown is the call as the unary form has it, marked where it is incomplete or its arguments are no JSON.
func (c *toolCall) shown(unfinished bool) object {
	made := settledObject(c.fields)
	if unfinished && !c.isWhole() {
		made["complete"] = false
	} else if !c.isValid() {
		made["arguments_valid"] = false
	}
	return made
}

// toolCalls are all calls of one choice.
type toolCalls struct {
	calls  map[int]*toolCall
	byID   map[string]int
	latest int // -1 before the first
}

func newToolCalls() *toolCalls {
	return &toolCalls{calls: map[int]*toolCall{}, byID: map[string]int{}, latest: -1}
}

// add adds the tool_calls of one delta.
func (c *toolCalls) add(entries []any) {
	for position, value := range entries {
		if entry, ok := asObject(value); ok {
			c.callOf(entry, position, len(entries)).add(entry)
		}
	}
}

// ordered are the calls in index order.
func (c *toolCalls) ordered() []*toolCall {
	if c == nil {
		return nil
	}
	var calls []*toolCall
	for _, key := range sortedKeys(c.calls) {
		calls = append(calls, c.calls[key])
	}
	return calls
}

func (c *toolCalls) callOf(entry object, position, count int) *toolCall {
	key, ok := asInt(entry["index"])
	if !ok {
		key = c.keyWithoutIndex(entry, position, count)
	}
	if id := asText(entry["id"]); id != "" {
		if _, known := c.byID[id]; !known {
			c.byID[id] = key
		}
	}
	c.latest = key
	if c.calls[key] == nil {
		c.calls[key] = &toolCall{object{}}
	}
	return c.calls[key]
}

func (c *toolCalls) keyWithoutIndex(entry object, position, count int) int {
	if id := asText(entry["id"]); id != "" {
		if key, known := c.byID[id]; known {
			return key
		}
		return c.nextKey()
	}
	if count > 1 {
		return position
	}
	if c.latest < 0 || c.beginsNew(entry) {
		return c.nextKey()
	}
	return c.latest
}

func (c *toolCalls) nextKey() int {
	next := 0
	for key := range c.calls {
		next = max(next, key+1)
	}
	return next
}

func (c *toolCalls) beginsNew(entry object) bool {
	function, ok := asObject(entry["function"])
	return ok && truthy(function["name"]) && c.calls[c.latest].isWhole()
}

func sortedKeys[V any](entries map[int]V) []int {
	keys := make([]int, 0, len(entries))
	for key := range entries {
		keys = append(keys, key)
	}
	sort.Ints(keys)
	return keys
}
