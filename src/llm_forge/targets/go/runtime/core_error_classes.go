package forge

// The classes of errors, for errors.As: each is an Error whose Kind is that class or one below it.

// errorClass is a variable of a class, which Error.As fills.
type errorClass interface{ adopt(*Error) bool }

func adopt(e *Error, kind Kind, into **Error) bool {
	if !e.Kind.Is(kind) {
		return false
	}
	*into = e
	return true
}

// ConfigError: an option, environment variable, file or description is wrong.
type ConfigError struct{ *Error }

func (c *ConfigError) adopt(e *Error) bool { return adopt(e, KindConfig, &c.Error) }

// InvalidRequestError: the request was refused before any I/O.
type InvalidRequestError struct{ *Error }

func (c *InvalidRequestError) adopt(e *Error) bool { return adopt(e, KindInvalidRequest, &c.Error) }

// LocalRejectionError: this client declined to send the request.
type LocalRejectionError struct{ *Error }

func (c *LocalRejectionError) adopt(e *Error) bool { return adopt(e, KindLocalRejection, &c.Error) }

// CircuitOpenError: the breaker of this origin and group is open; RetryAfter says for how long.
type CircuitOpenError struct{ *Error }

func (c *CircuitOpenError) adopt(e *Error) bool { return adopt(e, KindCircuitOpen, &c.Error) }

// RateLimitWaitError: the local limiter would make the call wait too long; RetryAfter is the projection.
type RateLimitWaitError struct{ *Error }

func (c *RateLimitWaitError) adopt(e *Error) bool { return adopt(e, KindRateLimitWait, &c.Error) }

// RateLimitConfigError: the request can never fit into the declared limit.
type RateLimitConfigError struct{ *Error }

func (c *RateLimitConfigError) adopt(e *Error) bool { return adopt(e, KindRateLimitConfig, &c.Error) }

// ClientClosedError: the client was closed before or during the call.
type ClientClosedError struct{ *Error }

func (c *ClientClosedError) adopt(e *Error) bool { return adopt(e, KindClientClosed, &c.Error) }

// AuthError: a credential could not be obtained.
type AuthError struct{ *Error }

func (c *AuthError) adopt(e *Error) bool { return adopt(e, KindAuth, &c.Error) }

// DeadlineExceededError: the call's time ran out; Phase is where.
type DeadlineExceededError struct{ *Error }

func (c *DeadlineExceededError) adopt(e *Error) bool { return adopt(e, KindDeadlineExceeded, &c.Error) }

// TransportError: the exchange itself failed, below the provider's own answer.
type TransportError struct{ *Error }

func (c *TransportError) adopt(e *Error) bool { return adopt(e, KindTransport, &c.Error) }

// ConnectError: no connection could be made.
type ConnectError struct{ *Error }

func (c *ConnectError) adopt(e *Error) bool { return adopt(e, KindConnect, &c.Error) }

// TLSError: the certificate or host name was not accepted; never retried.
type TLSError struct{ *Error }

func (c *TLSError) adopt(e *Error) bool { return adopt(e, KindTLS, &c.Error) }

// PoolTimeoutError: no connection of the pool became free in time.
type PoolTimeoutError struct{ *Error }

func (c *PoolTimeoutError) adopt(e *Error) bool { return adopt(e, KindPoolTimeout, &c.Error) }

// AttemptTimeoutError: one attempt took longer than its own timer.
type AttemptTimeoutError struct{ *Error }

func (c *AttemptTimeoutError) adopt(e *Error) bool { return adopt(e, KindAttemptTimeout, &c.Error) }

// ConnectionLostError: the connection ended before the response did.
type ConnectionLostError struct{ *Error }

func (c *ConnectionLostError) adopt(e *Error) bool { return adopt(e, KindConnectionLost, &c.Error) }

// ProtocolError: the peer broke HTTP or a content encoding.
type ProtocolError struct{ *Error }

func (c *ProtocolError) adopt(e *Error) bool { return adopt(e, KindProtocol, &c.Error) }

// RedirectError: a redirect that is not followed.
type RedirectError struct{ *Error }

func (c *RedirectError) adopt(e *Error) bool { return adopt(e, KindRedirect, &c.Error) }

// ResponseTooLargeError: a response limit of was crossed; never retried.
type ResponseTooLargeError struct{ *Error }

func (c *ResponseTooLargeError) adopt(e *Error) bool { return adopt(e, KindResponseTooLarge, &c.Error) }

// APIError: the provider answered with an error status or error event.
type APIError struct{ *Error }

