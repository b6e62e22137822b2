package forge

import "strings"

// Which required fields an answer lacks. A field is required if the description says so; null counts as present.
// Reading an answer never checks anything but this.

// missingPaths are the paths of required fields that an answer lacks. A path is dotted; * stands for every entry of a
// list or mapping. Only where what a field stands in is there can the field be missing.
func missingPaths(value any, required []string) []string {
	var missing []string
	for _, path := range required {
		if lacksPath(value, strings.Split(path, ".")) {
			missing = append(missing, path)
		}
	}
	return missing
}

func lacksPath(value any, path []string) bool {
	if path[0] == "*" {
		for _, entry := range entriesOf(value) {
			if len(path) > 1 && lacksPath(entry, path[1:]) {
				return true
			}
		}
		return false
	}
	fields, ok := asObject(value)
	inner, present := fields[path[0]]
	if len(path) == 1 || !ok {
		return ok && !present
	}
	return present && lacksPath(inner, path[1:])
}

func entriesOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	fields, _ := asObject(value)
	entries := make([]any, 0, len(fields))
	for _, entry := range fields {
		entries = append(entries, entry)
	}
	return entries
}
