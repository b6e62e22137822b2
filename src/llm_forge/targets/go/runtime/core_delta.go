package forge

import "strings"

// Growing JSON: deltas of unknown shape put together by their type.
//
// Strings concatenate, numbers and booleans replace, lists append, objects merge; null changes nothing that is
// there. Names that label instead of carrying text (id, type, role) keep their first value. Pieces of text are
// kept in a builder, so that a stream of n pieces costs n, not n squared.

// pieces is a string that is still growing.
type pieces struct{ strings.Builder }

func newPieces(text string) *pieces {
	made := &pieces{}
	made.WriteString(text)
	return made
}

func firstWins(name string) bool { return name == "id" || name == "type" || name == "role" }

// lastWins: Groq labels every chunk with the channel it belongs to.
func lastWins(name string) bool { return name == "channel" }

// merge adds one delta object to a growing object.
func merge(target, delta object) {
	for name, value := range delta {
		mergeField(target, name, value)
	}
}

func mergeField(target object, name string, value any) {
	old, known := target[name]
	text, isText := value.(string)
	switch {
	case isText:
		mergeText(target, name, old, text)
	case value == nil:
		if !known {
			target[name] = nil
		}
	default:
		target[name] = grown(old, value)
	}
}

func mergeText(target object, name string, old any, text string) {
	growing, grows := old.(*pieces)
	switch {
	case firstWins(name):
		if !truthy(old) {
			target[name] = text
		}
	case grows:
		growing.WriteString(text)
	case lastWins(name):
		target[name] = text
	default:
		target[name] = newPieces(text)
	}
}

// grown is what a growing value becomes with one more part; value itself is never changed.
func grown(old, value any) any {
	switch part := value.(type) {
	case object:
		target, ok := asObject(old)
		if !ok {
			target = object{}
		}
		merge(target, part)
		return target
	case []any:
		list, _ := old.([]any) // ours: the first part was copied
		return append(list, part...)
	case string:
		return newPieces(part)
	}
	return value
}

// settled is a fresh plain JSON value of a growing one.
func settled(value any) any {
	switch found := value.(type) {
	case *pieces:
		return found.String()
	case object:
		return settledObject(found)
	case []any:
		made := make([]any, len(found))
		for place, entry := range found {
			made[place] = settled(entry)
		}
		return made
	}
	return value
}

func settledObject(value object) object {
	made := make(object, len(value)+2)
	for name, entry := range value {
		made[name] = settled(entry)
	}
	return made
}

// textOf is the text of a value that is a string or a growing one.
func textOf(value any) (string, bool) {
	switch found := value.(type) {
	case string:
		return found, true
	case *pieces:
		return found.String(), true
	}
	return "", false
}
