package forge

import (
	"math"
	"strconv"
	"strings"
)

// OAuth 2 tokens: how an answer is read, when a token is renewed, and who may ask for one.
//
//   - At most one token request is under way; whoever needs a token meanwhile joins it.
//   - A request that failed fails those who wait for it; the next caller begins a new one.
//   - A waiter that leaves changes nothing for the others, and nothing for the request: an answer that
//     nobody reads could hold the only valid refresh token.
//   - A token and the refresh token that came with it are taken over in one step.
//   - Only the monotonic clock counts; the time of day may jump.

const (
	defaultLifetime = 3600.0
	renewSeconds    = 60.0
	renewShare      = 0.2
)

// grantedToken is what a token endpoint gave; refresh is nil where it sent no new one.
type grantedToken struct {
	access   Secret
	lifetime float64
	refresh  *Secret
}

// token is an access token and the monotonic time from which it is to be renewed.
type token struct {
	access  Secret
	renewAt float64
}

// tokenFlight is one token request: under way until it is over, with a token or an error.
type tokenFlight struct {
	over  bool
	token *token
	err   *Error
}

// tokenSource says who uses, waits for, or asks for a token. Not safe for goroutines: its owner holds a lock.
type tokenSource struct {
	refresh *Secret
	token   *token
	flight  *tokenFlight
}

// ask is the current token, or the request to wait for; begins says that the caller is the one to send it.
func (s *tokenSource) ask(now float64) (current *token, join *tokenFlight, begins bool) {
	if s.token != nil && now <= s.token.renewAt {
		return s.token, nil, false
	}
	if s.flight != nil {
		return nil, s.flight, false
	}
	s.flight = &tokenFlight{}
	return nil, s.flight, true
}

// succeed ends a request with what it brought; its lifetime counts from the time it was asked for.
func (s *tokenSource) succeed(flight *tokenFlight, granted grantedToken, askedAt float64) {
	if granted.refresh != nil {
		s.refresh = granted.refresh
	}
	s.token = &token{granted.access, askedAt + usableFor(granted.lifetime)}
	flight.token = s.token
	s.land(flight)
}

// fail ends a request that brought nothing.
func (s *tokenSource) fail(flight *tokenFlight, err *Error) {
	flight.err = err
	s.land(flight)
}

// refuse stops using a token that a server refused; a newer one stays.
func (s *tokenSource) refuse(refused *token) {
	if s.token == refused {
		s.token = nil
	}
}

func (s *tokenSource) land(flight *tokenFlight) {
	flight.over = true
	if s.flight == flight {
		s.flight = nil
	}
}

// usableFor is how long a token is used before it is renewed.
func usableFor(lifetime float64) float64 { return lifetime - min(renewSeconds, renewShare*lifetime) }

// readGrant is the token in a token endpoint's 2xx answer (RFC 6749 section 5.1).
func readGrant(answer any) (grantedToken, error) {
	fields, _ := asObject(answer)
	text, ok := fields["access_token"].(string)
	if !ok {
		return grantedToken{}, newError(KindAuth, "The token endpoint's answer has no access_token; is the token URL right?")
	}
	if kind, ok := fields["token_type"].(string); ok && !strings.EqualFold(kind, "bearer") {
		return grantedToken{}, newError(KindAuth, "The token endpoint gave a token that is not of type bearer")
	}
	access, err := cleanedToken(text, "access_token")
	if err != nil {
		return grantedToken{}, err
	}
	made := grantedToken{access: access, lifetime: lifetimeOf(fields["expires_in"])}
	if text := asText(fields["refresh_token"]); text != "" {
		refresh, err := cleanedToken(text, "refresh_token")
		if err != nil {
			return grantedToken{}, err
		}
		made.refresh = &refresh
	}
	return made, nil
}

func cleanedToken(text, name string) (Secret, error) {
	secret, err := CleanSecret(text, "the token endpoint's "+name)
	if err != nil {
		return Secret{}, newError(KindAuth, "%s", err.Error())
	}
	return secret, nil
}

// lifetimeOf are the seconds of expires_in, a number or its text; anything else counts as missing.
func lifetimeOf(value any) float64 {
	lifetime, ok := asFloat(value)
	if text, isText := value.(string); isText {
		parsed, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		lifetime, ok = parsed, err == nil
	}
	if !ok || math.IsNaN(lifetime) || math.IsInf(lifetime, 0) || lifetime < 0 {
		return defaultLifetime
	}
	return lifetime
}
