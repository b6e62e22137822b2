package forge

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Durations as servers write them and as users give them.

const (
	longestText = 64 // characters; a longer header value is not a duration
	shortest    = time.Millisecond
)

var (
	numberForm   = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)?$`)
	compoundForm = regexp.MustCompile(`^` +
		`(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?` +
		`(?:([0-9]+(?:\.[0-9]+)?)ms)?(?:([0-9]+(?:\.[0-9]+)?)(?:us|µs|μs))?(?:([0-9]+(?:\.[0-9]+)?)ns)?$`)
	unitSeconds = [...]float64{3600, 60, 1, 1e-3, 1e-6, 1e-9}
)

// parseNumber is a plain non-negative decimal number; nothing else is: no signs, exponents or over-long text.
func parseNumber(text string) (float64, bool) {
	if len(text) > longestText {
		return 0, false
	}
	text = strings.Trim(text, " \t")
	if !numberForm.MatchString(text) {
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

// parseDuration are the seconds of a duration such as 1h2m3s, 106.66ms or 60.
func parseDuration(text string) (float64, bool) {
	if number, ok := parseNumber(text); ok {
		return number, true
	}
	if len(text) > longestText {
		return 0, false
	}
	text = strings.Trim(text, " \t")
	parts := compoundForm.FindStringSubmatch(text)
	if text == "" || parts == nil {
		return 0, false
	}
	total := 0.0
	for unit, part := range parts[1:] {
		if part != "" {
			count, _ := strconv.ParseFloat(part, 64)
			total += count * unitSeconds[unit]
		}
	}
	return total, true
}

// checkDuration is ConfigError for a duration that an option cannot have: below 1 ms.
func checkDuration(name string, value time.Duration) error {
	if value >= shortest {
		return nil
	}
	return newError(KindConfig, "%s must be a duration of at least 1ms, not %v", name, value)
}

// checkSeconds is the duration of a number of seconds, if an option may have it.
func checkSeconds(name string, value float64) (time.Duration, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) || value < shortest.Seconds() {
		return 0, newError(KindConfig, "%s must be a number of seconds of at least 0.001, not %v", name, value)
	}
	return seconds(value), nil
}
