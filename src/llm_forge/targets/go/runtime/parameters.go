package forge

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Parameters as text, in the styles that OpenAPI has for lists and objects (OpenAPI 3.1, 4.8.12.3).
//
//   - A value that is nil is left out, also inside an object.
//   - Without a style a list in a query is a pair for each entry, elsewhere its entries are joined by commas; an object in
//     a query is name[key] pairs, elsewhere keys and values joined by commas.
//   - A text is taken for JSON that is ready where the style is json.
//   - In a path the parts of a value are percent-encoded, what stands between them is not (RFC 6570 section 3.2); label
//     puts a dot in front and matrix a semicolon and the name, with a star for each part anew.

// textsOf are the parameters of a place other than the query; styles are by place and name.
func textsOf(place string, values map[string]any, styles map[string]string) (map[string]string, error) {
	made := map[string]string{}
	for name, value := range values {
		if isAbsent(value) {
			continue
		}
		text, err := parameterText(value, styles[place+"."+name])
		if err != nil {
			return nil, err
		}
		made[name] = text
	}
	return made, nil
}

// pathSegment is a parameter of a path as it stands in it; one that is absent is empty, which no path takes.
func pathSegment(name string, value any, style string) (string, error) {
	if isAbsent(value) {
		return "", nil
	}
	value = plainParameter(value)
	parts, err := segmentParts(value, style)
	if err != nil || len(parts) == 0 {
		return "", err
	}
	switch style {
	case "label":
		return "." + strings.Join(parts, ","), nil
	case "label*":
		return "." + strings.Join(parts, "."), nil
	case "matrix":
		return matrixParameter(name, strings.Join(parts, ",")), nil
	case "matrix*":
		return matrixParameters(name, parts, value), nil
	}
	return strings.Join(parts, ","), nil
}

func matrixParameters(name string, parts []string, value any) string {
	if _, isObject := asObject(value); isObject {
		return ";" + strings.Join(parts, ";")
	}
	var made strings.Builder
	for _, part := range parts {
		made.WriteString(matrixParameter(name, part))
	}
	return made.String()
}

// matrixParameter is ;name=value, without an equals sign where the value is empty.
func matrixParameter(name, encoded string) string {
	if encoded == "" {
		return ";" + escapeAll(name)
	}
	return ";" + escapeAll(name) + "=" + encoded
}

// segmentParts are, percent-encoded, the entries of a list, keys and values of an object, or a value alone.
func segmentParts(value any, style string) ([]string, error) {
	if style == "json" {
		text, err := parameterText(value, style)
		return []string{escapeAll(text)}, err
	}
	if list, ok := value.([]any); ok {
		var parts []string
		for _, one := range list {
			parts = append(parts, escapeAll(wireText(one)))
		}
		return parts, nil
	}
	if fields, ok := asObject(value); ok {
		return objectParts(fields, style), nil
	}
	return []string{escapeAll(wireText(value))}, nil
}

func objectParts(fields object, style string) []string {
	inner := ","
	if style == "pairs" || strings.HasSuffix(style, "*") {
		inner = "="
	}
	var parts []string
	for _, key := range sortedNames(fields) {
		if !isAbsent(fields[key]) {
			parts = append(parts, escapeAll(key)+inner+escapeAll(wireText(fields[key])))
		}
	}
	return parts
}

// queryPairs are the names and values of a query, by name.
func queryPairs(query map[string]any, styles map[string]string) ([]pair, error) {
	var pairs []pair
	for _, name := range sortedNames(query) {
		if isAbsent(query[name]) {
			continue
		}
		more, err := pairsOf(name, query[name], styles["query."+name])
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, more...)
	}
	return pairs, nil
}

func pairsOf(name string, value any, style string) ([]pair, error) {
	value = plainParameter(value)
	apart := style == "" || style == "fields"
	fields, isObject := asObject(value)
	list, isList := value.([]any)
	var pairs []pair
	switch {
	case isObject && apart:
		for _, key := range sortedNames(fields) {
			if isAbsent(fields[key]) {
				continue
			}
			called := name + "[" + key + "]"
			if style == "fields" {
				called = key
			}
			pairs = append(pairs, pair{called, wireText(fields[key])})
		}
		return pairs, nil
	case isList && apart:
		for _, one := range list {
			pairs = append(pairs, pair{name, wireText(one)})
		}
		return pairs, nil
	}
	text, err := parameterText(value, style)
	return []pair{{name, text}}, err
}

// parameterText is one parameter as a single text.
func parameterText(value any, style string) (string, error) {
	value = plainParameter(value)
	text, isText := value.(string)
	if style == "json" && !isText {
		encoded, err := encodeJSON(value)
		return string(encoded), err
	}
	if isText {
		return text, nil
	}
	between := map[string]string{"space": " ", "pipe": "|"}[style]
	if list, ok := value.([]any); ok {
		return joinedTexts(list, or(between, ",")), nil
	}
	if fields, ok := asObject(value); ok && style == "pairs" {
		return joinedFields(fields, "="), nil
	}
	return wireText(value), nil
}

func joinedFields(fields object, inner string) string {
	var parts []string
	for _, key := range sortedNames(fields) {
		if !isAbsent(fields[key]) {
			parts = append(parts, key+inner+wireText(fields[key]))
		}
	}
	return strings.Join(parts, ",")
}

func joinedTexts(list []any, between string) string {
	parts := make([]string, len(list))
	for place, one := range list {
		parts[place] = wireText(one)
	}
	return strings.Join(parts, between)
}

// plainParameter is a value of the caller's own type as decoded JSON, where it is a list, an object or a union.
func plainParameter(value any) any {
	if _, plain := asObject(value); plain {
		return value
	}
	if list, ok := listOf(value); ok {
		return list
	}
	kind := reflect.Indirect(reflect.ValueOf(value)).Kind()
	if kind != reflect.Struct && kind != reflect.Map {
		return value
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return decoded(encoded)
}

// wireText is a value as it stands in a path, a query or a header.
func wireText(value any) string {
	value = plainParameter(value)
	if list, ok := value.([]any); ok {
		return joinedTexts(list, ",")
	}
	if fields, ok := asObject(value); ok {
		return joinedFields(fields, ",")
	}
	found := reflect.Indirect(reflect.ValueOf(value))
	if !found.IsValid() {
		return ""
	}
	if found.Kind() == reflect.Float64 || found.Kind() == reflect.Float32 {
		return strconv.FormatFloat(found.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(found.Interface())
}
