package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const (
	// heartbeatEvery is how often heartbeat_url is asked.
	heartbeatEvery = time.Minute
	// heartbeatTimeout bounds one request.
	heartbeatTimeout = 20 * time.Second
)

// A heartbeat asks heartbeat_url while the monitor lives, so that somebody else
// notices when it does not.
type heartbeat struct {
	log   *zap.Logger
	lives func(ctx context.Context, seen *int64) error // see vitals.checkProgress
	url   atomic.Pointer[opaque.Secret]                // in force; nil before the first configuration
	quiet func() bool                                  // another node asks; nil: there is none
}

// useURL takes the URL of a configuration.
func (h *heartbeat) useURL(cfg *config.Config) { h.url.Store(&cfg.Daemon.HeartbeatURL) }

// askRegularly asks until ctx ends. That it fails is logged, and nothing else.
func (h *heartbeat) askRegularly(ctx context.Context) error {
	var seen int64
	return clock.Repeat(ctx, heartbeatEvery, func() {
		url := h.url.Load()
		if url == nil || url.IsZero() || h.quiet != nil && h.quiet() {
			return
		}
		if err := h.lives(ctx, &seen); err != nil {
			// No request, so that whoever waits for it raises the alarm.
			h.log.Error("heartbeat skipped", zap.Error(err))
			return
		}
		if err := askOnce(ctx, *url); err != nil {
			h.log.Warn("heartbeat failed", zap.Error(err))
		}
	})
}

// askOnce makes one request; its errors do not tell the URL, which may be secret.
func askOnce(ctx context.Context, url opaque.Secret) error {
	ctx, cancel := context.WithTimeoutCause(ctx, heartbeatTimeout, fmt.Errorf("no answer within %s", heartbeatTimeout))
	defer cancel()
	parsed, err := httpdo.ParseURL(url.Reveal())
	if err != nil {
		return err
	}
	// A client for each request: receivers do not keep a connection for a minute, and
	// a URL that a reload has changed has other secrets to keep out of errors.
	client, err := httpdo.New("", httpdo.Secrets(parsed)...)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, parsed.String(), http.NoBody)
	if err != nil {
		return errors.New("heartbeat_url is not a valid URL")
	}
	// The client's error would say only that the context ended.
	if _, err = client.Send(req); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
