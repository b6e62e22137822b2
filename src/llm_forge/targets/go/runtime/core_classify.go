package forge

// What an error means for retrying, for the breaker and for the limiter. Only
// classes and structured facts decide; message text never does. Errors that are not ours are the
// caller's own, or its cancellation.

var failureKinds = map[Kind]string{
	KindConnect: "connect", KindPoolTimeout: "pool", KindAttemptTimeout: "timeout",
	KindConnectionLost: "lost", KindStreamInterrupted: "lost",
}

// failureOf is the failure for the retry policy; headers are those of the failed response, if one came.
func failureOf(err *Error, headers Headers) failure {
	if err.Kind.Is(KindAPI) {
		return failure{
			kind: "status", status: err.Status, serverWait: err.RetryAfter.Seconds(),
			shouldRetry:   shouldRetry(headers),
			terminalQuota: err.Kind == KindQuotaExceeded && err.Status == 429,
		}
	}
	return failure{kind: or(failureKinds[err.Kind], "fatal")}
}

// breakerOutcome is how an attempt counts for the breaker; cancellation and local rejection count as nothing.
func breakerOutcome(err error) outcome {
	if err == nil {
		return outcomeSuccess
	}
	own, ok := err.(*Error)
	if !ok {
		return outcomeNeutral
	}
	switch own.Kind {
	case KindStreamIdle, KindStreamStall, KindTLS, KindProtocol:
		return outcomeFailure
	case KindInvalidResponse, KindRedirect, KindResponseTooLarge, KindStreamDecode, KindStreamProtocol:
		return outcomeSuccess // the exchange worked; what it brought was not acceptable
	case KindDeadlineExceeded:
		if own.Phase == "response" || own.Phase == "body" || own.Phase == "stream" {
			return outcomeFailure
		}
		return outcomeNeutral
	}
	return outcomeOf(failureOf(own, Headers{}))
}

// limiterResult is how a reservation is settled.
func limiterResult(err error, sent bool) settlement {
	if !sent || is(err, KindConnect) || is(err, KindPoolTimeout) {
		return settledUnsent
	}
	own, ours := err.(*Error)
	switch {
	case ours && own.Kind.Is(KindAPI) && own.Status == 429:
		return settledThrottled
	case err == nil || ours:
		return settledDone
	}
	return settledCancelled
}

// serverHealth is what an ended attempt says about the server's load, for the adaptive limits.
func serverHealth(err error) health {
	own, ours := err.(*Error)
	if ours && (own.Kind == KindAttemptTimeout || throttles(own.Status)) {
		return healthOverload
	}
	if breakerOutcome(err) == outcomeSuccess {
		return healthGood
	}
	return healthUnknown
}
