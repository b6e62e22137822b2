package forge

import (
	"encoding/json"
	"strings"
)

// Decoded JSON is map[string]any, []any, string, json.Number, bool and nil; these read it without panics.

type object = map[string]any

func asObject(value any) (object, bool) {
	found, ok := value.(object)
	return found, ok
}

func asText(value any) string {
	found, _ := value.(string)
	return found
}

// asInt is a whole number; callers' own values may be of Go's integer types.
func asInt(value any) (int, bool) {
	switch number := value.(type) {
	case json.Number:
		whole, err := number.Int64()
		return int(whole), err == nil
	case int:
		return number, true
	case int64:
		return int(number), true
	case int32:
		return int(number), true
	}
	return 0, false
}

func asFloat(value any) (float64, bool) {
	switch number := value.(type) {
	case json.Number:
		float, err := number.Float64()
		return float, err == nil
	case float64:
		return number, true
	}
	whole, ok := asInt(value)
	return float64(whole), ok
}

// truthy is whether a value says anything: null, false, 0, "" and empty containers do not.
func truthy(value any) bool {
	switch found := value.(type) {
	case nil:
		return false
	case bool:
		return found
	case string:
		return found != ""
	case *pieces:
		return found.Len() > 0
	case object:
		return len(found) > 0
	case []any:
		return len(found) > 0
	}
	number, ok := asFloat(value)
	return !ok || number != 0
}

// at is what stands at a dotted path of JSON, nil if nothing does.
func at(value any, path string) any {
	for _, name := range strings.Split(path, ".") {
		inner, _ := asObject(value)
		value = inner[name]
	}
	return value
}

func copyObject(value object) object {
	made := make(object, len(value)+1)
	for name, entry := range value {
		made[name] = entry
	}
	return made
}

func contains[T comparable](list []T, wanted T) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}
