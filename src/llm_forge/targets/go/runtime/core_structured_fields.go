package forge

import (
	"regexp"
	"strings"
)

// The little of Structured Fields (RFC 9651) that rate-limit headers use: a list of items with parameters.

const (
	mostItems    = 16
	longestField = 2048
	fieldValue   = `(?:"(?:[^"\\]|\\.)*"|[^",;\s=]+)`
)

var (
	itemForm      = regexp.MustCompile(`^\s*(` + fieldValue + `)((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=` + fieldValue + `)?)*)\s*(?:,|$)`)
	parameterForm = regexp.MustCompile(`;\s*([a-z*][a-z0-9_.*-]*)(?:=(` + fieldValue + `))?`)
	escapedForm   = regexp.MustCompile(`\\(.)`)
)

type fieldItem struct {
	name       string
	parameters map[string]string
}

// parseItems are the items of all fields of one name; none if anything is malformed.
func parseItems(fields []string) []fieldItem {
	text := strings.Join(fields, ",")
	if len(text) > longestField {
		return nil
	}
	var items []fieldItem
	for text != "" {
		found := itemForm.FindStringSubmatch(text)
		if found == nil || len(items) == mostItems {
			return nil
		}
		items = append(items, fieldItem{bare(found[1]), parametersOf(found[2])})
		text = text[len(found[0]):]
	}
	return items
}

func parametersOf(text string) map[string]string {
	parameters := map[string]string{}
	for _, found := range parameterForm.FindAllStringSubmatch(text, -1) {
		parameters[found[1]] = bare(or(found[2], "1"))
	}
	return parameters
}

func bare(value string) string {
	if !strings.HasPrefix(value, `"`) {
		return value
	}
	return escapedForm.ReplaceAllString(value[1:len(value)-1], "$1")
}
