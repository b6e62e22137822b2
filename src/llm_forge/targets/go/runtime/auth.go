package forge

import (
	"context"
	"encoding/base64"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// How requests get their credentials.
//
//   - A policy gets a request and returns a copy with its credential; nobody keeps the copy.
//   - It runs on every attempt, after the limiter, and only for trusted origins.
//   - What it adds is told to the call, so that no text of that call shows it.

// Auth is how requests get their credentials: NoAuth, APIKeyAuth, BearerAuth, BasicAuth, OAuth2 or ProviderAuth.
type Auth interface {
	policy(profile *Profile, c *config) (authPolicy, error)
}

// authPolicy adds a credential to a request.
type authPolicy interface {
	// authorize is the request as it goes on the wire; ends is when the attempt's timer fires.
	authorize(c *call, request httpRequest, ends float64) (httpRequest, error)
	// secrets are what no text may show, whichever call it belongs to.
	secrets() []Secret
	// refused takes note of a 401; whether another attempt would have another credential.
	refused(c *call) bool
	// close ends what runs in the background.
	close()
	// headerName is the header that it uses of its own choice, "" for none.
	headerName() string
	// source is where the credential came from.
	source() string
}

// NoAuth sends no credential.
type NoAuth struct{}

func (NoAuth) policy(*Profile, *config) (authPolicy, error) { return noPolicy{}, nil }

type noPolicy struct{}

func (noPolicy) authorize(_ *call, request httpRequest, _ float64) (httpRequest, error) {
	return request, nil
}

func (noPolicy) secrets() []Secret { return nil }

func (noPolicy) refused(*call) bool { return false }

func (noPolicy) close() {}

func (noPolicy) headerName() string { return "" }

func (noPolicy) source() string { return "none" }

// APIKeyAuth puts a key in a header, a query parameter or a cookie. Placement is header (""), query or
// cookie; Name "" is x-api-key.
type APIKeyAuth struct {
	Key       Credential
	Placement string
	Name      string
}

var cookieEnd = regexp.MustCompile(`[",;\\]`)

func (a APIKeyAuth) policy(*Profile, *config) (authPolicy, error) {
	a.Placement, a.Name = or(a.Placement, "header"), or(a.Name, "x-api-key")
	switch {
	case a.Key.err != nil:
		return nil, a.Key.err
	case a.Placement != "header" && a.Placement != "query" && a.Placement != "cookie":
		return nil, newError(KindConfig, "APIKeyAuth.Placement must be header, query or cookie")
	case a.Placement != "query" && !headerName.MatchString(a.Name):
		return nil, newError(KindConfig, "APIKeyAuth.Name %q has a character that HTTP does not allow", a.Name)
	}
	return &keyPolicy{credential: a.Key, place: a}, nil
}

// BearerAuth sends Authorization: Bearer <token> (R-021).
type BearerAuth struct{ Token Credential }

func (a BearerAuth) policy(*Profile, *config) (authPolicy, error) {
	return &keyPolicy{credential: a.Token, bearer: true}, a.Token.err
}

// keyPolicy puts a key in its place, asked for anew at each attempt.
type keyPolicy struct {
	noPolicy
	credential Credential
	place      APIKeyAuth
	bearer     bool
}

func (p *keyPolicy) authorize(c *call, request httpRequest, _ float64) (httpRequest, error) {
	key, err := p.credential.current(c.ctx)
	if err != nil {
		return request, err
	}
	c.secrets = append(c.secrets, key)
	switch {
	case p.bearer:
		return request.withHeader("authorization", "Bearer "+key.Reveal()), nil
	case p.place.Placement == "query":
		return request.withQuery(p.place.Name, key.Reveal()), nil
	case p.place.Placement == "cookie":
		return request.withCookie(p.place.Name, key.Reveal())
	}
	return request.withHeader(strings.ToLower(p.place.Name), key.Reveal()), nil
}

func (p *keyPolicy) secrets() []Secret {
	if p.credential.secret == nil {
		return nil
	}
	return []Secret{*p.credential.secret}
}

func (p *keyPolicy) headerName() string {
	if p.bearer || p.place.Placement != "header" {
		return ""
	}
	return p.place.Name
}

func (p *keyPolicy) source() string { return p.credential.source }

// withHeader is the request with one more header, unless the caller gave that header itself.
func (r httpRequest) withHeader(name, value string) httpRequest {
	if !r.headers.Has(name) {
		r.headers = r.headers.With(name, value)
	}
	return r
}

func (r httpRequest) withQuery(name, value string) httpRequest {
	joint := "?"
	if strings.Contains(r.url, "?") {
		joint = "&"
	}
	r.url += joint + url.QueryEscape(name) + "=" + url.QueryEscape(value)
	return r
}

// withCookie is the request with one more cookie; those of the caller stay, in one header (RFC 6265 section 5.4).
func (r httpRequest) withCookie(name, value string) (httpRequest, error) {
	if cookieEnd.MatchString(value) {
		return r, newError(KindAuth, "The key has a character that cannot stand in a cookie")
	}
	cookies := append(r.headers.All("cookie"), name+"="+value)
	r.headers = r.headers.With("cookie", strings.Join(cookies, "; "))
	return r, nil
}

// BasicAuth sends user and password (R-021, RFC 7617). The user may have no colon, neither control characters.
type BasicAuth struct {
	User     string
	Password Secret
}

func (a BasicAuth) policy(*Profile, *config) (authPolicy, error) {
	if strings.Contains(a.User, ":") || hasControl(a.User) {
		return nil, newError(KindConfig, "BasicAuth.User must be text without a colon or control characters")
	}
	if a.Password.Reveal() == "" || hasControl(a.Password.Reveal()) {
		return nil, newError(KindConfig, "BasicAuth.Password must be text without control characters")
	}
	return &basicPolicy{password: a.Password, sent: pairInBase64(a.User, a.Password.Reveal())}, nil
}

type basicPolicy struct {
	noPolicy
	password, sent Secret
}

func (p *basicPolicy) authorize(_ *call, request httpRequest, _ float64) (httpRequest, error) {
	return request.withHeader("authorization", "Basic "+p.sent.Reveal()), nil
}

func (p *basicPolicy) secrets() []Secret { return []Secret{p.password, p.sent} }

func (p *basicPolicy) source() string { return "client argument" }

func pairInBase64(user, password string) Secret {
	return NewSecret(base64.StdEncoding.EncodeToString([]byte(user + ":" + password)))
}

func hasControl(text string) bool {
	return strings.IndexFunc(text, func(char rune) bool { return char < 0x20 || char == 0x7F }) >= 0
}

// AuthRequest is a request as it is about to be sent, without credentials. Header names are in lower case.
type AuthRequest struct {
	Method  string
	URL     string
	Headers Headers
	Context *CallContext
	body    requestBody
}

// BodySHA256 is the body's digest in hex digits, "" for a body that can be read only once. A file is read
// for it, so ask only if the signature needs it.
func (r AuthRequest) BodySHA256() (string, error) { return r.body.digest() }

// AuthProvider is an object of your own: a signature, a vault, a scheme that we do not know.
type AuthProvider interface {
	// Authorize are the headers to add; asked at every attempt, so that a signature is never stale.
	Authorize(ctx context.Context, request AuthRequest) (map[string]string, error)
}

// ProviderAuth asks an AuthProvider for headers.
type ProviderAuth struct{ Provider AuthProvider }

func (a ProviderAuth) policy(*Profile, *config) (authPolicy, error) {
	if a.Provider == nil {
		return nil, newError(KindConfig, "ProviderAuth needs a Provider")
	}
	return &providerPolicy{provider: a.Provider}, nil
}

type providerPolicy struct {
	noPolicy
	provider AuthProvider
}

func (p *providerPolicy) authorize(c *call, request httpRequest, _ float64) (httpRequest, error) {
	added, err := p.provider.Authorize(c.ctx, AuthRequest{request.method, request.url, request.headers, c.context(), request.body})
	if err != nil {
		return request, credentialFailure(c.ctx, "auth provider", err)
	}
	for _, name := range sortedNames(added) {
		c.secrets = append(c.secrets, NewSecret(added[name]))
		if err := checkHeader(name, added[name]); err != nil {
			return request, newError(KindAuth, "%s", err.Error())
		}
		request.headers = request.headers.With(name, added[name])
	}
	return request, nil
}

func (p *providerPolicy) source() string { return "client argument" }

// resolveAuth is what the options say, else the provider's own scheme with the key found for it. ConfigError if
// there is no key: it names the option and the variables that were looked at.
func resolveAuth(profile *Profile, c *config) (authPolicy, error) {
	if c.auth != nil {
		return c.auth.policy(profile, c)
	}
	scheme := profile.Auth
	if scheme.Kind == "none" || c.credential == nil && scheme.Optional {
		return noPolicy{}, nil
	}
	if c.credential == nil {
		return nil, newError(KindConfig, "%s", missingKey(profile))
	}
	if c.credential.err != nil {
		return nil, c.credential.err
	}
	switch scheme.Kind {
	case "api-key":
		return APIKeyAuth{*c.credential, scheme.Placement, scheme.Name}.policy(profile, c)
	case "basic":
		return ownBasic(profile, c)
	}
	return BearerAuth{*c.credential}.policy(profile, c) // an OAuth 2 API takes a token that was got elsewhere
}

func ownBasic(profile *Profile, c *config) (authPolicy, error) {
	if c.credential.secret != nil {
		if user, password, found := strings.Cut(c.credential.secret.Reveal(), ":"); found {
			return BasicAuth{user, NewSecret(password)}.policy(profile, c)
		}
	}
	return nil, newError(KindConfig, "This API takes a user and a password: use WithAuth(BasicAuth{...}), or the key as user:password")
}

func missingKey(profile *Profile) string {
	where := "use WithAPIKey"
	note := ""
	if names := strings.Join(profile.EnvAPIKey, " or "); names != "" {
		where = "set the environment variable " + names + ", or use WithAPIKey"
	}
	for _, name := range profile.EnvAPIKey {
		if _, set := os.LookupEnv(name); set {
			note = " (" + name + " is set but empty)"
			break
		}
	}
	return "No API key for " + profile.Name + note + ": " + where + " (option api_key)."
}

// authorized is the request as it goes on the wire. For an origin that is neither the base URL's nor
// trusted no policy runs, and headers that hold secrets are taken away, as is the trace context.
func (c *call) authorized(request httpRequest, ends float64) (httpRequest, error) {
	if c.shared.trusts(request.url) {
		return c.shared.auth.authorize(c, request, ends)
	}
	var kept []Field
	for _, field := range request.headers.fields {
		trace := field.Name == "traceparent" || field.Name == "tracestate" || field.Name == "baggage"
		if !trace && !c.shared.isSecretHeader(field.Name) {
			kept = append(kept, field)
		}
	}
	request.headers = Headers{kept}
	return request, nil
}
