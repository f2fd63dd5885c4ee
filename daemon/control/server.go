package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

const (
	// askTime is how long a client may take to ask.
	askTime = 10 * time.Second
	// readTime is how long a client may take to read its answer.
	readTime = 30 * time.Second
)

// Serve answers requests on l with h until ctx ends. A connection is for one request.
func Serve(ctx context.Context, l *Socket, h http.Handler) error {
	s := &http.Server{
		Handler: watchClients(h), ReadHeaderTimeout: askTime,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, clientKey{}, c) },
	}
	s.SetKeepAlivesEnabled(false) // a client that stays connected would keep its place
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

// clientKey is the key under which the context of a request holds its [client].
type clientKey struct{}

// watchClients notes, of each client, whether it waits for the daemon or the daemon
// for it.
func watchClients(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(clientKey{}).(*client); ok {
			r = r.WithContext(api.WithAuthor(r.Context(), func(claimed string) string { return authorOf(c.Conn, claimed) }))
			c.clientWaits()
			defer c.awaitReading()
			r.Body = &requestBody{ReadCloser: r.Body, client: c, connection: http.NewResponseController(w)}
		}
		h.ServeHTTP(w, r)
	})
}

// A requestBody must be there within askTime from when it is read first. Meanwhile
// the daemon waits for the client.
type requestBody struct {
	io.ReadCloser
	client     *client
	connection *http.ResponseController
	limited    bool
}

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	if !b.limited {
		b.limited = true
		_ = b.connection.SetReadDeadline(time.Now().Add(askTime))
	}
	b.client.awaitRequest()
	defer b.client.clientWaits()
	return b.ReadCloser.Read(p)
}

// Close implements [io.Closer]. From then on net/http reads the connection to find out
// whether the client is still there: a deadline would end a recheck that takes longer.
func (b *requestBody) Close() error {
	if b.limited {
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	return b.ReadCloser.Close()
}
