//go:build !quick

package pages

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// photographed is when the pictures of README.md are taken: a Tuesday, 08:26 in Berlin.
var photographed = time.Date(2026, 11, 17, 7, 25, 0, 0, time.UTC)

// fullFinding is what is wrong in the pictures.
var fullFinding = incident.Finding{
	Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseLogin, Cause: config.CauseConnectionLimit,
	Hint:     "The server refuses because of its limit on connections or sessions. Check the limit, and look for sessions that are never closed.",
	Evidence: opaque.Sanitise("a2 NO [LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=20)"), Address: "192.0.2.30",
}

// photoStage is the fleet in the pictures: one of its servers lets nobody in.
func photoStage(t *testing.T) *stage {
	t.Helper()
	p := newPlan()
	for id, label := range map[config.GroupID]string{
		"europe": "Europe", "europe/germany": "Germany", "europe/france": "France", "customers": "Customers",
	} {
		p.group(id, label)
	}
	germany, france, customers := []config.GroupID{"europe", "europe/germany"}, []config.GroupID{"europe", "europe/france"}, []config.GroupID{"customers"}
	var probes []incident.Result
	for _, c := range []struct {
		server      config.ServerID
		name, label string
		path        []config.GroupID
		ms          []int
	}{
		{"mx1", "imaps", "IMAP over TLS", germany, []int{3, 14, 31, 9, 8, 26, 11, 5}},
		{"mx1", "imap", "IMAP with STARTTLS", germany, []int{3, 14, 33, 9, 8, 29, 12, 5}},
		{"mx2", "imaps", "IMAP over TLS", germany, []int{2, 15, 30, 8, 8, 31, 12, 4}},
		{"mx3", "imaps", "IMAP over TLS", france, nil},
		{"mx4", "imaps", "IMAP over TLS", france, []int{4, 22, 45, 12, 10, 38, 15, 6}},
		{"acme", "imaps", "Acme Engineering", customers, []int{5, 28, 60, 15, 12, 48, 22, 8}},
		{"university", "imaps", "University", customers, []int{3, 19, 41, 11, 10, 64, 28, 6}},
		{"townhall", "imaps", "Town hall", customers, []int{6, 31, 66, 17, 14, 52, 19, 9}},
	} {
		check := p.check(c.server, c.name, c.label, c.path...)
		check.Probe.Thresholds = config.PhaseTimes{config.PhaseTLS: 120 * time.Millisecond, config.PhaseLogin: 100 * time.Millisecond, config.WholeConversation: 300 * time.Millisecond}
		if c.path[0] == "customers" {
			p.Servers[c.server].Label = c.label
		}
		probes = append(probes, photoProbe(check.ID, c.ms))
	}
	p.Checks["mx3/imaps"].Description = "The mailboxes of 1,200 people in Lyon"
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p.Page.Zone = zone
	return newStageAt(t, photographed, p.Config, photoNight(t), probes...)
}

// photoProbe is the last probe of a check; without times it is the one that fails.
func photoProbe(id config.CheckID, ms []int) incident.Result {
	r := wellProbe(id)
	first, second := ms, ms
	if ms == nil {
		first, second = []int{4, 19, 42, 11, 10, 112}, []int{4, 23, 47, 12, 10, 41, 16, 7}
		r.Findings = []incident.Finding{fullFinding}
	}
	r.Addresses = []incident.Address{address("192.0.2.30", incident.OK, first...), address("2001:db8::30", incident.OK, second...)}
	for i := range r.Addresses {
		r.Addresses[i].TLS.NotBefore, r.Addresses[i].TLS.NotAfter = photographed.AddDate(0, -1, -3), photographed.AddDate(0, 1, 27)
	}
	if a := &r.Addresses[0]; ms == nil {
		a.Health, a.Phase, a.Cause, a.Hint, a.Evidence = incident.Down, fullFinding.Phase, fullFinding.Cause, fullFinding.Hint, fullFinding.Evidence
	}
	return r
}

// photoNight is what happened in the half hour before: it fails, people are notified, and one
// of them answers.
func photoNight(t *testing.T) (w written) {
	t.Helper()
	const in, check = "k3q9w2m7tx", "mx3/imaps"
	ago := func(minutes float64) time.Time {
		return photographed.Add(-time.Duration(minutes * float64(time.Minute)))
	}
	for _, e := range []incident.Event{
		{Kind: incident.Failing, At: ago(21), Since: ago(21), Finding: &fullFinding},
		{Kind: incident.Opened, At: ago(18), Since: ago(21), Finding: &fullFinding},
		{Kind: incident.Acknowledged, At: ago(11), By: "anna", Reason: "A client opens too many, I block it."},
	} {
		e.Incident, e.Check, e.Condition, e.Target = in, check, config.ConditionService, "mx3.example.org:993"
		w.add(t, "incident."+string(e.Kind), e.At, e)
	}
	for _, n := range []struct {
		key      outbox.Key
		notifier config.NotifierID
		kind     notifiers.Kind
		target   string
		at       float64
		answer   string
	}{
		{"iv_1", "email.mailroom", "email", "it@example.org", 17.9, "250 2.0.0 queued as 4Xk1"},
		{"iv_2", "sms.twilio", "sms", "+15550100", 17.9, "SM2f1c delivered"},
	} {
		w.add(t, "telling", ago(n.at), outbox.Notification{
			Key: n.key, At: ago(n.at), Kind: n.kind, NotifyID: config.NotifyID{Role: "it_team", Notifier: n.notifier, Target: n.target},
			Items: []outbox.Item{{Incident: in, Transition: notifiers.Opened, Episode: 1}},
		})
		sent := ago(n.at - 0.1)
		w.add(t, "outcome", sent, outbox.Outcome{Key: n.key, At: sent, State: outbox.Sent, Attempts: 1, Receipt: notifiers.Receipt{Answer: opaque.Sanitise(n.answer)}})
	}
	return w
}

