package forge

// The lists in a chat delta that do not simply append: typed content and executed tools.
//
// Typed chunks are appended in order. Mistral sends a thought as many thinking chunks where its unary answer has
// one, so adjacent ones grow together; plain strings between typed chunks become text chunks. Groq repeats an
// executed tool with what is known by then, so the later report of an index updates it.

// grownContent is the content with one more delta, where old or value is a list.
func grownContent(old, value any) []any {
	chunks, ok := old.([]any)
	if !ok {
		chunks = chunksOf(old)
	}
	entries, ok := value.([]any)
	if !ok {
		entries = []any{value}
	}
	for _, entry := range entries {
		if text, ok := entry.(string); ok {
			chunks = withText(chunks, text)
		} else {
			chunks = withChunk(chunks, entry)
		}
	}
	return chunks
}

func chunksOf(old any) []any {
	if growing, ok := old.(*pieces); ok && growing.Len() > 0 {
		return []any{object{"type": "text", "text": newPieces(growing.String())}}
	}
	return []any{}
}

func last(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// growingText is the text that the last of some chunks is still growing by, nil if it is no such chunk.
func growingText(chunk any) *pieces {
	found, _ := asObject(chunk)
	growing, _ := found["text"].(*pieces)
	return growing
}

func withText(chunks []any, text string) []any {
	if growing := growingText(last(chunks)); growing != nil {
		growing.WriteString(text)
	} else if text != "" {
		chunks = append(chunks, object{"type": "text", "text": newPieces(text)})
	}
	return chunks
}

func withChunk(chunks []any, entry any) []any {
	parts, isThought := thoughtOf(entry)
	if !isThought {
		return append(chunks, entry)
	}
	if _, continues := thoughtOf(last(chunks)); !continues {
		chunks = append(chunks, object{"type": "thinking", "thinking": []any{}})
	}
	thought, _ := asObject(last(chunks))
	for name, value := range entry.(object) {
		if name != "thinking" {
			thought[name] = value
		}
	}
	grownParts := thought["thinking"].([]any)
	for _, part := range parts {
		grownParts = withPart(grownParts, part)
	}
	thought["thinking"] = grownParts
	return chunks
}

// thoughtOf are the parts of a thinking chunk, false for any other.
func thoughtOf(entry any) ([]any, bool) {
	chunk, _ := asObject(entry)
	parts, ok := chunk["thinking"].([]any)
	return parts, ok && chunk["type"] == "thinking"
}

func withPart(parts []any, part any) []any {
	chunk, _ := asObject(part)
	text, isText := chunk["text"].(string)
	_, typed := chunk["type"]
	if !isText || !typed || len(chunk) != 2 {
		return append(parts, part)
	}
	before, _ := asObject(last(parts))
	if growing := growingText(before); growing != nil && asText(before["type"]) == asText(chunk["type"]) {
		growing.WriteString(text)
		return parts
	}
	return append(parts, object{"type": chunk["type"], "text": newPieces(text)})
}

// grownReports are executed tools with one more delta; an entry of a known index updates the earlier report.
func grownReports(old any, value []any) []any {
	reports, _ := old.([]any)
	reports = append([]any(nil), reports...)
	for _, entry := range value {
		fields, isObject := asObject(entry)
		if place := reportOf(reports, fields["index"]); place >= 0 {
			reports[place] = updated(reports[place].(object), fields)
		} else if isObject {
			reports = append(reports, copyObject(fields))
		} else {
			reports = append(reports, entry)
		}
	}
	return reports
}

func reportOf(reports []any, index any) int {
	wanted, ok := asInt(index)
	if !ok {
		return -1
	}
	for place, report := range reports {
		fields, _ := asObject(report)
		if number, ok := asInt(fields["index"]); ok && number == wanted {
			return place
		}
	}
	return -1
}

func updated(report, fields object) object {
	made := copyObject(report)
	for name, value := range fields {
		if value != nil {
			made[name] = value
		}
	}
	return made
}
