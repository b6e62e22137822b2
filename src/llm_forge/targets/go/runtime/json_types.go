package forge

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"sync"
)

// What types of generated clients are made with, so that nothing of an answer is lost.

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
