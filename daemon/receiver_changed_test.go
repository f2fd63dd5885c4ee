package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A duty is a stage with one check, whose incidents go to PagerDuty by the key that the files have.
type duty struct {
	*stage
	sink *httpsink.Sink
	down atomic.Bool
	seen int          // requests
	dead atomic.Value // the key that is refused
}

func newDuty(t *testing.T) *duty {
	d := &duty{stage: newStage(t)}
	sink, err := httpsink.Start(httpsink.Options{Answer: d.answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	d.sink = sink
	d.probe = func(_ context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
		p := well(id)
		if d.down.Load() {
			p.Conversations[0].Failure = &incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseBye}
		}
		return p
	}
	return d
}

type pagerdutyEvent struct {
	Key    string `json:"routing_key"`
	Action string `json:"event_action"`
	Dedup  string `json:"dedup_key"`
}

func (d *duty) answer(r httpsink.Request) httpsink.Response {
	var e pagerdutyEvent
	_ = json.Unmarshal(r.Body, &e)
	if e.Key == d.dead.Load() {
		return httpsink.Response{Status: http.StatusBadRequest, Body: `{"status":"invalid event","message":"Event object is invalid","errors":["no such key"]}`}
	}
	return httpsink.Response{Status: http.StatusAccepted, Body: fmt.Sprintf(`{"status":"success","message":"Event processed","dedup_key":%q}`, e.Dedup)}
}

func key(letter string) string { return strings.Repeat(letter, 32) }

// write writes the files: the notifier with a key, and a role with what its notify block says; without a key
// both are gone.
func (d *duty) write(letter, block string) {
	text := "daemon {\n  heartbeat_url = \"\"\n  notification_roles = []\n}\n"
	roles := "[]"
	if letter != "" {
		text += fmt.Sprintf("notifier \"pagerduty\" \"duty\" {\n  routing_key = %q\n  api_url = %q\n}\n", key(letter), d.sink.URL())
		text += "notification_role \"it\" {\n  notify {\n    via = notifier.pagerduty.duty\n" + block + "  }\n}\n"
		roles = "[notification_role.it]"
	}
	text += "imap_check \"mx\" {\n  hostname = \"127.0.0.1\"\n  fault_tolerance = \"0s\"\n  recovery_tolerance = \"0s\"\n  reopen_within = \"0s\"\n  notification_roles = " + roles + "\n}\n"
	d.text("conf/one.hcl", text)
}

func (d *duty) change(letter, block string) {
	d.t.Helper()
	d.write(letter, block)
	if v := d.reload(); v != "applied" {
		d.t.Fatalf("the reload was %s", v)
	}
}

// observe has the check fail or be well, which is certain at once.
func (d *duty) observe(down bool) {
	d.down.Store(down)
	for range 2 {
		now := time.Now()
		r := incident.Result{Check: "mx", Target: "127.0.0.1:993", Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService)}
		if down {
			r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseBye}}
		}
		d.m.deciding.own.Observe(d.t.Context(), r)
	}
}

// expect waits for requests, each "ACTION by LETTER", and returns what the last answer says in the journal.
func (d *duty) expect(want ...string) (answer string) {
	d.t.Helper()
	d.seen += len(want)
	ctx, cancel := context.WithTimeout(d.t.Context(), patience/6)
	defer cancel()
	all, err := d.sink.Wait(ctx, d.seen)
	if err != nil {
		d.t.Fatalf("%v; there are %d requests of %d", err, len(d.sink.Requests()), d.seen)
	}
	for i, r := range all[d.seen-len(want) : d.seen] {
		var e pagerdutyEvent
		if err := json.Unmarshal(r.Body, &e); err != nil {
			d.t.Fatal(err)
		}
		if got := e.Action + " by " + e.Key[:1]; got != want[i] || !strings.HasPrefix(e.Dedup, "imapvigil/") {
			d.t.Errorf("request %d is %q of %q, want %q", i, got, e.Dedup, want[i])
		}
	}
	for ctx.Err() == nil {
		s, err := d.m.deciding.own.Snapshot(ctx)
		if err != nil {
			d.t.Fatal(err)
		}
		waits, last := false, time.Time{}
		for in := range s.Incidents() {
			for delivery := range s.Deliveries(in) {
				waits = waits || !delivery.State.Final()
				if delivery.At.After(last) {
					last, answer = delivery.At, delivery.Answer.String()
				}
			}
		}
		if !waits {
			return answer
		}
	}
	d.t.Fatal("a delivery is still under way")
	return ""
}

// An alert is resolved by the key that opened it, whatever a reload has changed meanwhile; after a restart, when
// that key is gone, by the new one, and the receipt says so.
func TestAlertsAreResolvedByTheKeyThatOpenedThem(t *testing.T) {
	d := newDuty(t)
	d.write("a", "")
	d.start()
	d.observe(true)
	d.expect("trigger by a")
	d.change("b", "    on = [\"opened\"]\n    severity = \"down\"\n")
	d.observe(false)
	if said := d.expect("resolve by a"); strings.Contains(said, "other settings") {
		t.Errorf("the old key has resolved it, and the receipt says %q", said)
	}
	d.observe(true)
	d.expect("trigger by b")
	// The notifier and the role leave the files.
	d.change("", "")
	d.observe(false)
	d.expect("resolve by b")
	d.change("c", "")
	d.observe(true)
	d.expect("trigger by c")
	// The old key is refused, which the receipt says. The sink lists what it has accepted.
	d.dead.Store(key("c"))
	d.change("d", "")
	d.observe(false)
	if said := d.expect("resolve by d"); !strings.Contains(said, "other settings of this notifier, which are refused now: ") || strings.Contains(said, key("c")) {
		t.Errorf("the receipt says %q", said)
	}
	// After a restart nobody knows the old key.
	d.observe(true)
	d.expect("trigger by d")
	d.stop()
	d.write("e", "")
	d.start()
	d.observe(false)
	if said := d.expect("resolve by e"); !strings.Contains(said, "other settings of this notifier, which are gone: what it opened may still be open there") {
		t.Errorf("the receipt says %q", said)
	}
	// What was opened with the key of the files needs no remark.
	d.observe(true)
	d.expect("trigger by e")
	d.stop()
	d.start()
	d.observe(false)
	if said := d.expect("resolve by e"); strings.Contains(said, "other settings") {
		t.Errorf("the key is the same, and the receipt says %q", said)
	}
}
