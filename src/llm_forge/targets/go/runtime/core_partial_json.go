package forge

import (
	"regexp"
	"strings"
)

// The value of JSON text that is still arriving. Nothing runs ahead of the bytes: a string gives its
// whole characters so far; a number, a key or a literal counts only when the next byte shows that it has ended.

var (
	partialString = regexp.MustCompile(`^"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)("?)`)
	partialScalar = regexp.MustCompile(`^(true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[ \t\r\n,\]}]`)
	halfPair      = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}$`)
)

// parsePartial is the best value that the beginning of a JSON value already shows; nil for nothing.
func parsePartial(text string) any {
	if value, err := decodeJSON([]byte(text)); err == nil {
		return value
	}
	reader := partialReader{text: text}
	value, _ := reader.value(0)
	return value
}

// partialReader reads as far as the text goes; ended is set when it does not go further.
type partialReader struct {
	text  string
	at    int
	ended bool
}

func (r *partialReader) value(depth int) (any, bool) {
	switch char := r.peek(); {
	case char == '"':
		return r.str()
	case char == '{' && depth < maxDepth:
		return r.object(depth), true
	case char == '[' && depth < maxDepth:
		return r.array(depth), true
	}
	return r.scalar()
}

func (r *partialReader) peek() byte {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *partialReader) take(char byte) bool {
	if r.peek() != char {
		return false
	}
	r.at++
	return true
}

func (r *partialReader) scalar() (any, bool) {
	found := partialScalar.FindStringSubmatch(r.text[r.at:])
	if found == nil {
		r.ended = true
		return nil, false
	}
	r.at += len(found[1])
	return decodedPart(found[1])
}

func (r *partialReader) str() (any, bool) {
	found := partialString.FindStringSubmatch(r.text[r.at:])
	if found == nil {
		r.ended = true
		return nil, false
	}
	r.at += len(found[0])
	body := found[1]
	if found[2] == "" {
		r.ended = true
		body = halfPair.ReplaceAllString(body, "")
	}
	return decodedPart(`"` + body + `"`)
}

func (r *partialReader) array(depth int) []any {
	r.at++
	list := []any{}
	if r.take(']') {
		return list
	}
	for !r.ended {
		if value, ok := r.value(depth + 1); ok {
			list = append(list, value)
		}
		if r.ended || r.take(']') {
			break
		}
		r.ended = !r.take(',')
	}
	return list
}

func (r *partialReader) object(depth int) object {
	r.at++
	made := object{}
	if r.take('}') {
		return made
	}
	for !r.ended {
		r.member(made, depth)
		if r.ended || r.take('}') {
			break
		}
		r.ended = !r.take(',')
	}
	return made
}

func (r *partialReader) member(made object, depth int) {
	var key any
	if r.peek() == '"' {
		key, _ = r.str()
	}
	name, ok := key.(string)
	if r.ended || !ok || !r.take(':') {
		r.ended = true
		return
	}
	if value, ok := r.value(depth + 1); ok {
		made[name] = value
	}
}

func decodedPart(text string) (any, bool) {
	value, err := decodeJSON([]byte(text))
	return value, err == nil
}
