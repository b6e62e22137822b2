package forge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The step between the call loop and net/http.
//
//   - No redirect is followed, nothing is retried (but ), nothing is decompressed; no cookies, no netrc.
//   - The library's errors never escape: they become errors of ours with the original as cause.
//   - A body that ends short of its Content-Length, or without its last chunk, is ConnectionLostError.
//   - Closing an exchange is idempotent, safe in every state, and aborts what is unread.

// errTimer says that a timer of ours fired; the caller knows which.
var errTimer = errors.New("the time is over")

// errStale: a reused connection failed before any byte of the response.
var errStale = errors.New("the server had closed this idle connection")

const (
	mostHeaderBytes  = 64 * 1024
	mostHeaderFields = 256
	fieldFraming     = 4 // ": " and the line end, as they stand on the wire
)

// timers are in seconds, infinite for no limit. connect: TCP and TLS together, ConnectError; pool: wait for a free
// connection, PoolTimeoutError; response: until the headers are complete, AttemptTimeoutError.
type timers struct{ connect, pool, response float64 }

// transport opens exchanges; used from many goroutines at once.
type transport struct {
	roundTripper http.RoundTripper
	own          *http.Transport // nil for one that the user gave
	slots        *slots
	clock        Clock
}

func newTransport(c *config) *transport {
	made := &transport{roundTripper: c.roundTripper, slots: newSlots(c.pool.Connections), clock: c.clock}
	if made.roundTripper == nil {
		made.own = netTransport(c)
		made.roundTripper = made.own
	}
	return made
}

func netTransport(c *config) *http.Transport {
	dialer := &net.Dialer{KeepAlive: c.pool.KeepAlive}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.authorities, NextProtos: []string{"http/1.1"}}
	made := &http.Transport{
		MaxIdleConnsPerHost: c.pool.Idle, IdleConnTimeout: c.pool.IdleTime, DisableCompression: true,
		DisableKeepAlives: c.pool.Idle == 0, MaxResponseHeaderBytes: mostHeaderBytes, TLSClientConfig: secure,
	}
	if c.http2 {
		made.ForceAttemptHTTP2 = true
		secure.NextProtos = []string{"h2", "http/1.1"}
	} else {
		made.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	switch {
	case c.proxy != nil:
		made.Proxy = http.ProxyURL(c.proxy)
	case !c.ignoreEnv:
		made.Proxy = http.ProxyFromEnvironment
	}
	made.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, dialer, network, address, nil)
	}
	made.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, dialer, network, address, secure)
	}
	return made
}

type connectLimit struct{}

// dialFailure is what went wrong while a connection was made.
type dialFailure struct{ error }

func (f dialFailure) Unwrap() error { return f.error }

// dial makes a connection, TLS included, within the limit that the request's context carries.
func dial(ctx context.Context, dialer *net.Dialer, network, address string, secure *tls.Config) (net.Conn, error) {
	if limit, ok := ctx.Value(connectLimit{}).(time.Duration); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	plain, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, dialFailure{err}
	}
	if secure == nil {
		return &guardedConn{Conn: plain}, nil
	}
	config := secure.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	encrypted := tls.Client(plain, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, dialFailure{err}
	}
	if encrypted.ConnectionState().NegotiatedProtocol == "h2" {
		return encrypted, nil
	}
	return &guardedConn{Conn: encrypted}, nil
}

// exchange is a response whose headers have arrived.
type exchange struct {
	status   int
	headers  Headers
	body     io.ReadCloser
	ctx      context.Context // the caller's
	cancel   context.CancelCauseFunc
	clock    Clock
	release  func()
	buffer   []byte
	mostNext int   // of bytes that the next read may bring, 0 for no limit
	pending  error // what came with the last bytes
	complete bool
	closed   bool
}

