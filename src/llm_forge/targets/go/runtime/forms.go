package forge

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"path"
	"reflect"
	"strings"
)

// Form bodies: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded.
//
//   - A field that is absent or null is left out: a form has no null.
//   - A list becomes one field for each entry, an object one field of JSON. Where the description says deepObject,
//     entries are called name[], and an object becomes name[key] fields.
//   - Names inside headers lose CR, LF, NUL, quotes and backslashes.
//   - Files are sent as their bytes come; a form of at most 1 MiB without files on disk is one piece.

const mostParts = 1000

var (
	unsafeInName = strings.NewReplacer("\r", "", "\n", "", "\x00", "", `"`, "", `\`, "")
	mediaTypes   = map[string]string{
		".flac": "audio/flac", ".jsonl": "application/jsonl", ".m4a": "audio/mp4", ".md": "text/markdown",
		".mp3": "audio/mpeg", ".mp4": "video/mp4", ".oga": "audio/ogg", ".ogg": "audio/ogg", ".pdf": "application/pdf",
		".wav": "audio/wav", ".webm": "audio/webm", ".webp": "image/webp",
	}
)

// formField is a name with one value of a form.
type formField struct {
	name  string
	value any
}

func urlencodedForm(values object, rule *BodyRule) (requestBody, error) {
	var pairs []pair
	for _, field := range flatFields(values, rule) {
		if _, isFile := asUpload(field.value); isFile {
			return requestBody{}, newError(KindInvalidRequest, "%s is a file, which this kind of form cannot carry", field.name)
		}
		text, err := fieldText(field.value)
		if err != nil {
			return requestBody{}, err
		}
		pairs = append(pairs, pair{field.name, text})
	}
	return bytesBody([]byte(encodePairs(pairs))), nil
}

// multipartForm is the body of a form and its content type; the boundary is the same on every attempt.
func multipartForm(values object, rule *BodyRule) (requestBody, string, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return requestBody{}, "", err
	}
	boundary := hex.EncodeToString(random)
	fields := flatFields(values, rule)
	if len(fields) > mostParts {
		return requestBody{}, "", newError(KindInvalidRequest, "A form of %d parts was refused; at most %d are sent", len(fields), mostParts)
	}
	var parts []requestBody
	for _, field := range fields {
		head, content, err := formPart(field, rule)
		if err != nil {
			return requestBody{}, "", err
		}
		parts = append(parts, bytesBody([]byte("--"+boundary+"\r\n"+head+"\r\n\r\n")), content, bytesBody([]byte("\r\n")))
	}
	parts = append(parts, bytesBody([]byte("--"+boundary+"--\r\n")))
	return joinedBody(parts), "multipart/form-data; boundary=" + boundary, nil
}

// joinedBody are bodies one after another, as one.
func joinedBody(parts []requestBody) requestBody {
	made := requestBody{present: true, rewindable: true}
	whole := true
	for _, part := range parts {
		whole = whole && part.isWhole()
		made.rewindable = made.rewindable && part.rewindable
		if part.size < 0 || made.size < 0 {
			made.size = -1
		} else {
			made.size += part.size
		}
	}
	if whole && made.size <= mib {
		var joined bytes.Buffer
		for _, part := range parts {
			joined.Write(part.whole)
		}
		return bytesBody(joined.Bytes())
	}
	made.open = func() (io.ReadCloser, error) { return &joinedReader{parts: parts}, nil }
	return made
}

// joinedReader opens each part when the one before it has ended.
type joinedReader struct {
	parts   []requestBody
	current io.ReadCloser
}

func (r *joinedReader) Read(buffer []byte) (int, error) {
	for {
		if r.current == nil {
			if len(r.parts) == 0 {
				return 0, io.EOF
			}
			opened, err := r.parts[0].reader()
			if err != nil {
				return 0, err
			}
			r.current, r.parts = opened, r.parts[1:]
		}
		count, err := r.current.Read(buffer)
		if err != io.EOF {
			return count, err
		}
		r.Close()
		if count > 0 {
			return count, nil
		}
	}
}

func (r *joinedReader) Close() error {
	if r.current == nil {
		return nil
	}
	current := r.current
	r.current = nil
	return current.Close()
}

// formPart are the headers of a part, and its content.
func formPart(field formField, rule *BodyRule) (string, requestBody, error) {
	plain := strings.TrimSuffix(field.name, "[]")
	told := rule.MediaTypes[plain]
	head := fmt.Sprintf(`Content-Disposition: form-data; name="%s"`, unsafeInName.Replace(field.name))
	upload, isFile := asUpload(field.value)
	if isFile {
		return filePart(head, upload, told)
	}
	if contains(rule.Files, plain) {
		return "", requestBody{}, newError(KindInvalidRequest, "%s is no file: use UploadFile for a path, or UploadBytes", plain)
	}
	text, err := fieldText(field.value)
	if kind := reflect.Indirect(reflect.ValueOf(field.value)).Kind(); told == "" && (kind == reflect.Map || kind == reflect.Struct) {
		told = "application/json"
	}
	if told != "" {
		head += "\r\nContent-Type: " + told
	}
	return head, bytesBody([]byte(text)), err
}

func filePart(head string, upload Upload, told string) (string, requestBody, error) {
	name := unsafeInName.Replace(path.Base(strings.ReplaceAll(or(upload.Name, "upload"), `\`, "/")))
	kind := unsafeInName.Replace(or(or(upload.ContentType, told), guessType(name)))
	return fmt.Sprintf("%s; filename=\"%s\"\r\nContent-Type: %s", head, name, kind), upload.body, upload.err
}

// guessType is the media type that a file's name suggests.
func guessType(name string) string {
	extension := strings.ToLower(path.Ext(name))
	kind, _, _ := strings.Cut(or(mediaTypes[extension], mime.TypeByExtension(extension)), ";")
	return or(kind, "application/octet-stream")
}

// flatFields are names and values with lists and deep objects opened.
func flatFields(values object, rule *BodyRule) []formField {
	var fields []formField
	for _, name := range sortedNames(values) {
		value := values[name]
		list, isList := listOf(value)
		deep, isObject := asObject(value)
		switch {
		case isAbsent(value):
		case isObject && contains(rule.Deep, name):
			for _, key := range sortedNames(deep) {
				if !isAbsent(deep[key]) {
					fields = append(fields, formField{name + "[" + key + "]", deep[key]})
				}
			}
		case isList:
			if contains(rule.Deep, name) {
				name += "[]"
			}
			for _, one := range list {
				fields = append(fields, formField{name, one})
			}
		default:
			fields = append(fields, formField{name, value})
		}
	}
	return fields
}

// listOf are the entries of a list of any type; bytes are a file, not a list.
func listOf(value any) ([]any, bool) {
	if list, ok := value.([]any); ok {
		return list, true
	}
	if _, isFile := value.([]byte); isFile {
		return nil, false
	}
	found := reflect.ValueOf(value)
	if found.Kind() != reflect.Slice {
		return nil, false
	}
	list := make([]any, found.Len())
	for place := range list {
		list[place] = found.Index(place).Interface()
	}
	return list, true
}

// isAbsent is whether a value is left out: nil of whatever type.
func isAbsent(value any) bool { return value == nil || isNil(reflect.ValueOf(value)) }

// fieldText is a field as text: JSON for objects, plain for the rest.
func fieldText(value any) (string, error) {
	encoded, err := encodeJSON(value)
	if err != nil {
		return "", err
	}
	if text, ok := reflect.Indirect(reflect.ValueOf(value)).Interface().(string); ok {
		return text, nil
	}
	text := string(encoded)
	if unquoted := asText(decoded(encoded)); unquoted != "" {
		text = unquoted // a type of the caller's own that is a text in JSON
	}
	return text, nil
}

func decoded(data []byte) any {
	value, err := decodeJSON(data)
	if err != nil {
		return nil
	}
	return value
}
