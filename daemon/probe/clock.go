package probe

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// distrustFor is how soon after a suspend or a clock jump failures are not believed:
// networks, resolvers and certificates look broken then although they are not.
const distrustFor = 30 * time.Second

// clockTrusted reports whether failures of now are to be believed.
func (p *Prober) clockTrusted() bool {
	r := p.watch.Read()
	return r.At.Sub(r.MachineResumed) >= distrustFor && r.At.Sub(r.ClockJumped) >= distrustFor
}

// distrust turns a result that is not well into one that says nothing, for one
// round after the clock made a jump.
func distrust(r incident.Result) incident.Result {
	f := local(config.NoPhase, "The clock of this machine was set, or the machine was suspended; what the probe found is not believed.")
	r.Observed, r.Findings = 0, []incident.Finding{f.finding()}
	for i := range r.Addresses {
		r.Addresses[i].Health = incident.Unknown
	}
	return r
}
