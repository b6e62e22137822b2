package forge

import "strings"

// Field is one header field.
type Field struct{ Name, Value string }

// Headers are header fields in their order, names in lower case; Get is the first of a name, All are all
// . A value that is not valid text keeps its bytes.
type Headers struct{ fields []Field }

// NewHeaders are headers of these fields.
func NewHeaders(fields ...Field) Headers {
	made := make([]Field, len(fields))
	for place, field := range fields {
		made[place] = Field{strings.ToLower(field.Name), field.Value}
	}
	return Headers{made}
}

// Get is the first value of a field, looked up without regard to case, "" if there is none.
func (h Headers) Get(name string) string {
	value, _ := h.find(name)
	return value
}

// Has says whether there is such a field.
func (h Headers) Has(name string) bool {
	_, found := h.find(name)
	return found
}

func (h Headers) find(name string) (string, bool) {
	name = strings.ToLower(name)
	for _, field := range h.fields {
		if field.Name == name {
			return field.Value, true
		}
	}
	return "", false
}

// All are all values of a field, in order.
func (h Headers) All(name string) []string {
	name = strings.ToLower(name)
	var values []string
	for _, field := range h.fields {
		if field.Name == name {
			values = append(values, field.Value)
		}
	}
	return values
}

// Fields are all fields in their order.
func (h Headers) Fields() []Field { return append([]Field(nil), h.fields...) }

// Len is the number of fields.
func (h Headers) Len() int { return len(h.fields) }

// With are these headers with one more field, in place of any of that name.
func (h Headers) With(name, value string) Headers {
	made := h.Without(name)
	made.fields = append(made.fields, Field{strings.ToLower(name), value})
	return made
}

// Without are these headers without the fields of a name.
func (h Headers) Without(name string) Headers {
	name = strings.ToLower(name)
	kept := make([]Field, 0, len(h.fields)+1)
	for _, field := range h.fields {
		if field.Name != name {
			kept = append(kept, field)
		}
	}
	return Headers{kept}
}

// String says how many fields there are; values may be secret.
func (h Headers) String() string { return "Headers" }

// GoString is String.
func (h Headers) GoString() string { return h.String() }
