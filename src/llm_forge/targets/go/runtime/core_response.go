package forge

import "strings"

// The response family: typed events that build one Response, ended by response.completed or
// response.incomplete, which bring the whole of it. What the rules leave open:
//
//   - The terminal event's response is the result; its output is ours only where it brings none.
//   - response.failed is an error event and no end of this accumulator's.
//   - Nothing is inferred: no event but the terminal one says that no further item follows.
//   - Items and parts that were never announced are begun by their first delta, so that no text is lost.
//   - A done event replaces what its deltas gave; unknown deltas are kept in the item's extra.

const (
	responseCompleted  = "response.completed"
	responseIncomplete = "response.incomplete"
)

// growingField is where the text of an event grows: a field of the item, or of a part in one of its lists.
type growingField struct{ field, parts, partType string }

var responseTexts = map[string]growingField{
	"response.output_text":                {"text", "content", "output_text"},
	"response.refusal":                    {"refusal", "content", "refusal"},
	"response.reasoning_text":             {"text", "content", "reasoning_text"},
	"response.reasoning_summary_text":     {"text", "summary", "summary_text"},
	"response.function_call_arguments":    {field: "arguments"},
	"response.mcp_call_arguments":         {field: "arguments"},
	"response.custom_tool_call_input":     {field: "input"},
	"response.code_interpreter_call_code": {field: "code"},
}

var responseParts = map[string]string{
	"response.content_part": "content", "response.reasoning_summary_part": "summary",
}

// responseItem is one output item, growing; parts are the entries of its lists by index.
type responseItem struct {
	fields object
	parts  map[string]map[int]object
	done   bool
}

func newResponseItem(start object) *responseItem {
	return &responseItem{fields: copyObject(start), parts: map[string]map[int]object{}}
}

// part is the part that an event is about, begun if need be.
func (i *responseItem) part(name string, data object, partType string) object {
	parts := i.listed(name)
	index, _ := asInt(data[name+"_index"])
	if parts[index] == nil {
		parts[index] = object{"type": partType}
	}
	return parts[index]
}

func (i *responseItem) putPart(name string, data object) {
	if part, ok := asObject(data["part"]); ok {
		index, _ := asInt(data[name+"_index"])
		i.listed(name)[index] = copyObject(part)
	}
}

func (i *responseItem) listed(name string) map[int]object {
	if parts := i.parts[name]; parts != nil {
		return parts
	}
	parts := map[int]object{}
	given, _ := i.fields[name].([]any)
	for index, value := range given {
		if part, ok := asObject(value); ok {
			parts[index] = copyObject(part)
		}
	}
	i.parts[name] = parts
	return parts
}

// shown is the item as the unary form has it, marked where it is not complete.
func (i *responseItem) shown(final bool) object {
	made := settledObject(i.fields)
	for name, parts := range i.parts {
		list := []any{}
		for _, index := range sortedKeys(parts) {
			list = append(list, settled(parts[index]))
		}
		made[name] = list
	}
	if !final && !i.done {
		made["complete"] = false
	}
	return made
}

func appendText(target object, field, text string) {
	growing, grows := target[field].(*pieces)
	if !grows {
		growing = newPieces(asText(target[field]))
		target[field] = growing
	}
	growing.WriteString(text)
}

func appendList(target object, field string, entries []any) {
	list, _ := target[field].([]any)
	target[field] = append(list[:len(list):len(list)], entries...)
}

// responseAccumulator accumulates one stream of the response family.
type responseAccumulator struct {
	terminal bool
	response object
	items    map[int]*responseItem
}

func newResponseAccumulator() *responseAccumulator {
	return &responseAccumulator{response: object{}, items: map[int]*responseItem{}}
}

func (a *responseAccumulator) isTerminal() bool { return a.terminal }

func (a *responseAccumulator) isSentinel(string) bool { return false }

func (a *responseAccumulator) ends(name, data string) bool {
	return isTerminalKind(name, data, responseCompleted, responseIncomplete)
}

func (a *responseAccumulator) add(name string, data any) *Error {
	if a.terminal || data == nil {
		return nil
	}
	event, ok := asObject(data)
	if !ok {
		return protocolError("an event of the stream is not an object")
	}
	kind := asText(kindOf(name, event))
	stem, word := "", ""
	if dot := strings.LastIndexByte(kind, '.'); dot >= 0 {
		stem, word = kind[:dot], kind[dot+1:]
	}
	a.step(kind, stem, word, event)
	return nil
}

func (a *responseAccumulator) step(kind, stem, word string, event object) {
	text, isText := responseTexts[stem]
	parts, isPart := responseParts[stem]
	switch {
	case isText && word == "delta":
		a.growText(text, event)
	case isText && word == "done":
		a.setText(text, event)
	case isPart && (word == "added" || word == "done"):
		a.item(event).putPart(parts, event)
	case kind == "response.output_item.added":
		if item, ok := asObject(event["item"]); ok {
			a.items[a.place(event)] = newResponseItem(item)
		}
	case kind == "response.output_item.done":
		a.endItem(event)
	case kind == "response.output_text.annotation.added":
		a.annotate(event)
	case kind != "":
		a.addOther(kind, stem, word, event)
	}
}

