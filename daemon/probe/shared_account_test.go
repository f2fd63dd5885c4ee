package probe

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// However many checks share an account that breaks: each tells of it within its
// fault tolerance and one login of each, none is called well without a login, and
// none recovers before the account does.
func TestChecksThatShareAnAccount(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 8} {
		for name, breaks := range map[string]struct {
			does      serverDoes
			condition config.Condition
		}{
			"hangs":       {hangs, config.ConditionService},
			"unavailable": {unavailable, config.ConditionService},
			"rejected":    {rejectsIt, config.ConditionAccount},
			"over quota":  {fullBox, config.ConditionAccount},
		} {
			for _, quick := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d checks, %s, quick %v", n, name, quick), func(t *testing.T) {
					inLoginWorld(t, 1, func(w *loginWorld) {
						began := time.Now().Add(20 * time.Minute)
						ended := began.Add(70 * time.Minute)
						w.server = func(made try) serverDoes {
							if made.at.Before(began) || !made.at.Before(ended) {
								return fine
							}
							return breaks.does
						}
						for range n {
							w.add(func(c *worldCheck) {
								if quick {
									c.probe.Interval, c.probe.Timeout, c.probe.RetryInterval = 10*time.Second, 4*time.Second, 2*time.Second
									c.policy.FaultTolerance, c.policy.RecoveryTolerance = 10*time.Second, 10*time.Second
								}
							})
						}
						w.runFor(150 * time.Minute)
						for id, c := range w.checks {
							w.compareOutage(id, c, breaks.condition, began, ended, n)
						}
						comparePauses(t, w.rejections())
					})
				})
			}
		}
	}
}

func (w *loginWorld) compareOutage(id config.CheckID, c *worldCheck, condition config.Condition, began, ended time.Time, n int) {
	w.t.Helper()
	turns := time.Duration(n) * c.probe.Timeout // each of them logs in once
	opened := c.happened(incident.Opened, condition, began)
	if len(opened) != 1 {
		w.t.Errorf("%s: opened %v", id, opened)
		return
	}
	if took, most := opened[0].At.Sub(opened[0].Since), c.policy.FaultTolerance+turns+c.probe.RetryInterval; took > most {
		w.t.Errorf("%s: reported %v after its first failure, more than %v", id, took, most)
	}
	if took, most := opened[0].At.Sub(began), c.probe.Interval+c.policy.FaultTolerance+turns+c.probe.RetryInterval; took > most {
		w.t.Errorf("%s: reported %v after the beginning, more than %v", id, took, most)
	}
	for _, kind := range []incident.Kind{incident.Recovering, incident.Relapsed, incident.Closed} {
		for _, e := range c.happened(kind, condition, began) {
			if e.At.Before(ended) {
				w.t.Errorf("%s: %s %v after the beginning, while it fails", id, kind, e.At.Sub(began))
			}
		}
	}
	if len(c.happened(incident.Closed, condition, ended)) != 1 {
		w.t.Errorf("%s: not closed: %v", id, c.events)
	}
	for _, r := range c.results {
		during := r.Started.After(opened[0].Since) && r.Ended.Before(ended)
		if during && condition == config.ConditionService && r.Observed.Has(config.ConditionService) && r.Health() == incident.OK {
			w.t.Errorf("%s: called well %v after the beginning", id, r.Started.Sub(began))
		}
	}
}

// What is slow, and what is well, is no failure however many share the account, and
// none is left out.
func TestChecksThatShareAnAccountThatWorks(t *testing.T) {
	for _, n := range []int{2, 3, 4, 8, 30} {
		for name, takes := range map[string]time.Duration{"at once": 10 * time.Millisecond, "2s": 2 * time.Second, "half the timeout": 15 * time.Second, "nearly the timeout": 29 * time.Second} {
			t.Run(fmt.Sprintf("%d checks, %s", n, name), func(t *testing.T) {
				inLoginWorld(t, 1, func(w *loginWorld) {
					w.server = func(try) serverDoes { return serverDoes{takes: takes} }
					for range n {
						w.add(nil)
					}
					const span = 2 * time.Hour
					w.runFor(span)
					last := map[config.CheckID]time.Time{}
					for _, made := range w.tries {
						cycle := 2*time.Minute + 2*time.Duration(n)*(takes+time.Second)
						if before, ok := last[made.check]; ok && made.at.Sub(before) > cycle {
							t.Errorf("%s waited %v for its turn", made.check, made.at.Sub(before))
						}
						last[made.check] = made.at
					}
					for id, c := range w.checks {
						if len(c.events) > 0 || last[id].IsZero() {
							t.Errorf("%s: last login %v, events %v", id, last[id], c.events)
						}
					}
				})
			})
		}
	}
}

