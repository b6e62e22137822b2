package forge

import (
	"crypto/x509"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"
)

// What a user may set, per client and per call. Order: call option, client option, environment variable,
// configuration file, description.

// ClientOption is an option of NewClient.
type ClientOption interface {
	optionName() string
	applyToClient(*config) error
}

// CallOption is an option of one call.
type CallOption interface{ applyToCall(*callConfig) error }

// CopyOption is an option of Client.WithOptions: a default of later calls, nothing that is shared.
type CopyOption interface{ applyToCopy(*settings) error }

// Option is an option of a client, of its copies, and of a call.
type Option interface {
	ClientOption
	CallOption
	CopyOption
}

// config is what a client is made from.
type config struct {
	settings       settings
	baseURL        string
	credential     *Credential
	auth           Auth
	pool           PoolLimits
	authorities    *x509.CertPool
	proxy          *url.URL
	ignoreEnv      bool
	http2          bool
	roundTripper   http.RoundTripper
	trustedOrigins []string
	secretHeaders  []string
	limiter        limiterOptions
	rateLimiter    *RateLimiter
	breaker        BreakerSettings
	hooks          []Hook
	middleware     []Middleware
	clock          Clock
	random         func() float64
	configFiles    []string
}

type callConfig struct {
	settings settings
	extras   extras
}

type everywhere struct {
	name string
	set  func(*settings) error
}

func (o everywhere) optionName() string { return o.name }

func (o everywhere) applyToClient(c *config) error { return o.set(&c.settings) }

func (o everywhere) applyToCall(c *callConfig) error { return o.set(&c.settings) }

func (o everywhere) applyToCopy(s *settings) error { return o.set(s) }

// defaultOption is of clients and their copies, not of calls.
type defaultOption struct{ option everywhere }

func (o defaultOption) optionName() string { return o.option.name }

func (o defaultOption) applyToClient(c *config) error { return o.option.set(&c.settings) }

func (o defaultOption) applyToCopy(s *settings) error { return o.option.set(s) }

// DefaultOption is an option of a client and of its copies.
type DefaultOption interface {
	ClientOption
	CopyOption
}

type clientOnly struct {
	name string
	set  func(*config) error
}

func (o clientOnly) optionName() string { return o.name }

func (o clientOnly) applyToClient(c *config) error { return o.set(c) }

type callOnly func(*callConfig) error

func (o callOnly) applyToCall(c *callConfig) error { return o(c) }

func duration(name string, value time.Duration, field func(*settings) *float64) everywhere {
	return everywhere{name, func(s *settings) error {
		*field(s) = value.Seconds()
		return checkDuration(name, value)
	}}
}

// WithTimeout bounds a whole call: 10 minutes unless set, no limit for streams.
func WithTimeout(value time.Duration) Option {
	return duration("timeout", value, func(s *settings) *float64 { return &s.timeout })
}

// WithoutTimeout sets no bound for a whole call.
func WithoutTimeout() Option {
	return everywhere{"timeout", func(s *settings) error { s.timeout = math.Inf(1); return nil }}
}

// WithMaxAttempts says how often a call is tried, the first attempt included: 1 to 20, 3 unless set.
func WithMaxAttempts(count int) Option {
	return everywhere{"max_attempts", func(s *settings) error {
		if count < 1 || count > mostAttempts {
			return newError(KindConfig, "max_attempts must be a whole number from 1 to %d, not %d", mostAttempts, count)
		}
		s.maxAttempts = count
		return nil
	}}
}

// WithAttemptTimeout bounds one exchange: 10 minutes unless set.
func WithAttemptTimeout(value time.Duration) Option {
	return duration("attempt_timeout", value, func(s *settings) *float64 { return &s.attemptTimeout })
}

// WithFirstEventTimeout bounds the wait for a stream's first event: 10 minutes unless set.
func WithFirstEventTimeout(value time.Duration) Option {
	return duration("first_event_timeout", value, func(s *settings) *float64 { return &s.firstEventTimeout })
}

