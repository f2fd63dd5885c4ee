package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// When a rejected login is reported, after the first rejected probe began, and when
// logins are rejected in the first two hours.
func TestRejectedLoginIsReportedInTime(t *testing.T) {
	for _, test := range []struct {
		tolerance, interval time.Duration
		reported            string
		rejected            string
	}{
		{0, time.Minute, "14s", "0s 14s 5m29s 21m14s 52m14s 1h53m14s"},
		{10 * time.Second, time.Minute, "10s", "0s 10s 5m14s 21m14s 52m14s 1h53m14s"},
		{time.Minute, time.Minute, "1m1s", "0s 1m1s 6m14s 22m14s 53m14s 1h54m14s"},
		{3 * time.Minute, time.Minute, "3m1s", "0s 3m1s 8m14s 24m14s 55m14s 1h56m14s"},
		{10 * time.Minute, time.Minute, "10m1s", "0s 10m1s 15m14s 31m14s 1h2m14s"},
		{30 * time.Minute, time.Minute, "30m0s", "0s 30m0s 35m14s 51m14s 1h22m14s"},
		{3 * time.Minute, time.Hour, "3m0s", "0s 3m0s 8m2s 24m1s 54m5s 1h55m5s"},
		{30 * time.Minute, time.Hour, "30m0s", "0s 30m0s 35m1s 50m2s 1h21m1s"},
	} {
		t.Run(fmt.Sprintf("%v, every %v", test.tolerance, test.interval), func(t *testing.T) {
			inLoginWorld(t, 1, func(w *loginWorld) {
				w.server = func(try) serverDoes { return rejectsIt }
				id := w.add(func(c *worldCheck) {
					c.policy.FaultTolerance, c.probe.Interval = test.tolerance, test.interval
				})
				w.runFor(2*time.Hour + 30*time.Minute)
				c := w.checks[id]
				opened := c.happened(incident.Opened, config.ConditionAccount, time.Time{})
				if len(opened) != 1 {
					t.Fatalf("opened %v", opened)
				}
				first := opened[0].Since
				if got := opened[0].At.Sub(first).Round(time.Second).String(); got != test.reported {
					t.Errorf("reported after %v, want %v", got, test.reported)
				}
				var rejections string
				for _, at := range w.rejections() {
					if after := at.Sub(first); after < 2*time.Hour {
						rejections += fmt.Sprint(" ", after.Round(time.Second))
					}
				}
				if rejections != " "+test.rejected {
					t.Errorf("rejected after%s, want %s", rejections, test.rejected)
				}
				comparePauses(t, w.rejections())
				if latest := test.tolerance + c.probe.RetryInterval + 30*time.Second; opened[0].At.Sub(first) > latest {
					t.Errorf("reported later than promised: %v", latest)
				}
			})
		})
	}
}

// One of two addresses behaves otherwise than the other.
func TestLoginFailsAtOneAddress(t *testing.T) {
	for name, test := range map[string]struct {
		does serverDoes
		want config.Condition
	}{
		"hangs":       {hangs, config.ConditionService},
		"unavailable": {unavailable, config.ConditionService},
		"rejected":    {rejectsIt, config.ConditionAccount},
		"over quota":  {fullBox, config.ConditionAccount},
		"fine":        {fine, ""},
	} {
		for _, addresses := range []int{2, 3, 5} {
			t.Run(fmt.Sprintf("%s, %d addresses", name, addresses), func(t *testing.T) {
				inLoginWorld(t, addresses, func(w *loginWorld) {
					began, ended := time.Now().Add(10*time.Minute), time.Now().Add(2*time.Hour)
					w.server = func(made try) serverDoes {
						if made.ip == w.ips[1] && !made.at.Before(began) && made.at.Before(ended) {
							return test.does
						}
						return fine
					}
					c := w.checks[w.add(nil)]
					w.runFor(4 * time.Hour)
					opened := 0
					for _, e := range c.events {
						switch e.Kind { //nolint:exhaustive // what may not happen while it fails
						case incident.Opened:
							opened++
							noticed := time.Duration(addresses) * c.probe.Interval
							if late := e.At.Sub(began); e.Condition != test.want || late > noticed+c.policy.FaultTolerance+c.probe.RetryInterval+c.probe.Timeout {
								t.Errorf("%s opened after %v", e.Condition, late)
							}
						case incident.Recovering, incident.Relapsed, incident.Closed:
							if e.At.Before(ended) {
								t.Errorf("%s after %v, while it fails", e.Kind, e.At.Sub(began))
							}
						}
					}
					if (opened == 1) != (test.want != "") || c.state.Live() {
						t.Errorf("opened %d times, live %v: %v", opened, c.state.Live(), c.events)
					}
					comparePauses(t, w.rejections())
					if last := w.lastTryAt(w.ips[0]); last.Before(time.Now().Add(-time.Hour)) {
						t.Errorf("the other address was last logged in to at %v", last)
					}
				})
			})
		}
	}
}

