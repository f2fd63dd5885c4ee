// Package httpclient makes the HTTP client with which everything here asks other
// programs: receivers of messages, token endpoints, whoever expects a sign of life.
//
// It owns the bounds that hold for all of them: no redirect is followed (a request with
// its secrets goes where it was addressed, or nowhere), TLS 1.2 at least, names are
// absolute, and a server can neither keep a connection attempt waiting nor fill the
// memory. It knows no URL, and nothing of what is asked or answered.
package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/config/names"
)

const (
	// MaxBody is the most that is read of an answer's body, in bytes; what is longer
	// ends there.
	MaxBody = 64 << 10
	// Patience is how long a request may take, answer included. Whoever makes a request
	// sees to it: the context of a request knows best why it ended.
	Patience = 30 * time.Second

	maxHeader   = 64 << 10
	connectTime = 10 * time.Second
)

// Options are what differs between clients.
type Options struct {
	// Roots are the authorities to trust; nil: the system's.
	Roots *x509.CertPool
	// KeepAlive keeps connections for the next request, until CloseIdleConnections.
	KeepAlive bool
	// Dial connects to host:port; nil: TCP, where a host is looked up as an absolute
	// name, which files have.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a client. It does no I/O.
func New(o Options) *http.Client {
	if o.Dial == nil {
		o.Dial = names.DialContext
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            hurried(o.Dial),
		TLSHandshakeTimeout:    connectTime,
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true, // a transport with a DialContext of its own leaves HTTP/2 out
		DisableKeepAlives:      !o.KeepAlive,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: bounded{transport}, CheckRedirect: stay}
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// hurried returns a dialer that gives up after connectTime.
func hurried(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTime)
		defer cancel()
		return dial(ctx, network, address)
	}
}

// bounded is a transport whose answers have short bodies.
type bounded struct{ *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(req)
	if err == nil {
		// Close has to reach the body itself, which ends its connection or gives it back.
		resp.Body = shortBody{io.LimitReader(resp.Body, MaxBody), resp.Body}
	}
	return resp, err
}

// A shortBody is read up to a bound, and closed as a whole.
type shortBody struct {
	io.Reader
	io.Closer
}