// WithIdleTimeout bounds a stream without bytes: a minute unless set.
func WithIdleTimeout(value time.Duration) Option {
	return duration("idle_timeout", value, func(s *settings) *float64 { return &s.idleTimeout })
}

// WithStallTimeout bounds a stream without events: five minutes unless set.
func WithStallTimeout(value time.Duration) Option {
	return duration("stall_timeout", value, func(s *settings) *float64 { return &s.stallTimeout })
}

// WithMaxServerWait is the longest wait that a server may ask for: a minute unless set.
func WithMaxServerWait(value time.Duration) Option {
	return duration("max_server_wait", value, func(s *settings) *float64 { return &s.maxServerWait })
}

// WithMaxLimitWait is the longest wait for a local limit: a minute unless set.
func WithMaxLimitWait(value time.Duration) Option {
	return duration("max_limit_wait", value, func(s *settings) *float64 { return &s.maxLimitWait })
}

// WithMaxBackoff bounds the waits before retries: 20 seconds unless set.
func WithMaxBackoff(value time.Duration) Option {
	return duration("max_backoff", value, func(s *settings) *float64 { return &s.maxBackoff })
}

// WithBackoffFactor is by what the waits before retries grow: 2 unless set.
func WithBackoffFactor(factor float64) Option {
	return everywhere{"backoff_factor", func(s *settings) error {
		if !(factor >= 1) || math.IsInf(factor, 1) {
			return newError(KindConfig, "backoff_factor must be a finite number from 1, not %v", factor)
		}
		s.backoffFactor = factor
		return nil
	}}
}

// WithRespectRetryAfter says whether what servers ask for is heeded; it is unless set.
func WithRespectRetryAfter(respect bool) Option {
	return everywhere{"respect_retry_after", func(s *settings) error { s.ignoreRetryAfter = !respect; return nil }}
}

// WithHedgeAfter sends a second attempt of a safe unary call that takes longer, and takes the first answer.
func WithHedgeAfter(value time.Duration) Option {
	return duration("hedge_after", value, func(s *settings) *float64 { return &s.hedgeAfter })
}

// WithStrict refuses an answer that lacks a required field.
func WithStrict(strict bool) Option {
	return everywhere{"strict", func(s *settings) error { s.strict = strict; return nil }}
}

// WithStrictCompletion refuses a stream that lacks its terminal event.
func WithStrictCompletion(strict bool) Option {
	return everywhere{"strict_completion", func(s *settings) error { s.strictCompletion = strict; return nil }}
}

// WithMetadata are plain values of your own that middleware, hooks and errors see and no server does.
func WithMetadata(metadata map[string]any) Option {
	metadata = maps.Clone(metadata)
	return everywhere{"call_metadata", func(s *settings) error { s.metadata = metadata; return nil }}
}

// WithConnectTimeout bounds making a connection, TLS included: 5 seconds unless set.
func WithConnectTimeout(value time.Duration) DefaultOption {
	return defaultOption{duration("connect_timeout", value, func(s *settings) *float64 { return &s.connectTimeout })}
}

// WithPoolTimeout bounds the wait for a free connection: 10 seconds unless set.
func WithPoolTimeout(value time.Duration) DefaultOption {
	return defaultOption{duration("pool_timeout", value, func(s *settings) *float64 { return &s.poolTimeout })}
}

// WithHeaders are headers of every request.
func WithHeaders(headers map[string]string) DefaultOption {
	headers = maps.Clone(headers)
	return defaultOption{everywhere{"headers", func(s *settings) error { s.headers = headers; return nil }}}
}

// WithAPIKey is the key to send, as it is; WithCredential takes one from elsewhere.
func WithAPIKey(key string) ClientOption { return WithCredential(Key(key)) }

