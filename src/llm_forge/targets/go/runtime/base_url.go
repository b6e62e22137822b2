package forge

import (
	"fmt"
	"net/netip"
	"net/url"
	"sort"
	"strings"
)

// Base URLs: https unless loopback, no user-info, query or fragment, joined without doubled slashes (R-008,
// Errors never show what stands before an @ or behind a ?.

// readBaseURL is the base URL in its normal form, without a slash at its end; ConfigError names source.
func readBaseURL(text, source string, allowInsecureHTTP bool, suffixes []string) (string, error) {
	parts, err := checkedURL(text, source, allowInsecureHTTP)
	if err != nil {
		return "", err
	}
	if parts.RawQuery != "" || parts.ForceQuery || parts.Fragment != "" || strings.Contains(text, "#") {
		return "", newError(KindConfig, "%s must not contain a query or fragment; use WithExtraQuery on calls", source)
	}
	path := strings.TrimRight(parts.EscapedPath(), "/")
	for _, suffix := range suffixes {
		if trimmed, found := strings.CutSuffix(path, suffix); found {
			path = strings.TrimRight(trimmed, "/")
			break
		}
	}
	return parts.Scheme + "://" + parts.Host + path, nil
}

// checkedURL are the parts of a URL that credentials may go to: https or loopback, no user-info.
func checkedURL(text, source string, allowInsecureHTTP bool) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if strings.IndexFunc(text, func(char rune) bool { return char <= ' ' || char == 0x7F }) >= 0 {
		return nil, newError(KindConfig, "%s must be a URL without spaces or control characters", source)
	}
	parts, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, newError(KindConfig, "%s is not a URL; expected something like https://host/path", source)
	case parts.Scheme != "http" && parts.Scheme != "https" || parts.Hostname() == "":
		return nil, newError(KindConfig, "%s must start with https:// and name a host", source)
	case parts.User != nil:
		return nil, newError(KindConfig, "%s must not contain a user or password; pass credentials with WithAPIKey", source)
	case parts.Scheme == "http" && !allowInsecureHTTP && !isLoopback(parts.Hostname()):
		return nil, newError(KindConfig, "%s is plain http to %s: use https, or WithAllowInsecureHTTP", source, parts.Hostname())
	}
	return parts, nil
}

// checkedLink is a URL that an answer named, if it may be followed; InvalidRequestError if it may not.
func checkedLink(text string, allowInsecureHTTP bool) (string, error) {
	if _, err := checkedURL(text, "The link", allowInsecureHTTP); err != nil {
		return "", newError(KindInvalidRequest, "%s", err.Error())
	}
	link, _, _ := strings.Cut(strings.TrimSpace(text), "#")
	return link, nil
}

// isLoopback says whether plain http to this host stays on the machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// originOf is scheme, host and port of a URL, the port always written; "" for a URL that is none.
func originOf(text string) string {
	parts, err := url.Parse(text)
	if err != nil || parts.Host == "" {
		return ""
	}
	port := parts.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[parts.Scheme]
	}
	return fmt.Sprintf("%s://%s:%s", parts.Scheme, parts.Hostname(), or(port, "80"))
}

// fillPath is a path template with its percent-encoded parameters, none of which can change the route.
func fillPath(template string, values map[string]any, styles map[string]string) (string, error) {
	path := template
	for name, value := range values {
		encoded, err := pathSegment(name, value, styles["path."+name])
		if err != nil {
			return "", err
		}
		if encoded == "" || encoded == "." || encoded == ".." {
			return "", newError(KindInvalidRequest, "Path parameter %q must not be empty, '.' or '..'", name)
		}
		path = strings.ReplaceAll(path, "{"+name+"}", encoded)
	}
	return escapeBut(path, inPath), nil
}

// inPath are the characters, beside letters and digits, that a path may hold as they are: with any other one, net/url
// writes the whole path anew, and a slash in a parameter would be a slash of the route.
const inPath = "-_.~/%!$&'()*+,;=:@[]"

const upperHex = "0123456789ABCDEF"

// escapeAll percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
func escapeAll(text string) string { return escapeBut(text, "-_.~") }

func escapeBut(text, safe string) string {
	var made strings.Builder
	for place := 0; place < len(text); place++ {
		char := text[place]
		if isDigit(char) || char >= 'a' && char <= 'z' || char >= 'A' && char <= 'Z' || strings.IndexByte(safe, char) >= 0 {
			made.WriteByte(char)
		} else {
			made.WriteByte('%')
			made.WriteByte(upperHex[char>>4])
			made.WriteByte(upperHex[char&15])
		}
	}
	return made.String()
}

// pair is a name and its value, of a query or a form.
type pair struct{ name, value string }

// encodePairs is a query or form as it goes on the wire.
func encodePairs(pairs []pair) string {
	parts := make([]string, len(pairs))
	for place, one := range pairs {
		parts[place] = url.QueryEscape(one.name) + "=" + url.QueryEscape(one.value)
	}
	return strings.Join(parts, "&")
}

func sortedNames[V any](values map[string]V) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
