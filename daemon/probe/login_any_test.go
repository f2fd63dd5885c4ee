package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The policy "any" is content as long as a login works at one of the addresses, and
// never because none was tried there.
func TestLoginsWhereAnyAddressWill(t *testing.T) {
	for name, test := range map[string]struct {
		first, second serverDoes
		checks        int
		want          config.Condition
	}{
		"all are well":              {fine, fine, 1, ""},
		"the first hangs":           {hangs, fine, 1, ""},
		"the second hangs":          {fine, hangs, 1, ""},
		"both hang":                 {hangs, hangs, 1, config.ConditionService},
		"one hangs, one is away":    {hangs, unavailable, 1, config.ConditionService},
		"both are away":             {unavailable, unavailable, 1, config.ConditionService},
		"both reject":               {rejectsIt, rejectsIt, 1, config.ConditionAccount},
		"the first is slow":         {serverDoes{takes: 10 * time.Second}, fine, 1, ""},
		"both are slow":             {serverDoes{takes: 10 * time.Second}, serverDoes{takes: 10 * time.Second}, 1, ""},
		"three checks, one hangs":   {hangs, fine, 3, ""},
		"three checks, both hang":   {hangs, hangs, 3, config.ConditionService},
		"three checks, both slow":   {serverDoes{takes: 10 * time.Second}, serverDoes{takes: 10 * time.Second}, 3, ""},
		"three checks, both refuse": {rejectsIt, rejectsIt, 3, config.ConditionAccount},
	} {
		t.Run(name, func(t *testing.T) {
			inLoginWorld(t, 2, func(w *loginWorld) {
				w.server = func(made try) serverDoes {
					if made.ip == w.ips[0] {
						return test.first
					}
					return test.second
				}
				for range test.checks {
					w.add(func(c *worldCheck) { c.probe.Addresses = config.AnyAddress })
				}
				w.runFor(time.Hour)
				for id, c := range w.checks {
					opened := 0
					for _, e := range c.events {
						if e.Kind != incident.Opened {
							continue
						}
						opened++
						if e.Condition != test.want {
							t.Errorf("%s: %s", id, e.Condition)
						}
						if late := e.At.Sub(epoch); late > 3*time.Minute+4*time.Duration(test.checks)*30*time.Second+time.Minute {
							t.Errorf("%s: opened after %v", id, late)
						}
					}
					if (opened > 0) != (test.want != "") {
						t.Errorf("%s: %v", id, c.events)
					}
					for _, r := range c.results {
						if test.want == config.ConditionService && r.Observed.Has(config.ConditionService) && r.Health() == incident.OK {
							t.Errorf("%s: called well after %v", id, r.Started.Sub(epoch))
						}
					}
				}
				comparePauses(t, w.rejections())
			})
		})
	}
}

// A server that turns logins away and says for how long is left alone that long, and
// not called well meanwhile.
func TestServerThatAsksForAPause(t *testing.T) {
	limit := serviceFailure(config.PhaseLogin, config.CauseConnectionLimit, "Too many.")
	limit.backoff = 10 * time.Minute
	for _, policy := range []config.AddressPolicy{config.AllAddresses, config.AnyAddress} {
		for _, addresses := range []int{1, 2} {
			inLoginWorld(t, addresses, func(w *loginWorld) {
				w.server = func(try) serverDoes { return serverDoes{100 * time.Millisecond, limit} }
				c := w.checks[w.add(func(c *worldCheck) { c.probe.Addresses = policy })]
				w.runFor(time.Hour)
				if len(c.happened(incident.Opened, config.ConditionService, epoch)) != 1 || len(c.happened(incident.Recovering, config.ConditionService, epoch)) > 0 {
					t.Errorf("%s, %d addresses: %v", policy, addresses, c.events)
				}
				for i := 1; i < len(w.tries); i++ {
					if pause := w.tries[i].at.Sub(w.tries[i-1].at); pause < 10*time.Minute {
						t.Errorf("%s, %d addresses: logged in again after %v", policy, addresses, pause)
					}
				}
			})
		}
	}
}
