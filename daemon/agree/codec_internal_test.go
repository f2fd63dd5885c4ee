package agree

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

var epoch = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// text draws a text of ours, or one of a server's before it is sanitised.
func text(t *rapid.T) string {
	return rapid.StringMatching(`([a-zA-Zäß0-9.:/*-]{1,12}( [a-zA-Z0-9.]{1,8}){0,3})?`).Draw(t, "text")
}

func words(t *rapid.T) opaque.Words {
	return opaque.Sanitise(rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("long ", 200))).Draw(t, "words"))
}

func duration(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "duration"))
}

func slice[T any](t *rapid.T, most int, one func(*rapid.T) T) (list []T) {
	for range rapid.IntRange(0, most).Draw(t, "length") {
		list = append(list, one(t))
	}
	return list
}

func health(t *rapid.T) incident.Health { return rapid.SampledFrom(healths[:]).Draw(t, "health") }

func phase(t *rapid.T) config.Phase {
	return config.Phase(rapid.IntRange(0, int(config.PhaseCount)-1).Draw(t, "phase"))
}

func cause(t *rapid.T) config.Cause {
	return rapid.SampledFrom([]config.Cause{"", config.CauseTimeout, config.CauseRefused, config.CauseSlow, "of_a_newer_version"}).Draw(t, "cause")
}

func finding(t *rapid.T) incident.Finding {
	conditions := []config.Condition{}
	for c := range config.AllConditions().All() {
		conditions = append(conditions, c)
	}
	return incident.Finding{
		Condition: rapid.SampledFrom(conditions).Draw(t, "condition"), Health: health(t), Phase: phase(t), Cause: cause(t),
		Hint: text(t), Evidence: words(t), Address: text(t), From: text(t), Grade: rapid.IntRange(-3, 3).Draw(t, "grade"),
	}
}

func note(t *rapid.T) incident.Note {
	return incident.Note{Cause: cause(t), Text: text(t), Evidence: words(t), Address: text(t)}
}

func moment(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
}

func address(t *rapid.T) incident.Address {
	a := incident.Address{
		Node: "fra1", Port: rapid.Uint16().Draw(t, "port"), Phase: phase(t), Health: health(t), Cause: cause(t), Hint: text(t), Evidence: words(t),
		Capabilities: slice(t, 20, text),
	}
	a.IP = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%eth0")}).Draw(t, "ip")
	for i := range a.Timings {
		a.Timings[i] = duration(t)
	}
	if rapid.Bool().Draw(t, "tls") {
		a.TLS = &incident.TLSInfo{
			Version: text(t), Cipher: text(t), Subject: text(t), Issuer: text(t), NotBefore: moment(t), NotAfter: moment(t),
			SHA256: text(t), SPKI: text(t), Names: slice(t, 5, text),
		}
	}
	return a
}

// anyResult draws the result of a probe.
func anyResult(t *rapid.T) incident.Result {
	r := incident.Result{
		Check: config.CheckID(rapid.String().Draw(t, "id")), Target: text(t), Observed: config.Conditions(rapid.Uint16().Draw(t, "observed")),
		Findings: slice(t, 4, finding), Notes: slice(t, 3, note), Addresses: slice(t, 3, address),
	}
	r.Started = epoch.Add(duration(t))
	r.Ended = r.Started.Add(duration(t))
	return r
}

// A result that travels in full arrives as it was, but for where it was begun by the clock of whoever decides.
func TestFullSightsArriveAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyResult(t)
		memory := Memory{}
		sight := memory.See("fra1", r, 1<<40)
		now := r.Ended.Add(duration(t))
		p := NewPacker("fra1", epoch)
		p.Add(r, 1<<40, now)
		packets := p.Flush(now)
		if len(packets) != 1 || len(packets[0]) > MaxPacket {
			t.Fatalf("%d packets", len(packets))
		}
		got, err := readOne(packets[0], now)
		if err != nil {
			t.Fatal(err)
		}
		opts := cmp.Options{cmpopts.EquateComparable(netip.Addr{}, opaque.Words{}), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(r, got.Result, opts); diff != "" {
			t.Fatalf("it arrives otherwise (-sent +arrived):\n%s", diff)
		}
		if got.since != sight.since || !got.Changed.Equal(sight.Changed) || got.Took != sight.Took || got.Settings != 1<<8 {
			t.Fatalf("sent %+v, arrived %+v", sight, got)
		}
	})
}

