package selfcheck_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// silence never answers.
func silence(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// names answers as told, and else runs into a timeout.
type names map[string]error

func (n names) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if err, told := n[name]; told {
		return nil, err
	}
	return nil, errResolver
}

// unnamed is a name that could not be looked up.
func unnamed(host string) verdict.Probe {
	p := probed("- down dns/timeout")
	p.Target = net.JoinHostPort(host, "993")
	return p
}

// named is a good result of a name.
func named(host, ip string) verdict.Probe {
	p := probed(ip + " ok")
	p.Target = net.JoinHostPort(host, "993")
	return p
}

func remarked(r incident.Result) bool {
	f, _ := r.Worst()
	return strings.Contains(f.Hint, "machine itself may be the cause") || strings.Contains(f.Hint, "of this machine may be wrong.")
}

// Whoever answered long before the newest answer is nobody to compare with: who
// knows what became of him.
func TestOldAnswersProveNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pause time.Duration
		want  incident.Health
	}{{50 * time.Minute, incident.Unknown}, {70 * time.Minute, incident.Down}} {
		synctest.Test(t, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{Dial: silence})
			judge(t.Context(), self, probed("192.0.2.1 ok"))
			time.Sleep(test.pause)
			judge(t.Context(), self, probed("192.0.2.2 ok"))
			time.Sleep(time.Minute)
			got := judge(t.Context(), self, lost("192.0.2.2"))
			if got.Health() != test.want || remarked(got) != (test.want == incident.Down) {
				t.Errorf("after %s: %v", test.pause, got.Findings)
			}
		})
	}
}

// An answer that came first interrupts the others; that they were silent so far
// proves nothing.
func TestWhoWasInterruptedIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := selfcheck.New(selfcheck.Options{Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "192.0.2.1:") {
				return nil, errRefused
			}
			select {
			case <-time.After(time.Second):
				return nil, errRefused
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}})
		for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			judge(t.Context(), self, probed(ip+" ok"))
		}
		time.Sleep(time.Minute)
		for _, ip := range []string{"192.0.2.3", "192.0.2.1"} { // 1 answers for 3; then it is lost itself, and 2 answers for it
			if got := judge(t.Context(), self, lost(ip)); got.Health() != incident.Down || remarked(got) {
				t.Errorf("%s: %v", ip, got.Findings)
			}
		}
	})
}

// Loopback says nothing about the network, nor about the resolver.
func TestLoopbackProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := selfcheck.New(selfcheck.Options{Dial: silence, Resolver: names{}})
		time.Sleep(5 * time.Minute)
		judge(t.Context(), self, named("localhost", "127.0.0.1"))
		for _, r := range []verdict.Probe{unnamed("mx1.example.org"), lost("192.0.2.1")} {
			if got := judge(t.Context(), self, r); got.Health() != incident.Down || !remarked(got) {
				t.Errorf("%v", got.Findings)
			}
		}
	})
}

// A self_check target given by name is a question to the resolver. That there is
// no such name is an answer.
func TestNamedTargets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		resolver names
		want     incident.Health
	}{
		{"found", names{"target.example.net": nil}, incident.Down},
		{"does not exist", names{"target.example.net": errNoSuchHost}, incident.Down},
		{"not answered", names{"target.example.net": errZoneSilent}, incident.Unknown},
		{"timeout", names{}, incident.Unknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{Dial: silence, Resolver: test.resolver})
			self.Use([]string{"target.example.net:443"})
			time.Sleep(5 * time.Minute)
			if got := judge(t.Context(), self, unnamed("mx1.example.org")); got.Health() != test.want || remarked(got) {
				t.Errorf("%s: %v", test.name, got.Findings)
			}
		})
	}
}

// halfSilent answers for one record and never for the other one.
type halfSilent string

func (h halfSilent) LookupNetIP(ctx context.Context, network, _ string) ([]netip.Addr, error) {
	if network != string(h) {
		return nil, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A name server that answers for one record alone has answered: the resolver of
// this machine is not at fault when another name cannot be looked up.
func TestOneRecordIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"ip6", "ip4", "neither"} {
		synctest.Test(t, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{Dial: silence, Resolver: halfSilent(network)})
			self.Use([]string{"target.example.net:443"})
			time.Sleep(5 * time.Minute)
			if got := judge(t.Context(), self, unnamed("mx1.example.org")); got.Health() != incident.Down || remarked(got) {
				t.Errorf("%s silent: %v", network, got.Findings)
			}
		})
	}
}

// An earlier failure of the address that another check has reached meanwhile is
// not held against it.
func TestAnswersOfAnotherPortCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := selfcheck.New(selfcheck.Options{Dial: silence})
		slow := lost("192.0.2.1") // ends after the other probe of the same address has begun and ended
		time.Sleep(10 * time.Second)
		judge(t.Context(), self, probed("192.0.2.1 ok"))
		slow.Ended = time.Now()
		if got := judge(t.Context(), self, slow); got.Health() != incident.Down || remarked(got) {
			t.Errorf("%v", got.Findings)
		}
	})
}

