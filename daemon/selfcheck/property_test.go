package selfcheck_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// Whatever dies and comes back, in whatever order checks are probed:
//
//   - a good probe stays as it is, and so does everything else that needs no
//     word about this machine; what stays as it is, is judged as without a self-check;
//   - a failure is not taken for this machine's fault while another address of
//     the family has answered lately and still would, or a self_check target
//     would;
//   - while this machine is cut off, nothing that worked before is blamed.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func() {
			m := newModel(r)
			r.Repeat(map[string]func(*rapid.T){
				"":       func(*rapid.T) {},
				"probe":  m.probe,
				"again":  m.probe,
				"host":   m.change,
				"uplink": m.cut,
				"wait": func(r *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 200).Draw(r, "seconds")) * time.Second)
				},
			})
		})
	})
}

// inBubble runs what rapid tries in a bubble, and hands on how it fails: rapid
// wants to hear that in its own goroutine.
func inBubble(t *testing.T, try func()) {
	var failure any
	synctest.Test(t, func(*testing.T) {
		defer func() { failure = recover() }()
		try()
	})
	if failure != nil {
		panic(failure)
	}
}

type model struct {
	network *fakeNetwork
	self    *selfcheck.Self
	names   []string
	// heard is when a host's address answered a probe last; changed is when
	// anything was killed or cured last; cutOff is when the uplink was cut, and
	// calm since when nothing had changed then.
	heard                 map[netip.Addr]time.Time
	changed, cutOff, calm time.Time
	target                *host // of self_check; nil: there is none
}

func newModel(t *rapid.T) *model {
	m := &model{network: newFakeNetwork(), heard: map[netip.Addr]time.Time{}, changed: time.Now()}
	validity := func(h *host) *host {
		h.issued, h.expires, h.state = time.Now().Add(-24*time.Hour), time.Now().Add(1000*time.Hour), "well"
		return h
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "hosts") {
		h := validity(&host{ips: []netip.Addr{netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i+1))}})
		if rapid.Bool().Draw(t, "two families") {
			h.ips = append(h.ips, netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1)))
		}
		name := fmt.Sprintf("mx%d", i+1)
		m.names = append(m.names, name)
		m.network.hosts[name] = h
	}
	m.self = selfcheck.New(selfcheck.Options{Dial: m.network.Dial, Resolver: m.network, Clock: m.network.clock()})
	if rapid.Bool().Draw(t, "self_check") {
		m.target = validity(&host{ips: []netip.Addr{netip.MustParseAddr("198.51.100.53")}})
		m.network.hosts["target"] = m.target
		m.self.Use([]string{"198.51.100.53:53"})
	}
	return m
}

func (m *model) change(t *rapid.T) {
	h := m.network.hosts[rapid.SampledFrom(m.names).Draw(t, "host")]
	if !m.network.uplink["ip4"] {
		m.calm = time.Now() // nobody can have been heard since
	}
	h.state = rapid.SampledFrom([]string{"well", "well", "dead", "refusing", "dumb"}).Draw(t, "state")
	m.changed = time.Now()
	time.Sleep(time.Millisecond)
}

func (m *model) cut(*rapid.T) {
	up := !m.network.uplink["ip4"]
	m.network.uplink["ip4"], m.network.uplink["ip6"] = up, up
	m.calm, m.changed, m.cutOff = m.changed, time.Now(), time.Now()
	time.Sleep(time.Millisecond)
}

func (m *model) probe(t *rapid.T) {
	name := rapid.SampledFrom(m.names).Draw(t, "name")
	before := m.network.probe(name, name)
	marked := m.self.Mark(context.Background(), plainCheck, before)
	without, after := verdict.Judge(plainCheck, &before), verdict.Judge(plainCheck, &marked)
	values := cmpopts.EquateComparable(netip.Addr{}, opaque.Words{})
	if diff := cmp.Diff(before, marked, values); diff != "" && !inDoubt(before) {
		t.Fatalf("needs no word about this machine, but became other: %v", diff)
	} else if judged := cmp.Diff(without, after, values); diff == "" && judged != "" {
		t.Fatalf("it was left as it was, but is judged differently: %v", judged)
	}
	for i := range marked.Conversations {
		was, c := &before.Conversations[i], &marked.Conversations[i]
		switch {
		case c.Unknown == nil:
		case was.Failure == nil:
			t.Fatalf("%s was well, and is not believed", c.Address.IP)
		case c.Address.IP.IsValid() && m.vouched(c.Address.IP, before.Started):
			t.Fatalf("%s is dead, others answer, and this machine was blamed", c.Address.IP)
		}
	}
	if !m.network.uplink["ip4"] && before.Started.After(m.cutOff) && m.others(name).After(m.calm) && m.cutOff.Sub(m.others(name)) < time.Hour && after.Observed != 0 {
		t.Fatalf("the uplink is cut, and %s was blamed: %v", name, after.Findings)
	}
	for i := range before.Conversations {
		if c := &before.Conversations[i]; c.Address.IP.IsValid() && !lostAt(c) {
			m.heard[c.Address.IP] = before.Started
		}
	}
	time.Sleep(time.Second)
}

// inDoubt: a name was not looked up, or an address not reached.
func inDoubt(p verdict.Probe) bool {
	for i := range p.Conversations {
		if c := &p.Conversations[i]; !c.Address.IP.IsValid() || lostAt(c) {
			return true
		}
	}
	return false
}

func lostAt(c *verdict.Conversation) bool {
	return c.Failure != nil && c.Failure.Phase == config.PhaseConnect && c.Failure.Cause == config.CauseTimeout
}

// vouched: nothing changed for a while, and since then an address of the family
// has answered that answers still; or a target has come into it and would answer.
func (m *model) vouched(ip netip.Addr, started time.Time) bool {
	for other, at := range m.heard {
		if other != ip && familyOf(other) == familyOf(ip) && at.After(m.changed) && at.Before(started) &&
			time.Since(at) < 2*time.Minute && !errors.Is(m.network.connect(other), errTimeout) {
			return true
		}
	}
	return false
}

// others is when anybody but name was heard last before the uplink was cut, in
// every family that name has; zero: never.
func (m *model) others(name string) (heard time.Time) {
	own := m.network.hosts[name].ips
	for _, ip := range own {
		var latest time.Time
		for other, at := range m.heard {
			if !slices.Contains(own, other) && familyOf(other) == familyOf(ip) && at.After(latest) {
				latest = at
			}
		}
		if latest.IsZero() {
			return latest
		}
		if heard.IsZero() || latest.Before(heard) {
			heard = latest
		}
	}
	return heard
}