// photoPast is the year before: few bad days, as people have them.
func photoPast() *madePast {
	bout := func(daysAgo float64, minutes int, service bool) availability.Bout {
		from := photographed.Add(-time.Duration(daysAgo * 24 * float64(time.Hour)))
		return availability.Bout{From: from, To: from.Add(time.Duration(minutes) * time.Minute), Reported: from.Add(3 * time.Minute), Service: service, Incident: "old"}
	}
	span := func(daysAgo, hours float64, kind availability.Kind) availability.Interval {
		from := photographed.Add(-time.Duration(daysAgo * 24 * float64(time.Hour)))
		return availability.Interval{From: from, To: from.Add(time.Duration(hours * float64(time.Hour))), Kind: kind}
	}
	move, stopped := span(45.3, 4, availability.Maintenance), span(68.1, 2.5, availability.Unknown)
	now := availability.Bout{From: photographed.Add(-21 * time.Minute), Reported: photographed.Add(-18 * time.Minute), Service: true, Incident: "k3q9w2m7tx"}
	german := []availability.Interval{stopped, move}
	p := &madePast{since: photographed.AddDate(-1, 0, 0), lives: map[config.CheckID]availability.Life{
		"mx1/imaps":        {Bouts: []availability.Bout{bout(29.3, 19, true)}, Intervals: german},
		"mx1/imap":         {Bouts: []availability.Bout{bout(29.3, 19, true)}, Intervals: german},
		"mx2/imaps":        {Bouts: []availability.Bout{bout(57.1, 140, false)}, Intervals: german},
		"mx3/imaps":        {Bouts: []availability.Bout{bout(74.2, 96, true), bout(33.6, 11, true), bout(16.1, 260, false), now}, Intervals: []availability.Interval{stopped}},
		"mx4/imaps":        {Bouts: []availability.Bout{bout(33.6, 11, true)}, Intervals: []availability.Interval{stopped}},
		"acme/imaps":       {Bouts: []availability.Bout{bout(22.2, 760, true), bout(51.6, 14, true)}, Intervals: []availability.Interval{stopped}},
		"university/imaps": {Bouts: []availability.Bout{bout(8.3, 52, false), bout(61.8, 24, true)}, Intervals: []availability.Interval{stopped, span(12.2, 5, availability.Maintenance)}},
		"townhall/imaps":   {Intervals: []availability.Interval{{To: photographed.AddDate(0, 0, -41), Kind: availability.Absent}}},
	}}
	p.points = photoPoints()
	for _, ip := range []string{"192.0.2.30", "2001:db8::30"} {
		usual := address(ip, incident.OK, 3, 20, 44, 11, 9, 36, 15, 6)
		p.ghosts = append(p.ghosts, history.Ghost{Address: usual.IP, N: 10_000, Median: usual.Timings})
		p.certs = append(p.certs, photoCertificates(usual.IP)...)
	}
	return p
}

// photoPoints are the latencies of a day: people log in from eight o'clock, and a backup runs at
// three at night.
func photoPoints() (list []history.Point) {
	random := rand.New(rand.NewPCG(3, 993))
	ms := func(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }
	for i := range 284 {
		at := photographed.Add(-24*time.Hour + time.Duration(i)*5*time.Minute)
		hour := math.Mod(8.42+float64(i)/12, 24)
		busy := 118 + 34*math.Exp(-math.Pow((hour-10.5)/2.6, 2)) + 26*math.Exp(-math.Pow((hour-15)/2.4, 2)) + 48*math.Exp(-math.Pow((hour-3.1)/0.5, 2))
		median := busy + 5*random.NormFloat64()
		late := median * (1.16 + 0.10*random.Float64())
		latest := late * (1.10 + 0.22*random.Float64())
		p := history.Point{At: at, N: 5, OK: 5, Max: ms(latest * 1.08)}
		p.P50[0], p.P95[0], p.P99[0] = ms(median), ms(late), ms(latest)
		list = append(list, p)
	}
	return list
}

func photoCertificates(ip netip.Addr) (list []history.Certificate) {
	for i, sum := range []string{"c0ffee01c0ffee01c0ffee", "5ec0de01ab5ec0de01ab5ec0de"} {
		first := photographed.AddDate(0, -1-2*i, -3)
		last := photographed
		if i > 0 {
			last = photographed.AddDate(0, -1, -3)
		}
		list = append(list, history.Certificate{
			Address: ip, SHA256: sum, First: first, Last: last, NotBefore: first.Add(-time.Hour), NotAfter: first.AddDate(0, 3, 0), Subject: "CN=mx3.example.org", Issuer: "CN=R11, O=Let's Encrypt",
		})
	}
	return list
}
