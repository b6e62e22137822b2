package forge

import (
	"regexp"
	"time"
)

// settings are the resolved options of a client or a call, copied for every change. Durations are
// seconds. The defaults are those of.
type settings struct {
	timeout           float64 // infinite for none, 0 where it was left alone
	maxAttempts       int
	attemptTimeout    float64
	firstEventTimeout float64
	idleTimeout       float64
	stallTimeout      float64
	maxServerWait     float64
	maxLimitWait      float64
	maxBackoff        float64
	backoffFactor     float64
	ignoreRetryAfter  bool
	hedgeAfter        float64 // 0 for off
	connectTimeout    float64
	poolTimeout       float64
	strict            bool
	strictCompletion  bool
	metadata          map[string]any
	headers           map[string]string
	allowInsecureHTTP bool
}

func defaultSettings() settings {
	return settings{
		maxAttempts: 3, attemptTimeout: 600, firstEventTimeout: 600, idleTimeout: 60, stallTimeout: 300,
		maxServerWait: 60, maxLimitWait: 60, maxBackoff: 20, backoffFactor: 2, connectTimeout: 5, poolTimeout: 10,
	}
}

const defaultCallTimeout = 600

// callDeadline is when a call that begins now must have ended.
func (s *settings) callDeadline(now float64, streaming bool) deadline {
	switch {
	case s.timeout != 0:
		return deadline(now + s.timeout)
	case streaming:
		return noDeadline
	}
	return deadline(now + defaultCallTimeout)
}

func (s *settings) retryPolicy(rules *ErrorRules) retryPolicy {
	policy := defaultRetryPolicy()
	policy.maxAttempts, policy.factor, policy.most, policy.maxServerWait = s.maxAttempts, s.backoffFactor, s.maxBackoff, s.maxServerWait
	policy.retryable, policy.notProcessed = rules.RetryableStatuses, rules.notProcessed()
	return policy
}

// extras are what one call adds to its request as it is; they may hold secrets.
type extras struct {
	headers        map[string]string
	query          map[string]any
	body           map[string]any
	idempotencyKey string
	traceParent    string
}

var traceParentForm = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// PoolLimits bound the connections to one origin; start from DefaultPool.
type PoolLimits struct {
	Connections int
	Idle        int
	IdleTime    time.Duration
	KeepAlive   time.Duration
}

// DefaultPool are the limits of a client that is given no others.
func DefaultPool() PoolLimits {
	return PoolLimits{Connections: 100, Idle: 20, IdleTime: 30 * time.Second, KeepAlive: 60 * time.Second}
}

func (p PoolLimits) check() error {
	if p.Connections < 1 || p.Idle < 0 || p.IdleTime < 0 {
		return newError(KindConfig, "PoolLimits need at least one connection, and no negative number")
	}
	return checkDuration("PoolLimits.KeepAlive", p.KeepAlive)
}