func (c *APIError) adopt(e *Error) bool { return adopt(e, KindAPI, &c.Error) }

// BadRequestError: status 400.
type BadRequestError struct{ *Error }

func (c *BadRequestError) adopt(e *Error) bool { return adopt(e, KindBadRequest, &c.Error) }

// AuthenticationError: status 401: the key is missing, wrong or revoked.
type AuthenticationError struct{ *Error }

func (c *AuthenticationError) adopt(e *Error) bool { return adopt(e, KindAuthentication, &c.Error) }

// QuotaExceededError: status 402, or a 429 that waiting does not cure.
type QuotaExceededError struct{ *Error }

func (c *QuotaExceededError) adopt(e *Error) bool { return adopt(e, KindQuotaExceeded, &c.Error) }

// PermissionDeniedError: status 403.
type PermissionDeniedError struct{ *Error }

func (c *PermissionDeniedError) adopt(e *Error) bool { return adopt(e, KindPermissionDenied, &c.Error) }

// NotFoundError: status 404: often an unknown model or id.
type NotFoundError struct{ *Error }

func (c *NotFoundError) adopt(e *Error) bool { return adopt(e, KindNotFound, &c.Error) }

// ConflictError: status 409.
type ConflictError struct{ *Error }

func (c *ConflictError) adopt(e *Error) bool { return adopt(e, KindConflict, &c.Error) }

// RequestTooLargeError: status 413.
type RequestTooLargeError struct{ *Error }

func (c *RequestTooLargeError) adopt(e *Error) bool { return adopt(e, KindRequestTooLarge, &c.Error) }

// UnprocessableError: status 422.
type UnprocessableError struct{ *Error }

func (c *UnprocessableError) adopt(e *Error) bool { return adopt(e, KindUnprocessable, &c.Error) }

// RateLimitError: status 429; RetryAfter is the server's wait if it named one.
type RateLimitError struct{ *Error }

func (c *RateLimitError) adopt(e *Error) bool { return adopt(e, KindRateLimit, &c.Error) }

// CapacityError: status 498: no flex capacity right now.
type CapacityError struct{ *Error }

func (c *CapacityError) adopt(e *Error) bool { return adopt(e, KindCapacity, &c.Error) }

// ServerError: status 5xx.
type ServerError struct{ *Error }

func (c *ServerError) adopt(e *Error) bool { return adopt(e, KindServer, &c.Error) }

// OverloadedError: status 529.
type OverloadedError struct{ *Error }

func (c *OverloadedError) adopt(e *Error) bool { return adopt(e, KindOverloaded, &c.Error) }

// UnavailableError: status 503.
type UnavailableError struct{ *Error }

func (c *UnavailableError) adopt(e *Error) bool { return adopt(e, KindUnavailable, &c.Error) }

// GatewayTimeoutError: status 504.
type GatewayTimeoutError struct{ *Error }

func (c *GatewayTimeoutError) adopt(e *Error) bool { return adopt(e, KindGatewayTimeout, &c.Error) }

// InvalidResponseError: a 2xx answer that is empty, not JSON or of the wrong shape.
type InvalidResponseError struct{ *Error }

func (c *InvalidResponseError) adopt(e *Error) bool { return adopt(e, KindInvalidResponse, &c.Error) }

// StreamError: a stream that did not end well; Partial is what arrived.
type StreamError struct{ *Error }

func (c *StreamError) adopt(e *Error) bool { return adopt(e, KindStream, &c.Error) }

// StreamInterruptedError: the body ended before the stream did.
type StreamInterruptedError struct{ *Error }

func (c *StreamInterruptedError) adopt(e *Error) bool {
	return adopt(e, KindStreamInterrupted, &c.Error)
}

// StreamIdleError: no bytes arrived for the idle time.
type StreamIdleError struct{ *Error }

func (c *StreamIdleError) adopt(e *Error) bool { return adopt(e, KindStreamIdle, &c.Error) }

// StreamStallError: bytes arrived, but no event for the stall time.
type StreamStallError struct{ *Error }

func (c *StreamStallError) adopt(e *Error) bool { return adopt(e, KindStreamStall, &c.Error) }

// StreamDecodeError: an event whose data is not valid JSON.
type StreamDecodeError struct{ *Error }

func (c *StreamDecodeError) adopt(e *Error) bool { return adopt(e, KindStreamDecode, &c.Error) }

// StreamProtocolError: events in an order that the stream family does not allow.
type StreamProtocolError struct{ *Error }

func (c *StreamProtocolError) adopt(e *Error) bool { return adopt(e, KindStreamProtocol, &c.Error) }