// WithCredential is the key to send; see Key, KeyFile and KeyFunc.
func WithCredential(credential Credential) ClientOption {
	return clientOnly{"api_key", func(c *config) error { c.credential = &credential; return nil }}
}

// WithAuth sends another credential than the provider's own key, or none (NoAuth).
func WithAuth(auth Auth) ClientOption {
	return clientOnly{"auth", func(c *config) error { c.auth = auth; return nil }}
}

// WithBaseURL is the server's address: https, or http on this machine.
func WithBaseURL(text string) ClientOption {
	return clientOnly{"base_url", func(c *config) error { c.baseURL = text; return nil }}
}

// WithAllowInsecureHTTP allows plain http to other machines.
func WithAllowInsecureHTTP(allow bool) ClientOption {
	return clientOnly{"allow_insecure_http", func(c *config) error { c.settings.allowInsecureHTTP = allow; return nil }}
}

// WithPool bounds the connections.
func WithPool(pool PoolLimits) ClientOption {
	return clientOnly{"pool", func(c *config) error { c.pool = pool; return pool.check() }}
}

// WithCABundle is a PEM file of the only certificate authorities to trust.
func WithCABundle(path string) ClientOption {
	return clientOnly{"ca_bundle", func(c *config) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return newError(KindConfig, "ca_bundle: there is no file %q", path)
		}
		c.authorities = x509.NewCertPool()
		if !c.authorities.AppendCertsFromPEM(content) {
			return newError(KindConfig, "ca_bundle: %q has no certificate in PEM", path)
		}
		return nil
	}}
}

// WithProxy is a proxy for every request; its password is a secret.
func WithProxy(text string) ClientOption {
	return clientOnly{"proxy", func(c *config) error {
		parts, err := url.Parse(text)
		if err != nil || parts.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, parts.Scheme) {
			return newError(KindConfig, "proxy must be a URL with a host and one of http, https, socks5, socks5h")
		}
		c.proxy = parts
		return nil
	}}
}

// WithTrustEnv says whether the variables of proxies are honoured; they are unless set.
func WithTrustEnv(trust bool) ClientOption {
	return clientOnly{"trust_env", func(c *config) error { c.ignoreEnv = !trust; return nil }}
}

// WithHTTP2 offers HTTP/2 in the TLS handshake.
func WithHTTP2(offer bool) ClientOption {
	return clientOnly{"http2", func(c *config) error { c.http2 = offer; return nil }}
}

// WithTransport sends requests over this round tripper instead of the client's own; pool, certificate and proxy
// options are then its business.
func WithTransport(roundTripper http.RoundTripper) ClientOption {
	return clientOnly{"transport", func(c *config) error { c.roundTripper = roundTripper; return nil }}
}

// WithTrustedOrigins are origins beside that of the base URL that credentials may go to.
func WithTrustedOrigins(urls ...string) ClientOption {
	return clientOnly{"trusted_origins", func(c *config) error { c.trustedOrigins = slices.Clone(urls); return nil }}
}

// WithSecretHeaders are names of headers that are credentials too.
func WithSecretHeaders(names ...string) ClientOption {
	return clientOnly{"secret_headers", func(c *config) error { c.secretHeaders = slices.Clone(names); return nil }}
}

// WithLimits are local limits; none unless set.
func WithLimits(limits ...Limit) ClientOption {
	limits = slices.Clone(limits)
	return clientOnly{"limits", func(c *config) error {
		c.limiter.limits = limits
		for _, limit := range limits {
			if err := limit.check(); err != nil {
				return err
			}
		}
		return nil
	}}
}

// WithSlidingLimits counts the limits over sliding windows instead of in token buckets.
func WithSlidingLimits(sliding bool) ClientOption {
	return clientOnly{"limiter_mode", func(c *config) error { c.limiter.sliding = sliding; return nil }}
}

