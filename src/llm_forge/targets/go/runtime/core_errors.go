package forge

import (
	"fmt"
	"strings"
	"time"
)

// Kind is the class of an error, by the name that all languages share.
//
//	ForgeError
//	├── ConfigError                  an option, environment variable or description is wrong
//	├── InvalidRequestError          the request was refused before any I/O
//	├── LocalRejection               this client declined to send
//	│   ├── CircuitOpenError  RateLimitWaitError  RateLimitConfigError
//	│   └── ClientClosedError
//	├── AuthError                    a credential could not be obtained
//	├── DeadlineExceededError        the call's own time ran out (Phase says where)
//	├── TransportError
//	│   ├── ConnectError  TlsError  PoolTimeoutError  AttemptTimeoutError
//	│   └── ConnectionLostError  ProtocolError  RedirectError  ResponseTooLargeError
//	├── ApiError                     the provider answered with an error
//	│   ├── BadRequestError 400  AuthenticationError 401  QuotaExceededError 402
//	│   ├── PermissionDeniedError 403  NotFoundError 404  ConflictError 409
//	│   ├── RequestTooLargeError 413  UnprocessableError 422  RateLimitError 429
//	│   ├── CapacityError 498
//	│   └── ServerError 5xx
//	│       └── OverloadedError 529  UnavailableError 503  GatewayTimeoutError 504
//	├── InvalidResponseError         a 2xx answer that is not what the operation returns
//	└── StreamError
//	    ├── StreamInterruptedError   the body ended before the stream did
//	    ├── StreamIdleError          no bytes for too long
//	    ├── StreamStallError         bytes, but no event for too long
//	    └── StreamDecodeError  StreamProtocolError
type Kind string

// The kinds of errors.
const (
	KindForge             Kind = "ForgeError"
	KindConfig            Kind = "ConfigError"
	KindInvalidRequest    Kind = "InvalidRequestError"
	KindLocalRejection    Kind = "LocalRejection"
	KindCircuitOpen       Kind = "CircuitOpenError"
	KindRateLimitWait     Kind = "RateLimitWaitError"
	KindRateLimitConfig   Kind = "RateLimitConfigError"
	KindClientClosed      Kind = "ClientClosedError"
	KindAuth              Kind = "AuthError"
	KindDeadlineExceeded  Kind = "DeadlineExceededError"
	KindTransport         Kind = "TransportError"
	KindConnect           Kind = "ConnectError"
	KindTLS               Kind = "TlsError"
	KindPoolTimeout       Kind = "PoolTimeoutError"
	KindAttemptTimeout    Kind = "AttemptTimeoutError"
	KindConnectionLost    Kind = "ConnectionLostError"
	KindProtocol          Kind = "ProtocolError"
	KindRedirect          Kind = "RedirectError"
	KindResponseTooLarge  Kind = "ResponseTooLargeError"
	KindAPI               Kind = "ApiError"
	KindBadRequest        Kind = "BadRequestError"
	KindAuthentication    Kind = "AuthenticationError"
	KindQuotaExceeded     Kind = "QuotaExceededError"
	KindPermissionDenied  Kind = "PermissionDeniedError"
	KindNotFound          Kind = "NotFoundError"
	KindConflict          Kind = "ConflictError"
	KindRequestTooLarge   Kind = "RequestTooLargeError"
	KindUnprocessable     Kind = "UnprocessableError"
	KindRateLimit         Kind = "RateLimitError"
	KindCapacity          Kind = "CapacityError"
	KindServer            Kind = "ServerError"
	KindOverloaded        Kind = "OverloadedError"
	KindUnavailable       Kind = "UnavailableError"
	KindGatewayTimeout    Kind = "GatewayTimeoutError"
	KindInvalidResponse   Kind = "InvalidResponseError"
	KindStream            Kind = "StreamError"
	KindStreamInterrupted Kind = "StreamInterruptedError"
	KindStreamIdle        Kind = "StreamIdleError"
	KindStreamStall       Kind = "StreamStallError"
	KindStreamDecode      Kind = "StreamDecodeError"
	KindStreamProtocol    Kind = "StreamProtocolError"
)

// parentOf is the tree above; what is missing stands directly under ForgeError.
var parentOf = map[Kind]Kind{
	KindCircuitOpen: KindLocalRejection, KindRateLimitWait: KindLocalRejection,
	KindRateLimitConfig: KindLocalRejection, KindClientClosed: KindLocalRejection,
	KindConnect: KindTransport, KindTLS: KindTransport, KindPoolTimeout: KindTransport,
	KindAttemptTimeout: KindTransport, KindConnectionLost: KindTransport, KindProtocol: KindTransport,
	KindRedirect: KindTransport, KindResponseTooLarge: KindTransport,
	KindBadRequest: KindAPI, KindAuthentication: KindAPI, KindQuotaExceeded: KindAPI,
	KindPermissionDenied: KindAPI, KindNotFound: KindAPI, KindConflict: KindAPI,
	KindRequestTooLarge: KindAPI, KindUnprocessable: KindAPI, KindRateLimit: KindAPI,
	KindCapacity: KindAPI, KindServer: KindAPI,
	KindOverloaded: KindServer, KindUnavailable: KindServer, KindGatewayTimeout: KindServer,
	KindStreamInterrupted: KindStream, KindStreamIdle: KindStream, KindStreamStall: KindStream,
	KindStreamDecode: KindStream, KindStreamProtocol: KindStream,
}

