package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// begin is when the clock of a bubble starts.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A written journal holds these records, and takes more.
type written []journal.Record

func (written) Append(...journal.Record) error { return nil }
func (w written) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range w {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (written) Status() journal.Status                 { return journal.Status{Durable: true, Clean: true} }
func (written) Size() int64                            { return 0 }
func (written) Compact(iter.Seq[journal.Record]) error { return nil }
func (written) Wanted() <-chan struct{}                { return nil }
func (written) Verify()                                {}

func (w *written) add(t testing.TB, kind string, at time.Time, data any) {
	t.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	*w = append(*w, journal.Record{Seq: uint64(len(*w) + 1), At: at, Kind: kind, Data: text})
}

type nobody struct{}

func (nobody) Send(config.NotifyID, json.RawMessage, notifiers.Message) {}

// A stage is a daemon as far as pages ask it: what its tracker knew at one moment.
type stage struct {
	api.Daemon
	snapshot *tracker.Snapshot
	self     api.Self
	forecast outbox.Forecast
	held     map[incident.ID][]outbox.Held
}

func (s *stage) Snapshot(context.Context) (*tracker.Snapshot, error) { return s.snapshot, nil }
func (s *stage) Self() api.Self                                      { return s.self }

func (s *stage) History() *history.Store { return nil }

func (s *stage) Upcoming(context.Context, []incident.ID) ([]outbox.Upcoming, error) { return nil, nil }

func (s *stage) NextProbe(config.CheckID) time.Time { return s.snapshot.At.Add(40 * time.Second) }

func (s *stage) Foresee(context.Context, outbox.Question) (outbox.Forecast, error) {
	return s.forecast, nil
}

func (s *stage) Explain(_ context.Context, id incident.ID) ([]outbox.Held, error) {
	return s.held[id], nil
}

// newStage runs a tracker with a journal and a configuration, lets probe report results, and
// keeps what it knows a minute later.
func newStage(t testing.TB, cfg *config.Config, past written, probes ...incident.Result) *stage {
	t.Helper()
	return newStageAt(t, begin, cfg, past, probes...)
}

// newStageAt is newStage at a time after [begin].
func newStageAt(t testing.TB, at time.Time, cfg *config.Config, past written, probes ...incident.Result) *stage {
	t.Helper()
	s := &stage{}
	play := func(t testing.TB, pause time.Duration) {
		tr, err := tracker.Open(tracker.Options{Journal: past, Sender: nobody{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = tr.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		if err := tr.Configure(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		for _, r := range probes {
			r.Started, r.Ended = time.Now(), time.Now().Add(time.Second)
			tr.Observe(ctx, r)
		}
		<-time.After(pause)
		if s.snapshot, err = tr.Snapshot(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if test, ok := t.(*testing.T); ok {
		synctest.Test(test, func(t *testing.T) {
			<-time.After(time.Until(at))
			play(t, time.Minute)
		})
	} else {
		play(t, 0) // a benchmark has no bubble
	}
	return s
}

// address is a conversation that took so many milliseconds in each of its phases.
func address(ip string, health incident.Health, ms ...int) incident.Address {
	a := incident.Address{Node: "watch1", IP: netip.MustParseAddr(ip), Port: 993, Health: health, Capabilities: []string{"IMAP4REV2", "IDLE", "AUTH=PLAIN"}}
	phases := []config.Phase{config.PhaseDNS, config.PhaseConnect, config.PhaseTLS, config.PhaseGreeting, config.PhaseCapability, config.PhaseLogin, config.PhaseSelect, config.PhaseLogout}
	for i, n := range ms {
		a.Timings[phases[i]] = time.Duration(n) * time.Millisecond
		a.Timings[config.WholeConversation] += time.Duration(n) * time.Millisecond
	}
	if len(ms) > 2 { // it came to the end of the handshake
		a.TLS = &incident.TLSInfo{
			Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", Subject: "CN=mail.example.org", Issuer: "CN=R11, O=Let's Encrypt",
			NotBefore: begin.AddDate(0, -1, 0), NotAfter: begin.AddDate(0, 2, 0), SHA256: "c0ffee",
		}
	}
	return a
}

func wellProbe(id config.CheckID) incident.Result {
	return incident.Result{
		Check: id, Observed: config.ConditionSet(config.ConditionService, config.ConditionCertificate), Target: "mail.example.org:993",
		Addresses: []incident.Address{address("192.0.2.10", incident.OK, 4, 18, 41, 12, 9, 38, 14, 6), address("2001:db8::10", incident.OK, 4, 21, 44, 11, 10, 35, 15, 6)},
	}
}

// badProbe is a probe that found something wrong.
func badProbe(id config.CheckID, f incident.Finding, ms ...int) incident.Result {
	r := wellProbe(id)
	r.Findings = []incident.Finding{f}
	a := address("192.0.2.10", f.Health, ms...)
	if f.Cause == config.CauseCertExpiresSoon {
		a.TLS.NotAfter = begin.AddDate(0, 0, 6).Add(9 * time.Hour)
		r.Addresses[1].TLS = a.TLS
	}
	a.Phase, a.Cause, a.Hint, a.Evidence = f.Phase, f.Cause, f.Hint, f.Evidence
	r.Addresses[0] = a
	if f.Health == incident.Unknown {
		r.Observed, r.Addresses = 0, nil
	}
	return r
}

// A fleetPlan is a configuration that a test makes.
type fleetPlan struct {
	*config.Config
}

func newPlan() fleetPlan {
	return fleetPlan{&config.Config{
		Servers: map[config.ServerID]*config.Server{}, Groups: map[config.GroupID]*config.Group{}, Checks: map[config.CheckID]*config.Check{},
		Page: config.Page{Title: "Mail at example.org", Zone: time.UTC},
	}}
}

func (p fleetPlan) group(id config.GroupID, label string) {
	p.Groups[id] = &config.Group{ID: id, Label: label}
}

// check adds a check with its server, and returns it.
func (p fleetPlan) check(server config.ServerID, name, label string, path ...config.GroupID) *config.Check {
	id := config.CheckID(string(server) + "/" + name)
	p.Servers[server] = &config.Server{ID: server, Label: string(server), Hostname: string(server) + ".example.org", Path: path}
	c := &config.Check{
		ID: id, Label: label, Server: server, Path: path, Enabled: true, Roles: []config.RoleID{"it_team"},
		Probe:  config.Probe{Hostname: string(server) + ".example.org", Port: 993, Security: config.TLSFromStart, Interval: time.Minute, Thresholds: config.PhaseTimes{config.PhaseConnect: 60 * time.Millisecond, config.PhaseLogin: 30 * time.Millisecond, config.WholeConversation: 180 * time.Millisecond}},
		Policy: config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, SLO: 99.9},
		Pos:    config.Pos{File: "/etc/imapvigil/servers.hcl", Line: int32(12 + 8*len(p.Checks))},
	}
	p.Checks[id] = c
	return c
}

var (
	refusedFinding = incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused,
		Hint: "Nothing listens on port 993 of mx2.example.org, or a firewall rejects the connection.", Address: "192.0.2.10",
	}
	byeFinding = incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseGreeting, Cause: config.CauseBye,
		Hint: "The server ends the session at once.", Evidence: opaque.Sanitise("* BYE Too many connections; try again <b>later</b>"), Address: "192.0.2.10",
	}
	endingFinding = incident.Finding{
		Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseCertExpiresSoon,
		Hint: "The certificate of mx4.example.org ends on 2000-01-07.",
	}
	slowFinding = incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseLogin, Cause: config.CauseTimeout,
		Hint: "The server did not answer LOGIN within 10s.",
	}
	localFinding = incident.Finding{
		Condition: config.ConditionService, Health: incident.Unknown, Phase: config.PhaseConnect, Cause: config.CauseLocalFault,
		Hint: "This machine has no route to any network.",
	}
)

// troubledStage is a fleet with a check in each state, and people at work.
func troubledStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	p.group("europe", "Europe")
	p.group("europe/germany", "Germany")
	p.group("europe/france", "France")
	p.group("customers", "Customers")
	germany, france := []config.GroupID{"europe", "europe/germany"}, []config.GroupID{"europe", "europe/france"}
	p.check("mx1", "imaps", "IMAP over TLS", germany...)
	p.check("mx1", "imap", "IMAP with STARTTLS", germany...)
	p.check("mx2", "imaps", "IMAP over TLS", germany...)
	p.check("mx2", "login", "Login", germany...)
	p.check("mx3", "imaps", "IMAP over TLS", france...)
	p.check("mx4", "imaps", "IMAP over TLS", france...)
	p.check("mx5", "imaps", "IMAP over TLS", france...)
	p.check("acme", "imaps", "mail.acme.example", "customers")
	p.check("globex", "imaps", "mail.globex.example", "customers")
	p.check("initech", "imaps", "mail.initech.example", "customers").Enabled = false
	p.check("new", "imaps", "new/imaps")
	p.Maintenance = []config.Maintenance{{
		Name: "move", AppliesTo: []config.Ref{{Check: "globex/imaps"}}, Zone: time.UTC, Start: begin.Add(-time.Hour), Clock: begin.Add(-time.Hour), Duration: 3 * time.Hour,
	}}
	p.Announcements = []config.Announcement{{Name: "move", From: begin.Add(-time.Hour), Until: begin.Add(2 * time.Hour), Kind: config.AnnounceMaintenance, Text: "We move to a new data centre."}}
	return newStage(
		t, p.Config, troubledPast(t),
		wellProbe("mx1/imaps"), wellProbe("mx1/imap"), badProbe("mx2/imaps", refusedFinding, 4), badProbe("mx2/login", byeFinding, 4, 18, 41),
		badProbe("mx3/imaps", slowFinding, 4, 18, 41, 12, 9), badProbe("mx4/imaps", endingFinding, 4, 18, 41, 12, 9, 38, 14, 6),
		badProbe("mx5/imaps", localFinding), wellProbe("acme/imaps"), wellProbe("globex/imaps"),
	)
}

// troubledPast is what had happened in the night before.
func troubledPast(t *testing.T) (w written) {
	t.Helper()
	ago := func(d time.Duration) time.Time { return begin.Add(-d) }
	event := func(id incident.ID, check config.CheckID, kind incident.Kind, at time.Duration, f *incident.Finding, more ...func(*incident.Event)) {
		e := incident.Event{Kind: kind, At: ago(at), Since: ago(at + 4*time.Second), Incident: id, Check: check, Condition: f.Condition, Finding: f, Target: "mail.example.org:993"}
		for _, m := range more {
			m(&e)
		}
		w.add(t, "incident."+string(kind), e.At, e)
	}
	tell := func(key outbox.Key, in incident.ID, notifier config.NotifierID, kind notifiers.Kind, target string, at, answered time.Duration, state outbox.DeliveryState, answer string) {
		w.add(t, "telling", ago(at), outbox.Notification{
			Key: key, At: ago(at), Kind: kind, NotifyID: config.NotifyID{Role: "it_team", Notifier: notifier, Target: target},
			Items: []outbox.Item{{Incident: in, Transition: notifiers.Opened, Episode: 1}},
		})
		if state == outbox.Sent {
			w.add(t, "outcome", ago(answered), outbox.Outcome{Key: key, At: ago(answered), State: state, Attempts: 1, Receipt: notifiers.Receipt{Answer: opaque.Sanitise(answer)}})
		}
	}
	event("k3q9w2m7tx", "mx2/imaps", incident.Failing, 17*time.Minute, &refusedFinding)
	event("k3q9w2m7tx", "mx2/imaps", incident.Opened, 14*time.Minute, &refusedFinding)
	tell("iv_1", "k3q9w2m7tx", "email.mailroom", "email", "it@example.org", 14*time.Minute, 13*time.Minute+40*time.Second, outbox.Sent, "250 2.0.0 queued as 4Xk1")
	tell("iv_2", "k3q9w2m7tx", "sms.twilio", "sms", "+15550100", 9*time.Minute, 8*time.Minute+52*time.Second, outbox.Sent, "SM2f1c delivered")
	event("k3q9w2m7tx", "mx2/imaps", incident.Acknowledged, 6*time.Minute, &refusedFinding, func(e *incident.Event) {
		e.By, e.Reason, e.Finding = "anna", "The rack has no power, I drive there.", nil
	})
	event("k3q9w2m7tx", "mx2/imaps", incident.Noted, 4*time.Minute, &refusedFinding, func(e *incident.Event) {
		e.By, e.Reason, e.Finding = "anna", "The data centre confirms: a fuse has blown.", nil
	})
	event("p8d4r6v1zb", "mx2/login", incident.Failing, 16*time.Minute, &byeFinding)
	event("p8d4r6v1zb", "mx2/login", incident.Opened, 13*time.Minute, &byeFinding)
	event("h5n7c3y9ge", "mx4/imaps", incident.Failing, 26*time.Hour, &endingFinding)
	event("h5n7c3y9ge", "mx4/imaps", incident.Opened, 26*time.Hour, &endingFinding)
	event("a2s4f6j8mw", "acme/imaps", incident.Failing, 50*time.Minute, &refusedFinding)
	event("a2s4f6j8mw", "acme/imaps", incident.Opened, 47*time.Minute, &refusedFinding)
	w.add(t, "silence", ago(time.Hour), outbox.Silence{ID: "c0ffee", Scope: outbox.Scope{Server: "mx4"}, Reason: "renewed tomorrow", From: ago(time.Hour), Until: begin.Add(time.Hour)})
	return w
}

// few is one check of a thousand.
func few(i int) bool { return i%1000 == 7 }

// manyStage is a fleet of so many checks in groups of 100, some of which have begun to fail.
func manyStage(t testing.TB, checks int, fails func(i int) bool) *stage {
	t.Helper()
	p := newPlan()
	var probes []incident.Result
	for i := range checks {
		group := config.GroupID(fmt.Sprintf("customers%03d", i/100))
		p.group(group, fmt.Sprintf("Customers %d", i/100))
		c := p.check(config.ServerID(fmt.Sprintf("mx%05d", i)), "imaps", "IMAP over TLS", group)
		if fails(i) {
			probes = append(probes, badProbe(c.ID, refusedFinding, 4))
		} else {
			probes = append(probes, wellProbe(c.ID))
		}
	}
	return newStage(t, p.Config, nil, probes...)
}

// emptyStage is a daemon of which nothing is known yet.
func emptyStage(t *testing.T, checks int) *stage {
	t.Helper()
	p := newPlan()
	for i := range checks {
		p.check(config.ServerID(fmt.Sprintf("mx%d", i+1)), "imaps", "IMAP over TLS")
	}
	return newStage(t, p.Config, nil)
}

// A madePast is a history with these lives; a check that has none was well all the time.
type madePast struct {
	lives map[config.CheckID]availability.Life
	since time.Time
	err   error

	points []history.Point
	ghosts []history.Ghost
	certs  []history.Certificate

	incidents []history.Incident
}

func (p *madePast) Points(context.Context, config.CheckID, time.Time, time.Time, time.Duration) ([]history.Point, error) {
	return p.points, p.err
}

func (p *madePast) Ghost(context.Context, config.CheckID) ([]history.Ghost, error) {
	return p.ghosts, p.err
}

func (p *madePast) Incidents(context.Context, time.Time, time.Time) ([]history.Incident, error) {
	return p.incidents, p.err
}

func (p *madePast) Certificates(context.Context, config.CheckID) ([]history.Certificate, error) {
	return p.certs, p.err
}

func (p *madePast) Lives(_ context.Context, checks []config.CheckID, _, _ time.Time) (map[config.CheckID]availability.Life, error) {
	list := map[config.CheckID]availability.Life{}
	for _, id := range checks {
		list[id] = p.lives[id]
	}
	return list, p.err
}

func (p *madePast) CompleteSince(context.Context) (time.Time, error) { return p.since, p.err }

// eventfulPast is a history of a year in which some checks of [troubledStage] had bad days.
func eventfulPast() *madePast {
	bout := func(daysAgo float64, length time.Duration) availability.Bout {
		from := begin.Add(-time.Duration(daysAgo * 24 * float64(time.Hour)))
		return availability.Bout{From: from, To: from.Add(length), Reported: from.Add(3 * time.Minute), Service: true, Incident: "old"}
	}
	degraded := bout(1.08, 0)
	degraded.To, degraded.Service = time.Time{}, false
	now := availability.Bout{From: begin.Add(-17 * time.Minute), Reported: begin.Add(-14 * time.Minute), Service: true, Incident: "k3q9w2m7tx"}
	return &madePast{since: begin.AddDate(-1, 0, 0), lives: map[config.CheckID]availability.Life{
		"mx1/imaps": {Bouts: []availability.Bout{bout(40, 4*time.Minute)}},
		"mx2/imaps": {Bouts: []availability.Bout{bout(61, 40*time.Minute), bout(23.5, 13*time.Hour), bout(12, 7*time.Minute), now}},
		"mx2/login": {Bouts: []availability.Bout{bout(23.5, 13*time.Hour), now}},
		"mx4/imaps": {Bouts: []availability.Bout{degraded}},
		"mx5/imaps": {Intervals: []availability.Interval{{From: begin.AddDate(0, 0, -30), To: begin.AddDate(0, 0, -28), Kind: availability.Unknown}}},
		"globex/imaps": {Intervals: []availability.Interval{
			{From: begin.AddDate(0, 0, -8), To: begin.AddDate(0, 0, -7), Kind: availability.Maintenance}, {From: begin.Add(-time.Hour), Kind: availability.Maintenance},
		}},
		"initech/imaps": {Intervals: []availability.Interval{{From: begin.AddDate(0, 0, -20), Kind: availability.Paused}}},
		"new/imaps":     {Intervals: []availability.Interval{{To: begin.Add(-time.Hour), Kind: availability.Absent}, {From: begin.Add(-time.Hour), Kind: availability.Unknown}}},
	}}
}

// measuredPast is [eventfulPast] with what was measured.
func measuredPast() *madePast {
	p := eventfulPast()
	for i := range 288 {
		at := begin.Add(-24*time.Hour + time.Duration(i)*5*time.Minute)
		wave := 130 + 30*math.Sin(float64(i)/20) + 8*math.Sin(float64(i)*1.7)
		if i == 180 {
			wave *= 2.2
		}
		if i > 283 {
			continue
		}
		pt := history.Point{At: at, N: 5, OK: 5, Max: time.Duration(wave * 3.2 * float64(time.Millisecond))}
		pt.P50[0] = time.Duration(wave * float64(time.Millisecond))
		pt.P95[0] = time.Duration((wave*1.25 + 10*math.Sin(float64(i)*0.9)) * float64(time.Millisecond))
		pt.P99[0] = time.Duration((wave*1.6 + 24*math.Sin(float64(i)*1.3)) * float64(time.Millisecond))
		p.points = append(p.points, pt)
	}
	for _, ip := range []string{"192.0.2.10", "2001:db8::10"} {
		usual := address(ip, incident.OK, 3, 17, 39, 10, 9, 30, 13, 5)
		p.ghosts = append(p.ghosts, history.Ghost{Address: usual.IP, N: 10_000, Median: usual.Timings})
		p.certs = append(p.certs,
			history.Certificate{Address: usual.IP, SHA256: "5ec0de01ab5ec0de01ab5ec0de", First: begin.AddDate(0, -3, 0), Last: begin.AddDate(0, -1, 2), NotBefore: begin.AddDate(0, -3, -1), NotAfter: begin.AddDate(0, 0, -1), Subject: "CN=mail.example.org", Issuer: "CN=R10, O=Let's Encrypt"},
			history.Certificate{Address: usual.IP, SHA256: "c0ffee01c0ffee01c0ffee", First: begin.AddDate(0, -1, 0), Last: begin, NotBefore: begin.AddDate(0, -1, 0), NotAfter: begin.AddDate(0, 2, 0), Subject: "CN=mail.example.org", Issuer: "CN=R11, O=Let's Encrypt"})
	}
	return p
}

// wellStage is a fleet with which nothing is wrong.
func wellStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	p.group("europe", "Europe")
	p.group("asia", "Asia")
	for i := range 12 {
		p.check(config.ServerID(fmt.Sprintf("mx%d", i+1)), "imaps", "IMAP over TLS", []config.GroupID{"europe", "asia"}[i/8])
	}
	var probes []incident.Result
	for id := range maps.Keys(p.Checks) {
		probes = append(probes, wellProbe(id))
	}
	return newStage(t, p.Config, nil, probes...)
}
