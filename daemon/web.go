package daemon

import (
	"context"
	"errors"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/web"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
	"github.com/imapvigil/imapvigil/daemon/web/pages"
)

// newPage makes the server of the status page. Every room that answers over TCP gives its
// routes here.
func (m *monitor) newPage() *web.Server {
	m.routes = slices.Concat(
		api.Routes(m),
		pages.Routes(pages.Options{Daemon: m, Links: m.links.load}),
		metrics.Routes(metrics.Options{Daemon: m, Counts: m.counts, Version: m.Version}),
	)
	return web.New(web.Options{
		Listen:  m.Listen,
		Routes:  m.routesOf(m.routes),
		Healthy: m.vitals.progress(),
		Ready:   m.vitals.readiness(),
		Log:     m.logOutside,
		Most:    pagePlaces(),
	})
}

// progress returns who tells what does not move.
func (v *vitals) progress() func(context.Context) error {
	var seen int64
	return func(ctx context.Context) error { return v.checkProgress(ctx, &seen) }
}

// readiness returns who tells, beside what does not move, that what is known is not safe on the
// disk.
func (v *vitals) readiness() func(context.Context) error {
	moves := v.progress()
	return func(ctx context.Context) error {
		if s := v.m.journal.Status(); !s.Durable {
			return errors.New("the journal cannot be written")
		}
		return moves(ctx)
	}
}
