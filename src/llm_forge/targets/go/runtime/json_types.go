package forge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
)

// What the types of generated clients are made with, so that nothing of an answer is lost: fields that a type does
// not know, null where a field may be absent, and members of unions that it does not know.
//
// A generated struct has json tags on its fields, omitempty on those that are left out where they are nil, and a field
// Extra. The tag forge is the text that a field has where the caller gave none, such as the type of a tagged object.

// Ptr is a pointer to a value, for optional fields.
func Ptr[T any](value T) *T { return &value }

// Extra are the fields of an object that its type does not know, as they came.
type Extra map[string]json.RawMessage

// structField is what of a struct's field the wire needs.
type structField struct {
	place    int
	name     string
	optional bool
	given    string
}

var structFields sync.Map // of reflect.Type: its []structField

func fieldsOfType(kind reflect.Type) []structField {
	if found, ok := structFields.Load(kind); ok {
		return found.([]structField)
	}
	var fields []structField
	for place := 0; place < kind.NumField(); place++ {
		tag := kind.Field(place).Tag
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields = append(fields, structField{place, name, options == "omitempty", tag.Get("forge")})
		}
	}
	structFields.Store(kind, fields)
	return fields
}

// unmarshal decodes JSON; numbers of no known type stay exact.
func unmarshal(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

// UnmarshalKnown decodes an object into a pointer to a struct without methods of its own, and gives what the struct cannot
// hold: fields that it does not know, and null where it knows only absent.
func UnmarshalKnown(data []byte, known any) (Extra, error) {
	if err := unmarshal(data, known); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	for _, field := range fieldsOfType(reflect.TypeOf(known).Elem()) {
		if value, told := fields[field.name]; told && !(field.optional && bytes.Equal(value, []byte("null"))) {
			delete(fields, field.name)
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return fields, nil
}

// MarshalKnown encodes a struct without methods of its own, and after its fields what it cannot hold.
func MarshalKnown(known any, extra Extra) ([]byte, error) {
	var made bytes.Buffer
	written := map[string]bool{}
	write := func(name string, value any) error {
		encoded, err := marshal(value)
		if err != nil {
			return err
		}
		quoted, err := marshal(name)
		if len(written) == 0 {
			made.WriteByte('{')
		} else {
			made.WriteByte(',')
		}
		made.Write(append(append(quoted, ':'), encoded...))
		written[name] = true
		return err
	}
	for _, field := range knownFields(reflect.ValueOf(known)) {
		if err := write(field.name, field.value); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedNames(extra) {
		if !written[name] {
			if err := write(name, extra[name]); err != nil {
				return nil, err
			}
		}
	}
	if len(written) == 0 {
		return []byte("{}"), nil
	}
	made.WriteByte('}')
	return made.Bytes(), nil
}

// knownFields are the names and values of a struct's fields that go on the wire.
func knownFields(value reflect.Value) []formField {
	var fields []formField
	for _, field := range fieldsOfType(value.Type()) {
		found := value.Field(field.place)
		switch {
		case field.given != "" && found.IsZero():
			fields = append(fields, formField{field.name, field.given})
		case !field.optional || !isNil(found):
			fields = append(fields, formField{field.name, found.Interface()})
		}
	}
	return fields
}

func isNil(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return value.IsNil()
	}
	return false
}

// generatedFields are the fields of a generated struct, with their values as they are; false for everything else.
func generatedFields(body any) (object, bool) {
	value := reflect.Indirect(reflect.ValueOf(body))
	if value.Kind() != reflect.Struct {
		return nil, false
	}
	found, has := value.Type().FieldByName("Extra")
	if !has || found.Type != reflect.TypeOf(Extra{}) {
		return nil, false
	}
	made := object{}
	for name, raw := range value.FieldByName("Extra").Interface().(Extra) {
		made[name] = raw
	}
	for _, field := range knownFields(value) {
		made[field.name] = field.value
	}
	return made, true
}

// OneOf is a value of a union: JSON as it came, or a value to send.
type OneOf struct {
	raw   json.RawMessage
	value any
}

// NewOneOf is a union's value of any type that its description allows.
func NewOneOf(value any) OneOf { return OneOf{value: value} }

// Raw is the value as JSON.
func (o OneOf) Raw() ([]byte, error) { return o.MarshalJSON() }

// MarshalJSON writes the value, null where there is none.
func (o OneOf) MarshalJSON() ([]byte, error) {
	if o.raw != nil {
		return o.raw, nil
	}
	return marshal(o.value)
}

// UnmarshalJSON keeps the JSON.
func (o *OneOf) UnmarshalJSON(data []byte) error {
	*o = OneOf{raw: bytes.Clone(data)}
	return nil
}

// Tag is the text of a field that tells the members of a union apart, "" if there is none.
func (o OneOf) Tag(name string) string {
	raw, err := o.MarshalJSON()
	if err != nil {
		return ""
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return ""
	}
	return asText(decoded(fields[name]))
}

// As is the value as one of a union's members, false if its JSON does not fit.
func As[T any](o OneOf) (T, bool) {
	if found, ok := o.value.(T); ok {
		return found, true
	}
	var made T
	raw, err := o.MarshalJSON()
	if err != nil || bytes.Equal(raw, []byte("null")) {
		return made, false
	}
	return made, unmarshal(raw, &made) == nil
}