func (a *responseAccumulator) addOther(kind, stem, word string, event object) {
	if response, ok := asObject(event["response"]); ok {
		a.response = response
		a.terminal = kind == responseCompleted || kind == responseIncomplete
		return
	}
	item := a.known(event)
	if item == nil {
		return
	}
	if word == "delta" {
		appendList(item.fields, "extra", []any{event})
		return
	}
	switch word {
	case "in_progress", "searching", "interpreting", "generating", "completed", "failed":
		if strings.TrimPrefix(stem, "response.") == item.fields["type"] {
			item.fields["status"] = word
		}
	}
}

func (a *responseAccumulator) known(event object) *responseItem {
	if index, ok := asInt(event["output_index"]); ok {
		return a.items[index]
	}
	wanted := asText(event["item_id"])
	for _, index := range sortedKeys(a.items) {
		if item := a.items[index]; wanted != "" && item.fields["id"] == wanted {
			return item
		}
	}
	return nil
}

func (a *responseAccumulator) item(event object) *responseItem {
	item := a.known(event)
	if item == nil {
		start := object{}
		if event["item_id"] != nil {
			start["id"] = event["item_id"]
		}
		item = newResponseItem(start)
		a.items[a.place(event)] = item
	}
	return item
}

func (a *responseAccumulator) place(event object) int {
	if index, ok := asInt(event["output_index"]); ok {
		return index
	}
	next := 0
	for index := range a.items {
		next = max(next, index+1)
	}
	return next
}

func (a *responseAccumulator) endItem(event object) {
	whole, ok := asObject(event["item"])
	if !ok {
		return
	}
	about := copyObject(event)
	if _, told := about["item_id"]; !told {
		about["item_id"] = whole["id"]
	}
	item := a.known(about)
	if item == nil {
		item = newResponseItem(whole)
		a.items[a.place(event)] = item
	}
	*item = *newResponseItem(whole) // the whole item replaces what its deltas gave
	item.done = true
}

func (a *responseAccumulator) target(text growingField, event object) object {
	item := a.item(event)
	if text.parts == "" {
		return item.fields
	}
	return item.part(text.parts, event, text.partType)
}

func (a *responseAccumulator) growText(text growingField, event object) {
	delta, ok := event["delta"].(string)
	if !ok {
		return
	}
	target := a.target(text, event)
	appendText(target, text.field, delta)
	if logprobs, _ := event["logprobs"].([]any); len(logprobs) > 0 {
		appendList(target, "logprobs", logprobs)
	}
}

func (a *responseAccumulator) setText(text growingField, event object) {
	if whole, ok := event[text.field].(string); ok {
		a.target(text, event)[text.field] = whole
	}
}

func (a *responseAccumulator) annotate(event object) {
	if annotation, ok := event["annotation"]; ok {
		appendList(a.item(event).part("content", event, "output_text"), "annotations", []any{annotation})
	}
}

func (a *responseAccumulator) ending() completion {
	if a.terminal {
		return endedExplicit
	}
	return endedInterrupted
}

// result is the response object of the terminal event.
func (a *responseAccumulator) result() any {
	made := settledObject(a.response)
	if !truthy(made["output"]) && len(a.items) > 0 {
		made["output"] = a.output(true)
	}
	output, _ := made["output"].([]any)
	for _, item := range output {
		judgeArguments(item)
	}
	return made
}

func (a *responseAccumulator) partial() any {
	made := settledObject(a.response)
	if a.terminal && truthy(made["output"]) {
		return made
	}
	if len(made) > 0 || len(a.items) > 0 {
		made["output"] = a.output(false)
	}
	return made
}

func (a *responseAccumulator) output(final bool) []any {
	output := []any{}
	for _, index := range sortedKeys(a.items) {
		output = append(output, a.items[index].shown(final))
	}
	return output
}

// judgeArguments says of a function call whose arguments are no JSON that they are not.
func judgeArguments(value any) {
	item, _ := asObject(value)
	if arguments, ok := item["arguments"].(string); ok && item["type"] == "function_call" && !isJSON(arguments) {
		item["arguments_valid"] = false
	}
}

func (a *responseAccumulator) usage() any { return a.response["usage"] }

func (a *responseAccumulator) textOf(name string, data any) string {
	event, ok := asObject(data)
	if !ok || kindOf(name, event) != "response.output_text.delta" {
		return ""
	}
	return asText(event["delta"])
}

// isContent is whether this event brings text, reasoning, tool input, or an item that is whole.
func (a *responseAccumulator) isContent(data any) bool {
	event, _ := asObject(data)
	kind := asText(event["type"])
	return kind == "response.output_item.done" || strings.HasSuffix(kind, ".delta") && truthy(event["delta"])
}

func (a *responseAccumulator) toolInput(index int) any {
	item := a.items[index]
	if item == nil {
		return nil
	}
	for _, field := range []string{"arguments", "input", "code"} {
		if value := item.fields[field]; value != nil {
			return parsedSoFar(value)
		}
	}
	return nil
}