func (w *loginWorld) lastTryAt(ip netip.Addr) (last time.Time) {
	for _, made := range w.tries {
		if made.ip == ip && made.at.After(last) {
			last = made.at
		}
	}
	return last
}

// One port of a server rejects what the other takes: the check of the other goes on
// logging in, and is not blamed.
func TestOnePortRejectsWhatTheOtherTakes(t *testing.T) {
	for _, addresses := range []int{1, 2} {
		for _, bad := range []config.CheckID{"c0", "c1"} {
			t.Run(fmt.Sprintf("%s of %d addresses", bad, addresses), func(t *testing.T) {
				inLoginWorld(t, addresses, func(w *loginWorld) {
					w.server = func(made try) serverDoes {
						if made.check == bad {
							return rejectsIt
						}
						return fine
					}
					w.add(nil)
					w.add(nil)
					w.runFor(5 * time.Hour)
					for id, c := range w.checks {
						opened := len(c.happened(incident.Opened, config.ConditionAccount, time.Time{}))
						if (opened == 1) != (id == bad) || len(c.happened(incident.Closed, config.ConditionAccount, time.Time{})) > 0 {
							t.Errorf("%s: %v", id, c.events)
						}
					}
					good := 0
					for _, made := range w.tries {
						if made.end == "" {
							good++
						}
					}
					if good < 240 {
						t.Errorf("the check that works logged in %d times in five hours", good)
					}
					comparePauses(t, w.rejections())
				})
			})
		}
	}
}

// Whatever the number of checks, ports and addresses of an account is, and whichever
// of them reject it from some moment on: its rejections come no faster than is
// promised for a single one, every check that is rejected everywhere tells of it, and
// a lone check that is rejected is the only one that does.
func TestRejectionsOfAnAccountAreFew(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		checks, addresses := rapid.IntRange(1, 8).Draw(r, "checks"), rapid.IntRange(1, 3).Draw(r, "addresses")
		rejecting := map[[2]int]bool{} // by check and address
		for i := range checks {
			whole := rapid.SampledFrom([]string{"works", "rejects", "by address"}).Draw(r, "check")
			for n := range addresses {
				rejecting[[2]int{i, n}] = whole == "rejects" || whole == "by address" && rapid.Bool().Draw(r, "address")
			}
		}
		intervals := make([]time.Duration, checks)
		tolerances := make([]time.Duration, checks)
		for i := range checks {
			intervals[i] = rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute}).Draw(r, "interval")
			tolerances[i] = rapid.SampledFrom([]time.Duration{0, 10 * time.Second, time.Minute, 3 * time.Minute, 10 * time.Minute, 30 * time.Minute}).Draw(r, "tolerance")
		}
		inLoginWorld(t, addresses, func(w *loginWorld) {
			began := time.Now().Add(30 * time.Minute)
			w.t = r
			w.server = func(made try) serverDoes {
				n := slices.Index(w.ips, made.ip)
				if rejecting[[2]int{int(made.check[1] - '0'), n}] && !made.at.Before(began) {
					return rejectsIt
				}
				return fine
			}
			for i := range checks {
				w.add(func(c *worldCheck) {
					c.probe.Interval, c.policy.FaultTolerance = intervals[i], tolerances[i]
					c.probe.RetryInterval = min(15*time.Second, intervals[i])
					c.probe.Timeout = min(30*time.Second, intervals[i])
				})
			}
			w.runFor(4 * time.Hour)
			w.compareRejections(r, rejecting, began)
		})
	})
}

