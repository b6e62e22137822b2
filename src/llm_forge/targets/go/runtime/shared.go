package forge

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	circuitsKept = 1000
	closeSeconds = 5.0
)

// shared is what a client and its copies have in common: limits, breakers, budget, pool. Its lock is never
// held across a wait.
type shared struct {
	profile        *Profile
	baseURL        string
	auth           authPolicy
	trustedOrigins map[string]bool
	secretHeaders  map[string]bool
	transport      *transport
	clock          Clock
	random         func() float64
	hooks          *hooks
	steps          steps
	limiter        *RateLimiter
	breaker        BreakerSettings

	mutex    sync.Mutex
	budgets  map[string]*retryBudget
	circuits map[string]*Circuit
	names    []string // of circuits, the oldest first
	closed   bool
	running  map[*call]bool
	idle     Signal // set when nothing runs any more, once the client is closing
	inferred sync.Once
	missing  atomic.Int64 // required fields that answers lacked at their top level
}

func newShared(profile *Profile, baseURL string, auth authPolicy, c *config) *shared {
	made := &shared{
		profile: profile, baseURL: baseURL, auth: auth, trustedOrigins: map[string]bool{originOf(baseURL): true},
		secretHeaders: map[string]bool{}, transport: newTransport(c), clock: c.clock, random: c.random,
		hooks: &hooks{functions: c.hooks}, steps: stepsOf(c.middleware), limiter: c.rateLimiter, breaker: c.breaker,
		budgets: map[string]*retryBudget{}, circuits: map[string]*Circuit{}, running: map[*call]bool{},
	}
	made.hooks.functions = append(made.hooks.functions, made.steps.hooks...)
	made.hooks.readers = made.steps.readers
	if made.limiter == nil {
		made.limiter = newRateLimiter(c.limiter)
	}
	for _, origin := range c.trustedOrigins {
		made.trustedOrigins[originOf(origin)] = true
	}
	header := auth.headerName()
	for _, name := range append(append(append([]string(nil), profile.SecretHeaders...), c.secretHeaders...), header) {
		made.secretHeaders[strings.ToLower(name)] = name != ""
	}
	return made
}

// trusts says whether credentials may go to this URL.
func (s *shared) trusts(url string) bool { return s.trustedOrigins[originOf(url)] }

// isSecretHeader says whether a request header's value is a credential, by its name or because it is listed.
func (s *shared) isSecretHeader(name string) bool {
	return s.secretHeaders[strings.ToLower(name)] || namesASecret(name)
}

// redactorFor removes these secrets, those of the client and those in a request's headers from texts.
func (s *shared) redactorFor(secrets []Secret, headers Headers) *redactor {
	known := append(append([]Secret(nil), secrets...), s.auth.secrets()...)
	for _, field := range headers.fields {
		if s.isSecretHeader(field.Name) {
			known = append(known, secretsInHeader(field.Value)...)
		}
	}
	return newRedactor(known, sortedNames(s.secretHeaders))
}

// spend says whether the retry budget of an origin pays; only then it is charged.
func (s *shared) spend(elsewhere string, amount int) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.budgetLocked(elsewhere).spend(amount)
}

func (s *shared) refund(elsewhere string, amount int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.budgetLocked(elsewhere).refund(amount)
}

func (s *shared) budgetLocked(elsewhere string) *retryBudget {
	if s.budgets[elsewhere] == nil {
		s.budgets[elsewhere] = newRetryBudget()
	}
	return s.budgets[elsewhere]
}

// circuit is that of an operation group, or of one model of it, at an origin.
func (s *shared) circuit(group, model, elsewhere string) *Circuit {
	name := group
	if s.breaker.PerModel && model != "" {
		name += "/" + model
	}
	if elsewhere != "" {
		name += " at " + elsewhere
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.circuits[name]
	if found == nil {
		found = newCircuit(name, s.profile.Name, s.breaker, s.clock.Now, s.emit)
		s.circuits[name] = found
		s.names = append(s.names, name)
		if len(s.names) > circuitsKept {
			delete(s.circuits, s.names[0])
			s.names = s.names[1:]
		}
	}
	return found
}

func (s *shared) allCircuits() map[string]*Circuit {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := make(map[string]*Circuit, len(s.circuits))
	for name, circuit := range s.circuits {
		found[name] = circuit
	}
	return found
}

// emit tells the hooks of something that no call has caused.
func (s *shared) emit(name EventName, facts map[string]any) {
	s.hooks.tell(Event{name, &CallContext{Provider: s.profile.Name, Deadline: math.Inf(1)}, facts})
}

// begin counts a call; ClientClosedError once the client is closed.
func (s *shared) begin(c *call) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return s.closedError()
	}
	s.running[c] = true
	return nil
}

func (s *shared) end(c *call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.running, c)
	if len(s.running) == 0 && s.idle != nil {
		s.idle.Set()
	}
}

func (s *shared) isClosed() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.closed
}

func (s *shared) closedError() *Error {
	err := newError(KindClientClosed, "This client is closed; create a new one")
	err.Provider = s.profile.Name
	return err
}

var errClosing = newError(KindClientClosed, "The client was closed while this call ran")

// close lets running calls finish for five seconds, then cancels them, and closes the pool; safe to repeat.
func (s *shared) close() {
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		return
	}
	s.closed = true
	s.idle = s.clock.Signal()
	waits := len(s.running) > 0
	s.mutex.Unlock()
	if waits {
		s.idle.Wait(context.Background(), closeSeconds) // a background context has no error
	}
	s.mutex.Lock()
	for c := range s.running {
		c.cancel(errClosing)
	}
	s.mutex.Unlock()
	s.auth.close()
	s.transport.close()
}

// warnInferred says once that a stream lacked its terminal event.
func (s *shared) warnInferred() {
	s.inferred.Do(func() {
		slog.Warn("a stream ended without its terminal event; completion was inferred", "provider", s.profile.Name)
	})
}