// Is says whether this kind is the other one or below it in the tree.
func (k Kind) Is(other Kind) bool {
	for k != other {
		parent, known := parentOf[k]
		if !known {
			return other == KindForge
		}
		k = parent
	}
	return true
}

// Attempt is one HTTP exchange made for a call.
//
// Outcome is "ok" or the error's kind; Waited is the sleep before this attempt, 0 for the first.
type Attempt struct {
	Number    int           `json:"number"`
	Outcome   string        `json:"outcome"`
	Duration  time.Duration `json:"duration"`
	Waited    time.Duration `json:"waited"`
	RequestID string        `json:"request_id,omitempty"`
	Status    int           `json:"status,omitempty"`
}

// Detail is one entry of a provider's validation report; Path is dotted.
type Detail struct {
	Path    string `json:"path"`
	Message string `json:"message"`
	Type    string `json:"type,omitempty"`
}

// Error is every error of this package, with the facts that it carries. Absent facts are zero.
//
// Find it with errors.As, or one class of it with a variable of that class:
//
//	var limited forge.RateLimitError
//	if errors.As(err, &limited) { wait(limited.RetryAfter) }
//
// The message says what to do next; no credential and no request content is ever part of it. An error
// in JSON has these facts, and its cause by name only.
type Error struct {
	Kind                 Kind              `json:"kind"`
	Message              string            `json:"message"`
	Provider             string            `json:"provider,omitempty"`
	Operation            string            `json:"operation,omitempty"`
	Model                string            `json:"model,omitempty"`
	CallID               string            `json:"call_id,omitempty"`
	RequestID            string            `json:"request_id,omitempty"`
	Status               int               `json:"status,omitempty"`
	Type                 string            `json:"type,omitempty"`
	Code                 string            `json:"code,omitempty"`
	Param                string            `json:"param,omitempty"`
	Details              []Detail          `json:"details,omitempty"`
	Attempts             []Attempt         `json:"attempts,omitempty"`
	Elapsed              time.Duration     `json:"elapsed,omitempty"`
	RetryAfter           time.Duration     `json:"retry_after,omitempty"`
	Retryable            bool              `json:"retryable,omitempty"`
	MidStream            bool              `json:"mid_stream,omitempty"`
	CircuitOpen          bool              `json:"circuit_open,omitempty"`
	RetryBudgetExhausted bool              `json:"retry_budget_exhausted,omitempty"`
	Partial              any               `json:"partial,omitempty"`
	EventsSeen           int               `json:"events_seen,omitempty"`
	LastEventID          string            `json:"last_event_id,omitempty"`
	Body                 string            `json:"body,omitempty"`
	Headers              map[string]string `json:"headers,omitempty"`
	Phase                string            `json:"phase,omitempty"`
	Context              *CallContext      `json:"context,omitempty"`

	cause error
}

func newError(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Error is the message, one line.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.cause }

// As fills a variable of an error class, such as RateLimitError, if this error is of that class.
func (e *Error) As(target any) bool {
	class, ok := target.(errorClass)
	return ok && class.adopt(e)
}

// GoString shows the kind, the message and the most useful facts; never a body or a header.
func (e *Error) GoString() string {
	shown := []string{fmt.Sprintf("%q", e.Message)}
	for _, fact := range []struct{ name, value string }{
		{"provider", e.Provider}, {"operation", e.Operation}, {"type", e.Type}, {"code", e.Code},
		{"request_id", e.RequestID}, {"phase", e.Phase},
	} {
		if fact.value != "" {
			shown = append(shown, fact.name+"="+fact.value)
		}
	}
	if e.Status != 0 {
		shown = append(shown, fmt.Sprintf("status=%d", e.Status))
	}
	return fmt.Sprintf("%s(%s)", e.Kind, strings.Join(shown, ", "))
}

func (e *Error) because(cause error) *Error {
	e.cause = cause
	return e
}

func (e *Error) in(phase string) *Error {
	e.Phase = phase
	return e
}

// is says whether err is an error of ours of this class.
func is(err error, kind Kind) bool {
	own, ok := err.(*Error)
	return ok && own.Kind.Is(kind)
}

var kindOfStatus = map[int]Kind{
	400: KindBadRequest, 401: KindAuthentication, 402: KindQuotaExceeded, 403: KindPermissionDenied,
	404: KindNotFound, 409: KindConflict, 413: KindRequestTooLarge, 422: KindUnprocessable,
	429: KindRateLimit, 498: KindCapacity, 503: KindUnavailable, 504: KindGatewayTimeout, 529: KindOverloaded,
}

// kindForStatus is the class of an HTTP status; never untyped.
func kindForStatus(status int) Kind {
	if kind, known := kindOfStatus[status]; known {
		return kind
	}
	if status >= 500 && status <= 599 {
		return KindServer
	}
	return KindAPI
}

// seconds is a duration of so many seconds; durations beyond what fits are the longest that does.
func seconds(value float64) time.Duration {
	nanoseconds := value * float64(time.Second)
	if nanoseconds >= float64(1<<63-1) {
		return 1<<63 - 1
	}
	return time.Duration(nanoseconds + 0.5)
}