// readOne reads the one full sight of a packet.
func readOne(packet []byte, now time.Time) (s Sight, err error) {
	r := reader{data: packet}
	r.byte()
	r.uint64()
	r.age()
	r.count(0)
	one := reader{data: r.raw()}
	f := one.full()
	rest := reader{data: f.content}
	c := rest.content()
	if r.err != nil || one.err != nil || rest.err != nil || len(r.data)+len(one.data)+len(rest.data) > 0 {
		return s, errPacket
	}
	ago := func(d time.Duration) time.Time {
		if d < 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	s = Sight{Node: "fra1", Settings: uint64(f.settings), Changed: ago(f.changed), Took: f.took, travelled: true, timings: f.timings}
	s.Result = incident.Result{Check: f.check, Started: now.Add(-f.age), Observed: f.observed, Findings: f.findings, Notes: c.notes, Addresses: c.addresses, Target: c.target}
	s.Result.Ended = s.Result.Started.Add(f.lasted)
	s.Result.Addresses = s.appendAddresses(nil)
	for i, since := range f.since {
		s.since[i] = ago(since)
	}
	return s, nil
}

// A brief sight has about 19 bytes, and says to the millisecond when it began.
func TestBriefSights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := brief{
			check: rapid.Uint64().Draw(t, "check"), settings: rapid.Uint32().Draw(t, "settings"), version: rapid.Byte().Draw(t, "version"),
			observed: ofProbes, age: duration(t).Truncate(time.Millisecond), lasted: duration(t).Truncate(time.Millisecond),
			took: duration(t).Truncate(time.Millisecond),
		}
		var w writer
		w.brief(want)
		r := reader{data: w.data}
		if got := r.brief(); got != want || r.err != nil || len(r.data) > 0 {
			t.Fatalf("sent %+v, arrived %+v, %v", want, got, r.err)
		}
	})
	var w writer
	w.brief(brief{check: 1 << 63, observed: ofProbes, age: 900 * time.Millisecond, lasted: 640 * time.Millisecond, took: 600 * time.Millisecond})
	if len(w.data) != 19 {
		t.Errorf("a brief sight has %d bytes", len(w.data))
	}
}

// A bit of the observed conditions is the same in each version of the program.
func TestConditionsKeepTheirBits(t *testing.T) {
	for bit, c := range []config.Condition{
		config.ConditionService, config.ConditionAddresses, config.ConditionCertificate, config.ConditionLatency,
		config.ConditionCapability, config.ConditionAccount, config.ConditionIntermittent, config.ConditionMonitor,
		config.ConditionLocation,
	} {
		if config.ConditionSet(c) != 1<<bit {
			t.Errorf("%s has another bit than %d: nodes of other versions would take it for another condition", c, bit)
		}
	}
}

// Whatever a node sends, nothing of it is shown unsanitised, it costs not much more memory than it has bytes,
// and the board goes on.
func FuzzTake(f *testing.F) {
	p := NewPacker("fra1", epoch)
	r := incident.Result{
		Check: "mx1/imaps", Started: epoch, Ended: epoch.Add(time.Second), Target: "mx1.example.org:993", Observed: ofProbes,
		Addresses: []incident.Address{{IP: netip.MustParseAddr("fe80::1%eth0"), Port: 993, Capabilities: []string{"IMAP4rev1", "IDLE"}, TLS: &incident.TLSInfo{Version: "TLS 1.3", Names: []string{"mx1.example.org"}}}},
		Notes:     []incident.Note{{Cause: config.CauseAlert, Evidence: opaque.Sanitise("in an hour")}},
	}
	p.Add(r, 7, epoch)
	f.Add(p.Flush(epoch)[0])
	p.Add(r, 7, epoch.Add(time.Second))
	f.Add(p.Flush(epoch.Add(time.Second))[0])
	r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseTLS, Cause: config.CauseTimeout, Hint: "It hangs.", Evidence: opaque.Sanitise("\x1b[2J")}}
	p.Add(r, 7, epoch.Add(2*time.Second))
	f.Add(p.Flush(epoch.Add(2 * time.Second))[0])
	f.Fuzz(func(t *testing.T, packet []byte) {
		b := NewBoard(epoch)
		b.SetNodes([]Member{{Node: "fra1", Location: "frankfurt"}})
		check := &config.Check{ID: "mx1/imaps", Enabled: true, Quorum: config.Quorum{Nodes: 1, Agree: 1}}
		b.Configure(&config.Config{Checks: map[config.CheckID]*config.Check{check.ID: check}})
		_ = b.Take("fra1", packet, epoch.Add(time.Minute))
		b.Sweep(epoch.Add(time.Minute))
		results, _ := b.Decide(epoch.Add(time.Minute))
		for i := range results {
			safe(t, reflect.ValueOf(results[i]))
		}
	})
}

// safe fails the test for a text with something that would steer a terminal.
func safe(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); s != opaque.Bounded(s, len(s)+8) || !utf8.ValidString(s) {
			t.Errorf("%q is not sanitised", s)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[netip.Addr]() {
			return
		}
		for i := range v.NumField() {
			safe(t, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			safe(t, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			safe(t, v.Elem())
		}
	default:
	}
}

// A packet that says that it has more than it has bytes makes room for nothing.
func TestLyingPacketsAllocateLittle(t *testing.T) {
	for name, count := range map[string]func(*reader){
		"briefs":    func(r *reader) { r.count(MaxPacket) },
		"findings":  func(r *reader) { r.findings() },
		"strings":   func(r *reader) { r.strings() },
		"timings":   func(r *reader) { r.timings() },
		"text":      func(r *reader) { _ = r.text(mostText) },
		"addresses": func(r *reader) { r.content() },
	} {
		var w writer
		w.uint(1 << 40)
		w.data = append(w.data, make([]byte, 100)...)
		r := reader{}
		allocated := testing.AllocsPerRun(1, func() {
			r = reader{data: w.data}
			count(&r)
		})
		if r.err == nil || allocated > 3 {
			t.Errorf("%s: %v, %v allocations", name, r.err, allocated)
		}
	}
}
