package forge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON in and out, with the limits and checks that every body needs.

const (
	maxDepth        = 200
	maxNumberDigits = 1000
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// decodeJSON is the JSON value in data; integers are exact, the last of duplicate keys wins, a byte order
// mark is skipped. It refuses NaN and Infinity, numbers of more than 1,000 digits or beyond a double, nesting
// deeper than 200, and text that is not UTF-8.
func decodeJSON(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if !utf8.Valid(data) {
		return nil, errors.New("a string is not UTF-8")
	}
	if err := checkJSONLimits(data); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, jsonReason(err, len(data))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON value")
	}
	return value, nil
}

func jsonReason(err error, size int) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("malformed at byte %d of %d", syntax.Offset, size)
	}
	return errors.New("it ends too early")
}

// checkJSONLimits looks at nesting and at numbers; what is no JSON at all the decoder refuses.
func checkJSONLimits(data []byte) error {
	depth := 0
	for place := 0; place < len(data); place++ {
		switch char := data[place]; {
		case char == '"':
			place = endOfString(data, place)
		case char == '{' || char == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("nested deeper than %d levels", maxDepth)
			}
		case char == '}' || char == ']':
			depth--
		case isDigit(char):
			end := endOfNumber(data, place)
			if err := checkNumber(data[place:end]); err != nil {
				return err
			}
			place = end - 1
		}
	}
	return nil
}

func endOfString(data []byte, start int) int {
	place := start + 1
	for place < len(data) && data[place] != '"' {
		if data[place] == '\\' {
			place++
		}
		place++
	}
	return place
}

func endOfNumber(data []byte, start int) int {
	place := start
	for place < len(data) && (isDigit(data[place]) || strings.IndexByte(".eE+-", data[place]) >= 0) {
		place++
	}
	return place
}

func checkNumber(token []byte) error {
	if len(token) > maxNumberDigits && digitsIn(token) > maxNumberDigits {
		return fmt.Errorf("a number has more than %d digits", maxNumberDigits)
	}
	if !bytes.ContainsAny(token, "eE") {
		return nil
	}
	if number, _ := strconv.ParseFloat(string(token), 64); math.IsInf(number, 0) {
		return errors.New("a number is out of range")
	}
	return nil
}

func digitsIn(token []byte) int {
	count := 0
	for _, char := range token {
		if isDigit(char) {
			count++
		}
	}
	return count
}

func isDigit(char byte) bool { return char >= '0' && char <= '9' }

// isJSON says whether a text is JSON.
func isJSON(text string) bool {
	_, err := decodeJSON([]byte(text))
	return err == nil
}

// encodeJSON is the UTF-8 JSON of a value. InvalidRequestError for what cannot be sent: NaN, Infinity, text
// that is not UTF-8, circular values, functions and channels.
func encodeJSON(value any) ([]byte, error) {
	encoded, err := marshal(value)
	if err != nil {
		return nil, newError(KindInvalidRequest, "The request body cannot be sent as JSON: %s", oneLine(err.Error()))
	}
	// What is not UTF-8 is written as this escape, which a text with that character itself never has.
	if bytes.Contains(encoded, []byte(`\ufffd`)) && hasInvalidText(reflect.ValueOf(value), 0) {
		return nil, newError(KindInvalidRequest, "The request body has text that is not UTF-8, which JSON cannot carry")
	}
	return encoded, nil
}

func marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func hasInvalidText(value reflect.Value, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch value.Kind() {
	case reflect.String:
		return !utf8.ValidString(value.String())
	case reflect.Interface, reflect.Pointer:
		return !value.IsNil() && hasInvalidText(value.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for place := 0; place < value.Len(); place++ {
			if hasInvalidText(value.Index(place), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			if hasInvalidText(key, depth+1) || hasInvalidText(value.MapIndex(key), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for place := 0; place < value.NumField(); place++ {
			if hasInvalidText(value.Field(place), depth+1) {
				return true
			}
		}
	}
	return false
}
