package forge

// Facts about a provider and its operations: data, no behaviour. Generated clients are mostly values of
// these types. All names are wire names; the JSON tags let tables be read from the generator's own JSON.

// Replay says what sending a request twice may do.
type Replay string

// The replay classes: "safe" is replayed freely, "keyed" only with an idempotency key that the provider
// honours, "once" only after failures that prove that nothing was processed. "" is "safe".
const (
	ReplaySafe  Replay = "safe"
	ReplayKeyed Replay = "keyed"
	ReplayOnce  Replay = "once"
)

// AnswerKind is what the body of a 2xx answer is; "" is a JSON object.
type AnswerKind string

// What an answer may be: a JSON object, any JSON value, lines of JSON, bytes, or nothing.
const (
	AnswerObject AnswerKind = "object"
	AnswerJSON   AnswerKind = "json"
	AnswerLines  AnswerKind = "lines"
	AnswerBinary AnswerKind = "binary"
	AnswerEmpty  AnswerKind = "empty"
)

// BodyKind is how a request's body is written; "" is a JSON object.
type BodyKind string

// What a body may be.
const (
	BodyObject    BodyKind = "object"
	BodyJSON      BodyKind = "json"
	BodyMultipart BodyKind = "multipart"
	BodyForm      BodyKind = "form"
	BodyBinary    BodyKind = "binary"
)

// Family is the way in which a stream's events add up.
type Family string

// The stream families.
const (
	FamilyChat         Family = "chat-completion"
	FamilyBlocks       Family = "block-event"
	FamilyResponse     Family = "response"
	FamilyConversation Family = "conversation"
	FamilyEvents       Family = "events"
)

// PageStyle is how the next page of a list is asked for.
type PageStyle string

// The page styles.
const (
	PageAfterID  PageStyle = "after-id"
	PageBeforeID PageStyle = "before-id"
	PageCursor   PageStyle = "cursor"
	PageNumber   PageStyle = "page"
	PageLink     PageStyle = "link"
)

// TypeFieldEventName is the TypeField of streams whose events only the name of the server-sent event tells apart.
const TypeFieldEventName = "event-name"

// LimitHeaders are the response headers, in lower case, of one rate-limit family.
//
// ResetForm is duration (""), seconds, epoch or rfc3339; ResetMeaning is window ("") or refill. Period is in
// seconds, 0 for unknown.
type LimitHeaders struct {
	Family       string  `json:"family"`
	Unit         string  `json:"unit"`
	Limit        string  `json:"limit"`
	Remaining    string  `json:"remaining"`
	Reset        string  `json:"reset"`
	ResetForm    string  `json:"reset_form"`
	ResetMeaning string  `json:"reset_meaning"`
	Cost         string  `json:"cost"`
	Period       float64 `json:"period"`
}

// ErrorRules say how a provider's errors are read.
//
// TerminalCodes nil means the usual quota codes, NotProcessed nil means 429.
type ErrorRules struct {
	StatusOfType      map[string]int `json:"status_of_type"`
	TerminalCodes     []string       `json:"terminal_codes"`
	RetryableStatuses []int          `json:"retryable_statuses"`
	NotProcessed      []int          `json:"not_processed"`
}

// AuthScheme says where a credential goes.
//
// Kind is bearer (""), api-key, basic, oauth2 or none; Placement header (""), query or cookie, with Name.
// TokenURL, Scopes and ClientAuth (basic or body) are for oauth2. An Optional one is sent only where
// there is one.
type AuthScheme struct {
	Kind       string   `json:"kind"`
	Placement  string   `json:"placement"`
	Name       string   `json:"name"`
	TokenURL   string   `json:"token_url"`
	Scopes     []string `json:"scopes"`
	ClientAuth string   `json:"client_auth"`
	Optional   bool     `json:"optional"`
}

// Probe is a cheap GET without arguments that shows whether the API works.
type Probe struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Group string `json:"group"`
}

