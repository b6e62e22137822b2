package forge

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// A provider's error answer, of whatever form, as one typed error.
//
//   - The class follows the status; inside a stream, where there is none, the type's status.
//   - Message text is shown, never read to classify.
//   - Redaction comes before shortening, so that half a credential never survives.
//   - The body is kept without the input values that validation reports echo.

const messageLimit = 500

// statusOfType are types and codes that several providers share; a profile's own table comes first.
var statusOfType = map[string]int{
	"invalid_request_error": 400, "invalid_request": 400, "bad_request": 400, "context_length_exceeded": 400,
	"tool_use_failed": 400, "json_validate_failed": 400, "authentication_error": 401, "invalid_api_key": 401,
	"billing_error": 402, "permission_error": 403, "permission_denied": 403, "not_found_error": 404,
	"model_not_found": 404, "conflict_error": 409, "request_too_large": 413, "validation_error": 422,
	"unprocessable_entity": 422, "rate_limit_error": 429, "rate_limit_exceeded": 429, "rate_limited": 429,
	"insufficient_quota": 429, "tokens": 429, "requests": 429, "capacity_exceeded": 498, "api_error": 500,
	"server_error": 500, "internal_error": 500, "internal_server_error": 500, "service_unavailable": 503,
	"service_unavailable_error": 503, "timeout_error": 504, "gateway_timeout": 504, "overloaded_error": 529,
	"overloaded": 529,
}

var (
	// Bounded, so that a hostile page costs no more than a plain one.
	titleForm = regexp.MustCompile(`(?i)<title\b[^<>]{0,200}>([^\x00]{0,1000}?)</title|<h1\b[^<>]{0,200}>([^\x00]{0,1000}?)</h1`)
	tagForm   = regexp.MustCompile(`<[^<>]*>`)
)

// errorReport is what an error body says.
type errorReport struct {
	message, kind, code, param string
	details                    []Detail
	status                     int
}

// errorReader makes typed errors of a provider's words.
type errorReader struct {
	profile  *Profile
	redactor *redactor
}

// ofAnswer is the typed error of an answer with an error status. wait is the server's wait in seconds; with one
// of at most maxServerWait an exhausted quota is an ordinary rate limit.
func (r errorReader) ofAnswer(status int, headers Headers, body []byte, wait, maxServerWait float64) *Error {
	value, err := decodeJSON(body)
	report := textReport(body)
	if err == nil {
		report = jsonReport(value)
	}
	kind := kindForStatus(status)
	waits := wait > 0 && wait <= maxServerWait
	if status == 429 && !waits && r.isTerminalQuota(report) {
		kind = KindQuotaExceeded
	}
	made := r.typed(kind, report, fmt.Sprintf("%s answered %d without a message", r.profile.Name, status))
	made.Status = status
	made.RequestID = r.clean(requestIDOf(headers, r.profile, value))
	made.RetryAfter = seconds(wait)
	made.Headers = r.redactor.headers(headers)
	made.Body = r.redactor.text(validText(body))
	if err == nil {
		made.Body = r.shownBody(value)
	}
	return made
}

// ofEvent is the typed error that a decoded stream event is, nil for every other event.
func (r errorReader) ofEvent(data any, requestID string) *Error {
	if !isErrorReport(data) {
		return nil
	}
	report := jsonReport(data)
	status := report.status
	if status == 0 {
		status = r.statusOf(report)
	}
	kind := KindAPI
	if status != 0 {
		kind = kindForStatus(status)
	}
	if (status == 402 || status == 429) && r.isTerminalQuota(report) {
		kind = KindQuotaExceeded
	}
	made := r.typed(kind, report, r.profile.Name+" ended the stream with an error without a message")
	made.Status, made.MidStream = status, true
	made.RequestID = r.clean(or(bodyRequestID(data), requestID))
	made.Body = r.shownBody(data)
	return made
}

func (r errorReader) typed(kind Kind, report errorReport, otherwise string) *Error {
	made := &Error{
		Kind: kind, Message: or(r.clean(report.message), otherwise), Provider: r.profile.Name,
		Type: r.clean(report.kind), Code: r.clean(report.code), Param: r.clean(report.param),
	}
	for _, detail := range report.details {
		made.Details = append(made.Details, Detail{r.clean(detail.Path), r.clean(detail.Message), r.clean(detail.Type)})
	}
	return made
}

// clean is a text without credentials, on one line.
func (r errorReader) clean(text string) string {
	if text == "" {
		return ""
	}
	return oneLine(r.redactor.text(text))
}

func (r errorReader) shownBody(value any) string {
	encoded, err := marshal(withoutInput(value))
	if err != nil {
		return ""
	}
	return r.redactor.text(string(encoded))
}

// isTerminalQuota says whether type or code says that waiting does not help.
func (r errorReader) isTerminalQuota(report errorReport) bool {
	codes := r.profile.Errors.terminalCodes()
	return contains(codes, report.kind) || contains(codes, report.code)
}

func (r errorReader) statusOf(report errorReport) int {
	for _, table := range []map[string]int{r.profile.Errors.StatusOfType, statusOfType} {
		for _, name := range []string{report.kind, report.code} {
			if status, known := table[name]; known {
				return status
			}
		}
	}
	return 0
}

// requestIDOf is the provider's request id: the profile's headers in order, the usual ones, the body.
func requestIDOf(headers Headers, profile *Profile, body any) string {
	for _, name := range append(append([]string(nil), profile.RequestIDHeaders...), "request-id", "x-request-id") {
		if value := headers.Get(name); value != "" {
			return value
		}
	}
	return bodyRequestID(body)
}

