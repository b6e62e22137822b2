package forge

import (
	"bytes"
	"errors"
	"net"
	"sync"
)

// guardedConn looks at the head of every response before net/http does, which chooses silently where a head states
// the body's length in two ways: what follows could then pass for another answer (RFC 9112 section 6.3).
type guardedConn struct {
	net.Conn
	mutex  sync.Mutex
	head   []byte
	inBody bool
	failed error
}

var (
	errContradiction = errors.New("contradictory lengths")
	errHeadTooLarge  = errors.New("response headers too large")
)

// Write begins a new exchange where it writes a request line: the next bytes that come are a head.
func (c *guardedConn) Write(data []byte) (int, error) {
	if line, _, _ := bytes.Cut(data, []byte("\n")); bytes.HasSuffix(line, []byte(" HTTP/1.1\r")) {
		c.mutex.Lock()
		c.inBody, c.head = false, nil
		c.mutex.Unlock()
	}
	return c.Conn.Write(data)
}

func (c *guardedConn) Read(buffer []byte) (int, error) {
	count, err := c.Conn.Read(buffer)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.inBody && c.failed == nil {
		c.failed = c.look(buffer[:count])
	}
	if c.failed != nil {
		return 0, c.failed
	}
	return count, err
}

func (c *guardedConn) look(data []byte) error {
	c.head = append(c.head, data...)
	for {
		end, size := endOfHead(c.head)
		if end < 0 {
			if len(c.head) > 2*mostHeaderBytes {
				return errHeadTooLarge
			}
			return nil
		}
		head := c.head[:end]
		if !isInterim(head) {
			c.inBody, c.head = true, nil
			return checkHead(head)
		}
		c.head = c.head[end+size:]
	}
}

func endOfHead(data []byte) (end, size int) {
	if end = bytes.Index(data, []byte("\r\n\r\n")); end >= 0 {
		return end, 4
	}
	return bytes.Index(data, []byte("\n\n")), 2
}

// isInterim: a status of 1xx announces another head.
func isInterim(head []byte) bool {
	_, status, _ := bytes.Cut(head, []byte(" "))
	return bytes.HasPrefix(status, []byte("1")) && !bytes.HasPrefix(status, []byte("101"))
}

func checkHead(head []byte) error {
	lengths, chunked := 0, false
	for _, line := range bytes.Split(head, []byte("\n"))[1:] {
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			lengths++
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = true
		}
	}
	if chunked && lengths > 0 {
		return errContradiction
	}
	return nil
}
