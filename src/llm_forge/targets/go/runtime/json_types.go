package forge

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"sync"
)

// What types of generated clients are made with, so that nothing of an answer is lost.

// Optional is a field that may be absent, null, or have a value; the zero Optional is absent. As a field it carries the
// option omitzero, or stands behind a pointer with omitempty.
type Optional[T any] struct {
	Value T
	state optionalState
}

type optionalState byte

const (
	absent optionalState = iota
	null
	valued
)

// Some is an Optional with a value.
func Some[T any](value T) Optional[T] { return Optional[T]{value, valued} }

// Null is an Optional that is null in JSON.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// IsZero says whether the field is absent.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// IsNull says whether the field is null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// Get is the value, and whether there is one.
func (o Optional[T]) Get() (T, bool) { return o.Value, o.state == valued }

// Or is the value, or another one where there is none.
func (o Optional[T]) Or(otherwise T) T {
	if o.state == valued {
		return o.Value
	}
	return otherwise
}

// MarshalJSON writes the value, or null.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.state != valued {
		return []byte("null"), nil
	}
	return marshal(o.Value)
}

// UnmarshalJSON reads a value, or null.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*o = Null[T]()
		return nil
	}
	o.state = valued
	return json.Unmarshal(data, &o.Value)
}

// Ptr is a pointer to a value, for optional fields.
func Ptr[T any](value T) *T { return &value }

// Extra are the fields of an object that its type does not know, as they came.
type Extra map[string]json.RawMessage

var fieldNames sync.Map // of reflect.Type: the wire names of its fields

// namesOf are the wire names of a struct's fields.
func namesOf(kind reflect.Type) map[string]bool {
	if found, ok := fieldNames.Load(kind); ok {
		return found.(map[string]bool)
	}
	names := map[string]bool{}
	for place := 0; place < kind.NumField(); place++ {
		if name, _, _ := strings.Cut(kind.Field(place).Tag.Get("json"), ","); name != "" && name != "-" {
			names[name] = true
		}
	}
	fieldNames.Store(kind, names)
	return names
}

// UnmarshalKnown decodes an object into a pointer to a struct without methods of its own, and gives the fields that the
// struct does not know. Names are exact.
func UnmarshalKnown(data []byte, known any) (Extra, error) {
	if err := json.Unmarshal(data, known); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	names := namesOf(reflect.TypeOf(known).Elem())
	var extra Extra
	for name, value := range fields {
		if !names[name] {
			if extra == nil {
				extra = Extra{}
			}
			extra[name] = value
		}
	}
	return extra, nil
}

// MarshalKnown encodes a struct without methods of its own, with the fields that it does not know; its own go first.
func MarshalKnown(known any, extra Extra) ([]byte, error) {
	encoded, err := marshal(known)
	if err != nil || len(extra) == 0 {
		return encoded, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, err
	}
	merged := maps.Clone(extra)
	maps.Copy(merged, fields)
	return marshal(merged)
}