// WithConcurrency bounds the calls in flight, until the end of their body or stream.
func WithConcurrency(most int) ClientOption {
	return clientOnly{"concurrency", func(c *config) error {
		if most < 1 {
			return newError(KindConfig, "concurrency must be a whole number from 1, not %d", most)
		}
		c.limiter.concurrency = most
		return nil
	}}
}

// WithAdmitOversize lets a request larger than a limit go out alone.
func WithAdmitOversize(admit bool) ClientOption {
	return clientOnly{"oversize", func(c *config) error { c.limiter.admitOversize = admit; return nil }}
}

// WithAdaptiveConcurrency lets the calls in flight follow the server's health.
func WithAdaptiveConcurrency(adapt bool) ClientOption {
	return clientOnly{"adaptive_concurrency", func(c *config) error { c.limiter.adaptive = adapt; return nil }}
}

// WithAdaptiveThrottle is the K with which calls are turned away while the server accepts few.
func WithAdaptiveThrottle(k float64) ClientOption {
	return clientOnly{"adaptive_throttle", func(c *config) error {
		if !(k >= 1) || math.IsInf(k, 1) {
			return newError(KindConfig, "adaptive_throttle must be a finite number from 1, not %v", k)
		}
		c.limiter.throttle = k
		return nil
	}}
}

// WithRateLimiter shares the limits of another client of the same credential.
func WithRateLimiter(limiter *RateLimiter) ClientOption {
	return clientOnly{"rate_limiter", func(c *config) error { c.rateLimiter = limiter; return nil }}
}

// WithBreaker are the circuit breaker's numbers.
func WithBreaker(breaker BreakerSettings) ClientOption {
	return clientOnly{"breaker", func(c *config) error { c.breaker = breaker; return breaker.check() }}
}

// WithHook sees what happens inside calls; it may be given several times.
func WithHook(hook Hook) ClientOption {
	return clientOnly{"on_event", func(c *config) error { c.hooks = append(c.hooks, hook); return nil }}
}

// WithMiddleware stands around calls and attempts, outside in; it may be given several times.
func WithMiddleware(middleware ...Middleware) ClientOption {
	return clientOnly{"middleware", func(c *config) error { c.middleware = append(c.middleware, middleware...); return nil }}
}

// WithClock gives the client another time.
func WithClock(clock Clock) ClientOption {
	return clientOnly{"clock", func(c *config) error { c.clock = clock; return nil }}
}

// WithRandom gives the client another source of uniform numbers in [0, 1).
func WithRandom(random func() float64) ClientOption {
	return clientOnly{"random", func(c *config) error { c.random = random; return nil }}
}

// WithConfigFile reads a configuration file; of several a later one goes before an earlier.
func WithConfigFile(paths ...string) ClientOption {
	return clientOnly{"config", func(c *config) error { c.configFiles = slices.Clone(paths); return nil }}
}

// WithExtraHeaders adds headers to one request.
func WithExtraHeaders(headers map[string]string) CallOption {
	return callOnly(func(c *callConfig) error { c.extras.headers = headers; return nil })
}

// WithExtraQuery adds query parameters to one request.
func WithExtraQuery(query map[string]any) CallOption {
	return callOnly(func(c *callConfig) error { c.extras.query = query; return nil })
}

// WithExtraBody adds fields to one request's body, such as those that this version does not know.
func WithExtraBody(fields map[string]any) CallOption {
	return callOnly(func(c *callConfig) error { c.extras.body = fields; return nil })
}

// WithIdempotencyKey is a key of your own instead of a generated one.
func WithIdempotencyKey(key string) CallOption {
	return callOnly(func(c *callConfig) error { c.extras.idempotencyKey = key; return nil })
}

// WithTraceParent is a W3C trace context that the request carries on.
func WithTraceParent(parent string) CallOption {
	return callOnly(func(c *callConfig) error {
		if !traceParentForm.MatchString(parent) {
			return newError(KindConfig, "trace_parent must be a W3C traceparent: version, trace id, span id and flags")
		}
		c.extras.traceParent = parent
		return nil
	})
}
