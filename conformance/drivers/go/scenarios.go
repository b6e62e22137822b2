package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"llm-forge.example/forge"
)

// Plays a scenario's steps against one client. Whoever is awake holds a token of the clock. A step hands its token to its
// call and takes it back, so that the clock never jumps between two steps.

const farewell = 30 * time.Millisecond // nobody can await the end of what was dropped

type during struct {
	At float64 `json:"at"`
	Do string  `json:"do"`
}

type consume struct {
	CloseAfter   int     `json:"close_after"`
	AbandonAfter int     `json:"abandon_after"`
	RaiseAfter   int     `json:"raise_after"`
	SleepEach    float64 `json:"sleep_each"`
	Again        bool    `json:"again"`
	ToFile       bool    `json:"to_file"`
	Before       *string `json:"before"`
}

type reading struct {
	To    string `json:"to"`
	Pages *int   `json:"pages"`
}

// step is one step of a scenario; do says which fields it has.
type step struct {
	Do         string         `json:"do"`
	Operation  string         `json:"operation"`
	Args       map[string]any `json:"args"`
	Options    map[string]any `json:"options"`
	Stream     *consume       `json:"stream"`
	Read       *reading       `json:"read"`
	Within     *float64       `json:"within"`
	Times      *int           `json:"times"`
	Together   bool           `json:"together"`
	Background bool           `json:"background"`
	During     *during        `json:"during"`
	Seconds    float64        `json:"seconds"`
	To         string         `json:"to"`
}

// player plays one scenario.
type player struct {
	run    *run
	clock  *virtualClock
	client *forge.Client
	calls  *registry
	tasks  []*task
}

// task is one call of a scenario.
type task struct {
	over    chan struct{}
	outcome map[string]any
}

func playScenario(line []byte) map[string]any {
	var told run
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&told); err != nil {
		panic(fmt.Sprintf("not a scenario: %v", err))
	}
	wall, jumps := 1_800_000_000.0, true
	replace(&wall, told.Clock.Wall)
	replace(&jumps, told.Clock.Jump)
	p := &player{run: &told, clock: newVirtualClock(told.Clock.Scale, wall, jumps), calls: &registry{}}
	var answer map[string]any
	withFiles(told.Files, func(folder string) {
		withHome(told.Home, func() { answer = p.play(folder) })
	})
	return answer
}

func (p *player) play(folder string) map[string]any {
	answer := map[string]any{"call": p.run.Call}
	var shown []string
	err := p.build(folder)
	if err != nil {
		shown = append(shown, shownOf(err))
		answer["error"] = errorFact(err)
	} else {
		answer["outcomes"] = p.steps()
		answer["circuits"], answer["limits"] = p.states()
		shown = append(shown, fmt.Sprintf("%v %+v %#v %v %+v", p.client, p.client, p.client, *p.client, *p.client))
		answer["open_connections"] = p.client.OpenConnections()
	}
	for _, one := range p.calls.records {
		shown = append(shown, one.shown...)
	}
	answer["shown"] = strings.Join(append(shown, p.calls.strays...), "\n")
	return answer
}

func (p *player) build(folder string) error {
	options, err := p.run.clientOptions(folder, p.clock, p.calls)
	if err != nil {
		return err
	}
	withEnvironment(p.run.Env, func() { p.client, err = forge.NewClient(p.run.profile(), options...) })
	return err
}

// states are what the calls left behind in circuits and limits.
func (p *player) states() (map[string]any, map[string]any) {
	circuits, limits := map[string]any{}, map[string]any{}
	for name, circuit := range p.client.Circuits() {
		circuits[name] = circuit.State()
	}
	for name, states := range p.client.RateLimitStatus() {
		limits[name] = list(states)
	}
	return circuits, limits
}

func (p *player) steps() []any {
	p.clock.begin()
	for _, one := range p.run.Steps {
		p.step(one)
	}
	p.clock.end()
	outcomes := []any{}
	for _, one := range p.tasks {
		<-one.over
		outcomes = append(outcomes, one.outcome)
	}
	p.client.Close()
	return outcomes
}

