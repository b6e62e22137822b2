package forge

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// From a caller's arguments to a frozen request, rebuilt with its credential for every attempt.
//
//   - The body is encoded once, when the call begins; later changes by the caller reach no attempt.
//   - A credential is added at send time only, to a copy that nobody keeps.
//   - Method, path, header and query values with CR, LF or NUL are refused before any I/O.

// Version is that of this runtime.
const Version = "0.1.0"

const (
	acceptEncoding      = "gzip, deflate"
	userAgent           = "llm-forge-go/" + Version
	defaultOutputTokens = 1024
	cookieSafe          = "!#$&'()*+-./:<=>?@[]^_`{|}~"
)

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// Params are what an operation's arguments become, by wire name. A value that is nil is left out of path, query,
// headers and cookies; Body is marshalled as it is. URL, where it is given, is absolute and stands for base URL,
// path and query.
type Params struct {
	Path    map[string]any
	Query   map[string]any
	Headers map[string]any
	Cookies map[string]any
	Body    any
	URL     string
}

// httpRequest is a request as it goes on the wire; url is absolute.
type httpRequest struct {
	method  string
	url     string
	headers Headers
	body    requestBody
}

// prepared is a request without its credential, and what the loop must know of it.
type prepared struct {
	request         httpRequest
	model           string
	estimatedInput  float64
	requestedOutput float64
}

type preparation struct {
	operation *Operation
	profile   *Profile
	baseURL   string
	settings  *settings
	extras    *extras
	params    *Params
	streaming bool
}

// prepare is the frozen request of a call; InvalidRequestError for anything that cannot be sent.
func (p preparation) prepare() (prepared, error) {
	made, err := p.payload()
	if err != nil {
		return prepared{}, err
	}
	target, err := p.target()
	if err != nil {
		return prepared{}, err
	}
	headers, err := p.headers(made.mediaType)
	if err != nil {
		return prepared{}, err
	}
	request := httpRequest{p.operation.Method, target, headers, made.body}
	return withContent(request, made.values), nil
}

func (p preparation) target() (string, error) {
	if p.params.URL != "" {
		return p.params.URL, nil
	}
	path, err := fillPath(p.operation.Path, p.params.Path, p.operation.Styles)
	if err != nil {
		return "", err
	}
	pairs, err := p.query()
	if err != nil {
		return "", err
	}
	for _, one := range pairs {
		if strings.ContainsAny(one.name+one.value, "\r\n\x00") {
			return "", newError(KindInvalidRequest, "Query parameter %q contains CR, LF or NUL", one.name)
		}
	}
	if len(pairs) == 0 {
		return p.baseURL + path, nil
	}
	return p.baseURL + path + "?" + encodePairs(pairs), nil
}

func (p preparation) query() ([]pair, error) {
	pairs, err := queryPairs(p.params.Query, p.operation.Styles)
	if err != nil {
		return nil, err
	}
	extra, err := queryPairs(p.extras.query, p.operation.Styles)
	for _, one := range extra {
		pairs = without(pairs, one.name)
	}
	return append(pairs, extra...), err
}

func without(pairs []pair, name string) []pair {
	var kept []pair
	for _, one := range pairs {
		if one.name != name {
			kept = append(kept, one)
		}
	}
	return kept
}

func (p preparation) headers(mediaType string) (Headers, error) {
	fields := map[string]string{
		"accept": p.accepted(), "accept-encoding": acceptEncoding, "user-agent": userAgent,
	}
	if mediaType != "" {
		fields["content-type"] = mediaType
	}
	for name, value := range p.profile.Headers {
		fields[strings.ToLower(name)] = value
	}
	given, err := p.given()
	if err != nil {
		return Headers{}, err
	}
	for name, value := range given {
		if err := checkHeader(name, value); err != nil {
			return Headers{}, err
		}
		fields[name] = value
	}
	made := make([]Field, 0, len(fields))
	for _, name := range sortedNames(fields) {
		made = append(made, Field{name, fields[name]})
	}
	return NewHeaders(made...), nil
}

