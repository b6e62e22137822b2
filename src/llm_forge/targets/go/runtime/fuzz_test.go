package forge

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus are the inputs of one of the project's corpora, where they are at hand: a copy of this package has none.
func corpus[T any](f testing.TB, name string) []T {
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "..", "conformance", "corpora", name+".json"))
	if err != nil {
		return nil
	}
	var table struct {
		Cases []struct{ Input T }
	}
	if err := json.Unmarshal(content, &table); err != nil {
		f.Fatal(err)
	}
	var inputs []T
	for _, one := range table.Cases {
		inputs = append(inputs, one.Input)
	}
	return inputs
}

func seedChunks(f *testing.F, name string) {
	for _, input := range corpus[struct{ Chunks []any }](f, name) {
		var text strings.Builder
		for _, chunk := range input.Chunks {
			digits, _ := chunk.(string)
			bytes, _ := hex.DecodeString(digits)
			text.Write(bytes)
		}
		f.Add([]byte(text.String()), uint16(7))
	}
	f.Add([]byte("event: a\r\ndata: x\rdata:y\n\n:c\nid: 1\nretry: 5\n\xef\xbb\xbfdata\r\n\r\n"), uint16(3))
}

// framed is everything that a decoder makes of bytes cut at the places that a number says.
func framed(decoder frameDecoder, data []byte, cuts uint16) ([]rawEvent, rawEvent, bool, error) {
	var events []rawEvent
	for step := int(cuts%13) + 1; len(data) > 0; step = step*5%11 + 1 {
		size := min(step, len(data))
		found, err := decoder.feed(append([]byte(nil), data[:size]...))
		events = append(events, found...)
		if err != nil {
			return events, rawEvent{}, false, err
		}
		data = data[size:]
	}
	rest, found, err := decoder.finish()
	return events, rest, found, err
}

// the same events for every chunking of the same bytes.
func sameForEveryChunking(t *testing.T, make func() frameDecoder, data []byte, cuts uint16) {
	whole := make()
	events, err := whole.feed(append([]byte(nil), data...))
	var rest rawEvent
	var found bool
	if err == nil {
		rest, found, err = whole.finish()
	}
	cut, cutRest, cutFound, cutErr := framed(make(), data, cuts)
	if fmt.Sprintf("%q %q", events, rest) != fmt.Sprintf("%q %q", cut, cutRest) || found != cutFound || (err == nil) != (cutErr == nil) {
		t.Errorf("whole: %q %q %v %v\ncut: %q %q %v %v", events, rest, found, err, cut, cutRest, cutFound, cutErr)
	}
}

func FuzzSSE(f *testing.F) {
	seedChunks(f, "sse")
	f.Fuzz(func(t *testing.T, data []byte, cuts uint16) {
		sameForEveryChunking(t, func() frameDecoder { return newSSEDecoder(sseLimits{64, 128, 32}) }, data, cuts)
	})
}

func FuzzLines(f *testing.F) {
	seedChunks(f, "lines")
	f.Fuzz(func(t *testing.T, data []byte, cuts uint16) {
		sameForEveryChunking(t, func() frameDecoder { return newJSONLines(64) }, data, cuts)
	})
}

func FuzzDurations(f *testing.F) {
	for _, input := range corpus[struct{ Text string }](f, "durations") {
		f.Add(input.Text)
	}
	f.Add("1h2m3.5s4ms5µs6ns")
	f.Fuzz(func(t *testing.T, text string) {
		value, ok := parseDuration(text)
		if ok && (value < 0 || math.IsNaN(value)) || !ok && value != 0 {
			t.Errorf("%q: %v %v", text, value, ok)
		}
		if number, plain := parseNumber(text); plain && (!ok || number != value) {
			t.Errorf("%q: %v is not %v", text, value, number)
		}
	})
}

var everyFamily = []Family{FamilyChat, FamilyBlocks, FamilyResponse, FamilyConversation, FamilyEvents}

// Whatever a server sends, a stream ends well or with a typed error, says so once, and gives JSON of what arrived. What
// the same bytes in other chunks add up to is the same.
func FuzzAccumulators(f *testing.F) {
	for _, name := range []string{"chat", "blocks", "response", "conversation", "events"} {
		for _, input := range corpus[struct {
			Family Family
			Events []json.RawMessage
			Tail   string
		}](f, "accumulate_"+name) {
			var text strings.Builder
			for _, event := range input.Events {
				text.WriteString("data: " + string(event) + "\n\n")
			}
			for place, family := range everyFamily {
				if family == input.Family {
					f.Add(byte(place), []byte(text.String()+input.Tail), uint16(5))
				}
			}
		}
	}
	words := errorReader{&Profile{Name: "test"}, newRedactor(nil, nil)}
	f.Fuzz(func(t *testing.T, family byte, data []byte, cuts uint16) {
		rule := &StreamRule{Family: everyFamily[int(family)%len(everyFamily)], Terminal: []string{"speech.audio.done"}}
		var ends []string
		for _, step := range []int{len(data) + 1, int(cuts%17) + 1} {
			reader := newStreamReader(rule, func(data any) *Error { return words.ofEvent(data, "") }, words.redactor.text)
			for rest := data; len(rest) > 0 && !reader.ended(); {
				size := min(step, len(rest))
				reader.feed(append([]byte(nil), rest[:size]...))
				reader.ready, rest = nil, rest[size:]
				for len(reader.waiting) > 0 && !reader.ended() {
					reader.ready = nil
					reader.refill()
				}
			}
			if !reader.ended() {
				reader.finish(false)
			}
			if (reader.completion == endedInterrupted) == (reader.failure == nil) {
				t.Fatalf("completion %q, failure %v", reader.completion, reader.failure)
			}
			encoded, err := marshal([]any{reader.accumulator.partial(), reader.accumulator.result(), reader.completion, reader.failure == nil})
			if err != nil {
				t.Fatal(err)
			}
			reader.accumulator.toolInput(0)
			ends = append(ends, string(encoded))
		}
		if ends[0] != ends[1] {
			t.Errorf("whole: %s\ncut: %s", ends[0], ends[1])
		}
	})
}

// what is read of unfinished JSON never runs ahead of the bytes: of a text it is always a beginning.
func FuzzPartialJSON(f *testing.F) {
	f.Add(`{"a": [1, "x\u00e9\ud83d\ude42", true], "b": {"c": null}}`, uint16(20))
	f.Fuzz(func(t *testing.T, text string, cut uint16) {
		parsePartial(text)
		quoted, err := marshal(strings.ToValidUTF8(text, ""))
		if err != nil {
			t.Fatal(err)
		}
		part, ok := parsePartial(string(quoted[:int(cut)%(len(quoted)+1)])).(string)
		whole := decoded(quoted).(string)
		if ok && !strings.HasPrefix(whole, part) {
			t.Errorf("%q is no beginning of %q", part, whole)
		}
	})
}

func FuzzConfigFile(f *testing.F) {
	f.Add("providers:\n  acme:\n    retry: {max_attempts: 5}\n    # note\n    headers:\n      - a: 'b''c'\n")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := parseYAML([]byte(text), "forge.yaml")
		if err != nil && !is(err, KindConfig) {
			t.Error(err)
		}
		if err == nil {
			root.plain()
		}
	})
}
