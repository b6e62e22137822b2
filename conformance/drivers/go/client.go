package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	_ "embed"

	"llm-forge.example/forge"
)

// One client of a scenario, from the options that the scenario gives by their names.

//go:embed tables.json
var tablesJSON []byte

type table struct {
	Profile    forge.Profile               `json:"profile"`
	Operations map[string]*forge.Operation `json:"operations"`
	Query      map[string][]string         `json:"query"`
}

var tables = func() map[string]*table {
	var made map[string]*table
	if err := json.Unmarshal(tablesJSON, &made); err != nil {
		panic("tables.json: " + err.Error())
	}
	return made
}()

type recorder struct {
	Name    string
	Call    string
	Attempt string
}

type descriptor struct {
	Replay                 *forge.Replay `json:"replay"`
	IdempotencyHeader      *string       `json:"idempotency_header"`
	AttemptHeader          *string       `json:"attempt_header"`
	PreviousAttemptsHeader *string       `json:"previous_attempts_header"`
}

// run is one scenario: a message of the protocol.
type run struct {
	Call       int               `json:"call"`
	Provider   string            `json:"provider"`
	BaseURL    *string           `json:"base_url"`
	Options    map[string]any    `json:"options"`
	Env        map[string]string `json:"env"`
	Keys       []string          `json:"keys"`
	Files      map[string]string `json:"files"`
	Home       map[string]string `json:"home"`
	Middleware []recorder        `json:"middleware"`
	Descriptor *descriptor       `json:"descriptor"`
	Clock      struct {
		Scale float64  `json:"scale"`
		Jump  *bool    `json:"jump"`
		Wall  *float64 `json:"wall"`
	} `json:"clock"`
	Random *float64 `json:"random"`
	Steps  []step   `json:"steps"`
}

// profile is the provider's, with the facts that the scenario replaces.
func (r *run) profile() *forge.Profile {
	made := tables[r.Provider].Profile
	if d := r.Descriptor; d != nil {
		replace(&made.IdempotencyHeader, d.IdempotencyHeader)
		replace(&made.AttemptHeader, d.AttemptHeader)
		replace(&made.PreviousAttemptsHeader, d.PreviousAttemptsHeader)
	}
	return &made
}

func replace[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}

func (r *run) operation(name string) (*forge.Operation, error) {
	found := tables[r.Provider].Operations[name]
	if found == nil {
		return nil, fmt.Errorf("tables.json has no operation %s of %s", name, r.Provider)
	}
	made := *found
	if r.Descriptor != nil {
		replace(&made.Replay, r.Descriptor.Replay)
	}
	return &made, nil
}

// clientOptions are the client's options; folder is where the scenario's files are.
func (r *run) clientOptions(folder string, clock *virtualClock, calls *registry) ([]forge.ClientOption, error) {
	chance := 1.0
	replace(&chance, r.Random)
	made := []forge.ClientOption{
		forge.WithClock(clock), forge.WithRandom(func() float64 { return chance }),
		forge.WithHook(func(event forge.Event) {
			if record := calls.of(event.Context); record != nil {
				record.noteEvent(event)
			}
		}),
	}
	if r.BaseURL != nil {
		made = append(made, forge.WithBaseURL(*r.BaseURL))
	}
	for name, value := range r.Options {
		option, err := clientOption(name, value, folder)
		if err != nil {
			return nil, err
		}
		if option != nil {
			made = append(made, option)
		}
	}
	if len(r.Keys) > 0 {
		var next atomic.Int64
		made = append(made, forge.WithCredential(forge.KeyFunc(func(context.Context) (string, error) {
			return r.Keys[int(next.Add(1)-1)%len(r.Keys)], nil
		})))
	}
	for _, one := range r.Middleware {
		made = append(made, forge.WithMiddleware(one.middleware(calls)))
	}
	return append(made, forge.WithMiddleware(forge.Logging(slog.New(calls), false))), nil
}

func clientOption(name string, value any, folder string) (forge.ClientOption, error) {
	if fields, ok := value.(map[string]any); ok && len(fields) == 1 && fields["file"] != nil {
		path := filepath.Join(folder, fields["file"].(string))
		switch name {
		case "api_key":
			return forge.WithCredential(forge.KeyFile(path)), nil
		case "config":
			return forge.WithConfigFile(path), nil
		}
		value = path
	}
	if fields, ok := value.(map[string]any); ok && name == "auth" {
		return forge.WithAuth(authOf(fields)), nil
	}
	if value == nil && name != "timeout" {
		return nil, nil
	}
	return forge.Named(name, value)
}

