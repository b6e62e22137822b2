package forge

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// Text and headers without credentials; URLs are never part of a text.
//
// A secret is found as it is, percent-encoded, JSON-escaped (also mixed: each character that an encoder may touch
// is taken in any of these spellings) and inside Base64 at each of the three alignments.

const (
	leastBase64 = 8
	// A shorter credential is a word of a test or a local server: it goes where it stands alone, for inside
	// other words it is chance.
	shortestAnywhere = 8
	shortestPart     = 4
)

var (
	// looksSecret is a credential by its scheme, although it is none of ours. Other keys that a provider quotes
	// in its own message stay: the message is the provider's.
	looksSecret = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[\w.~+/=*-]{8,}`)
	halfMasked  = regexp.MustCompile(`([\w-]+)\*{3,}([\w-]*)`)
	secretName  = regexp.MustCompile(`(?i)(?:^|[-_])(?:api-?key|token|secret|auth|authorization|cookie|password|credentials?)(?:$|[-_])`)
)

func isSecretHeader(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key":
		return true
	}
	return false
}

// namesASecret says whether a header's name says that its value is a credential.
func namesASecret(header string) bool {
	return isSecretHeader(strings.ToLower(header)) || secretName.MatchString(header)
}

// secretsInHeader is what to look for of a secret header's value: all of it, what follows a scheme, values of
// cookies.
func secretsInHeader(value string) []Secret {
	parts := []string{strings.TrimSpace(value)}
	if words := strings.Fields(value); len(words) > 1 {
		parts = append(parts, words[1:]...)
	}
	for _, pair := range strings.Split(value, ";") {
		if _, after, found := strings.Cut(pair, "="); found {
			parts = append(parts, strings.TrimSpace(after))
		}
	}
	var found []Secret
	for place, part := range parts {
		if part != "" && (place == 0 || len(part) >= shortestPart) {
			found = append(found, NewSecret(part))
		}
	}
	return found
}

// redactor replaces credentials by [redacted].
type redactor struct {
	values  []string
	secrets *regexp.Regexp
	short   *regexp.Regexp
	hidden  map[string]bool
}

func newRedactor(secrets []Secret, secretHeaders []string) *redactor {
	made := &redactor{hidden: map[string]bool{}}
	for _, name := range secretHeaders {
		made.hidden[strings.ToLower(name)] = true
	}
	made.values = distinctValues(secrets)
	var anywhere, alone []string
	for _, value := range made.values {
		if len(value) < shortestAnywhere {
			alone = append(alone, anySpelling(value))
		} else {
			anywhere = append(append(anywhere, anySpelling(value)), base64Forms(value)...)
		}
	}
	made.secrets, made.short = alternatives(anywhere), alternatives(alone)
	return made
}

func distinctValues(secrets []Secret) []string {
	seen := map[string]bool{"": true}
	var values []string
	for _, secret := range secrets {
		if value := secret.Reveal(); !seen[value] {
			seen[value] = true
			values = append(values, value)
		}
	}
	sort.SliceStable(values, func(i, j int) bool { return len(values[i]) > len(values[j]) })
	return values
}

func alternatives(forms []string) *regexp.Regexp {
	if len(forms) == 0 {
		return nil
	}
	return regexp.MustCompile(strings.Join(forms, "|"))
}

// text is the text with every credential replaced.
func (r *redactor) text(text string) string {
	if r.secrets != nil {
		text = r.secrets.ReplaceAllLiteralString(text, redactedText)
	}
	if r.short != nil {
		text = replaceWhere(r.short, text, standsAlone, func([]string) string { return redactedText })
	}
	text = replaceWhere(halfMasked, text, noStarBefore, r.unlessOurs)
	return looksSecret.ReplaceAllString(text, "${1}${2}"+redactedText)
}

// unlessOurs is a half-masked key, unless it is one of ours: no character of a secret is shown.
func (r *redactor) unlessOurs(match []string) string {
	for _, value := range r.values {
		if strings.HasPrefix(value, match[1]) && strings.HasSuffix(value, match[2]) {
			return redactedText
		}
	}
	return match[0]
}

// headers are the headers worth keeping on an error: limits, waits, ids and the content type.
func (r *redactor) headers(headers Headers) map[string]string {
	kept := map[string]string{}
	for _, field := range headers.fields {
		if _, known := kept[field.Name]; !known && r.shows(field.Name) {
			kept[field.Name] = r.text(field.Value)
		}
	}
	return kept
}

func (r *redactor) shows(name string) bool {
	if isSecretHeader(name) || r.hidden[name] {
		return false
	}
	switch name {
	case "content-type", "date", "retry-after", "retry-after-ms", "x-should-retry", "openai-processing-ms", "cf-ray", "mistral-correlation-id":
		return true
	}
	return strings.Contains(name, "ratelimit") || strings.Contains(name, "request-id")
}

// replaceWhere replaces those matches that fit their surroundings.
func replaceWhere(form *regexp.Regexp, text string, fits func(before, after string) bool, with func([]string) string) string {
	var made strings.Builder
	end := 0
	for _, place := range form.FindAllStringSubmatchIndex(text, -1) {
		if !fits(text[:place[0]], text[place[1]:]) {
			continue
		}
		made.WriteString(text[end:place[0]])
		made.WriteString(with(form.FindStringSubmatch(text[place[0]:place[1]])))
		end = place[1]
	}
	return made.String() + text[end:]
}

func standsAlone(before, after string) bool {
	return (before == "" || !isWordChar(before[len(before)-1])) && (after == "" || !isWordChar(after[0]))
}

func noStarBefore(before, _ string) bool { return !strings.HasSuffix(before, "*") }

func isWordChar(char byte) bool {
	return char == '_' || char == '-' || isDigit(char) || char >= 'a' && char <= 'z' || char >= 'A' && char <= 'Z'
}

func anySpelling(value string) string {
	var form strings.Builder
	for _, char := range value {
		form.WriteString(charSpellings(char))
	}
	return form.String()
}

// charSpellings is one character as it is, percent-encoded, or escaped for JSON any number of times.
func charSpellings(char rune) string {
	if char < 0x80 && (isWordChar(byte(char)) && char != '_' || char == '_' || char == '.') {
		return regexp.QuoteMeta(string(char)) // no encoder touches these
	}
	percent := ""
	for _, one := range []byte(string(char)) {
		percent += fmt.Sprintf("%%%02x", one)
	}
	literal := regexp.QuoteMeta(string(char))
	switch char {
	case '\\':
		literal = `\\+`
	case '"', '/':
		literal = `\\*` + literal
	}
	return fmt.Sprintf(`(?:%s|(?i:%s)|(?i:\\+u%04x))`, literal, percent, char)
}

// base64Forms are the Base64 characters that depend on the secret alone, whatever stands before and after it.
func base64Forms(value string) []string {
	var forms []string
	for before := 0; before < 3; before++ {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), value...))
		part := text[(before*8+5)/6 : (before+len(value))*8/6]
		if len(part) < leastBase64 {
			continue
		}
		forms = append(forms, regexp.QuoteMeta(part))
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(part); url != part {
			forms = append(forms, regexp.QuoteMeta(url))
		}
	}
	return forms
}