// given is what comes from the caller; the description's own headers need no check.
func (p preparation) given() (map[string]string, error) {
	given := map[string]string{}
	if header := p.profile.IdempotencyHeader; header != "" {
		key := p.extras.idempotencyKey
		if p.operation.Replay == ReplayKeyed {
			key = or(key, newUUID())
		}
		if key != "" {
			given[strings.ToLower(header)] = key
		}
	}
	cookies, err := textsOf("cookies", p.params.Cookies, p.operation.Styles)
	if err != nil {
		return nil, err
	}
	if len(cookies) > 0 {
		given["cookie"] = cookieHeader(cookies)
	}
	if p.extras.traceParent != "" {
		given["traceparent"] = p.extras.traceParent
	}
	addHeaders(given, p.settings.headers)
	headers, err := textsOf("headers", p.params.Headers, p.operation.Styles)
	addHeaders(given, headers)
	addHeaders(given, p.extras.headers)
	return given, err
}

func addHeaders(into, headers map[string]string) {
	for name, value := range headers {
		into[strings.ToLower(name)] = value
	}
}

// cookieHeader is the value of a cookie header; what a cookie cannot hold is percent-encoded (RFC 6265 section 4.1).
func cookieHeader(given map[string]string) string {
	var parts []string
	for _, name := range sortedNames(given) {
		parts = append(parts, name+"="+escapeBut(given[name], cookieSafe))
	}
	return strings.Join(parts, "; ")
}

