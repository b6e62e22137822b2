package forge

import (
	"bytes"
	"encoding/json"
	"time"
)

// Objects as configuration files write them: names in lower case, durations in seconds.

// strictly decodes a named object; an unknown name is ConfigError.
func strictly(value any, into any, what string) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return newError(KindConfig, "%s is no object", what)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return newError(KindConfig, "%s: %s", what, oneLine(err.Error()))
	}
	return nil
}

// namedSeconds is a duration in seconds.
type namedSeconds time.Duration

// UnmarshalJSON reads a number of seconds.
func (s *namedSeconds) UnmarshalJSON(data []byte) error {
	var value float64
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	*s = namedSeconds(seconds(value))
	return nil
}

type namedBreaker struct {
	Window           namedSeconds  `json:"window"`
	Buckets          int           `json:"buckets"`
	MinOutcomes      int           `json:"min_outcomes"`
	Ratio            float64       `json:"ratio"`
	Open             namedSeconds  `json:"open_seconds"`
	OpenMax          namedSeconds  `json:"open_max"`
	Jitter           float64       `json:"jitter"`
	Probes           int           `json:"probes"`
	SuccessesToClose int           `json:"successes_to_close"`
	Enabled          bool          `json:"enabled"`
	SlowCall         *namedSeconds `json:"slow_call_seconds"`
	SlowCallRatio    float64       `json:"slow_call_ratio"`
	PerModel         bool          `json:"per_model"`
}

func breakerOf(value any) (BreakerSettings, error) {
	d := DefaultBreaker()
	named := namedBreaker{
		Window: namedSeconds(d.Window), Buckets: d.Buckets, MinOutcomes: d.MinOutcomes, Ratio: d.Ratio,
		Open: namedSeconds(d.Open), OpenMax: namedSeconds(d.OpenMax), Jitter: d.Jitter, Probes: d.Probes,
		SuccessesToClose: d.SuccessesToClose, Enabled: true, SlowCallRatio: d.SlowCallRatio,
	}
	if err := strictly(value, &named, "breaker"); err != nil {
		return d, err
	}
	made := BreakerSettings{
		Window: time.Duration(named.Window), Buckets: named.Buckets, MinOutcomes: named.MinOutcomes, Ratio: named.Ratio,
		Open: time.Duration(named.Open), OpenMax: time.Duration(named.OpenMax), Jitter: named.Jitter, Probes: named.Probes,
		SuccessesToClose: named.SuccessesToClose, Disabled: !named.Enabled, SlowCallRatio: named.SlowCallRatio, PerModel: named.PerModel,
	}
	if named.SlowCall != nil {
		made.SlowCall = time.Duration(*named.SlowCall)
	}
	return made, made.check()
}

type namedLimit struct {
	Unit   string       `json:"unit"`
	Amount float64      `json:"amount"`
	Period namedSeconds `json:"period"`
	Burst  float64      `json:"burst"`
	Models string       `json:"models"`
}

func limitsFrom(value any) ([]Limit, error) {
	var named []namedLimit
	if err := strictly(value, &named, "limits"); err != nil {
		return nil, err
	}
	made := make([]Limit, len(named))
	for place, one := range named {
		made[place] = Limit{one.Unit, one.Amount, time.Duration(one.Period), one.Burst, one.Models}
		if err := made[place].check(); err != nil {
			return nil, err
		}
	}
	return made, nil
}
