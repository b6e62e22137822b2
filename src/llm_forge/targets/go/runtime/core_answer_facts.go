package forge

// What an answer says of itself, without any of its content: ids, reasons and tokens.

// tokenPaths is where providers put a count: the names of one fact, each a path into usage.
var tokenPaths = map[string][]string{
	"input_tokens":          {"input_tokens", "prompt_tokens"},
	"output_tokens":         {"output_tokens", "completion_tokens"},
	"cache_read_tokens":     {"cache_read_input_tokens", "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"},
	"cache_creation_tokens": {"cache_creation_input_tokens"},
	"reasoning_tokens":      {"completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"},
}

// answerFacts are the facts that are there: response_id, response_model, finish_reasons and counts of tokens.
// input_tokens counts all input, cached or not, whether the provider counts the cached part in or not.
func answerFacts(answer any) map[string]any {
	facts := map[string]any{}
	fields, ok := asObject(answer)
	if !ok {
		return facts
	}
	for name, field := range map[string]string{"response_id": "id", "response_model": "model"} {
		if text, ok := fields[field].(string); ok {
			facts[name] = text
		}
	}
	if reasons := reasonsOf(fields); len(reasons) > 0 {
		facts["finish_reasons"] = reasons
	}
	if usage, ok := asObject(fields["usage"]); ok {
		addTokenFacts(facts, usage)
	}
	return facts
}

func addTokenFacts(facts map[string]any, usage object) {
	for name, paths := range tokenPaths {
		for _, path := range paths {
			if count, ok := asInt(at(usage, path)); ok {
				facts[name] = count
				break
			}
		}
	}
	if input, ok := facts["input_tokens"].(int); ok {
		// Anthropic counts the cached part beside the input, the others inside it.
		read, _ := asInt(usage["cache_read_input_tokens"])
		created, _ := asInt(usage["cache_creation_input_tokens"])
		facts["input_tokens"] = input + read + created
	}
}

func reasonsOf(answer object) []string {
	var reasons []string
	if reason := asText(answer["stop_reason"]); reason != "" {
		reasons = append(reasons, reason)
	}
	for _, choice := range choicesOf(answer) {
		if reason := asText(choice["finish_reason"]); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// usageCost are the tokens that a result reports, nil if it reports none.
func usageCost(usage any) *cost {
	fields, _ := asObject(usage)
	input, knowsInput := firstCount(fields, "input_tokens", "prompt_tokens")
	output, knowsOutput := firstCount(fields, "output_tokens", "completion_tokens")
	if !knowsInput && !knowsOutput {
		return nil
	}
	return &cost{input: input, output: output}
}

func firstCount(fields object, names ...string) (float64, bool) {
	for _, name := range names {
		if count, ok := asFloat(fields[name]); ok {
			return count, true
		}
	}
	return 0, false
}
