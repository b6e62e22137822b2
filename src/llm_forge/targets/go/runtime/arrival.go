package forge

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// A 2xx answer that is read piece by piece: files and lines, not server-sent events.
//
//   - Until the first byte a failure is the attempt's, and may be retried; afterwards nothing is.
//   - There is no limit for the whole; no byte for the idle timeout ends it, and so does the deadline, if the
//     caller set one.
//   - An answer that is cut is an error; it never looks complete.

const mostReadBytes = 64 * mib

// arrival is one open answer.
type arrival struct {
	call       *call
	lease      *lease
	body       *bodyReader
	first      []byte
	hasFirst   bool
	complete   bool
	handedOver bool
}

// arrive opens an answer through the one retry loop; the call ends with the reading.
func arrive(c *call) (*arrival, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	var opened *arrival
	outcome := "raised"
	handed := false
	defer func() {
		if !handed {
			if opened != nil {
				opened.end(errPanicked)
			}
			c.finish(outcome, nil, nil)
		}
	}()
	response, err := through(c, c.shared.steps.call, c.prepared.request, func(request httpRequest) (*Response, error) {
		if opened != nil {
			opened.end(nil)
		}
		found, err := run(c.asking(request), openArrival)
		if err != nil {
			return nil, err
		}
		opened = found
		return &Response{Status: c.responseStatus, Headers: c.responseHeaders}, nil
	})
	outcome = outcomeName(err)
	if err == nil && (opened == nil || response.Value != nil || len(response.wraps) > 0) {
		err = errNoReplacement
	}
	if err != nil {
		return nil, err
	}
	handed, opened.handedOver = true, true
	return opened, nil
}

var errNoReplacement = errors.New("middleware cannot replace or wrap an answer that is a file or lines")

// openArrival is one attempt: an answer whose first byte has arrived, or that is empty.
func openArrival(c *call) (*arrival, error) {
	l, err := c.acquire()
	if err != nil {
		return nil, err
	}
	made := &arrival{call: c, lease: l}
	kept := false
	defer func() {
		if !kept {
			l.end(errPanicked, nil) // changes nothing where the attempt ended
			l.close()
		}
	}()
	response, err := through(c, c.shared.steps.attempt, c.prepared.request, func(request httpRequest) (*Response, error) {
		return &Response{Status: c.responseStatus, Headers: c.responseHeaders}, made.open(request)
	})
	if err == nil && (!made.hasFirst || response.Value != nil || len(response.wraps) > 0) {
		err = errNoReplacement
	}
	if err != nil {
		l.end(err, nil)
		return nil, err
	}
	kept = true
	return made, nil
}

// open sends the request, and reads up to the first decoded byte or the end within the attempt's timer.
func (a *arrival) open(request httpRequest) error {
	c := a.call
	ends := c.now() + c.settings.attemptTimeout
	x, err := a.lease.send(request, ends)
	if err != nil {
		return err
	}
	if x.status < 200 || x.status >= 300 {
		return c.refuse(x, ends)
	}
	if problem := c.unfit(x); problem != "" {
		return c.invalidResponse(x, fmt.Sprintf("The %d answer %s", x.status, problem), nil)
	}
	if a.body, err = newBodyReader(x, math.MaxInt64-1); err != nil {
		return err
	}
	piece, err := c.readPiece(a.body, ends, "body")
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	a.first, a.hasFirst = append([]byte(nil), piece...), true
	return nil
}

// unfit is why this cannot be the file or the lines that were asked for, "" if it can. A page where none was
// promised is a portal or a proxy; JSON instead of sound or a picture is an error.
func (c *call) unfit(x *exchange) string {
	kind := mediaTypeOf(x.headers)
	promised, _, _ := strings.Cut(c.operation.accept(), ";")
	promised = strings.ToLower(strings.TrimSpace(promised))
	anything := promised == "*/*" || promised == "application/octet-stream" || promised == "application/binary"
	switch {
	case isBodiless(x.status):
		return "is empty"
	case kind == "text/html" && promised != kind:
		return "is a page"
	case kind == "application/json" && c.operation.answer() == AnswerBinary && !anything && promised != kind && !strings.HasPrefix(promised, "text/"):
		return "is JSON"
	}
	return ""
}

