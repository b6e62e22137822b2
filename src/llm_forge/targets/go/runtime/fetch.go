package forge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Fetching a URL that somebody else supplied, such as the image of a prompt.
//
//   - Every address that is dialled is checked at that moment: a name that changes its mind between check and use gains
//     nothing.
//   - Each redirect is a new URL, checked like the first. No proxy is asked, which would resolve names itself.
//   - No credential, cookie or header of a client goes along. Size and time have limits.

const (
	mostFetchedBytes = 20 * mib
	fetchTimeout     = 30 * time.Second
)

// Fetched is what was fetched; URL is where it was in the end, whose query may hold a signature.
type Fetched struct {
	Content     []byte
	ContentType string
	URL         string
}

// String shows neither content nor URL.
func (f Fetched) String() string { return "Fetched" }

// FetchURL is the content, of at most 20 MiB, of a public https URL that need not be trusted, within 30 seconds.
//
// InvalidRequestError for a URL that is not public, ResponseTooLargeError beyond the limit, RedirectError beyond three
// redirects, InvalidResponseError for a status that is not 2xx, and the transport errors of a call.
func FetchURL(ctx context.Context, link string) (*Fetched, error) {
	return fetchURL(ctx, link, publicOnly, mostFetchedBytes)
}

var errNotPublic = errors.New("the address is not public")

func publicOnly(address netip.Addr) error {
	if !isPublic(address) {
		return errNotPublic
	}
	return nil
}

func fetchURL(ctx context.Context, link string, check func(netip.Addr) error, most int64) (*Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	transport := &http.Transport{DialContext: checkedDial(check), DisableKeepAlives: true, MaxResponseHeaderBytes: mostHeaderBytes}
	for hop := 0; hop <= mostRedirects; hop++ {
		parts, err := url.Parse(link)
		if err != nil || parts.Scheme != "https" && !isTestHost(check, parts) || parts.User != nil {
			return nil, newError(KindInvalidRequest, "The URL is not a public https one, and is not fetched")
		}
		found, next, err := fetchOnce(ctx, transport, parts, most)
		if err != nil || next == "" {
			return found, err
		}
		link = next
	}
	return nil, newError(KindRedirect, "The URL redirects more than %d times", mostRedirects)
}

// isTestHost: only a test's own check takes plain http, which real ones never see.
func isTestHost(check func(netip.Addr) error, parts *url.URL) bool {
	address, err := netip.ParseAddr(parts.Hostname())
	return err == nil && address.IsLoopback() && check(address) == nil
}

// checkedDial resolves a name itself, and connects to what it checked.
func checkedDial(check func(netip.Addr) error) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if err := check(one); err != nil {
				return nil, err
			}
		}
		var dialer net.Dialer
		var failed error
		for _, one := range found {
			connection, err := dialer.DialContext(ctx, network, net.JoinHostPort(one.Unmap().String(), port))
			if err == nil {
				return connection, nil
			}
			failed = err
		}
		return nil, failed
	}
}

// fetchOnce is the content at a URL, or the URL that it redirects to.
func fetchOnce(ctx context.Context, transport http.RoundTripper, parts *url.URL, most int64) (*Fetched, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, parts.String(), nil)
	if err != nil {
		return nil, "", newError(KindInvalidRequest, "The URL is not valid")
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", userAgent)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, "", fetchError(ctx, err)
	}
	defer response.Body.Close()
	if location := response.Header.Get("Location"); isRedirect(response.StatusCode) && location != "" {
		next, err := parts.Parse(location)
		if err != nil {
			return nil, "", newError(KindRedirect, "The URL redirects to an invalid one")
		}
		return nil, next.String(), nil
	}
	if response.StatusCode < 200 || response.StatusCode >= 300 {
		refused := newError(KindInvalidResponse, "The URL answers with %d", response.StatusCode)
		refused.Status = response.StatusCode
		return nil, "", refused
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	switch {
	case err != nil:
		return nil, "", fetchError(ctx, err)
	case int64(len(content)) > most:
		return nil, "", newError(KindResponseTooLarge, "The URL holds more than the %d bytes allowed", most)
	}
	return &Fetched{content, response.Header.Get("Content-Type"), parts.String()}, "", nil
}

func fetchError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errNotPublic):
		return newError(KindInvalidRequest, "The URL leads to an address that is not public, and is not fetched")
	case ctx.Err() == context.Canceled:
		return ctx.Err()
	case ctx.Err() != nil:
		return newError(KindAttemptTimeout, "The URL was not fetched in time").in("body").because(err)
	case isLost(err):
		return newError(KindConnect, "The host of the URL cannot be reached: %s", reasonOf(err)).because(err)
	}
	return exchangeError(err, "body")
}
