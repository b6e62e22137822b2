package forge

// The classes of errors, for errors.As: each is an Error whose Kind is that class or one below it.

// facts is Error by a name that does not hide its method Error where it is embedded.
type facts = Error

// errorClass is a variable of a class, which Error.As fills.
type errorClass interface{ adopt(*Error) bool }

func adopt(e *Error, kind Kind, into **Error) bool {
	if !e.Kind.Is(kind) {
		return false
	}
	*into = e
	return true
}

// ConfigError means: an option, environment variable, file or description is wrong.
type ConfigError struct{ *facts }

func (c *ConfigError) adopt(e *Error) bool { return adopt(e, KindConfig, &c.facts) }

// InvalidRequestError means: the request was refused before any I/O.
type InvalidRequestError struct{ *facts }

func (c *InvalidRequestError) adopt(e *Error) bool { return adopt(e, KindInvalidRequest, &c.facts) }

// LocalRejectionError means: this client declined to send the request.
type LocalRejectionError struct{ *facts }

func (c *LocalRejectionError) adopt(e *Error) bool { return adopt(e, KindLocalRejection, &c.facts) }

// CircuitOpenError means: the breaker of this origin and group is open; RetryAfter says for how long.
type CircuitOpenError struct{ *facts }

func (c *CircuitOpenError) adopt(e *Error) bool { return adopt(e, KindCircuitOpen, &c.facts) }

// RateLimitWaitError means: the local limiter would make the call wait too long; RetryAfter is the projection.
type RateLimitWaitError struct{ *facts }

func (c *RateLimitWaitError) adopt(e *Error) bool { return adopt(e, KindRateLimitWait, &c.facts) }

// RateLimitConfigError means: the request can never fit into the declared limit.
type RateLimitConfigError struct{ *facts }

func (c *RateLimitConfigError) adopt(e *Error) bool { return adopt(e, KindRateLimitConfig, &c.facts) }

// ClientClosedError means: the client was closed before or during the call.
type ClientClosedError struct{ *facts }

func (c *ClientClosedError) adopt(e *Error) bool { return adopt(e, KindClientClosed, &c.facts) }

// AuthError means: a credential could not be obtained.
type AuthError struct{ *facts }

func (c *AuthError) adopt(e *Error) bool { return adopt(e, KindAuth, &c.facts) }

// DeadlineExceededError means: the call's time ran out; Phase is where.
type DeadlineExceededError struct{ *facts }

func (c *DeadlineExceededError) adopt(e *Error) bool { return adopt(e, KindDeadlineExceeded, &c.facts) }

// TransportError means: the exchange itself failed, below the provider's own answer.
type TransportError struct{ *facts }

func (c *TransportError) adopt(e *Error) bool { return adopt(e, KindTransport, &c.facts) }

// ConnectError means: no connection could be made.
type ConnectError struct{ *facts }

func (c *ConnectError) adopt(e *Error) bool { return adopt(e, KindConnect, &c.facts) }

// TLSError means: the certificate or host name was not accepted; never retried.
type TLSError struct{ *facts }

func (c *TLSError) adopt(e *Error) bool { return adopt(e, KindTLS, &c.facts) }

// PoolTimeoutError means: no connection of the pool became free in time.
type PoolTimeoutError struct{ *facts }

func (c *PoolTimeoutError) adopt(e *Error) bool { return adopt(e, KindPoolTimeout, &c.facts) }

// AttemptTimeoutError means: one attempt took longer than its own timer.
type AttemptTimeoutError struct{ *facts }

func (c *AttemptTimeoutError) adopt(e *Error) bool { return adopt(e, KindAttemptTimeout, &c.facts) }

// ConnectionLostError means: the connection ended before the response did.
type ConnectionLostError struct{ *facts }

func (c *ConnectionLostError) adopt(e *Error) bool { return adopt(e, KindConnectionLost, &c.facts) }

// ProtocolError means: the peer broke HTTP or a content encoding.
type ProtocolError struct{ *facts }

func (c *ProtocolError) adopt(e *Error) bool { return adopt(e, KindProtocol, &c.facts) }

// RedirectError means: a redirect that is not followed.
type RedirectError struct{ *facts }

func (c *RedirectError) adopt(e *Error) bool { return adopt(e, KindRedirect, &c.facts) }

// ResponseTooLargeError means: a response limit of was crossed; never retried.
type ResponseTooLargeError struct{ *facts }

func (c *ResponseTooLargeError) adopt(e *Error) bool { return adopt(e, KindResponseTooLarge, &c.facts) }

// APIError means: the provider answered with an error status or error event.
type APIError struct{ *facts }

