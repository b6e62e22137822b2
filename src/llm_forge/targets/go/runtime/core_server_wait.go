package forge

import "strings"

// How long a server asks us to wait.

// retryAfter are the seconds of the first valid of retry-after-ms and Retry-After. A date is taken relative
// to the response's own Date, else to wallNow. Unparsable values count as absent; 0 is valid and no wait.
func retryAfter(headers Headers, wallNow float64) (float64, bool) {
	for _, text := range headers.All("retry-after-ms") {
		if milliseconds, ok := parseNumber(text); ok {
			return milliseconds / 1000, true
		}
	}
	for _, text := range headers.All("retry-after") {
		if wait, ok := waitOf(text, headers, wallNow); ok {
			return wait, true
		}
	}
	return 0, false
}

// serverWait are the seconds to wait before the next attempt, 0 where the server asks for none.
//
// Without a valid Retry-After a throttling status takes the latest reset of its exhausted families. A
// 2xx status asks for nothing, whatever its fields say.
func serverWait(headers Headers, status int, limits []LimitHeaders, wallNow float64) float64 {
	if status < 300 {
		return 0
	}
	wait, told := retryAfter(headers, wallNow)
	if !told && throttles(status) {
		wait = longestReset(headers, limits, wallNow)
	}
	return wait
}

// shouldRetry is the server's own word in x-should-retry, nil if it gives none.
func shouldRetry(headers Headers) *bool {
	word := strings.ToLower(strings.Trim(headers.Get("x-should-retry"), " \t"))
	if word != "true" && word != "false" {
		return nil
	}
	yes := word == "true"
	return &yes
}

func waitOf(text string, headers Headers, wallNow float64) (float64, bool) {
	if plain, ok := parseNumber(text); ok {
		return plain, true
	}
	at, ok := parseHTTPDate(text, wallNow)
	if !ok {
		return 0, false
	}
	delay := at - serverNow(headers, wallNow)
	return delay, delay >= 0
}

func longestReset(headers Headers, limits []LimitHeaders, wallNow float64) float64 {
	longest := 0.0
	for _, one := range observe(headers, limits, 0, wallNow) {
		if one.remaining != nil && *one.remaining == 0 && one.resetsAt != nil {
			longest = max(longest, *one.resetsAt)
		}
	}
	return longest
}
