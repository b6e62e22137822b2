package forge

import "strings"

// The block-event family: named events, blocks by index, ended by message_stop. What the rules
// leave open:
//
//   - A second content_block_start for an index is StreamProtocolError: taking it would lose a block.
//   - A delta that comes after its block's stop is still added; a second stop changes nothing.
//   - Null in message_delta never replaces a value.
//   - An unfinished tool block in partial shows its input as far as the bytes go, and the raw text.

const blocksTerminal = "message_stop"

// contentBlock is one content block, growing; raw are the pieces of partial JSON, nil if none came.
type contentBlock struct {
	fields object
	raw    *pieces
	closed bool
}

func (b *contentBlock) add(delta object) {
	switch asText(delta["type"]) {
	case "text_delta":
		b.addText("text", delta)
	case "thinking_delta":
		b.addText("thinking", delta)
	case "input_json_delta":
		b.addInput(delta)
	case "signature_delta":
		if truthy(delta["signature"]) {
			b.fields["signature"] = delta["signature"]
		}
	case "citations_delta":
		b.addCitation(delta)
	case "compaction_delta":
		for name, value := range delta {
			if name != "type" {
				b.fields[name] = value
			}
		}
	default:
		b.listed("extra", delta)
	}
}

func (b *contentBlock) addText(field string, delta object) {
	text, ok := delta[field].(string)
	if !ok {
		b.listed("extra", delta)
		return
	}
	growing, grows := b.fields[field].(*pieces)
	if !grows {
		growing = newPieces(asText(b.fields[field]))
		b.fields[field] = growing
	}
	growing.WriteString(text)
}

func (b *contentBlock) addInput(delta object) {
	text, ok := delta["partial_json"].(string)
	if !ok {
		b.listed("extra", delta)
		return
	}
	if b.raw == nil {
		b.raw = newPieces("")
	}
	b.raw.WriteString(text)
}

func (b *contentBlock) addCitation(delta object) {
	if citation, ok := delta["citation"]; ok {
		b.listed("citations", citation)
	} else {
		b.listed("extra", delta)
	}
}

func (b *contentBlock) listed(field string, entry any) {
	list, _ := b.fields[field].([]any) // ours: the start was copied
	b.fields[field] = append(list, entry)
}

func (b *contentBlock) rawText() string {
	if b.raw == nil {
		return ""
	}
	return b.raw.String()
}

// finished is the block as the unary response has it.
func (b *contentBlock) finished() object {
	made := settledObject(b.fields)
	raw := b.rawText()
	if strings.TrimSpace(raw) != "" {
		parseInput(made, raw)
	} else if _, told := made["input"]; b.raw != nil && !told {
		made["input"] = object{}
	}
	return made
}

func parseInput(block object, raw string) {
	input, err := decodeJSON([]byte(raw))
	if err != nil {
		input = object{}
		block["input_valid"], block["input_raw"] = false, raw
	}
	block["input"] = input
}

// unfinished is the block so far, marked as not complete.
func (b *contentBlock) unfinished() object {
	made := settledObject(b.fields)
	if raw := b.rawText(); raw != "" {
		made["input"] = parsePartial(raw)
		if made["input"] == nil {
			made["input"] = object{}
		}
		made["input_raw"] = raw
	}
	made["complete"] = false
	return made
}

// blockAccumulator accumulates one block-event stream.
type blockAccumulator struct {
	terminal bool
	message  object
	tokens   object
	blocks   map[int]*contentBlock
}

func newBlockAccumulator() *blockAccumulator {
	return &blockAccumulator{tokens: object{}, blocks: map[int]*contentBlock{}}
}

func (a *blockAccumulator) isTerminal() bool { return a.terminal }

func (a *blockAccumulator) isSentinel(string) bool { return false }

func (a *blockAccumulator) ends(name, data string) bool {
	return strings.Contains(data, blocksTerminal) && isTerminalKind(name, data, blocksTerminal)
}

func (a *blockAccumulator) add(name string, data any) *Error {
	if a.terminal || data == nil {
		return nil
	}
	event, ok := asObject(data)
	if !ok {
		return protocolError("an event of the stream is not an object")
	}
	kind := asText(kindOf(name, event))
	switch kind {
	case "message_start":
		return a.startMessage(event)
	case "content_block_start", "content_block_delta", "content_block_stop", "message_delta", blocksTerminal:
		if a.message == nil {
			return protocolError("%s before message_start", kind)
		}
	}
	return a.step(kind, event)
}

