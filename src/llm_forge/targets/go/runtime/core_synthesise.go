package forge

// synthesised are the events that accumulate to a whole unary answer, for servers that ignore the
// stream parameter; the sentinel has nil data. None if it is no such result. Typed events that add up to nothing
// cannot be guessed: there the whole answer is the only event.
func synthesised(family Family, result object) []Decoded {
	switch family {
	case FamilyBlocks:
		return synthesisedBlocks(result)
	case FamilyResponse:
		return synthesisedResponse(result)
	case FamilyConversation:
		return synthesisedConversation(result)
	case FamilyEvents:
		return []Decoded{{Name: "message", Data: result}, {Name: "message"}}
	}
	return synthesisedChat(result)
}

func typedEvent(kind string, fields object) Decoded {
	made := copyObject(fields)
	made["type"] = kind
	return Decoded{Name: kind, Data: made}
}

func synthesisedChat(result object) []Decoded {
	choices, ok := result["choices"].([]any)
	if !ok {
		return nil
	}
	chunk := copyObject(result)
	made := make([]any, len(choices))
	for place, value := range choices {
		choice, ok := asObject(value)
		if !ok {
			return nil
		}
		if _, hasMessage := choice["message"]; hasMessage {
			chunk["object"] = "chat.completion.chunk"
		}
		made[place] = chunkChoice(choice)
	}
	chunk["choices"] = made
	return []Decoded{{Name: "message", Data: chunk}, {Name: "message"}}
}

func chunkChoice(choice object) object {
	made := copyObject(choice)
	delete(made, "message")
	made["delta"] = choice["message"]
	if message, ok := asObject(choice["message"]); ok {
		if calls, ok := message["tool_calls"].([]any); ok {
			delta := copyObject(message)
			delta["tool_calls"] = indexed(calls)
			made["delta"] = delta
		}
	}
	return made
}

func indexed(calls []any) []any {
	made := make([]any, len(calls))
	for place, value := range calls {
		made[place] = value
		if call, ok := asObject(value); ok {
			numbered := copyObject(call)
			if _, told := numbered["index"]; !told {
				numbered["index"] = place
			}
			made[place] = numbered
		}
	}
	return made
}

func synthesisedBlocks(result object) []Decoded {
	content, ok := result["content"].([]any)
	if !ok || result["type"] != "message" {
		return nil
	}
	opened := copyObject(result)
	opened["content"], opened["stop_reason"], opened["stop_sequence"] = []any{}, nil, nil
	events := []Decoded{typedEvent("message_start", object{"message": opened})}
	for index, block := range content {
		events = append(events,
			typedEvent("content_block_start", object{"index": index, "content_block": block}),
			typedEvent("content_block_stop", object{"index": index}))
	}
	delta := object{}
	for _, name := range []string{"stop_reason", "stop_sequence"} {
		if value, told := result[name]; told {
			delta[name] = value
		}
	}
	return append(events,
		typedEvent("message_delta", object{"delta": delta, "usage": result["usage"]}),
		typedEvent(blocksTerminal, object{}))
}

func synthesisedResponse(result object) []Decoded {
	output, ok := result["output"].([]any)
	if !ok || result["object"] != "response" {
		return nil
	}
	opened := copyObject(result)
	opened["status"], opened["output"] = "in_progress", []any{}
	events := []Decoded{typedEvent("response.created", object{"response": opened})}
	for index, item := range output {
		about := object{"output_index": index, "item": item}
		events = append(events, typedEvent("response.output_item.added", about), typedEvent("response.output_item.done", about))
	}
	ending := "completed"
	if status := asText(result["status"]); status == "incomplete" || status == "failed" {
		ending = status
	}
	return append(events, typedEvent("response."+ending, object{"response": result}))
}

func synthesisedConversation(result object) []Decoded {
	outputs, ok := result["outputs"].([]any)
	if !ok {
		return nil
	}
	head := copyObject(result)
	delete(head, "outputs")
	events := []Decoded{typedEvent(conversationStarted, head)}
	for index, value := range outputs {
		entry, ok := asObject(value)
		if !ok {
			return nil
		}
		for _, delta := range entryDeltas(index, entry) {
			events = append(events, typedEvent(asText(entry["type"])+".delta", delta))
		}
	}
	return append(events, typedEvent(conversationDone, object{}))
}

func entryDeltas(index int, entry object) []object {
	whole := copyObject(entry)
	whole["output_index"] = index
	chunks, _ := entry["content"].([]any)
	if len(chunks) == 0 {
		return []object{whole}
	}
	var deltas []object
	for place, chunk := range chunks {
		delta := object{"output_index": index}
		if id, told := entry["id"]; told {
			delta["id"] = id
		}
		if place == 0 {
			delta = whole
		}
		delta["content_index"], delta["content"] = place, chunk
		deltas = append(deltas, delta)
	}
	return deltas
}
