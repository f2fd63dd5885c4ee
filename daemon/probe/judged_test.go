package probe

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// judged probes a check and judges it, as the command test does.
func (p *Prober) judged(ctx context.Context, id config.CheckID, check config.Probe) incident.Result {
	probed := p.Probe(ctx, id, check)
	return verdict.Judge(&check, &probed)
}