func (a *blockAccumulator) step(kind string, event object) *Error {
	switch kind {
	case "content_block_start":
		return a.startBlock(event)
	case "content_block_delta":
		block, err := a.block(event, kind)
		if delta, ok := asObject(event["delta"]); err == nil && ok {
			block.add(delta)
		}
		return err
	case "content_block_stop":
		block, err := a.block(event, kind)
		if err == nil {
			block.closed = true
		}
		return err
	case "message_delta":
		a.deltaMessage(event)
	case blocksTerminal:
		a.terminal = true
	}
	return nil
}

func (a *blockAccumulator) startMessage(event object) *Error {
	if a.message != nil {
		return protocolError("a second message_start in one stream")
	}
	message, ok := asObject(event["message"])
	if !ok {
		return protocolError("a message_start without a message")
	}
	a.message = copyObject(message)
	usage, _ := asObject(message["usage"])
	a.tokens = copyObject(usage)
	return nil
}

func (a *blockAccumulator) startBlock(event object) *Error {
	index, hasIndex := asInt(event["index"])
	start, hasBlock := asObject(event["content_block"])
	if !hasIndex || !hasBlock {
		return protocolError("a content_block_start without index or block")
	}
	if a.blocks[index] != nil {
		return protocolError("a second content_block_start for index %d", index)
	}
	a.blocks[index] = &contentBlock{fields: settledObject(start)}
	return nil
}

func (a *blockAccumulator) block(event object, kind string) (*contentBlock, *Error) {
	index, ok := asInt(event["index"])
	block := a.blocks[index]
	if !ok || block == nil {
		return nil, protocolError("%s for index %v, which was not started", kind, event["index"])
	}
	return block, nil
}

func (a *blockAccumulator) deltaMessage(event object) {
	if usage, ok := asObject(event["usage"]); ok {
		replaceFields(a.tokens, usage)
	}
	if delta, ok := asObject(event["delta"]); ok {
		replaceFields(a.message, delta)
	}
	for name, value := range event {
		if name != "type" && name != "usage" && name != "delta" {
			replaceFields(a.message, object{name: value})
		}
	}
}

func replaceFields(target, fields object) {
	for name, value := range fields {
		if _, known := target[name]; value != nil || !known {
			target[name] = value
		}
	}
}

func (a *blockAccumulator) ending() completion {
	if a.terminal {
		return endedExplicit
	}
	for _, block := range a.blocks {
		if !block.closed {
			return endedInterrupted
		}
	}
	if truthy(a.message["stop_reason"]) {
		return endedInferred
	}
	return endedInterrupted
}

func (a *blockAccumulator) result() any { return a.shown(true) }

func (a *blockAccumulator) partial() any { return a.shown(false) }

func (a *blockAccumulator) shown(final bool) object {
	if a.message == nil {
		return object{}
	}
	made := settledObject(a.message)
	made["content"] = a.content(made["content"], final)
	if len(a.tokens) > 0 {
		made["usage"] = settled(a.tokens)
	}
	return made
}

// content are the blocks by index, over what message_start brought, which is normally nothing.
func (a *blockAccumulator) content(given any, final bool) []any {
	parts := map[int]any{}
	before, _ := given.([]any)
	for index, part := range before {
		parts[index] = part
	}
	for index, block := range a.blocks {
		if final || block.closed {
			parts[index] = block.finished()
		} else {
			parts[index] = block.unfinished()
		}
	}
	content := []any{}
	for _, index := range sortedKeys(parts) {
		content = append(content, parts[index])
	}
	return content
}

func (a *blockAccumulator) usage() any { return a.tokens }

func (a *blockAccumulator) textOf(_ string, data any) string {
	event, _ := asObject(data)
	value, isDelta := event["delta"]
	if !isDelta {
		value = event["content_block"]
	}
	part, _ := asObject(value)
	if kind := asText(part["type"]); kind != "text" && kind != "text_delta" {
		return ""
	}
	return asText(part["text"])
}

// isContent is whether this event brings text, thinking, tool input or a block that arrives complete.
func (a *blockAccumulator) isContent(data any) bool {
	event, _ := asObject(data)
	if delta, ok := asObject(event["delta"]); ok && event["type"] == "content_block_delta" {
		for _, field := range []string{"text", "thinking", "partial_json", "citation", "content"} {
			if truthy(delta[field]) {
				return true
			}
		}
		return false
	}
	block, ok := asObject(event["content_block"])
	kind := asText(block["type"])
	return ok && (kind != "text" && kind != "thinking" || truthy(block["text"]))
}

func (a *blockAccumulator) toolInput(index int) any {
	block := a.blocks[index]
	switch {
	case block == nil:
		return nil
	case block.raw == nil:
		return settled(block.fields["input"])
	}
	return parsePartial(block.raw.String())
}