func (p *player) step(one step) {
	switch one.Do {
	case "wait":
		p.clock.Sleep(context.Background(), one.Seconds) // a background context has no error
	case "wall":
		p.clock.jumpWall(one.Seconds)
	case "switch":
		p.flip(one)
	case "close":
		p.client.Close()
	default:
		p.callStep(one)
	}
}

func (p *player) flip(one step) {
	operation, err := p.run.operation(one.Operation)
	if err != nil {
		panic(err)
	}
	group := operation.Group
	if group == "" {
		group = "default"
	}
	circuit := p.client.Circuit(group, "")
	switch one.To {
	case "force-open":
		circuit.ForceOpen()
	case "disable":
		circuit.Disable()
	case "reset":
		circuit.Reset()
	}
}

func (p *player) callStep(one step) {
	times := 1
	replace(&times, one.Times)
	switch {
	case one.Background:
		for number := 0; number < times; number++ {
			p.clock.begin()
			p.start(one, p.clock.end)
		}
	case one.Together:
		p.together(one, times)
	default:
		for number := 0; number < times; number++ {
			<-p.start(one, func() {}).over
		}
	}
}

// together starts calls at once; the last one's token goes back to the step.
func (p *player) together(one step, times int) {
	for number := 1; number < times; number++ {
		p.clock.begin()
	}
	var mutex sync.Mutex
	left := times
	first := len(p.tasks)
	for number := 0; number < times; number++ {
		p.start(one, func() {
			mutex.Lock()
			left--
			gives := left > 0
			mutex.Unlock()
			if gives {
				p.clock.end()
			}
		})
	}
	for _, started := range p.tasks[first:] {
		<-started.over
	}
}

func (p *player) start(one step, over func()) *task {
	made := &task{over: make(chan struct{})}
	p.tasks = append(p.tasks, made)
	noted := &record{clock: p.clock, pending: map[int]float64{}}
	number := p.calls.add(noted)
	began := make(chan struct{})
	go func() {
		defer close(made.over)
		started := p.clock.Now()
		close(began)
		result, err := p.call(one, noted, number)
		if err != nil {
			noted.noteShown(shownOf(err))
		}
		made.outcome = noted.outcome(started, result, err)
		over()
	}()
	<-began
	if one.Together || one.Background {
		runtime.Gosched() // calls begin in their order, as far as the scheduler lets them
	}
	return made
}

func (p *player) call(one step, noted *record, number int) (any, error) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), recordKey{}, noted))
	defer cancel()
	if one.Within != nil {
		ctx = p.clock.within(ctx, *one.Within)
	}
	args, _ := said(copyJSON(one.Args)).(map[string]any)
	options, err := p.callOptions(one.Options, number)
	if err != nil {
		return nil, err
	}
	if one.During != nil {
		action := cancel
		if one.During.Do == "mutate" {
			action = func() { mutate(args) }
		}
		defer p.clock.watch(one.During.At, action, one.During.Do == "cancel")()
	}
	return p.make(ctx, one, args, options, noted)
}

