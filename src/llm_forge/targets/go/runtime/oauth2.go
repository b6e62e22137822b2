package forge

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// OAuth2 gets tokens from a token endpoint by client credentials or a refresh token, shared by all calls of a client
// (R-023 to R-030, RFC 6749).
//
// With RefreshToken the grant is refresh_token, else client_credentials. TokenURL, Scopes and ClientAuth ("basic" or
// "body") default to those of the description; no other scope is asked for. Parameters are further fields of the token
// request, such as audience. A server may replace the refresh token: OnRefreshToken is called with each new one before
// any call goes on with it, so that the next process can have it.
type OAuth2 struct {
	ClientID       string
	ClientSecret   *Credential
	RefreshToken   *Credential
	TokenURL       string
	Scopes         []string
	ClientAuth     string
	Parameters     map[string]string
	OnRefreshToken func(Secret) error
}

// String shows nothing of the secrets.
func (a OAuth2) String() string { return "OAuth2" }

// GoString is String.
func (a OAuth2) GoString() string { return "OAuth2" }

func (a OAuth2) policy(profile *Profile, c *config) (authPolicy, error) {
	a.TokenURL = or(a.TokenURL, profile.Auth.TokenURL)
	a.ClientAuth = or(a.ClientAuth, or(profile.Auth.ClientAuth, "basic"))
	a.Parameters = maps.Clone(a.Parameters)
	if a.Scopes == nil {
		a.Scopes = profile.Auth.Scopes
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	if _, err := checkedURL(a.TokenURL, "OAuth2.TokenURL", c.settings.allowInsecureHTTP); err != nil {
		return nil, err
	}
	return &oauth2Policy{grant: a, config: *c, waiting: map[*tokenFlight][]Signal{}}, nil
}

func (a OAuth2) check() error {
	for _, credential := range []*Credential{a.ClientSecret, a.RefreshToken} {
		if credential != nil && credential.err != nil {
			return credential.err
		}
	}
	for _, name := range []string{"grant_type", "scope", "refresh_token", "client_id", "client_secret"} {
		if _, taken := a.Parameters[name]; taken {
			return newError(KindConfig, "OAuth2.Parameters must not contain %s, which the grant sets", name)
		}
	}
	switch {
	case a.ClientID == "":
		return newError(KindConfig, "OAuth2.ClientID must be the id that the provider gave this client")
	case a.ClientSecret == nil && a.RefreshToken == nil:
		return newError(KindConfig, "OAuth2 needs ClientSecret or RefreshToken")
	case a.ClientAuth != "basic" && a.ClientAuth != "body":
		return newError(KindConfig, "OAuth2.ClientAuth must be basic or body")
	case a.TokenURL == "":
		return newError(KindConfig, "OAuth2 needs TokenURL: the description names none")
	}
	return nil
}

func (a OAuth2) kind() string {
	if a.RefreshToken == nil {
		return "client_credentials"
	}
	return "refresh_token"
}

// oauth2Policy: core_tokens.go decides who asks; here one asks, the others wait, and nobody holds a lock meanwhile
// . A token request runs beside the calls that wait for it, so that none of them can take it down, and
// through the one retry loop, with the client's own transport and time-outs.
type oauth2Policy struct {
	noPolicy
	grant    OAuth2
	config   config
	mutex    sync.Mutex
	tokens   tokenSource
	waiting  map[*tokenFlight][]Signal
	unsaved  *Secret
	endpoint *shared
	stop     context.CancelFunc
}

func (p *oauth2Policy) source() string { return "OAuth2 " + p.grant.kind() }

func (p *oauth2Policy) authorize(c *call, request httpRequest, ends float64) (httpRequest, error) {
	current, err := p.current(c, ends)
	if err != nil {
		return request, err
	}
	c.token = current
	c.secrets = append(c.secrets, current.access)
	return request.withHeader("authorization", "Bearer "+current.access.Reveal()), nil
}

// refused gives up the token that a server refused; another attempt would have another.
func (p *oauth2Policy) refused(c *call) bool {
	if c.token == nil {
		return false
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.tokens.refuse(c.token)
	return true
}

// secrets are the client's secret, the refresh tokens and the current token, as far as they are known.
func (p *oauth2Policy) secrets() []Secret {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var found []Secret
	if p.tokens.refresh != nil {
		found = append(found, *p.tokens.refresh)
	}
	if p.tokens.token != nil {
		found = append(found, p.tokens.token.access)
	}
	for _, credential := range []*Credential{p.grant.ClientSecret, p.grant.RefreshToken} {
		if credential != nil && credential.secret != nil {
			found = append(found, *credential.secret)
		}
	}
	return found
}

// close ends a token request that is under way, without another attempt.
func (p *oauth2Policy) close() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.stop != nil {
		p.stop()
	}
}

func (p *oauth2Policy) current(c *call, ends float64) (*token, error) {
	for {
		p.mutex.Lock()
		current, flight, begins := p.tokens.ask(c.now())
		signal := c.shared.clock.Signal()
		if flight != nil {
			p.waiting[flight] = append(p.waiting[flight], signal)
		}
		p.mutex.Unlock()
		if current != nil {
			return current, nil
		}
		if begins {
			p.begin(c, flight)
		}
		if err := p.wait(c, flight, signal, ends); err != nil {
			return nil, err
		}
		if flight.err != nil {
			copied := *flight.err // each of several callers adds its own facts
			return nil, &copied
		}
		if flight.token != nil {
			return flight.token, nil
		}
	}
}

func (p *oauth2Policy) wait(c *call, flight *tokenFlight, signal Signal, ends float64) error {
	now := c.now()
	err := signal.Wait(c.ctx, c.ends.timer(ends-now, now))
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if signals := p.waiting[flight]; signals != nil {
		p.waiting[flight] = slices.DeleteFunc(signals, func(one Signal) bool { return one == signal })
	}
	if err != nil {
		return c.stopped(err, "auth")
	}
	if !flight.over {
		late := newError(KindAuth, "The token endpoint did not answer before the attempt's time ran out")
		return c.orDeadline(late, "auth")
	}
	return nil
}

// begin sends the request beside the call that needs it.
func (p *oauth2Policy) begin(c *call, flight *tokenFlight) {
	ctx, stop := context.WithCancel(context.Background())
	p.mutex.Lock()
	p.stop = stop
	if p.endpoint == nil {
		p.endpoint = p.newEndpoint(c.shared)
	}
	p.mutex.Unlock()
	c.shared.clock.Go(func() {
		defer stop()
		p.fetch(ctx, c, flight)
	})
}

// newEndpoint has a breaker and a budget of its own, for it is another origin; its events are one token-refresh.
func (p *oauth2Policy) newEndpoint(of *shared) *shared {
	parts, _ := url.Parse(p.grant.TokenURL) // it was checked
	profile := &Profile{Name: parts.Hostname(), BaseURL: p.grant.TokenURL}
	config := p.config
	config.hooks, config.middleware, config.rateLimiter, config.limiter = nil, nil, nil, limiterOptions{}
	config.clock, config.random = of.clock, of.random
	made := newShared(profile, p.grant.TokenURL, noPolicy{}, &config)
	made.transport = of.transport
	return made
}

func (p *oauth2Policy) fetch(ctx context.Context, c *call, flight *tokenFlight) {
	began := c.now()
	granted, askedAt, err := p.ask(ctx)
	if err == nil {
		err = p.keep(granted)
	}
	p.land(flight, granted, askedAt, err)
	c.emit(EventTokenRefresh, map[string]any{"grant": p.grant.kind(), "outcome": outcomeName(err), "duration": c.now() - began})
}

// keep hands a new refresh token to its owner before it is used. One that its owner could not keep is not lost:
// it is the valid one, and is handed over again.
func (p *oauth2Policy) keep(granted grantedToken) error {
	fresh := granted.refresh
	if fresh == nil {
		fresh = p.unsaved
	}
	if fresh == nil || p.grant.OnRefreshToken == nil {
		return nil
	}
	err := p.grant.OnRefreshToken(*fresh)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err != nil {
		p.unsaved, p.tokens.refresh = fresh, fresh
		return newError(KindAuth, "OnRefreshToken failed: %s", typeName(err)).because(err)
	}
	p.unsaved = nil
	return nil
}

// land ends a request once, and wakes everyone who waits for it.
func (p *oauth2Policy) land(flight *tokenFlight, granted grantedToken, askedAt float64, err error) {
	p.mutex.Lock()
	var own *Error
	if err == nil {
		p.tokens.succeed(flight, granted, askedAt)
	} else if errors.As(err, &own) {
		p.tokens.fail(flight, own)
	} else {
		p.tokens.land(flight) // it was stopped, and is lost
		flight.err = newError(KindAuth, "The token request was stopped").because(err)
	}
	signals := p.waiting[flight]
	delete(p.waiting, flight)
	p.mutex.Unlock()
	for _, signal := range signals {
		signal.Set()
	}
}

var tokenOperation = &Operation{Name: "oauth2.token", Method: "POST", Group: "oauth2", HasBody: true}

// ask is a token, and when it was asked for; AuthError whatever went wrong.
func (p *oauth2Policy) ask(ctx context.Context) (grantedToken, float64, error) {
	c, err := p.tokenCall(ctx)
	if err != nil {
		return grantedToken{}, 0, err
	}
	response, err := run(c, tokenAttempt)
	if err != nil {
		return grantedToken{}, 0, authError(err)
	}
	granted, err := readGrant(response.Value)
	return granted, c.began, err
}

func (p *oauth2Policy) tokenCall(ctx context.Context) (*call, error) {
	p.mutex.Lock()
	refresh := p.tokens.refresh
	p.mutex.Unlock()
	var secret, header *Secret
	if refresh == nil && p.grant.RefreshToken != nil {
		first, err := p.grant.RefreshToken.current(ctx)
		if err != nil {
			return nil, err
		}
		refresh = &first
	}
	if p.grant.ClientSecret != nil {
		found, err := p.grant.ClientSecret.current(ctx)
		if err != nil {
			return nil, err
		}
		secret = &found
		if p.grant.ClientAuth == "basic" {
			// Both are form-encoded before they are joined (RFC 6749 section 2.3.1).
			basic := pairInBase64(url.QueryEscape(p.grant.ClientID), url.QueryEscape(found.Reveal()))
			header = &basic
		}
	}
	settings := p.config.settings
	made := &call{
		ctx: ctx, shared: p.endpoint, operation: tokenOperation, settings: &settings, extras: &extras{}, id: newCallID(),
		prepared: prepared{request: p.grant.request(refresh, secret, header)}, started: p.endpoint.clock.Now(),
	}
	made.ends = settings.callDeadline(made.started, false)
	for _, one := range []*Secret{refresh, secret, header} {
		if one != nil {
			made.secrets = append(made.secrets, *one)
		}
	}
	return made, nil
}

// request is that of a grant; basic is the client's secret as its header carries it, if it does.
func (a OAuth2) request(refresh, secret, basic *Secret) httpRequest {
	fields := map[string]string{"grant_type": a.kind()}
	maps.Copy(fields, a.Parameters)
	if refresh != nil {
		fields["refresh_token"] = refresh.Reveal()
	}
	if len(a.Scopes) > 0 {
		fields["scope"] = strings.Join(a.Scopes, " ")
	}
	headers := NewHeaders(Field{"accept", "application/json"}, Field{"accept-encoding", acceptEncoding},
		Field{"user-agent", userAgent}, Field{"content-type", "application/x-www-form-urlencoded"})
	if basic != nil {
		headers = headers.With("authorization", "Basic "+basic.Reveal())
	} else {
		fields["client_id"] = a.ClientID
		if secret != nil {
			fields["client_secret"] = secret.Reveal()
		}
	}
	var pairs []pair
	for _, name := range sortedNames(fields) {
		pairs = append(pairs, pair{name, fields[name]})
	}
	return httpRequest{"POST", a.TokenURL, headers, bytesBody([]byte(encodePairs(pairs)))}
}

// tokenAttempt ends the call at once where the server says no: only 429 and 5xx are worth another.
func tokenAttempt(c *call) (*Response, error) {
	response, err := unaryResponse(c)
	if own, ours := err.(*Error); ours && own.Kind.Is(KindAPI) && own.Status != 429 && own.Status < 500 {
		return nil, authError(err)
	}
	return response, err
}

var oauthWord = regexp.MustCompile(`^[a-z_]{1,64}$`)

func authError(err error) error {
	own, ours := err.(*Error)
	switch {
	case !ours:
		return err
	case own.Kind == KindAuth:
		return own
	}
	word, sentence := saidOf(own)
	told := strings.Trim(word+": "+sentence, ": ")
	made := newError(KindAuth, "No token: %s", or(told, own.Message)).because(own)
	made.Status, made.Code, made.RetryAfter = own.Status, word, own.RetryAfter
	own.Body = "" // the error stays as the cause, and an answer that nobody understood may hold a token
	return made
}

// saidOf are the error word and its explanation in an answer of RFC 6749 section 5.2.
func saidOf(err *Error) (word, sentence string) {
	fields, _ := asObject(decoded([]byte(err.Body)))
	word = asText(fields["error"])
	if !err.Kind.Is(KindAPI) || !oauthWord.MatchString(word) {
		return "", ""
	}
	return word, firstChars(oneLine(asText(fields["error_description"])), 400)
}