// more are the next decoded bytes, valid until the next call; io.EOF at the end. Errors are enriched.
func (a *arrival) more() ([]byte, error) {
	if a.complete {
		return nil, io.EOF
	}
	piece, err := a.next()
	if err == nil {
		return piece, nil
	}
	a.complete = errors.Is(err, io.EOF)
	if a.complete {
		a.end(nil)
	} else {
		a.end(err)
	}
	return nil, err
}

func (a *arrival) next() ([]byte, error) {
	if a.hasFirst && len(a.first) > 0 {
		first := a.first
		a.first = nil
		return first, nil
	}
	c := a.call
	byDeadline := false
	piece, err := a.body.read(func() float64 {
		left := c.ends.left(c.now())
		byDeadline = left <= c.settings.idleTimeout
		return math.Max(0, math.Min(left, c.settings.idleTimeout))
	})
	if err == nil || errors.Is(err, io.EOF) {
		return piece, err
	}
	if errors.Is(err, errTimer) && byDeadline {
		err = newError(KindDeadlineExceeded, "The call's deadline passed while the answer was read").in("body")
	} else if errors.Is(err, errTimer) {
		err = newError(KindStreamIdle, "The answer sent nothing for %g s", c.settings.idleTimeout)
	}
	return nil, a.told(c.stopped(err, "body"))
}

// told is the error as the user gets it.
func (a *arrival) told(err error) error {
	own, ours := err.(*Error)
	if !ours {
		return err
	}
	own.MidStream = true
	if a.handedOver {
		a.call.failLast(own)
	}
	return a.call.enrich(own)
}

// end stops here: gives back what the attempt holds and aborts the connection. Idempotent.
func (a *arrival) end(err error) {
	outcome := "left"
	settled := err
	switch {
	case err != nil:
		outcome = outcomeName(err)
	case a.complete:
		outcome = "ok"
	default:
		settled = errLeft
	}
	a.lease.end(settled, nil)
	a.lease.close()
	if a.handedOver {
		a.handedOver = false
		a.call.finish(outcome, nil, nil)
	}
}

// Download is a file that arrives: Read it, or store it with ToFile. Close it, whatever happens.
type Download struct {
	arrival *arrival
	rest    []byte
	closed  bool
}

func newDownload(a *arrival) *Download {
	made := &Download{arrival: a}
	runtime.SetFinalizer(made, func(d *Download) { d.Close() })
	return made
}

// Read gives the file's bytes, and io.EOF after the last.
func (d *Download) Read(buffer []byte) (int, error) {
	if len(d.rest) == 0 {
		if d.closed && !d.arrival.complete {
			return 0, newError(KindStream, "The answer was closed before its end")
		}
		piece, err := d.arrival.more()
		if err != nil {
			return 0, err
		}
		d.rest = piece
	}
	count := copy(buffer, d.rest)
	d.rest = d.rest[count:]
	return count, nil
}