func authOf(fields map[string]any) forge.Auth {
	text := func(name string) string {
		found, _ := fields[name].(string)
		return found
	}
	key := func(name string) *forge.Credential {
		if fields[name] == nil {
			return nil
		}
		made := forge.Key(text(name))
		return &made
	}
	switch text("kind") {
	case "api-key":
		return forge.APIKeyAuth{Key: forge.Key(text("key")), Placement: text("placement"), Name: text("name")}
	case "bearer":
		return forge.BearerAuth{Token: forge.Key(text("token"))}
	case "basic":
		return forge.BasicAuth{User: text("user"), Password: forge.NewSecret(text("password"))}
	}
	made := forge.OAuth2{ClientID: text("client_id"), ClientSecret: key("client_secret"), RefreshToken: key("refresh_token"),
		TokenURL: text("token_url"), ClientAuth: text("client_auth")}
	scopes, _ := fields["scopes"].([]any)
	for _, scope := range scopes {
		made.Scopes = append(made.Scopes, scope.(string))
	}
	return made
}

// environment guards the variables of this process: they are a scenario's own while its client is built.
var environment sync.Mutex

func withEnvironment(values map[string]string, work func()) {
	environment.Lock()
	defer environment.Unlock()
	for name, value := range values {
		before, was := os.LookupEnv(name)
		os.Setenv(name, value)
		defer func() {
			if was {
				os.Setenv(name, before)
			} else {
				os.Unsetenv(name)
			}
		}()
	}
	work()
}

// middleware notes where a call has come to, and does what the scenario says.
func (r recorder) middleware(calls *registry) forge.Middleware {
	return forge.Middleware{
		Call: func(ctx context.Context, about *forge.CallContext, request forge.Request, proceed forge.Proceed) (*forge.Response, error) {
			response, err := r.around(ctx, calls.of(about), "call", r.Call, about, request, proceed)
			if err == nil && response.IsStream() {
				response = response.WithEvents(r.counting(calls.of(about)))
			}
			return response, err
		},
		Attempt: func(ctx context.Context, about *forge.CallContext, request forge.Request, proceed forge.Proceed) (*forge.Response, error) {
			return r.around(ctx, calls.of(about), "attempt", r.Attempt, about, request, proceed)
		},
	}
}

func (r recorder) around(
	ctx context.Context, noted *record, level, does string, about *forge.CallContext, request forge.Request, proceed forge.Proceed,
) (*forge.Response, error) {
	noted.noteStory(fmt.Sprintf("%s %s %d", r.Name, level, about.Attempt))
	noted.noteShown(fmt.Sprintf("%v %#v %s %v %s", request, request, request.URL, request.Headers.Fields(), request.Body))
	defer noted.noteStory(fmt.Sprintf("%s %s %d end", r.Name, level, about.Attempt))
	switch does {
	case "raise":
		return nil, errCaller
	case "unavailable":
		if about.Attempt <= 1 {
			return nil, &forge.Error{Kind: forge.KindUnavailable, Message: "made up", Status: 503}
		}
	case "answer":
		return &forge.Response{Value: map[string]any{"id": "from-middleware"}, Status: 200}, nil
	case "origin":
		request.URL = "https://elsewhere.test/"
	}
	return proceed(ctx, request)
}

func (r recorder) counting(noted *record) func(forge.EventSource) forge.EventSource {
	return func(events forge.EventSource) forge.EventSource {
		count := 0
		return func() (forge.Decoded, error) {
			event, err := events()
			if err == nil {
				count++
			} else {
				noted.noteStory(fmt.Sprintf("%s read %d", r.Name, count))
			}
			return event, err
		}
	}
}

// withFiles runs work with a folder that holds these files.
func withFiles(files map[string]string, work func(folder string)) {
	folder, err := os.MkdirTemp("", "forge-driver")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	work(folder)
}

// withHome runs work with a home folder that holds these files; none leaves the home as it is.
func withHome(files map[string]string, work func()) {
	if len(files) == 0 {
		work()
		return
	}
	before := os.Getenv("HOME")
	withFiles(files, func(folder string) {
		os.Setenv("HOME", folder)
		defer os.Setenv("HOME", before)
		work()
	})
}

func hasName(names []string, wanted string) bool {
	for _, name := range names {
		if strings.EqualFold(name, wanted) {
			return true
		}
	}
	return false
}