func bodyRequestID(body any) string {
	fields, _ := asObject(body)
	if id := asText(fields["request_id"]); id != "" {
		return id
	}
	return asText(at(fields, "x_groq.id"))
}

func oneLine(text string) string {
	printable := strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return ' '
	}, text)
	line := strings.Join(strings.Fields(printable), " ")
	if kept := firstChars(line, messageLimit-1); firstChars(line, messageLimit) != line {
		return kept + "…"
	}
	return line
}

func textReport(body []byte) errorReport {
	text := strings.TrimSpace(validText(body))
	if !strings.HasPrefix(text, "<") {
		return errorReport{message: text}
	}
	if title := titleForm.FindStringSubmatch(text); title != nil {
		text = or(title[1], title[2])
	}
	return errorReport{message: html.UnescapeString(tagForm.ReplaceAllString(text, " "))}
}

func jsonReport(value any) errorReport {
	if list, ok := value.([]any); ok {
		value = firstObject(list)
	}
	if text, ok := value.(string); ok {
		return errorReport{message: text}
	}
	fields, ok := asObject(value)
	if !ok {
		return errorReport{}
	}
	inner := errorObject(fields)
	details := detailsOf(fields)
	if len(details) == 0 {
		details = detailsOf(inner)
	}
	kind := plainText(inner["type"])
	message := or(wordsOf(inner), wordsOf(fields))
	message = or(message, detailLines(details))
	message = or(message, or(objectText(inner["message"]), kind))
	report := errorReport{message: message, kind: kind, code: plainText(inner["code"]), param: plainText(inner["param"]), details: details}
	if report.status = explicitStatus(inner); report.status == 0 {
		report.status = explicitStatus(fields)
	}
	return report
}

// firstObject is the first object of a list, or the list as one text.
func firstObject(list []any) any {
	var words []string
	for _, entry := range list {
		if found, ok := asObject(entry); ok {
			return found
		}
		words = append(words, fmt.Sprint(entry))
	}
	return strings.Join(words, " ")
}

func errorObject(fields object) object {
	inner := fields["error"]
	if response, ok := asObject(fields["response"]); ok && inner == nil {
		inner = response["error"]
	}
	switch found := inner.(type) {
	case object:
		return found
	case string:
		made := copyObject(fields)
		made["message"] = found
		return made
	}
	return fields
}

// wordsOf is the sentence for humans, wherever it stands.
func wordsOf(fields object) string {
	for _, name := range []string{"message", "detail", "error_description", "msg", "title"} {
		if text := asText(fields[name]); strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

func detailsOf(fields object) []Detail {
	report := fields["detail"]
	if !truthy(report) {
		report = fields["details"]
	}
	if message, ok := asObject(fields["message"]); ok && !truthy(report) {
		report = message["detail"]
		if !truthy(report) {
			report = message
		}
	}
	list, isList := report.([]any)
	if !isList {
		list = []any{report}
	}
	var details []Detail
	for _, entry := range list {
		found, isObject := asObject(entry)
		text, isText := entry.(string)
		if isObject && wordsOf(found) != "" {
			details = append(details, Detail{pathOf(found), wordsOf(found), plainText(found["type"])})
		} else if isText && isList {
			details = append(details, Detail{Message: text})
		}
	}
	return details
}

func pathOf(entry object) string {
	for _, name := range []string{"loc", "path", "field"} {
		if !truthy(entry[name]) {
			continue
		}
		list, ok := entry[name].([]any)
		if !ok {
			return fmt.Sprint(entry[name])
		}
		var parts []string
		for _, part := range list {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, ".")
	}
	return ""
}

func detailLines(details []Detail) string {
	var lines []string
	for _, one := range details {
		line := one.Message
		if one.Path != "" {
			line = one.Path + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func plainText(value any) string {
	if whole, ok := asInt(value); ok {
		return fmt.Sprint(whole)
	}
	return asText(value)
}

// objectText is an object where the sentence should be, as JSON, without echoed input.
func objectText(value any) string {
	switch value.(type) {
	case object, []any:
		if encoded, err := marshal(withoutInput(value)); err == nil && truthy(value) {
			return string(encoded)
		}
	}
	return ""
}

func explicitStatus(fields object) int {
	for _, name := range []string{"status", "status_code", "raw_status_code", "code"} {
		if status, ok := asInt(fields[name]); ok && status >= 400 && status <= 599 {
			return status
		}
	}
	return 0
}

func isErrorReport(data any) bool {
	fields, ok := asObject(data)
	if !ok {
		return asText(data) != "" // no family has an event that is a bare string
	}
	if truthy(fields["error"]) || fields["object"] == "error" || isErrorEvent(asText(fields["type"])) {
		return true
	}
	for _, name := range []string{"type", "object", "choices", "id"} {
		if _, told := fields[name]; told {
			return false
		}
	}
	return truthy(fields["detail"]) || wordsOf(fields) != ""
}

// withoutInput is the value with every input that a validation report echoes blanked.
func withoutInput(value any) any {
	switch found := value.(type) {
	case object:
		made := object{}
		for name, entry := range found {
			if name == "input" {
				made[name] = redactedText
			} else {
				made[name] = withoutInput(entry)
			}
		}
		return made
	case []any:
		made := make([]any, len(found))
		for place, entry := range found {
			made[place] = withoutInput(entry)
		}
		return made
	}
	return value
}