func (c *APIError) adopt(e *Error) bool { return adopt(e, KindAPI, &c.facts) }

// BadRequestError means: status 400.
type BadRequestError struct{ *facts }

func (c *BadRequestError) adopt(e *Error) bool { return adopt(e, KindBadRequest, &c.facts) }

// AuthenticationError means: status 401: the key is missing, wrong or revoked.
type AuthenticationError struct{ *facts }

func (c *AuthenticationError) adopt(e *Error) bool { return adopt(e, KindAuthentication, &c.facts) }

// QuotaExceededError means: status 402, or a 429 that waiting does not cure.
type QuotaExceededError struct{ *facts }

func (c *QuotaExceededError) adopt(e *Error) bool { return adopt(e, KindQuotaExceeded, &c.facts) }

// PermissionDeniedError means: status 403.
type PermissionDeniedError struct{ *facts }

func (c *PermissionDeniedError) adopt(e *Error) bool { return adopt(e, KindPermissionDenied, &c.facts) }

// NotFoundError means: status 404: often an unknown model or id.
type NotFoundError struct{ *facts }

func (c *NotFoundError) adopt(e *Error) bool { return adopt(e, KindNotFound, &c.facts) }

// ConflictError means: status 409.
type ConflictError struct{ *facts }

func (c *ConflictError) adopt(e *Error) bool { return adopt(e, KindConflict, &c.facts) }

// RequestTooLargeError means: status 413.
type RequestTooLargeError struct{ *facts }

func (c *RequestTooLargeError) adopt(e *Error) bool { return adopt(e, KindRequestTooLarge, &c.facts) }

// UnprocessableError means: status 422.
type UnprocessableError struct{ *facts }

func (c *UnprocessableError) adopt(e *Error) bool { return adopt(e, KindUnprocessable, &c.facts) }

// RateLimitError means: status 429; RetryAfter is the server's wait if it named one.
type RateLimitError struct{ *facts }

func (c *RateLimitError) adopt(e *Error) bool { return adopt(e, KindRateLimit, &c.facts) }

// CapacityError means: status 498: no flex capacity right now.
type CapacityError struct{ *facts }

func (c *CapacityError) adopt(e *Error) bool { return adopt(e, KindCapacity, &c.facts) }

// ServerError means: status 5xx.
type ServerError struct{ *facts }

func (c *ServerError) adopt(e *Error) bool { return adopt(e, KindServer, &c.facts) }

// OverloadedError means: status 529.
type OverloadedError struct{ *facts }

func (c *OverloadedError) adopt(e *Error) bool { return adopt(e, KindOverloaded, &c.facts) }

// UnavailableError means: status 503.
type UnavailableError struct{ *facts }

func (c *UnavailableError) adopt(e *Error) bool { return adopt(e, KindUnavailable, &c.facts) }

// GatewayTimeoutError means: status 504.
type GatewayTimeoutError struct{ *facts }

func (c *GatewayTimeoutError) adopt(e *Error) bool { return adopt(e, KindGatewayTimeout, &c.facts) }

// InvalidResponseError means: a 2xx answer that is empty, not JSON or of the wrong shape.
type InvalidResponseError struct{ *facts }

func (c *InvalidResponseError) adopt(e *Error) bool { return adopt(e, KindInvalidResponse, &c.facts) }

// StreamError means: a stream that did not end well; Partial is what arrived.
type StreamError struct{ *facts }

func (c *StreamError) adopt(e *Error) bool { return adopt(e, KindStream, &c.facts) }

// StreamInterruptedError means: the body ended before the stream did.
type StreamInterruptedError struct{ *facts }

func (c *StreamInterruptedError) adopt(e *Error) bool {
	return adopt(e, KindStreamInterrupted, &c.facts)
}

// StreamIdleError means: no bytes arrived for the idle time.
type StreamIdleError struct{ *facts }

func (c *StreamIdleError) adopt(e *Error) bool { return adopt(e, KindStreamIdle, &c.facts) }

// StreamStallError means: bytes arrived, but no event for the stall time.
type StreamStallError struct{ *facts }

func (c *StreamStallError) adopt(e *Error) bool { return adopt(e, KindStreamStall, &c.facts) }

// StreamDecodeError means: an event whose data is not valid JSON.
type StreamDecodeError struct{ *facts }

func (c *StreamDecodeError) adopt(e *Error) bool { return adopt(e, KindStreamDecode, &c.facts) }

// StreamProtocolError means: events in an order that the stream family does not allow.
type StreamProtocolError struct{ *facts }

func (c *StreamProtocolError) adopt(e *Error) bool { return adopt(e, KindStreamProtocol, &c.facts) }