func (w *loginWorld) compareRejections(r *rapid.T, rejecting map[[2]int]bool, began time.Time) {
	comparePauses(r, w.rejections())
	bad := map[config.CheckID]int{} // addresses at which a check is rejected
	for i := range len(w.checks) {
		for n := range w.ips {
			if rejecting[[2]int{i, n}] {
				bad[config.CheckID(fmt.Sprint("c", i))]++
			}
		}
	}
	for id, c := range w.checks {
		opened := c.happened(incident.Opened, config.ConditionAccount, time.Time{})
		if bad[id] == len(w.ips) {
			latest := began.Add(2*c.probe.Interval + c.policy.FaultTolerance + 2*c.probe.RetryInterval + c.probe.Timeout)
			if len(opened) != 1 || len(bad) == 1 && opened[0].At.After(latest) {
				r.Errorf("%s is rejected everywhere: opened %v, want by %v", id, opened, latest)
			}
		}
		if bad[id] == 0 && len(bad) <= 1 && len(opened) > 0 {
			r.Errorf("%s is rejected nowhere: %v", id, c.events)
		}
		if closed := c.happened(incident.Closed, config.ConditionAccount, time.Time{}); (bad[id] == len(w.ips) || bad[id] > 0 && len(bad) == 1) && len(closed) > 0 {
			r.Errorf("%s was closed while it is rejected: %v", id, closed)
		}
	}
}

// A rejection that is over before fault_tolerance is, is not reported by any check: a
// fresh login says so.
func TestShortRejectionIsForgotten(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		for _, addresses := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d checks, %d addresses", n, addresses), func(t *testing.T) {
				inLoginWorld(t, addresses, func(w *loginWorld) {
					began := time.Now().Add(10 * time.Minute)
					w.server = func(made try) serverDoes {
						if after := made.at.Sub(began); after >= 0 && after < 2*time.Minute {
							return rejectsIt
						}
						return fine
					}
					for range n {
						w.add(nil)
					}
					w.runFor(time.Hour)
					for id, c := range w.checks {
						if len(c.happened(incident.Opened, config.ConditionAccount, epoch)) > 0 || c.state.Live() {
							t.Errorf("%s: %v", id, c.events)
						}
					}
				})
			})
		}
	}
}

// One port is rejected for long, and the others work on. When the password becomes
// wrong for all, the first rejection stops them.
func TestPasswordBecomesWrongWhileOnePortIsRejected(t *testing.T) {
	inLoginWorld(t, 2, func(w *loginWorld) {
		wrong := time.Now().Add(40 * time.Minute)
		w.server = func(made try) serverDoes {
			if made.check == "c3" || !made.at.Before(wrong) {
				return rejectsIt
			}
			return fine
		}
		for range 8 {
			w.add(nil)
		}
		w.runFor(wrong.Sub(epoch) + 10*time.Minute)
		n := 0
		for _, at := range w.rejections() {
			if !at.Before(wrong) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d rejections in the first ten minutes", n)
		}
		for id, c := range w.checks {
			if len(c.happened(incident.Opened, config.ConditionAccount, epoch)) != 1 {
				t.Errorf("%s: %v", id, c.events)
			}
		}
	})
}