// Whatever the servers of an account do, each in its own way: a check that is well
// everywhere is never blamed, and one whose login fails by the service's fault at any
// address tells of it, and does not recover meanwhile.
func TestLoginsOfAllKinds(t *testing.T) {
	kinds := map[string]serverDoes{
		"fine": fine, "slow": {takes: 12 * time.Second}, "hangs": hangs, "unavailable": unavailable, "full": fullBox,
	}
	rapid.Check(t, func(r *rapid.T) {
		checks, addresses := rapid.IntRange(1, 6).Draw(r, "checks"), rapid.IntRange(1, 3).Draw(r, "addresses")
		does := make([][]string, checks)
		every := make([]time.Duration, checks)
		for i := range checks {
			names := []string{"fine", "slow"}
			if rapid.Bool().Draw(r, "troubled") {
				names = []string{"fine", "slow", "hangs", "unavailable", "full"}
			}
			every[i] = rapid.SampledFrom([]time.Duration{0, 0, 10 * time.Minute}).Draw(r, "every")
			for range addresses {
				does[i] = append(does[i], rapid.SampledFrom(names).Draw(r, "does"))
			}
		}
		inLoginWorld(t, addresses, func(w *loginWorld) {
			w.t, w.mixed = r, true
			began := time.Now().Add(15 * time.Minute)
			w.server = func(made try) serverDoes {
				if made.at.Before(began) {
					return fine
				}
				return kinds[does[int(made.check[1]-'0')][slices.Index(w.ips, made.ip)]]
			}
			for i := range checks {
				w.add(func(c *worldCheck) { c.probe.Login.Every = every[i] })
			}
			w.runFor(2 * time.Hour)
			for i := range checks {
				w.compareKinds(w.checks[config.CheckID(fmt.Sprint("c", i))], does[i], began)
			}
		})
	})
}

func (w *loginWorld) compareKinds(c *worldCheck, does []string, began time.Time) {
	w.t.Helper()
	broken := slices.Contains(does, "hangs") || slices.Contains(does, "unavailable")
	full := slices.Contains(does, "full")
	if !broken && !full && len(c.events) > 0 {
		w.t.Errorf("%v: %v", does, c.events)
	}
	opened := c.happened(incident.Opened, config.ConditionService, began)
	if (len(opened) == 1) != broken || len(c.happened(incident.Recovering, config.ConditionService, began)) > 0 {
		w.t.Errorf("%v: opened %v of %v", does, opened, c.events)
	}
	if account := c.happened(incident.Opened, config.ConditionAccount, began); !broken && full != (len(account) == 1) {
		w.t.Errorf("%v: opened %v of %v", does, account, c.events)
	}
}

// A check that has another password than those that were rejected, or whose server
// asked another check for a pause, has to wait, and is not called well meanwhile.
func TestCheckThatNeverLoggedInWaitsForOthers(t *testing.T) {
	asking := serviceFailure(config.PhaseLogin, config.CauseConnectionLimit, "Too much.")
	asking.backoff = 20 * time.Minute
	asksForPause := serverDoes{100 * time.Millisecond, asking}
	for name, test := range map[string]struct {
		does     serverDoes
		password string
	}{
		"another password": {rejectsIt, "another"},
		"asked to pause":   {asksForPause, secret},
	} {
		t.Run(name, func(t *testing.T) {
			inLoginWorld(t, 1, func(w *loginWorld) {
				w.server = func(made try) serverDoes {
					if made.check == "c2" {
						return fine
					}
					return test.does
				}
				w.add(nil)
				w.add(nil)
				w.runFor(10 * time.Minute)
				id := w.add(func(c *worldCheck) { c.probe.Login.Password = opaque.NewSecret(test.password) })
				w.runFor(90 * time.Second)
				if len(w.checks[id].results) == 0 {
					t.Fatal("not probed")
				}
				for _, r := range w.checks[id].results {
					if r.Observed.Has(config.ConditionService) || r.Observed.Has(config.ConditionAccount) {
						t.Errorf("observed %v without a login", r.Observed)
					}
					if len(r.Findings) != 1 || r.Findings[0].Cause != config.CauseLoginNotTried {
						t.Errorf("found %v", r.Findings)
					}
				}
			})
		})
	}
}
