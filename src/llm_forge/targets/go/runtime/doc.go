// Package forge is the runtime of clients for the APIs of large language models: one call loop with deadline, retry,
// circuit breaker, rate limiter, auth and transport, and streams that are never silently short.
//
// A generated client is typed methods over it. Everything that waits takes a context; errors are *Error with the facts of
// the call, found with errors.As; credentials show themselves nowhere. It needs the standard library only.
package forge