// open sends a request; the exchange once its headers have arrived.
func (t *transport) open(ctx context.Context, request httpRequest, limits timers) (*exchange, error) {
	release, err := t.slots.acquire(ctx, originOf(request.url), t.clock.Real(limits.pool))
	if errors.Is(err, errTimer) {
		return nil, newError(KindPoolTimeout, "No connection to %s became free in time. Close streams that are no longer read, "+
			"or raise the pool limit.", originOf(request.url)).in("pool")
	}
	if err != nil {
		return nil, err
	}
	opened, err := t.send(ctx, request, limits)
	if err != nil {
		release()
		return nil, err
	}
	opened.release = release
	return opened, nil
}

// progress is how far an exchange has come when it fails.
type progress struct{ connected, reused, answered atomic.Bool }

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			p.connected.Store(true)
			p.reused.Store(info.Reused)
		},
		GotFirstResponseByte: func() { p.answered.Store(true) },
	}
}

func (t *transport) send(ctx context.Context, request httpRequest, limits timers) (*exchange, error) {
	sending, cancel := context.WithCancelCause(ctx)
	body, err := request.body.reader()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	noted := &notingReader{ReadCloser: body}
	var reached progress
	traced := httptrace.WithClientTrace(context.WithValue(sending, connectLimit{}, t.clock.Real(limits.connect)), reached.trace())
	made, err := http.NewRequestWithContext(traced, request.method, request.url, nil)
	if err != nil {
		cancel(nil)
		body.Close()
		return nil, newError(KindInvalidRequest, "The request's method or URL is not valid")
	}
	request.fill(made, noted)
	stop := t.after(limits.response, cancel)
	response, err := t.roundTripper.RoundTrip(made)
	stop()
	if err != nil {
		defer cancel(nil)
		if noted.failed != nil {
			return nil, bodyFailure(noted.failed)
		}
		return nil, openingError(ctx, sending, err, &reached)
	}
	return &exchange{
		status: response.StatusCode, headers: headersOf(response), body: response.Body,
		ctx: ctx, cancel: cancel, clock: t.clock, buffer: make([]byte, pieceBytes),
	}, nil
}

// after cancels with errTimer after so many seconds, unless it is stopped.
func (t *transport) after(limit float64, cancel context.CancelCauseFunc) (stop func()) {
	if math.IsInf(limit, 1) {
		return func() {}
	}
	timer := time.AfterFunc(t.clock.Real(limit), func() { cancel(errTimer) })
	return func() { timer.Stop() }
}

func (r httpRequest) fill(made *http.Request, body *notingReader) {
	for _, field := range r.headers.fields {
		made.Header.Add(field.Name, field.Value)
	}
	if !r.body.present {
		body.Close()
		return
	}
	made.Body, made.ContentLength = body, r.body.size
	if r.body.size == 0 {
		made.Body = http.NoBody
	}
}

// notingReader remembers what reading a request's body failed with: that is no failure of the network.
type notingReader struct {
	io.ReadCloser
	failed error
}

func (r *notingReader) Read(buffer []byte) (int, error) {
	count, err := r.ReadCloser.Read(buffer)
	if err != nil && err != io.EOF {
		r.failed = err
	}
	return count, err
}

func bodyFailure(err error) error {
	if own, ok := err.(*Error); ok {
		return own
	}
	return newError(KindInvalidRequest, "The request's body could not be read: %s", typeName(err)).because(err)
}

func headersOf(response *http.Response) Headers {
	var fields []Field
	for name, values := range response.Header {
		for _, value := range values {
			fields = append(fields, Field{name, value})
		}
	}
	if len(response.TransferEncoding) > 0 {
		fields = append(fields, Field{"transfer-encoding", strings.Join(response.TransferEncoding, ", ")})
	}
	return NewHeaders(fields...)
}

// checkResponseHeaders is ResponseTooLargeError above 256 fields or 64 KiB.
func checkResponseHeaders(headers Headers) error {
	size := 0
	for _, field := range headers.fields {
		size += len(field.Name) + len(field.Value) + fieldFraming
	}
	if headers.Len() > mostHeaderFields || size > mostHeaderBytes {
		return headersTooLarge()
	}
	return nil
}