// Bytes are all bytes of a file of at most 64 MiB, ResponseTooLargeError beyond, which ToFile and Read have no need of.
func (d *Download) Bytes() ([]byte, error) {
	defer d.Close()
	content, err := io.ReadAll(io.LimitReader(d, mostReadBytes+1))
	if err == nil && len(content) > mostReadBytes {
		err = newError(KindResponseTooLarge, "The answer exceeds %d bytes; store it with ToFile, or Read it", mostReadBytes)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// ToFile stores the answer and returns its path; in a folder, under the server's name made safe. The file appears when
// it is whole, with mode 0600, and replaces an older one of that path. fs.ErrExist if the folder has a file of the
// server's name already.
func (d *Download) ToFile(path string) (string, error) {
	defer d.Close()
	target, err := chooseTarget(path, d.ServedName())
	if err != nil {
		return "", err
	}
	file, err := createAtomic(target, false)
	if err != nil {
		return "", err
	}
	defer file.discard()
	for {
		piece, err := d.arrival.more()
		if errors.Is(err, io.EOF) {
			return target, file.commit()
		}
		if err == nil {
			err = file.write(piece)
		}
		if err != nil {
			return "", err
		}
	}
}

// Close closes the connection; safe in every state.
func (d *Download) Close() error {
	if !d.closed {
		d.closed = true
		d.arrival.end(nil)
	}
	return nil
}

// ContentType is the media type that the server named.
func (d *Download) ContentType() string { return d.arrival.call.responseHeaders.Get("content-type") }

// Size are the bytes announced; -1 where the server announced none, or compressed them.
func (d *Download) Size() int64 {
	headers := d.arrival.call.responseHeaders
	size, err := strconv.ParseInt(headers.Get("content-length"), 10, 64)
	if err != nil || headers.Has("content-encoding") {
		return -1
	}
	return size
}

// ServedName is the file name that the server gave, as it gave it: ToFile makes it safe before it is used.
func (d *Download) ServedName() string {
	if named := dispositionName(d.arrival.call.responseHeaders.Get("content-disposition")); named != "" {
		return named
	}
	parts, err := url.Parse(d.arrival.call.prepared.request.url)
	if err != nil {
		return ""
	}
	return path.Base(parts.Path)
}

// RequestID is the provider's id of this exchange.
func (d *Download) RequestID() string { return d.arrival.call.requestID() }

// Lines are lines of JSON that arrive. Close them, whatever happens.
//
// StreamInterruptedError if they are cut; its Partial is the torn line, EventsSeen counts whole ones.
type Lines struct {
	arrival *arrival
	decoder *jsonLines
	ready   []rawEvent
	current []byte
	err     error
	over    bool
	seen    int
}

func newLines(a *arrival) *Lines {
	made := &Lines{arrival: a, decoder: newJSONLines(defaultSSELimits.line)}
	runtime.SetFinalizer(made, func(l *Lines) { l.Close() })
	return made
}

// Next reads the next line; false at the end, whose error Err tells.
func (l *Lines) Next() bool {
	for len(l.ready) == 0 && !l.over {
		l.read()
	}
	if len(l.ready) == 0 {
		return false
	}
	l.current, l.ready = l.ready[0].raw, l.ready[1:]
	if _, err := decodeJSON(l.current); err != nil {
		l.ready = nil
		l.fail(newError(KindStreamDecode, "Line %d is not valid JSON: %v", l.seen+1, err))
		return false
	}
	l.seen++
	return true
}

func (l *Lines) read() {
	piece, err := l.arrival.more()
	switch {
	case errors.Is(err, io.EOF):
		l.finish()
	case is(err, KindConnectionLost) || is(err, KindProtocol):
		rest, _, _ := l.decoder.finish()
		l.fail(l.interrupted(rest).because(err))
	case err != nil:
		l.fail(err)
	default:
		events, err := l.decoder.feed(piece)
		l.ready = append(l.ready, events...)
		if err != nil {
			l.fail(err)
		}
	}
}

// finish takes a last line without a line end, if it is whole; StreamInterruptedError if torn.
func (l *Lines) finish() {
	l.over = true
	rest, found, err := l.decoder.finish()
	if err != nil || !found {
		return
	}
	switch decoded(rest.raw).(type) {
	case object, []any:
		l.ready = append(l.ready, rest)
	default:
		l.fail(l.interrupted(rest))
	}
}

func (l *Lines) interrupted(rest rawEvent) *Error {
	cut := newError(KindStreamInterrupted, "The answer was cut after %d whole lines; Partial is the rest", l.seen+len(l.ready))
	cut.Partial = rest.text()
	return cut
}

func (l *Lines) fail(err error) {
	if own, ours := err.(*Error); ours {
		own.EventsSeen, own.MidStream = l.seen+len(l.ready), true
		err = l.arrival.call.enrich(own)
	}
	l.over, l.err = true, err
	l.arrival.end(err)
}

// Current are the bytes of the line that the last Next has read.
func (l *Lines) Current() []byte { return l.current }

// Err is what ended the lines, nil if they ended well or go on.
func (l *Lines) Err() error { return l.err }

// Close closes the connection; safe in every state.
func (l *Lines) Close() error {
	l.over, l.ready = true, nil
	l.arrival.end(nil)
	return nil
}
