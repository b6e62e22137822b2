package forge

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestEveryErrorIsFoundByItsClassAndByThoseAbove(t *testing.T) {
	err := fmt.Errorf("the job failed: %w", newError(KindOverloaded, "busy"))
	var (
		overloaded OverloadedError
		server     ServerError
		api        APIError
		limited    RateLimitError
		every      *Error
	)
	for _, target := range []any{&overloaded, &server, &api, &every} {
		if !errors.As(err, target) {
			t.Errorf("%T does not fit", target)
		}
	}
	if errors.As(err, &limited) || overloaded.Message != "busy" {
		t.Errorf("%v, %v", limited, overloaded)
	}
}

func TestEveryKindHasAClassOfItsOwn(t *testing.T) {
	classes := []error{
		ConfigError{}, InvalidRequestError{}, LocalRejectionError{}, CircuitOpenError{}, RateLimitWaitError{}, RateLimitConfigError{},
		ClientClosedError{}, AuthError{}, DeadlineExceededError{}, TransportError{}, ConnectError{}, TLSError{}, PoolTimeoutError{},
		AttemptTimeoutError{}, ConnectionLostError{}, ProtocolError{}, RedirectError{}, ResponseTooLargeError{}, APIError{},
		BadRequestError{}, AuthenticationError{}, QuotaExceededError{}, PermissionDeniedError{}, NotFoundError{}, ConflictError{},
		RequestTooLargeError{}, UnprocessableError{}, RateLimitError{}, CapacityError{}, ServerError{}, OverloadedError{},
		UnavailableError{}, GatewayTimeoutError{}, InvalidResponseError{}, StreamError{}, StreamInterruptedError{}, StreamIdleError{},
		StreamStallError{}, StreamDecodeError{}, StreamProtocolError{},
	}
	for _, class := range classes {
		kind := Kind(strings.TrimSuffix(reflect.TypeOf(class).Name(), "Error") + "Error")
		target := reflect.New(reflect.TypeOf(class))
		own := map[Kind]Kind{"LocalRejectionError": KindLocalRejection, "TLSError": KindTLS, "APIError": KindAPI}[kind]
		if own == "" {
			own = kind
		}
		if !newError(own, "x").As(target.Interface()) {
			t.Errorf("%T does not take %s", class, own)
		}
		if newError(KindForge, "x").As(target.Interface()) {
			t.Errorf("%T takes any error", class)
		}
	}
}

// ER-05: an error survives JSON with all its facts and without its cause's text.
func TestER05AnErrorIsRestoredFromJSON(t *testing.T) {
	err := newError(KindRateLimit, "slow down").because(errors.New("a secret place"))
	err.Status, err.RetryAfter, err.Attempts = 429, 7*time.Second, []Attempt{{Number: 1, Outcome: "RateLimitError"}}
	encoded, failed := json.Marshal(err)
	if failed != nil || strings.Contains(string(encoded), "secret") {
		t.Fatalf("%s %v", encoded, failed)
	}
	var restored Error
	if failed := json.Unmarshal(encoded, &restored); failed != nil {
		t.Fatal(failed)
	}
	err.cause = nil
	if !reflect.DeepEqual(&restored, err) {
		t.Errorf("%#v", restored)
	}
}

func TestASecretShowsItselfNowhere(t *testing.T) {
	secret := NewSecret("sk-canary-0123456789")
	encoded, err := json.Marshal(map[string]any{"key": secret})
	shown := fmt.Sprintf("%v %+v %#v %s %q %s %v", secret, secret, secret, secret, secret, encoded, struct{ S Secret }{secret})
	if err != nil || strings.Contains(shown, "canary") {
		t.Error(shown)
	}
	if secret.Fingerprint() != NewSecret("sk-canary-0123456789").Fingerprint() || len(secret.Fingerprint()) != 8 {
		t.Error(secret.Fingerprint())
	}
}