func (p *player) make(ctx context.Context, one step, args map[string]any, options []forge.CallOption, noted *record) (any, error) {
	if one.Operation == "download_url" {
		return p.readURL(ctx, one, args, options, noted)
	}
	operation, err := p.run.operation(one.Operation)
	if err != nil {
		return nil, err
	}
	params := paramsOf(operation, tables[p.run.Provider].Query[one.Operation], args)
	switch {
	case one.Stream != nil:
		return p.consume(ctx, operation, params, options, one.Stream, noted)
	case one.Read != nil && one.Read.To == "items":
		return p.items(ctx, operation, params, options, one.Read)
	case one.Read != nil:
		return readDownload(one.Read, noted)(p.client.Download(ctx, operation, params, options...))
	}
	answer, err := p.client.Call(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	return answer.Value, nil
}

// paramsOf puts each argument where the operation has it.
func paramsOf(operation *forge.Operation, query []string, args map[string]any) forge.Params {
	params := forge.Params{Path: map[string]any{}, Query: map[string]any{}}
	body := map[string]any{}
	for name, value := range args {
		switch {
		case strings.Contains(operation.Path, "{"+name+"}"):
			params.Path[name] = value
		case hasName(query, name):
			params.Query[name] = value
		default:
			body[name] = value
		}
	}
	if operation.HasBody {
		params.Body = body
	}
	return params
}

func (p *player) callOptions(named map[string]any, number int) ([]forge.CallOption, error) {
	metadata := map[string]any{recordName: number}
	var made []forge.CallOption
	for name, value := range named {
		value = said(value)
		fields, _ := value.(map[string]any)
		text, _ := value.(string)
		switch name {
		case "extra_headers":
			headers := map[string]string{}
			for header, entry := range fields {
				headers[header] = fmt.Sprint(entry)
			}
			made = append(made, forge.WithExtraHeaders(headers))
		case "extra_query":
			made = append(made, forge.WithExtraQuery(fields))
		case "extra_body":
			made = append(made, forge.WithExtraBody(fields))
		case "idempotency_key":
			made = append(made, forge.WithIdempotencyKey(text))
		case "trace_parent":
			made = append(made, forge.WithTraceParent(text))
		case "call_metadata":
			for key, entry := range fields {
				metadata[key] = entry
			}
		default:
			option, err := forge.Named(name, value)
			if err != nil {
				return nil, err
			}
			ofCalls, ok := option.(forge.CallOption)
			if !ok {
				return nil, &forge.Error{Kind: forge.KindConfig, Message: name + " is an option of the client, not of a call"}
			}
			made = append(made, ofCalls)
		}
	}
	return append(made, forge.WithMetadata(metadata)), nil
}

func (p *player) readURL(ctx context.Context, one step, args map[string]any, options []forge.CallOption, noted *record) (any, error) {
	url, _ := args["url"].(string)
	if one.Read == nil || one.Read.To != "lines" {
		how := one.Read
		if how == nil {
			how = &reading{To: "bytes"}
		}
		return readDownload(how, noted)(p.client.DownloadURL(ctx, url, options...))
	}
	lines, err := p.client.LinesURL(ctx, url, options...)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	found := []any{}
	for lines.Next() {
		noted.events++
		found = append(found, json.RawMessage(bytes.Clone(lines.Current())))
	}
	if lines.Err() != nil {
		return nil, lines.Err()
	}
	return found, nil
}

func readDownload(how *reading, noted *record) func(*forge.Download, error) (any, error) {
	return func(download *forge.Download, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		defer download.Close()
		if how.To == "bytes" {
			content, err := download.Bytes()
			if err != nil {
				return nil, err
			}
			return string(content), nil
		}
		return noted.inFolder(func(target string) (any, error) {
			path, err := download.ToFile(target)
			if err != nil {
				return nil, err
			}
			return filepath.Base(path), nil
		})
	}
}

func (p *player) items(ctx context.Context, operation *forge.Operation, params forge.Params, options []forge.CallOption, how *reading) (any, error) {
	page, err := p.client.Pages(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	found := []any{}
	count := 0
	page.All(ctx)(func(page *forge.Page, failed error) bool {
		if failed != nil {
			err = failed
			return false
		}
		found = append(found, page.Items...)
		count++
		return how.Pages == nil || count < *how.Pages
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (p *player) consume(
	ctx context.Context, operation *forge.Operation, params forge.Params, options []forge.CallOption, how *consume, noted *record,
) (any, error) {
	stream, err := p.client.Stream(ctx, operation, params, options...)
	if err != nil {
		return nil, err
	}
	switch {
	case how.AbandonAfter > 0:
		for noted.events < how.AbandonAfter && stream.Next() {
			noted.events++
		}
		stream = nil
		collect()
		return nil, nil
	case how.ToFile:
		return noted.inFolder(func(target string) (any, error) {
			path := filepath.Join(target, "story.txt")
			if how.Before != nil {
				if err := os.WriteFile(path, []byte(*how.Before), 0o600); err != nil {
					return nil, err
				}
			}
			return stream.ToFile(path, false)
		})
	}
	return p.readStream(ctx, stream, how, noted)
}

// collect lets the finalizers of what was dropped run.
func collect() {
	for round := 0; round < 3; round++ {
		runtime.GC()
		time.Sleep(farewell / 3)
	}
}

func (p *player) readStream(ctx context.Context, stream *forge.EventStream, how *consume, noted *record) (any, error) {
	defer stream.Close()
	left := false
	var failed error
	stream.All()(func(_ forge.Decoded, err error) bool {
		if err != nil {
			failed = err
			return false
		}
		noted.events++
		switch noted.events {
		case how.RaiseAfter:
			failed = errCaller
			return false
		case how.CloseAfter:
			left = true
			return false
		}
		if how.SleepEach > 0 {
			failed = p.clock.Sleep(ctx, how.SleepEach)
		}
		return failed == nil
	})
	noted.completion = stream.Completion()
	if failed != nil || left {
		return nil, failed
	}
	noted.synthesised = stream.Synthesised()
	if how.Again {
		stream.All()(func(_ forge.Decoded, err error) bool {
			noted.second = errorFact(err)
			return false
		})
	}
	return stream.Collect()
}

// Half a surrogate pair is what bytes of another encoding become in a Go string: text that is not UTF-8.
var beyondJSON = map[string]any{
	"nan": math.NaN(), "infinity": math.Inf(1), "-infinity": math.Inf(-1), "half-surrogate": "half \xed\xa0\xbd of a pair",
}

// said is what a caller passes in, with the values that JSON has no word for.
func said(value any) any {
	switch found := value.(type) {
	case map[string]any:
		if word, ok := found["beyond_json"].(string); ok {
			return beyondJSON[word]
		}
		if text, ok := found["upload"].(string); ok {
			return uploadOf(text, found)
		}
		made := map[string]any{}
		for name, entry := range found {
			made[name] = said(entry)
		}
		return made
	case []any:
		made := make([]any, len(found))
		for place, entry := range found {
			made[place] = said(entry)
		}
		return made
	}
	return value
}

func copyJSON(value map[string]any) map[string]any {
	made := map[string]any{}
	for name, entry := range value {
		made[name] = entry
	}
	return made
}

func uploadOf(text string, told map[string]any) any {
	name, _ := told["name"].(string)
	switch told["as"] {
	case "iterator":
		return forge.UploadReader(name, io.MultiReader(strings.NewReader(text[:2]), strings.NewReader(text[2:])))
	case "file":
		position, _ := told["position"].(json.Number)
		place, _ := position.Int64()
		file := strings.NewReader(text)
		file.Seek(place, io.SeekStart)
		return forge.UploadReader(name, file)
	case "path":
		file, err := os.CreateTemp("", "forge-upload")
		if err != nil {
			panic(err)
		}
		file.WriteString(text)
		file.Close()
		made := forge.UploadFile(file.Name())
		if name != "" {
			made.Name = name
		}
		return made
	}
	return forge.UploadBytes(name, []byte(text))
}

// mutate changes what a caller passed in, everywhere it can be changed.
func mutate(value any) {
	switch found := value.(type) {
	case map[string]any:
		for name, entry := range found {
			mutate(entry)
			if _, ok := entry.(string); ok {
				found[name] = "mutated"
			}
			if list, ok := entry.([]any); ok {
				found[name] = append(list, map[string]any{"role": "user", "content": "mutated"})
			}
		}
	case []any:
		for _, entry := range found {
			mutate(entry)
		}
	}
}