// certified is a probe of an address with a certificate.
func certified(ip, how string, from, until time.Time) verdict.Probe {
	p := probed(ip + " " + how)
	p.Conversations[0].Address.TLS = &incident.TLSInfo{SHA256: ip, NotBefore: from, NotAfter: until}
	return p
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// What has become of the clock decides what is said of a certificate's dates.
func TestDates(t *testing.T) {
	t.Parallel()
	const expired, early = "down tls/cert_expired", "down tls/cert_not_yet_valid"
	for _, test := range []struct {
		name     string
		newest   time.Duration // of the journal, ahead of the clock
		step     time.Duration // of the clock, after the start
		pause    time.Duration // after that
		seen     []verdict.Probe
		from, to time.Duration // dates of the certificate in question, counted from the true now
		verdict  string
		want     incident.Health
		remark   bool
	}{
		{name: "expired", from: -90 * day, to: -time.Hour, verdict: expired, want: incident.Down},
		{name: "expired by a clock that was set ahead", step: 2 * time.Hour, from: -90 * day, to: time.Hour, verdict: expired, want: incident.Unknown},
		{name: "expired by any clock", step: 2 * time.Hour, from: -90 * day, to: -time.Hour, verdict: expired, want: incident.Down},
		{name: "a small step", step: 30 * time.Second, from: -90 * day, to: 0, verdict: expired, want: incident.Down},
		{name: "a step of the day before", step: year, pause: 25 * time.Hour, from: -90 * day, to: day, verdict: expired, want: incident.Down},
		{name: "expired, and the clock was set back", step: -2 * time.Hour, from: -90 * day, to: -3 * time.Hour, verdict: expired, want: incident.Down},
		{name: "an intermediate has expired", step: 2 * time.Hour, from: -90 * day, to: 90 * day, verdict: expired, want: incident.Unknown},
		{name: "not valid yet by a clock that was set back", step: -2 * day, from: -day, to: 90 * day, verdict: early, want: incident.Unknown},
		{name: "not valid yet by a clock that is behind the journal", newest: 2 * day, from: day, to: 90 * day, verdict: early, want: incident.Unknown},
		{name: "not valid yet when the journal ended, too", newest: 2 * day, pause: time.Hour, from: 3 * day, to: 90 * day, verdict: early, want: incident.Down, remark: true},
		{
			name: "the journal was written by a fast clock", newest: year, pause: time.Hour,
			seen: []verdict.Probe{certified("192.0.2.9", "ok", dawn.Add(-30*day), dawn.Add(60*day))},
			from: day, to: 90 * day, verdict: early, want: incident.Down,
		},
		{name: "one alone is not valid yet", pause: time.Hour, from: day, to: 90 * day, verdict: early, want: incident.Down, remark: true},
		{
			name: "two are not valid yet", pause: time.Hour,
			seen: []verdict.Probe{certified("192.0.2.9", early, dawn.Add(2*day), dawn.Add(60*day))},
			from: day, to: 90 * day, verdict: early, want: incident.Unknown,
		},
		{
			name: "two are not valid yet, a third is", pause: time.Hour,
			seen: []verdict.Probe{
				certified("192.0.2.9", early, dawn.Add(2*day), dawn.Add(60*day)),
				certified("192.0.2.8", "ok", dawn.Add(-30*day), dawn.Add(60*day)),
			},
			from: day, to: 90 * day, verdict: early, want: incident.Down,
		},
		{
			name: "two are not valid yet, one that holds for ten years is", pause: time.Hour,
			seen: []verdict.Probe{
				certified("192.0.2.9", early, dawn.Add(2*day), dawn.Add(60*day)),
				certified("192.0.2.8", "ok", dawn.Add(-5*year), dawn.Add(5*year)),
			},
			from: day, to: 90 * day, verdict: early, want: incident.Unknown,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFakeNetwork()
				o := selfcheck.Options{Clock: w.clock()}
				if test.newest != 0 {
					o.Newest = time.Now().Add(test.newest)
				}
				self := selfcheck.New(o)
				w.wall = test.step
				judge(t.Context(), self, probed("192.0.2.7 ok")) // notices the step
				time.Sleep(time.Second + test.pause)
				for _, r := range test.seen {
					r.Started, r.Ended = time.Now(), time.Now()
					judge(t.Context(), self, r)
				}
				now := time.Now()
				got := judge(t.Context(), self, certified("192.0.2.1", test.verdict, now.Add(test.from), now.Add(test.to)))
				if got.Health() != test.want || remarked(got) != test.remark {
					t.Errorf("%s, want %s: %v", got.Health(), test.want, got.Findings)
				}
			})
		})
	}
}

// What a doubt has nothing to do with stays as the probe found it.
func TestOtherFindingsKeepTheirWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFakeNetwork()
		self := selfcheck.New(selfcheck.Options{Clock: w.clock()})
		w.wall = 100 * day
		judge(t.Context(), self, probed("192.0.2.7 ok"))
		time.Sleep(time.Second)
		p := certified("192.0.2.1", "degraded tls/cert_expires_soon", dawn.Add(-day), w.now().Add(day))
		p.Conversations = append(p.Conversations, conversation("192.0.2.2 down greeting/bye"))
		without := verdict.Judge(plainCheck, &p)
		got := judge(t.Context(), self, p)
		if len(without.Findings) != 2 || len(got.Findings) != 2 || got.Findings[0] != without.Findings[1] || got.Findings[1].Condition != config.ConditionMonitor {
			t.Errorf("%+v, and without the clock in doubt %+v", got.Findings, without.Findings)
		}
	})
}
