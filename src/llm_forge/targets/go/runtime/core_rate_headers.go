package forge

// What a response says about the provider's rate limits.
//
//   - A family is read whole or not at all: one malformed field makes it unknown for this response.
//   - Absolute resets are turned into a delay by the response's own Date.
//   - A family without a reset header, but with a period, is taken to refill evenly over that period.
//   - RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers) are read from every provider.

// observed is one family as a response reports it; what is unknown is nil. resetsAt is an absolute instant:
// the end of the window, or when the family will have refilled to its limit.
type observed struct {
	family, unit               string
	limit, remaining, resetsAt *float64
	refills                    bool
}

func known(value float64) *float64 { return &value }

// observe are the families that the response reports; now is monotonic, wallNow the local wall clock.
func observe(headers Headers, limits []LimitHeaders, now, wallNow float64) []observed {
	var found []observed
	server := serverNow(headers, wallNow)
	for _, entry := range limits {
		if !headers.Has(entry.Limit) && !headers.Has(entry.Remaining) {
			continue
		}
		if family, ok := readFamily(headers, entry, now, server); ok {
			found = append(found, family)
		}
	}
	if headers.Has("ratelimit") {
		found = append(found, standardFields(headers, now)...)
	}
	return found
}

// shortened are the families of a throttled answer, none exhausted for longer than the wait it asks for.
func shortened(families []observed, until float64) []observed {
	made := append([]observed(nil), families...)
	for place, one := range made {
		if one.remaining != nil && *one.remaining == 0 && one.resetsAt != nil {
			made[place].resetsAt = known(min(*one.resetsAt, until))
		}
	}
	return made
}

func readFamily(headers Headers, entry LimitHeaders, now, server float64) (observed, bool) {
	limit, limitOK := readAmount(headers, entry.Limit)
	remaining, remainingOK := readAmount(headers, entry.Remaining)
	delay, delayOK := readReset(headers, entry, server)
	if !limitOK || !remainingOK || !delayOK || (limit == nil && remaining == nil) {
		return observed{}, false
	}
	refills := entry.ResetMeaning == "refill"
	if entry.Reset == "" {
		delay, refills = evenRefill(limit, remaining, entry.Period), true
	}
	family := observed{family: entry.Family, unit: entry.Unit, limit: limit, remaining: remaining, refills: refills}
	if delay != nil {
		family.resetsAt = known(now + *delay)
	}
	return family, true
}

// evenRefill are the seconds until the family is full, if it gains its limit in a period.
func evenRefill(limit, remaining *float64, period float64) *float64 {
	if limit == nil || *limit == 0 || remaining == nil || period == 0 {
		return nil
	}
	return known(period * max(*limit-*remaining, 0) / *limit)
}

// readAmount is nil for an absent field, and false for one that makes no sense.
func readAmount(headers Headers, name string) (*float64, bool) {
	text, present := headers.find(name)
	if !present {
		return nil, true
	}
	amount, ok := parseNumber(text)
	return known(amount), ok
}

func readReset(headers Headers, entry LimitHeaders, server float64) (*float64, bool) {
	text, present := headers.find(entry.Reset)
	if entry.Reset == "" || !present {
		return nil, true
	}
	delay, ok := resetDelay(text, entry.ResetForm, server)
	return known(max(delay, 0)), ok
}

func resetDelay(text, form string, server float64) (float64, bool) {
	switch form {
	case "seconds":
		return parseNumber(text)
	case "epoch":
		at, ok := parseNumber(text)
		return at - server, ok
	case "rfc3339":
		at, ok := parseRFC3339(text)
		return at - server, ok
	}
	return parseDuration(text)
}

func standardFields(headers Headers, now float64) []observed {
	policies := map[string]map[string]string{}
	for _, item := range parseItems(headers.All("ratelimit-policy")) {
		policies[item.name] = item.parameters
	}
	var found []observed
	for _, item := range parseItems(headers.All("ratelimit")) {
		remaining, ok := parseNumber(item.parameters["r"])
		if !ok {
			continue
		}
		policy := policies[item.name]
		one := observed{family: "ratelimit:" + item.name, unit: unitOfPolicy(policy), remaining: known(remaining)}
		if limit, ok := parseNumber(policy["q"]); ok {
			one.limit = known(limit)
		}
		if delay, ok := parseNumber(item.parameters["t"]); ok {
			one.resetsAt = known(now + delay)
		}
		found = append(found, one)
	}
	return found
}

func unitOfPolicy(policy map[string]string) string {
	switch unit := or(policy["qu"], "requests"); unit {
	case "requests", "tokens":
		return unit
	}
	return "other"
}
