package daemon

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// trialsAtOnce is how many probes that do not count run at a time; others wait.
const trialsAtOnce = 8

// Test implements [api.Daemon].
func (m *monitor) Test(ctx context.Context, check *config.Check, o api.TestOptions) (incident.Result, error) {
	select {
	case m.trials <- struct{}{}:
		defer func() { <-m.trials }()
	case <-ctx.Done():
		return incident.Result{}, ctx.Err()
	}
	trial := probe.Trial{Retry: o.Retry}
	if o.OnPhase != nil {
		trial.OnPhase = func(e probe.PhaseEnd) { o.OnPhase(newPhaseEnd(check, e)) }
	}
	if o.OnLine != nil {
		trial.OnLine = func(l probe.Line) {
			o.OnLine(api.Line{Address: l.Address.String(), At: l.At, From: l.From, Text: l.Text})
		}
	}
	var probed verdict.Probe
	err := m.loop.Try(ctx, func(ctx context.Context) { probed = m.prober.Try(ctx, check.ID, check.Probe, trial) })
	return verdict.Judge(&check.Probe, &probed), err
}

// newPhaseEnd returns a phase that is over as it is shown.
func newPhaseEnd(check *config.Check, e probe.PhaseEnd) api.PhaseEnd {
	end := api.PhaseEnd{Port: int(check.Probe.Port), Phase: e.Phase, MS: api.Milliseconds(e.Took), OK: e.OK}
	if e.IP.IsValid() {
		end.Address = e.IP.String()
	}
	return end
}