func headersTooLarge() *Error {
	return newError(KindResponseTooLarge, "The response headers exceed %d fields or %d KiB. Check what answers at this base URL; "+
		"a proxy in between may add them.", mostHeaderFields, mostHeaderBytes/1024).in("response")
}

// openingError is what a failed round trip means.
func openingError(ctx, sending context.Context, err error, reached *progress) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(context.Cause(sending), errTimer) {
		phase := "response"
		if !reached.connected.Load() {
			phase = "connect"
		}
		return newError(KindAttemptTimeout, "The response headers did not arrive in time").in(phase)
	}
	if failure := (dialFailure{}); errors.As(err, &failure) {
		return connectError(failure.error)
	}
	if reached.reused.Load() && !reached.answered.Load() && isLost(err) {
		return errStale
	}
	return exchangeError(err, "response")
}

func connectError(err error) *Error {
	var (
		unverified *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		hostname   x509.HostnameError
		invalid    x509.CertificateInvalidError
		alert      tls.AlertError
		record     tls.RecordHeaderError
	)
	if errors.As(err, &unverified) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &alert) || errors.As(err, &record) {
		return newError(KindTLS, "The server's certificate or its TLS was not accepted; a CA of your own goes into WithCABundle").in("connect").because(err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return newError(KindConnect, "No connection was made within the connect timer").in("connect").because(err)
	}
	return newError(KindConnect, "No connection could be made: %s", reasonOf(err)).in("connect").because(err)
}

// reasonOf names what the operating system says, and nothing that could hold a credential.
func reasonOf(err error) string {
	var errno syscall.Errno
	var lookup *net.DNSError
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &lookup):
		return "the host name cannot be resolved"
	}
	return typeName(err)
}

// isLost says whether the connection itself went away.
func isLost(err error) bool {
	var errno syscall.Errno
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &errno) || errors.As(err, &network) || strings.Contains(err.Error(), "server closed idle connection")
}

func exchangeError(err error, phase string) *Error {
	switch {
	case errors.Is(err, errContradiction):
		return newError(KindProtocol, "The response states its length in contradictory ways").in(phase).because(err)
	case errors.Is(err, errHeadTooLarge) || strings.Contains(err.Error(), "server response headers exceeded"):
		return headersTooLarge().because(err)
	case isLost(err):
		return newError(KindConnectionLost, "The connection was lost before the response was complete").in(phase).because(err)
	}
	return newError(KindProtocol, "The server broke HTTP: %s", firstChars(fmt.Sprintf("%T", err), 60)).in(phase).because(err)
}

// read are the next raw body bytes as they arrive, valid until the next read; io.EOF at the clean end, errTimer
// after so many seconds without a byte, after which one cannot read on.
func (x *exchange) read(limit float64) ([]byte, error) {
	if x.pending != nil {
		return nil, x.pending
	}
	stop := (&transport{clock: x.clock}).after(max(limit, 0), x.cancel)
	buffer := x.buffer
	if x.mostNext > 0 {
		buffer = buffer[:min(len(buffer), x.mostNext)]
	}
	count, err := x.body.Read(buffer)
	stop()
	if err != nil {
		x.pending = x.readError(err)
	}
	if count > 0 {
		return buffer[:count], nil
	}
	return nil, x.pending
}

func (x *exchange) readError(err error) error {
	switch {
	case err == io.EOF:
		x.complete = true
		return io.EOF
	case x.ctx.Err() != nil:
		return x.ctx.Err()
	case errors.Is(err, context.Canceled):
		return errTimer
	}
	return exchangeError(err, "body")
}

// close returns the connection if the body was read to its end, else aborts it.
func (x *exchange) close() {
	if x.closed {
		return
	}
	x.closed = true
	x.cancel(nil)
	x.body.Close() // what it says of an aborted body helps nobody
	x.release()
}

// close ends idle connections.
func (t *transport) close() {
	if t.own != nil {
		t.own.CloseIdleConnections()
	}
}
