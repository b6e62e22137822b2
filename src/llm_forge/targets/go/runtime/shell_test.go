package forge

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var testOperation = &Operation{Name: "notes.create", Method: "POST", Path: "/notes/{id}", HasBody: true, Required: []string{"id"}}

func testClient(t *testing.T, answer http.HandlerFunc, options ...ClientOption) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	profile := &Profile{Name: "test", Health: &Probe{Name: "ping", Path: "/ping"}}
	client, err := NewClient(profile, append([]ClientOption{WithBaseURL(server.URL), WithAPIKey("sk-canary-0123456789")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func sends(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// ER-06: whatever the HTTP stack fails with is an error of ours, with the original as cause.
func TestER06EveryFailureOfTheStackIsAnErrorOfOurs(t *testing.T) {
	for name, one := range map[string]struct {
		err  error
		kind Kind
	}{
		"reset": {syscall.ECONNRESET, KindConnectionLost}, "end": {io.ErrUnexpectedEOF, KindConnectionLost},
		"closed":  {errors.New("http: server closed idle connection"), KindConnectionLost},
		"lengths": {errContradiction, KindProtocol}, "head": {errHeadTooLarge, KindResponseTooLarge},
		"malformed": {errors.New("malformed HTTP response"), KindProtocol},
	} {
		err := exchangeError(one.err, "response")
		if err.Kind != one.kind || !errors.Is(err, one.err) {
			t.Errorf("%s: %#v", name, err)
		}
	}
	if err := connectError(syscall.ECONNREFUSED); err.Kind != KindConnect || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%#v", err)
	}
}

// SE-16: time is linear in bytes, also in small chunks.
func TestSE16DecodingTimeIsLinearInBytes(t *testing.T) {
	spent := func(size int) time.Duration {
		decoder := newSSEDecoder(sseLimits{64 * mib, 64 * mib, mib})
		chunk := []byte{'x'}
		decoder.feed([]byte("data: "))
		began := time.Now()
		for count := 0; count < size; count++ {
			decoder.feed(chunk)
		}
		return time.Since(began)
	}
	spent(mib)
	small, large := spent(mib), spent(8*mib)
	if large > 30*small {
		t.Errorf("8 times the bytes took %v instead of %v", large, small)
	}
}

// A server sees that its client left once it has read the whole request.
func untilTheClientLeaves(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestACanceledContextComesBackAsItself(t *testing.T) {
	arrived := make(chan struct{})
	client := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		untilTheClientLeaves(w, r)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client.Call(ctx, testOperation, Params{Path: map[string]any{"id": 1}, Body: object{}})
	if err != context.Canceled || client.OpenConnections() != 0 {
		t.Errorf("%v, %d connections", err, client.OpenConnections())
	}
}

func TestADeadlineOfTheContextIsBothErrors(t *testing.T) {
	client := testClient(t, untilTheClientLeaves)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Call(ctx, testOperation, Params{Path: map[string]any{"id": 1}, Body: object{}})
	var late DeadlineExceededError
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%#v", err)
	}
}

func TestTheLogHoldsNoCredentialAndNoContent(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := testClient(t, sends(401, `{"error":{"message":"no: sk-canary-0123456789"}}`), WithMiddleware(Logging(logger, true)))
	_, err := client.Call(context.Background(), testOperation, Params{Path: map[string]any{"id": "a/b"}, Body: object{"text": "private"}})
	shown := fmt.Sprintf("%v %+v %#v %v %#v %s", err, err, err, client, *client, log.String())
	if strings.Contains(shown, "canary") || !strings.Contains(log.String(), "call-end") {
		t.Error(shown)
	}
}

func TestOptionsCopyAndSourcesAreTold(t *testing.T) {
	t.Setenv("LLM_FORGE_MAX_ATTEMPTS", "1")
	count := 0
	client := testClient(t, func(w http.ResponseWriter, r *http.Request) { count++; sends(500, `{}`)(w, r) }, WithRandom(func() float64 { return 0 }))
	call := func(client *Client) {
		client.Call(context.Background(), testOperation, Params{Path: map[string]any{"id": 1}, Body: object{}})
	}
	call(client)
	more, err := client.WithOptions(WithMaxAttempts(3))
	if err != nil {
		t.Fatal(err)
	}
	call(more)
	if count != 4 || client.Sources()["max_attempts"] != "environment LLM_FORGE_MAX_ATTEMPTS" {
		t.Errorf("%d requests, %v", count, client.Sources())
	}
}

func TestHealthIsToldWithoutAnError(t *testing.T) {
	health, err := testClient(t, sends(503, `{"error":{"message":"down"}}`)).HealthCheck(context.Background())
	if err != nil || health.OK || health.Kind != KindUnavailable || health.Status != 503 || health.Message != "down" {
		t.Errorf("%+v %v", health, err)
	}
}

func TestTypesLoseNothing(t *testing.T) {
	type plain struct {
		ID    string   `json:"id"`
		Kind  string   `json:"kind" forge:"note"`
		Score *float64 `json:"score,omitempty"`
		Any   any      `json:"any,omitempty"`
	}
	text := `{"id":"1","kind":"note","any":[9223372036854775807,1e2],"new":{"a":null},"score":null}`
	var value plain
	extra, err := UnmarshalKnown([]byte(text), &value)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := MarshalKnown(value, extra); err != nil || string(made) != text {
		t.Errorf("%s %v", made, err)
	}
	if made, err := MarshalKnown(plain{ID: "2"}, nil); err != nil || string(made) != `{"id":"2","kind":"note"}` {
		t.Errorf("%s %v", made, err)
	}
	var union OneOf
	if err := json.Unmarshal([]byte(`{"type":"b","x":1}`), &union); err != nil || union.Tag("type") != "b" {
		t.Errorf("%v %v", union, err)
	}
	if found, ok := As[[]string](union); ok {
		t.Errorf("%v", found)
	}
}

func TestAFetchedURLIsPublicAndBounded(t *testing.T) {
	for _, link := range []string{"http://example.com/", "https://127.0.0.1/", "https://user@example.com/", "https://[::1]/", "ftp://x"} {
		if _, err := FetchURL(context.Background(), link); !is(err, KindInvalidRequest) {
			t.Errorf("%s: %v", link, err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
		io.WriteString(w, strings.Repeat("x", 100))
	}))
	defer server.Close()
	here := func(netip.Addr) error { return nil }
	if found, err := fetchURL(context.Background(), server.URL, here, 100); err != nil || len(found.Content) != 100 {
		t.Error(found, err)
	}
	if _, err := fetchURL(context.Background(), server.URL, here, 99); !is(err, KindResponseTooLarge) {
		t.Error(err)
	}
	if _, err := fetchURL(context.Background(), server.URL+"/loop", here, 99); !is(err, KindRedirect) {
		t.Error(err)
	}
}

func TestAWebhookIsGenuineAndFreshOrRefused(t *testing.T) {
	secret := NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte("key")))
	sum := hmac.New(sha256.New, []byte("key"))
	sum.Write([]byte("m1.1000.{}"))
	headers := http.Header{}
	headers.Set("Webhook-Id", "m1")
	headers.Set("Webhook-Timestamp", "1000")
	headers.Set("Webhook-Signature", "v1,bad v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)))
	if _, err := verifyWebhook(StandardWebhooks(), []byte("{}"), headers, []Secret{secret}, 1300); err != nil {
		t.Error(err)
	}
	for name, refused := range map[string]func() error{
		"old": func() error {
			_, err := verifyWebhook(StandardWebhooks(), []byte("{}"), headers, []Secret{secret}, 1301)
			return err
		},
		"other": func() error {
			_, err := verifyWebhook(StandardWebhooks(), []byte("[]"), headers, []Secret{secret}, 1000)
			return err
		},
	} {
		if err := refused(); !is(err, KindAuth) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAConfigurationFileIsReadOrRefusedWhereItStands(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(folder, "forge.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("# mine\nproviders:\n  test:\n    base_url: 'http://127.0.0.1:1'  # here\n    api_key: env:TEAM\n    retry: {max_attempts: 7}\n    trusted_origins:\n    - \"http://127.0.0.1:2\"\n")
	t.Setenv("TEAM", "key")
	client, err := NewClient(&Profile{Name: "test"}, WithConfigFile(path))
	if err != nil || client.settings.maxAttempts != 7 || client.BaseURL() != "http://127.0.0.1:1" {
		t.Fatal(client, err)
	}
	for text, mentions := range map[string]string{
		"providers:\n  test:\n    api_key: sk-secret\n": "forge.yaml:3", "providers:\n  test: &a {}\n": "forge.yaml:2",
		"providers:\n  test:\n    tmeout: 3\n": "did you mean timeout", "a: 1\na: 2\n": "given twice", "providers:\n\ttest: 1\n": "tab",
	} {
		_, err := NewClient(&Profile{Name: "test"}, WithConfigFile(write(text)))
		if !is(err, KindConfig) || !strings.Contains(err.Error(), mentions) || strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// ST-28: a disk that takes no more is a typed error, and leaves no temporary file.
func TestST28AFileThatCannotBeWrittenLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	file, err := createAtomic(filepath.Join(folder, "story.txt"), false)
	if err != nil {
		t.Fatal(err)
	}
	file.unfinished.Close() // as if the disk were gone
	if file.write([]byte("text")) == nil || file.commit() == nil {
		t.Error("it was written")
	}
	file.discard()
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
}
