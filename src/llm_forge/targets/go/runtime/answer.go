package forge

import (
	"bytes"
	"fmt"
	"strings"
)

// invalidResponse is the error of a 2xx answer that is not what was asked for, with its redacted beginning.
func (c *call) invalidResponse(x *exchange, message string, body []byte) *Error {
	made := newError(KindInvalidResponse, "%s; is the base URL really the API?", message)
	clean := c.redactor()
	made.Status = x.status
	made.Body = firstChars(clean.text(validText(body[:min(len(body), 400)])), 200)
	made.Headers = clean.headers(x.headers)
	return made
}

const mostShownPaths = 5

// lacking is the error of a result without a required field, where the call is strict. Elsewhere missing fields
// are only counted, and only those of the result's own top level.
func (c *call) lacking(value any) error {
	if !c.settings.strict {
		fields, _ := asObject(value)
		for _, path := range c.operation.Required {
			if _, present := fields[path]; !present && !strings.Contains(path, ".") {
				c.shared.missing.Add(1)
			}
		}
		return nil
	}
	if missing := missingPaths(value, c.operation.Required); len(missing) > 0 {
		return newError(KindInvalidResponse, "The answer lacks %s", strings.Join(missing[:min(len(missing), mostShownPaths)], ", "))
	}
	return nil
}

// errorInstead is the error that came where nothing was promised; any other body is of no use to anyone. A page is
// an error too: it is a portal or a proxy that answered, not the API.
func (c *call) errorInstead(x *exchange, body []byte) error {
	if isBodiless(x.status) {
		return nil
	}
	if len(bytes.TrimSpace(body)) > 0 && strings.HasPrefix(x.headers.Get("content-type"), "text/html") {
		return c.invalidResponse(x, fmt.Sprintf("The %d answer is a page", x.status), body)
	}
	value, _ := decodedBody(x, body)
	if err := c.errorInside(value); err != nil {
		return err
	}
	return nil
}

// errorInside is the error that a whole answer is; an object of its own, such as a failed job, may tell of an error
// without being one.
func (c *call) errorInside(value any) *Error {
	fields, _ := asObject(value)
	if _, hasID := fields["id"]; hasID || !mayBeError("", value) {
		return nil
	}
	found := c.words().ofEvent(value, c.requestID())
	if found != nil {
		found.MidStream = false // the class of errors inside streams, but this is a whole answer
	}
	return found
}

// decodedBody is the decoded body and "", or nil and the reason why it is no JSON.
func decodedBody(x *exchange, body []byte) (any, string) {
	kind := mediaTypeOf(x.headers)
	if kind != "" && kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, "is " + kind + ", not JSON"
	}
	if len(body) == 0 {
		return nil, "is empty"
	}
	value, err := decodeJSON(body)
	if err != nil {
		return nil, "is not valid JSON: " + err.Error()
	}
	return value, ""
}

func mediaTypeOf(headers Headers) string {
	kind, _, _ := strings.Cut(headers.Get("content-type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func isBodiless(status int) bool { return status == 204 || status == 205 }