func TestACredentialIsCleanOrRefusedWithoutBeingShown(t *testing.T) {
	if found, err := CleanSecret(" \tkey\r\n", "x"); err != nil || found.Reveal() != "key" {
		t.Error(found, err)
	}
	for _, text := range []string{"", "  ", "a b", "a\nb", "schlüssel", "a\x00b"} {
		_, err := CleanSecret(text, "the option")
		if !is(err, KindConfig) || text != "" && strings.TrimSpace(text) != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever an encoder makes of a secret, and whatever stands around it, the redactor finds it.
func TestTheRedactorFindsASecretInEverySpelling(t *testing.T) {
	holds := func(before, after string, seed uint32) bool {
		value := fmt.Sprintf("sk/%08x+\"%d=", seed, seed)
		clean := newRedactor([]Secret{NewSecret(value)}, nil)
		quoted, _ := json.Marshal(value)
		spellings := []string{value, url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(quoted), `"`)}
		for _, spelled := range spellings {
			if strings.Contains(clean.text(before+spelled+after), spelled) {
				return false
			}
		}
		for cut := 0; cut < 3; cut++ {
			text := base64.StdEncoding.EncodeToString([]byte(before[:min(cut, len(before))] + value + after))
			if clean.text(text) == text {
				return false
			}
		}
		return true
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

func TestTheRedactorLeavesOtherWordsAlone(t *testing.T) {
	clean := newRedactor([]Secret{NewSecret("key")}, nil)
	for text, wanted := range map[string]string{
		"the key is key, not monkey": "the [redacted] is [redacted], not monkey",
		"Incorrect: sk-ab***yz":      "Incorrect: sk-ab***yz",
		"Bearer abcdefgh123":         "Bearer [redacted]",
	} {
		if found := clean.text(text); found != wanted {
			t.Errorf("%q: %q", text, found)
		}
	}
	ours := newRedactor([]Secret{NewSecret("sk-abcdefghijklmnopyz")}, nil)
	if found := ours.text("Incorrect: sk-ab***yz"); found != "Incorrect: [redacted]" {
		t.Error(found)
	}
}

// A wait is never shorter than the server's, never begun beyond the deadline, and never without attempts left.
func TestARetryIsNeverEarlierThanTheServerAsksNorLaterThanTheDeadline(t *testing.T) {
	holds := func(attempt uint8, wait, left, chance, jitter float64) bool {
		wait, left = math.Mod(math.Abs(wait), 90), math.Mod(math.Abs(left), 200)
		chance, jitter = math.Mod(math.Abs(chance), 1), math.Mod(math.Abs(jitter), 1)
		number := int(attempt%5) + 1
		next := defaultRetryPolicy().decide(number, failure{kind: "status", status: 429, serverWait: wait},
			situation{rewindable: true, left: left, chance: chance, jitter: jitter})
		if !next.again {
			return true
		}
		return number < 3 && next.after >= wait && wait <= 60 && next.after+minAttempt <= left
	}
	if err := quick.Check(holds, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

// However calls come, no more units leave a bucket than it held and gained, and first in is first out.
func TestABucketNeverGivesMoreThanItHeldAndGained(t *testing.T) {
	holds := func(gaps []uint8) bool {
		l := newLimiter(limiterOptions{limits: []Limit{{Unit: "requests", Amount: 60, Period: time.Minute}}, maxWait: 1e9})
		now, admitted := 0.0, 0
		var waitingTickets []int64
		for _, gap := range gaps {
			now += float64(gap) / 64
			for len(waitingTickets) > 0 {
				d, _ := l.claim(waitingTickets[0], now, math.Inf(1), -1)
				if d.verdict != granted {
					break
				}
				admitted, waitingTickets = admitted+1, waitingTickets[1:]
			}
			d := l.reserve(cost{requests: 1}, now, math.Inf(1), -1, 1)
			if d.verdict == granted {
				if len(waitingTickets) > 0 {
					return false // it overtook
				}
				admitted++
			} else {
				waitingTickets = append(waitingTickets, d.ticket)
			}
		}
		return float64(admitted) <= 10+now+1e-6
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

func TestAddressesThatAreNotPublicAreKnown(t *testing.T) {
	for text, public := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "127.0.0.1": false, "10.1.2.3": false, "169.254.169.254": false, "::1": false,
		"fe80::1%eth0": false, "::ffff:127.0.0.1": false, "64:ff9b::a00:1": false, "2002:7f00:1::": false, "100.64.0.1": false,
		"224.0.0.1": false, "0.0.0.0": false, "192.0.2.1": false,
	} {
		if found := isPublic(netip.MustParseAddr(text)); found != public {
			t.Errorf("%s: %v", text, found)
		}
	}
}

func TestJSONBeyondTheLimitsIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"depth": strings.Repeat("[", 201) + strings.Repeat("]", 201), "digits": strings.Repeat("9", 1001), "range": "1e999",
		"nan": "NaN", "two": "1 2", "latin-1": "\"\xe9\"", "cut": `{"a":`,
	} {
		if _, err := decodeJSON([]byte(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	value, err := decodeJSON([]byte("\xef\xbb\xbf{\"a\":9223372036854775807,\"a\":18446744073709551616}"))
	if err != nil || fmt.Sprint(value) != "map[a:18446744073709551616]" {
		t.Error(value, err)
	}
}

func TestRequestsThatJSONCannotCarryAreRefused(t *testing.T) {
	type own struct{ Text string }
	for name, value := range map[string]any{
		"nan": math.NaN(), "infinity": object{"a": math.Inf(1)}, "half a pair": object{"a": []any{"x\xed\xa0\xbd"}},
		"in a struct": own{"\xff"}, "a function": func() {},
	} {
		if _, err := encodeJSON(value); !is(err, KindInvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if encoded, err := encodeJSON(own{"\uFFFD <&>"}); err != nil || string(encoded) != "{\"Text\":\"\uFFFD <&>\"}" {
		t.Errorf("%s %v", encoded, err)
	}
}