func newUUID() string {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("forge: the system has no source of randomness: " + err.Error())
	}
	random[6], random[8] = random[6]&0x0F|0x40, random[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

func (p preparation) accepted() string {
	switch {
	case !p.streaming || p.operation.Stream == nil:
		return p.operation.accept()
	case p.operation.Stream.NDJSON:
		return "application/x-ndjson"
	}
	return "text/event-stream"
}

// checkHeader refuses a header that would break the request apart.
func checkHeader(name, value string) error {
	if !headerName.MatchString(name) {
		return newError(KindInvalidRequest, "Header name %q has a character that HTTP does not allow", name)
	}
	for place := 0; place < len(value); place++ {
		switch char := value[place]; {
		case char == '\r' || char == '\n' || char == 0:
			return newError(KindInvalidRequest, "The value of header %q contains CR, LF or NUL", name)
		case char >= 0x80:
			return newError(KindInvalidRequest, "The value of header %q must be ASCII", name)
		}
	}
	return nil
}

// payload is a body ready to send; values are its fields, where it has some.
type payload struct {
	body      requestBody
	mediaType string
	values    object
}

func (p preparation) payload() (payload, error) {
	rule, body := &p.operation.Body, p.params.Body
	if isAbsent(body) {
		body = nil
	}
	mediaType := or(rule.MediaType, "application/json")
	switch {
	case !p.operation.HasBody:
		return payload{}, p.refuseExtra("has no body")
	case rule.Kind == BodyBinary:
		return p.binaryPayload(rule)
	case body == nil && rule.Kind == BodyJSON:
		return payload{}, p.refuseExtra("sends JSON that is not an object")
	case body == nil && !p.addsFields():
		return payload{}, nil
	}
	values, err := p.fields(body, rule)
	if err != nil {
		return payload{}, err
	}
	switch {
	case rule.Kind == BodyMultipart:
		made, mediaType, err := multipartForm(values, rule)
		return payload{made, mediaType, values}, err
	case rule.Kind == BodyForm:
		made, err := urlencodedForm(values, rule)
		return payload{made, mediaType, values}, err
	case values == nil:
		encoded, err := encodeJSON(body)
		return payload{bytesBody(encoded), mediaType, nil}, err
	}
	encoded, err := encodeJSON(values)
	return payload{bytesBody(encoded), mediaType, values}, err
}

// addsFields says whether a body has fields that the caller did not give with it.
func (p preparation) addsFields() bool {
	stream := p.operation.Stream
	return len(p.extras.body) > 0 || p.streaming && stream != nil && stream.Parameter != ""
}

func (p preparation) refuseExtra(why string) error {
	if len(p.extras.body) == 0 {
		return nil
	}
	return newError(KindInvalidRequest, "%s %s to add extra fields to", p.operation.Name, why)
}

func (p preparation) binaryPayload(rule *BodyRule) (payload, error) {
	if err := p.refuseExtra("sends bytes, not fields,"); err != nil || isAbsent(p.params.Body) {
		return payload{}, err
	}
	upload, ok := asUpload(p.params.Body)
	if !ok {
		return payload{}, newError(KindInvalidRequest, "the body of %s is no file: use UploadFile for a path, or UploadBytes", p.operation.Name)
	}
	told := rule.MediaType
	if strings.Contains(told, "*") {
		told = ""
	}
	return payload{body: upload.body, mediaType: or(or(upload.ContentType, told), guessType(upload.Name))}, upload.err
}

// fields are a body's fields with what the call adds; nil for JSON that is no object.
func (p preparation) fields(body any, rule *BodyRule) (object, error) {
	values, err := fieldsOf(body)
	if err != nil {
		return nil, err
	}
	if values == nil && body != nil && rule.Kind == BodyJSON {
		return nil, p.refuseExtra("sends JSON that is not an object")
	}
	if values == nil && body != nil {
		return nil, newError(KindInvalidRequest, "the body of %s must be an object", p.operation.Name)
	}
	made := copyObject(values)
	for name, value := range p.extras.body {
		made[name] = value
	}
	if stream := p.operation.Stream; p.streaming && stream != nil && stream.Parameter != "" {
		made[stream.Parameter] = stream.Value
	}
	return made, nil
}

// fieldsOf are the fields of a map, of a generated struct, or of what marshals to an object; nil for everything else.
func fieldsOf(body any) (object, error) {
	if values, ok := asObject(body); ok || body == nil {
		return values, nil
	}
	if values, ok := generatedFields(body); ok {
		return values, nil
	}
	encoded, err := encodeJSON(body)
	if err != nil {
		return nil, err
	}
	values, _ := asObject(decoded(encoded))
	return values, nil
}

// withContent is a request with what its content says of model and tokens. Files are no tokens: only JSON counts.
func withContent(request httpRequest, values object) prepared {
	made := prepared{request: request, model: asText(plainValue(values["model"])), requestedOutput: requestedOutput(values)}
	if request.isJSON() {
		made.estimatedInput = float64(len(request.body.whole)) / 4
	}
	return made
}

// plainValue is a value of the caller's own type as plain JSON.
func plainValue(value any) any {
	if union, ok := value.(json.Marshaler); ok && !isAbsent(value) {
		encoded, err := union.MarshalJSON()
		if err != nil {
			return nil
		}
		return decoded(encoded)
	}
	if found := reflect.Indirect(reflect.ValueOf(value)); found.IsValid() && found.Kind() == reflect.String {
		return found.String()
	}
	return value
}

func (r httpRequest) isJSON() bool {
	return r.body.present && r.body.isWhole() && strings.HasSuffix(r.headers.Get("content-type"), "json")
}

func requestedOutput(values object) float64 {
	for _, name := range []string{"max_completion_tokens", "max_tokens", "max_output_tokens"} {
		if found := reflect.Indirect(reflect.ValueOf(values[name])); found.IsValid() {
			if count, ok := asInt(found.Interface()); ok {
				return float64(count)
			}
		}
	}
	return defaultOutputTokens
}

// again is the request that call middleware made of a prepared one, and what it now asks for.
func (p prepared) again(request httpRequest) prepared {
	if !request.isJSON() || sameBytes(request.body.whole, p.request.body.whole) {
		p.request = request
		return p
	}
	values, _ := asObject(decoded(request.body.whole))
	return withContent(request, values)
}

// sameBytes is whether two slices are one.
func sameBytes(one, other []byte) bool {
	return len(one) == len(other) && (len(one) == 0 || &one[0] == &other[0])
}

// isKeyed says whether an idempotency key is really sent, where the provider honours one.
func (r httpRequest) isKeyed(profile *Profile) bool {
	return profile.IdempotencyHeader != "" && r.headers.Get(profile.IdempotencyHeader) != ""
}

// withAttempt is the request with the attempt's number, and how many came before it, where a header is named.
func (r httpRequest) withAttempt(profile *Profile, number int) httpRequest {
	if profile.AttemptHeader != "" {
		r.headers = r.headers.With(profile.AttemptHeader, strconv.Itoa(number))
	}
	if profile.PreviousAttemptsHeader != "" {
		r.headers = r.headers.With(profile.PreviousAttemptsHeader, strconv.Itoa(number-1))
	}
	return r
}
