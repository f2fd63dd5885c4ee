package probe

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// distrustFor is how soon after a suspend or a clock jump failures are not believed:
// networks, resolvers and certificates look broken then although they are not.
const distrustFor = 30 * time.Second

// clockTrusted reports whether failures of now are to be believed.
func (p *Prober) clockTrusted() bool {
	r := p.watch.Read()
	return r.At.Sub(r.MachineResumed) >= distrustFor && r.At.Sub(r.ClockJumped) >= distrustFor
}

// distrust marks what a probe found that is not well as not believed, for one round after the clock
// made a jump.
func distrust(check *config.Probe, p verdict.Probe) verdict.Probe {
	p, _ = verdict.UnlessWell(check, p, verdict.Mark{
		Cause: config.CauseLocalFault,
		Hint:  "The clock of this machine jumped, or the machine was suspended, during the probe; the result was discarded.",
	})
	return p
}
