package forge

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Instants in header fields, as seconds since the epoch: HTTP dates (RFC 9110 section 5.6.7) and RFC 3339.
// Written out because the ready-made readers accept too much, or take the century from the wall clock.

const clockForm = `([0-9]{2}):([0-9]{2}):([0-9]{2})`

var (
	monthNames  = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	monthForm   = `(` + strings.Join(monthNames, "|") + `)`
	fixdate     = regexp.MustCompile(`^[A-Z][a-z]{2}, ([0-9]{2}) ` + monthForm + ` ([0-9]{4}) ` + clockForm + ` GMT$`)
	rfc850      = regexp.MustCompile(`^[A-Z][a-z]{5,8}, ([0-9]{2})-` + monthForm + `-([0-9]{2}) ` + clockForm + ` GMT$`)
	asctime     = regexp.MustCompile(`^[A-Z][a-z]{2} ` + monthForm + ` ([ 0-9][0-9]) ` + clockForm + ` ([0-9]{4})$`)
	rfc3339     = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]` + clockForm + `(\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$`)
	halfCentury = 50
)

// parseHTTPDate is the instant of an IMF-fixdate, RFC 850 or asctime date. wallNow decides the century of
// RFC 850's two-digit year: never more than 50 years ahead.
func parseHTTPDate(text string, wallNow float64) (float64, bool) {
	if len(text) > longestText {
		return 0, false
	}
	text = strings.Trim(text, " \t")
	if p := fixdate.FindStringSubmatch(text); p != nil {
		return instant(number(p[3]), monthOf(p[2]), number(p[1]), p[4:7])
	}
	if p := rfc850.FindStringSubmatch(text); p != nil {
		return instant(fullYear(number(p[3]), wallNow), monthOf(p[2]), number(p[1]), p[4:7])
	}
	if p := asctime.FindStringSubmatch(text); p != nil {
		return instant(number(p[6]), monthOf(p[1]), number(strings.TrimSpace(p[2])), p[3:6])
	}
	return 0, false
}

// parseRFC3339 is the instant of an RFC 3339 date-time with its offset.
func parseRFC3339(text string) (float64, bool) {
	if len(text) > longestText {
		return 0, false
	}
	p := rfc3339.FindStringSubmatch(strings.Trim(text, " \t"))
	if p == nil {
		return 0, false
	}
	minutes := number(p[9])*60 + number(p[10])
	found, ok := instant(number(p[1]), number(p[2]), number(p[3]), p[4:7])
	if !ok || minutes >= 24*60 {
		return 0, false
	}
	if p[8] == "+" {
		minutes = -minutes
	}
	fraction, _ := strconv.ParseFloat("0"+p[7], 64)
	return found + float64(minutes*60) + fraction, true
}

// serverNow is the server's clock when it answered: its own Date, else our wall clock.
func serverNow(headers Headers, wallNow float64) float64 {
	if own, ok := parseHTTPDate(headers.Get("date"), wallNow); ok {
		return own
	}
	return wallNow
}

func fullYear(year int, wallNow float64) int {
	thisYear := time.Unix(int64(wallNow), 0).UTC().Year()
	year += thisYear - thisYear%100
	if year > thisYear+halfCentury {
		return year - 100
	}
	return year
}

func instant(year, month, day int, clock []string) (float64, bool) {
	hour, minute, second := number(clock[0]), number(clock[1]), number(clock[2])
	made := time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC)
	same := made.Year() == year && int(made.Month()) == month && made.Day() == day && made.Hour() == hour && made.Minute() == minute
	if !same || year == 0 || second > 60 { // a leap second (60) is read as the start of the next minute
		return 0, false
	}
	return float64(made.Unix() + int64(second)), true
}

func monthOf(name string) int {
	for place, one := range monthNames {
		if one == name {
			return place + 1
		}
	}
	return 0
}

// number is the number of a text that a pattern has found to be digits, 0 for none.
func number(digits string) int {
	value, _ := strconv.Atoi(digits)
	return value
}
