// The Go driver of the conformance suite: it reads the protocol on standard input and answers on standard output,
// out of order where scenarios overlap. See conformance/README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"llm-forge.example/forge"
)

const protocolVersion = 1

var features = []string{
	"unary", "streams", "concurrency", "cancel", "flowing-clock", "environment", "local-limits", "breaker-options",
	"key-source", "mutation", "paths", "auth", "files", "middleware", "events", "half-surrogates", "wall-clock",
	"descriptor", "circuits", "limit-status", "hedging", "stream-files", "uploads", "downloads", "pages",
	"enclosing-deadlines", "closing", "home", "tls", "pool",
}

func supports() map[string]any {
	told := map[string]any{}
	for _, feature := range features {
		told[feature] = true
	}
	for _, name := range forge.CoreFunctions() {
		told["core."+name] = true
	}
	return told
}

// message is one line of the input; which fields it has says what it is.
type message struct {
	Start int             `json:"start"`
	Stop  bool            `json:"stop"`
	Core  int             `json:"core"`
	Fn    string          `json:"fn"`
	Input json.RawMessage `json:"input"`
	Call  int             `json:"call"`
}

// speaker writes answers, one line each, from any goroutine.
type speaker struct {
	mutex sync.Mutex
	out   *bufio.Writer
}

func (s *speaker) say(answer any) {
	line, err := json.Marshal(answer)
	if err != nil {
		panic(fmt.Sprintf("an answer is no JSON: %v", err))
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.out.Write(append(line, '\n')) // a reader that is gone ends the driver by closing its input
	s.out.Flush()
}

func main() {
	out := &speaker{out: bufio.NewWriter(os.Stdout)}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	var running sync.WaitGroup
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 && !take(line, out, &running) {
			break
		}
		if err == io.EOF {
			break
		}
	}
	running.Wait()
}

// take answers one message; false for the last one.
func take(line []byte, out *speaker, running *sync.WaitGroup) bool {
	var told message
	if err := json.Unmarshal(line, &told); err != nil {
		panic(fmt.Sprintf("not a message: %v", err))
	}
	switch {
	case told.Stop:
		return false
	case told.Start != 0:
		out.say(map[string]any{"protocol": protocolVersion, "language": "go", "supports": supports()})
	case told.Core != 0:
		out.say(coreAnswer(told))
	default:
		running.Add(1)
		go func() {
			defer running.Done()
			out.say(playScenario(line))
		}()
	}
	return true
}

func coreAnswer(told message) map[string]any {
	output, err := forge.CoreFunction(told.Fn, told.Input)
	answer := map[string]any{"core": told.Core, "output": output}
	if own, ok := err.(*forge.Error); ok {
		answer["error"] = own.Kind
	} else if err != nil {
		answer["error"] = "Untyped:" + err.Error()
	}
	return answer
}
