package forge

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
)

// Response bodies: read under a timer, decoded under limits, never silently short.

const (
	bodyBytes      = 64 * mib
	errorBytes     = 64 * 1024
	streamBytes    = 1024 * mib
	mostRatio      = 200
	ratioFromBytes = mib
	pieceBytes     = 32 * 1024
)

// bodyReader gives the decoded bytes of an exchange, piece by piece.
type bodyReader struct {
	exchange   *exchange
	most       int64
	raw, total int64
	limit      func() float64 // seconds that the next read from the network may take
	failed     error          // what the network gave instead of bytes, the end included
	inflate    io.Reader
	encoding   string
	buffer     []byte
}

// newBodyReader reads a body of at most so many decoded bytes; ProtocolError for an encoding that was not offered.
func newBodyReader(x *exchange, most int64) (*bodyReader, error) {
	made := &bodyReader{exchange: x, most: most}
	var names []string
	for _, value := range x.headers.All("content-encoding") {
		for _, name := range strings.Split(value, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != "identity" {
				names = append(names, name)
			}
		}
	}
	switch {
	case len(names) == 0:
		return made, nil
	case len(names) > 1 || names[0] != "gzip" && names[0] != "x-gzip" && names[0] != "deflate":
		return nil, newError(KindProtocol, "The response has a content encoding that was not offered: %s", firstChars(strings.Join(names, ", "), 60))
	}
	made.encoding = names[0]
	return made, nil
}

// read is the next decoded piece, valid until the next read; io.EOF at the clean end. Errors are errTimer where
// the limit passed, the context's, or transport errors.
func (b *bodyReader) read(limit func() float64) ([]byte, error) {
	b.limit = limit
	if b.encoding == "" {
		piece, err := b.exchange.read(limit())
		b.raw += int64(len(piece))
		if tooMuch := b.count(len(piece)); tooMuch != nil {
			return nil, tooMuch
		}
		return piece, err
	}
	if b.buffer == nil {
		b.buffer = make([]byte, pieceBytes)
	}
	count, err := b.decode()
	if tooMuch := b.count(count); tooMuch != nil {
		return nil, tooMuch
	}
	if count > 0 {
		return b.buffer[:count], nil
	}
	return nil, err
}

func (b *bodyReader) decode() (int, error) {
	if b.inflate == nil {
		if err := b.openInflate(); err != nil {
			return 0, b.decodingError(err)
		}
	}
	count, err := b.inflate.Read(b.buffer)
	if err == io.EOF {
		return count, b.drain()
	}
	return count, b.decodingError(err)
}

// openInflate looks at the first bytes: what is called deflate may be gzip, and the other way round.
func (b *bodyReader) openInflate() error {
	source := bufio.NewReaderSize(rawSource{b}, pieceBytes)
	head, err := source.Peek(2)
	if len(head) == 0 {
		b.inflate = strings.NewReader("") // an empty body is empty in every encoding
		if err == io.EOF {
			return nil
		}
		return err
	}
	if head[0] != 0x1F {
		b.inflate, err = zlib.NewReader(source)
		return err
	}
	unzip, err := gzip.NewReader(source)
	if err != nil {
		return err
	}
	unzip.Multistream(false)
	b.inflate = unzip
	return nil
}

// drain reads what follows the encoding's own end, so that a cut is seen.
func (b *bodyReader) drain() error {
	for b.failed == nil {
		rawSource{b}.fill()
	}
	return b.failed
}

func (b *bodyReader) decodingError(err error) error {
	switch {
	case err == nil:
		return nil
	case b.failed != nil && b.failed != io.EOF:
		return b.failed
	case err == io.ErrUnexpectedEOF || err == io.EOF:
		return newError(KindProtocol, "The response's content encoding ended early")
	}
	return newError(KindProtocol, "The response's content encoding is corrupt").because(err)
}

func (b *bodyReader) count(decoded int) error {
	b.total += int64(decoded)
	if b.total > b.most {
		return newError(KindResponseTooLarge, "The response exceeds %d bytes", b.most)
	}
	if b.total > ratioFromBytes && b.total > mostRatio*b.raw {
		return newError(KindResponseTooLarge, "The response expands more than %d times", mostRatio)
	}
	return nil
}

// rawSource are the bytes of the network, for a decoder.
type rawSource struct{ body *bodyReader }

func (s rawSource) fill() []byte {
	piece, err := s.body.exchange.read(s.body.limit())
	s.body.raw += int64(len(piece))
	s.body.failed = err
	return piece
}

func (s rawSource) Read(buffer []byte) (int, error) {
	if s.body.failed != nil {
		return 0, s.body.failed
	}
	s.body.exchange.mostNext = len(buffer)
	piece := s.fill()
	return copy(buffer, piece), s.body.failed
}