// Profile is one provider as its description gives it.
//
// BaseURLSuffixes are path ends that users' base URLs may carry although the operations' paths bring them
// already; they are dropped when a base URL is read.
type Profile struct {
	Name                   string            `json:"name"`
	BaseURL                string            `json:"base_url"`
	EnvAPIKey              []string          `json:"env_api_key"`
	EnvBaseURL             []string          `json:"env_base_url"`
	Auth                   AuthScheme        `json:"auth"`
	Headers                map[string]string `json:"headers"`
	RequestIDHeaders       []string          `json:"request_id_headers"`
	Errors                 ErrorRules        `json:"errors"`
	RateLimits             []LimitHeaders    `json:"rate_limits"`
	BaseURLSuffixes        []string          `json:"base_url_suffixes"`
	SecretHeaders          []string          `json:"secret_headers"`
	IdempotencyHeader      string            `json:"idempotency_header"`
	AttemptHeader          string            `json:"attempt_header"`
	PreviousAttemptsHeader string            `json:"previous_attempts_header"`
	Health                 *Probe            `json:"health"`
}

// StreamRule says how an operation streams.
//
// Parameter is set to Value in the body, unless it is "". NDJSON: a line is an event. Of the family
// "events", Terminal are the values of TypeField ("" is "type") that end a stream.
type StreamRule struct {
	Family    Family   `json:"family"`
	Parameter string   `json:"parameter"`
	Value     any      `json:"value"`
	NDJSON    bool     `json:"ndjson"`
	Terminal  []string `json:"terminal"`
	TypeField string   `json:"type_field"`
}

// Collects says whether the result is the list of the events, because they add up to no other.
func (r *StreamRule) Collects() bool { return r.Family == FamilyEvents }

// BodyRule says how an operation's body is written.
//
// Of a form, Files are the fields that hold files, Deep those whose objects are written as name[key], and
// MediaTypes the types that single fields are sent with.
type BodyRule struct {
	Kind       BodyKind          `json:"kind"`
	MediaType  string            `json:"media_type"`
	Files      []string          `json:"files"`
	Deep       []string          `json:"deep"`
	MediaTypes map[string]string `json:"media_types"`
}

// PageRule says how the next page of a list is asked for. Items, ID, More, Next and Total are dotted
// paths into the answer (ID into an item; "" is "id"). Otherwise is the rule for answers with nothing at Next.
type PageRule struct {
	Style     PageStyle `json:"style"`
	Items     string    `json:"items"`
	Param     string    `json:"param"`
	ID        string    `json:"id"`
	Before    string    `json:"before"`
	Next      string    `json:"next"`
	More      string    `json:"more"`
	Start     int       `json:"start"`
	SizeParam string    `json:"size_param"`
	Total     string    `json:"total"`
	InBody    bool      `json:"in_body"`
	Otherwise *PageRule `json:"otherwise"`
}

// Operation is one operation of a provider. Group "" is "default", Accept "" is application/json. Required are the paths
// of the fields that its answer must have, dotted, with * for every entry of a list or mapping. Styles say how
// parameters that are lists or objects are written, by place and name such as query.tags, where that is not usual: joined
// by comma, space or pipe, an object as fields of its own or as pairs with equal signs, or as json; in a path as label or
// matrix, with a star where each part has its own prefix.
type Operation struct {
	Name    string      `json:"name"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Stream  *StreamRule `json:"stream"`
	Replay  Replay      `json:"replay"`
	Group   string      `json:"group"`
	HasBody bool        `json:"has_body"`
	Answer  AnswerKind  `json:"answer"`
	Accept  string      `json:"accept"`
	Body    BodyRule    `json:"body"`
	Pages   *PageRule   `json:"pages"`

	Required []string          `json:"required"`
	Styles   map[string]string `json:"styles"`
}

func (o *Operation) answer() AnswerKind {
	return AnswerKind(or(string(o.Answer), string(AnswerObject)))
}

func (o *Operation) group() string { return or(o.Group, "default") }

func (o *Operation) accept() string { return or(o.Accept, "application/json") }

// or is the first text unless it is empty, else the second.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

var defaultTerminalCodes = []string{"insufficient_quota", "billing_hard_limit_reached", "billing_error"}

func (r *ErrorRules) terminalCodes() []string {
	if r.TerminalCodes == nil {
		return defaultTerminalCodes
	}
	return r.TerminalCodes
}

func (r *ErrorRules) notProcessed() []int {
	if r.NotProcessed == nil {
		return []int{429}
	}
	return r.NotProcessed
}
