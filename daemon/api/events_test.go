package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A living daemon has a tracker, and is watched in virtual time.
type living struct {
	fake
	t        *testing.T
	tracker  *tracker.Tracker
	mux      *http.ServeMux // one for all, as there is one hub
	watching sync.WaitGroup
	log      alarmLog
}

// An alarmLog is a journal, and what was sent: all that somebody is told.
type alarmLog struct {
	written
	mu   sync.Mutex
	text strings.Builder
}

func (l *alarmLog) Append(records ...journal.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		fmt.Fprintf(&l.text, "%s %s %s\n", r.At.Format(time.RFC3339Nano), r.Kind, r.Data)
	}
	return nil
}

func (l *alarmLog) Send(to config.NotifyID, _ json.RawMessage, m notifiers.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%s to %s: %s\n", time.Now().Format(time.RFC3339Nano), to.Notifier, m.Key)
}

func (d *living) Snapshot(ctx context.Context) (*tracker.Snapshot, error) {
	return d.tracker.Snapshot(ctx)
}

// live runs a tracker with checks in two groups in a bubble.
func live(t *testing.T, do func(*living)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &living{t: t}
		var err error
		if d.tracker, err = tracker.Open(tracker.Options{Journal: &d.log, Sender: &d.log}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = d.tracker.Run(ctx) }()
		d.configure("acme/a", "acme/b", "globex/c")
		d.mux = http.NewServeMux()
		for _, route := range api.Routes(d) {
			d.mux.Handle(route.Pattern, route.Handler)
		}
		do(d)
		d.watching.Wait()
		cancel()
		<-ended
		time.Sleep(2 * time.Second) // the hub ends with its last client
		synctest.Wait()
	})
}

// configure has checks watched; a name is "group/check".
func (d *living) configure(names ...string) {
	checks := map[config.CheckID]*config.Check{}
	for _, name := range names {
		group, id, _ := strings.Cut(name, "/")
		checks[config.CheckID(id)] = &config.Check{
			ID: config.CheckID(id), Label: id, Enabled: true, Path: []config.GroupID{config.GroupID(group)}, Policy: config.Policy{FaultTolerance: 0},
		}
	}
	cfg := &config.Config{Checks: checks, Digest: fmt.Sprint(len(names)), Groups: map[config.GroupID]*config.Group{"acme": {ID: "acme"}, "globex": {ID: "globex"}}}
	if err := d.tracker.Configure(d.t.Context(), cfg); err != nil {
		d.t.Fatal(err)
	}
}

func (d *living) observe(id config.CheckID, up bool) { d.observeIn(d.t.Context(), id, up) }

func (d *living) observeIn(ctx context.Context, id config.CheckID, up bool) {
	now := time.Now()
	r := incident.Result{Check: id, Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService)}
	if !up {
		r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused}}
	}
	d.tracker.Observe(ctx, r)
}

// A watcher is a client of events: a connection whose other end reads, or does not.
type watcher struct {
	header   http.Header
	code     int
	mu       sync.Mutex
	text     bytes.Buffer
	stuck    bool // it reads nothing
	deadline time.Time
	gone     context.CancelFunc
}

func (w *watcher) Header() http.Header  { return w.header }
func (w *watcher) WriteHeader(code int) { w.code = code }
func (w *watcher) Flush()               {}

func (w *watcher) SetWriteDeadline(at time.Time) error {
	w.deadline = at
	return nil
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	stuck := w.stuck && len(p) > 0
	if !stuck {
		w.text.Write(p)
	}
	w.mu.Unlock()
	if stuck {
		time.Sleep(time.Until(w.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

// came returns the events that have come since it was last asked, without what is the same in
// each.
func (w *watcher) came() (events []event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for part := range strings.SplitSeq(strings.TrimSpace(w.text.String()), "\n\n") {
		var e event
		for line := range strings.Lines(part) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch key {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			}
		}
		if e.name != "" {
			events = append(events, e)
		}
	}
	w.text.Reset()
	return events
}

type event struct{ name, id, data string }

// words says what an event tells of, in few words.
func (e event) words() string {
	var h struct {
		api.Happening
		Check string `json:"check"`
		State string `json:"state"`
	}
	if err := json.Unmarshal([]byte(e.data), &h); err != nil {
		return err.Error()
	}
	text := e.name
	if h.Reload {
		text += " reload"
	}
	for _, c := range h.Checks {
		text += fmt.Sprintf(" %s=%s", c.ID, c.State)
	}
	for _, i := range h.Incidents {
		text += fmt.Sprintf(" %s:%s", i.Check, i.State)
	}
	if h.Check != "" {
		text += fmt.Sprintf(" %s:%s", h.Check, h.State)
	}
	return text
}

// watch opens a stream of events.
func (d *living) watch(v *api.Visitor, query string, headers ...string) *watcher {
	ctx, cancel := context.WithCancel(d.t.Context())
	w := &watcher{header: http.Header{}, gone: cancel}
	r := httptest.NewRequestWithContext(api.WithVisitor(ctx, v), "GET", "/api/v1/events"+query, http.NoBody)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", len(v.Name))
	d.watching.Go(func() { d.mux.ServeHTTP(w, r) })
	synctest.Wait()
	return w
}

// expect checks the events that have come.
func (w *watcher) expect(t *testing.T, want ...string) (last event) {
	t.Helper()
	var got []string
	for _, e := range w.came() {
		got = append(got, e.words())
		last = e
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("the events are %q, want %q", got, want)
	}
	return last
}

// second lets a second pass, in which the hub tells what has changed.
func second() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// Who watches is told what has changed, once a second and as they may see it; that a check was probed
// again is told to those alone who watch that check.
func TestWhoWatchesIsToldWhatChanges(t *testing.T) {
	live(t, func(d *living) {
		acme := &api.Visitor{Name: "carla", Rights: []api.Right{api.See}, Groups: []config.GroupID{"acme"}}
		all, theirs, one := d.watch(everything, ""), d.watch(acme, ""), d.watch(everything, "?check=a")
		for _, w := range []*watcher{all, theirs, one} {
			w.expect(t, "hello")
			defer w.gone()
		}
		if all.header.Get("Content-Type") != "text/event-stream" || all.header.Get("X-Accel-Buffering") != "no" {
			t.Errorf("the headers are %v", all.header)
		}
		for _, id := range []config.CheckID{"a", "b", "c"} {
			d.observe(id, true)
		}
		second()
		all.expect(t, "checks a=ok b=ok c=ok")
		theirs.expect(t, "checks a=ok b=ok")
		one.expect(t, "checks a=ok")
		d.observe("a", true)
		d.observe("c", true)
		second()
		all.expect(t)
		theirs.expect(t)
		one.expect(t, "checks a=ok")
		d.observe("c", false)
		second()
		all.expect(t, "checks c=failing")
		d.observe("c", false)
		second()
		all.expect(t, "incident c:open; checks c=down")
		theirs.expect(t)
		one.expect(t)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if text := all.text.String(); text != ": \n\n" {
			t.Errorf("in 20 seconds of silence %q is sent", text)
		}
	})
}

// What time alone, or a person, brings is told as well.
func TestWhoWatchesIsToldOfSilencesAndMaintenance(t *testing.T) {
	live(t, func(d *living) {
		cfg := &config.Config{
			Checks:      map[config.CheckID]*config.Check{"a": {ID: "a", Enabled: true}, "b": {ID: "b", Enabled: true}},
			Maintenance: []config.Maintenance{{Name: "move", AppliesTo: []config.Ref{{Check: "b"}}, Zone: time.UTC, Start: begin.Add(30 * time.Second), Clock: begin.Add(30 * time.Second), Duration: time.Minute}},
		}
		if err := d.tracker.Configure(d.t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		w := d.watch(everything, "")
		defer w.gone()
		w.expect(t, "hello")
		if _, err := d.tracker.Silence(d.t.Context(), api.Silence{Scope: api.Scope{Check: "a"}, Until: time.Now().Add(10 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		second()
		if e := w.expect(t, "checks a=unknown"); !strings.Contains(e.data, `"silenced_until":"2000`) {
			t.Errorf("the silence is told as %s", e.data)
		}
		time.Sleep(10 * time.Second)
		if e := w.expect(t, "checks a=unknown"); !strings.Contains(e.data, `"silenced_until":null`) {
			t.Errorf("the end of the silence is told as %s", e.data)
		}
		time.Sleep(time.Until(begin.Add(31 * time.Second)))
		synctest.Wait()
		w.expect(t, "checks b=maintenance")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.expect(t, "checks b=unknown")
	})
}

// Who comes again with the id of the last event is told what has changed meanwhile; after a reload,
// or of another daemon, that everything has.
func TestWhoComesAgainMissesNothing(t *testing.T) {
	live(t, func(d *living) {
		w := d.watch(everything, "")
		d.observe("a", true)
		second()
		last := w.expect(t, "hello", "checks a=ok")
		w.gone()
		d.observe("b", false)
		d.observe("b", false)
		time.Sleep(time.Minute)
		again := d.watch(everything, "", "Last-Event-ID: "+last.id)
		defer again.gone()
		again.expect(t, "hello b=down b:open")
		page := d.watch(everything, "?since="+last.id)
		defer page.gone()
		page.expect(t, "hello b=down b:open")
		d.configure("acme/a")
		second()
		again.expect(t, "checks reload")
		for _, id := range []string{last.id, "X" + last.id, "x", last.id + "0000"} {
			other := d.watch(everything, "", "Last-Event-ID: "+id)
			other.expect(t, "hello reload")
			other.gone()
		}
		d.watching.Wait() // the reload has let all go, so that they show anew who they are
	})
}

func TestStreamsAreCounted(t *testing.T) {
	live(t, func(d *living) {
		var open []*watcher
		for range 8 {
			open = append(open, d.watch(everything, ""))
		}
		ninth := d.watch(everything, "")
		if ninth.code != http.StatusTooManyRequests || ninth.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("a ninth stream of one address is answered %d %s", ninth.code, ninth.text.String())
		}
		for i := range 192 {
			open = append(open, d.watch(&api.Visitor{Name: fmt.Sprint(i), Rights: everything.Rights}, ""))
		}
		if next := d.watch(&api.Visitor{Name: "next", Rights: everything.Rights}, ""); next.code != http.StatusTooManyRequests {
			t.Errorf("stream 201 is answered %d %s", next.code, next.text.String())
		}
		for _, w := range open {
			w.expect(t, "hello")
			w.gone()
		}
		synctest.Wait()
		after := d.watch(everything, "")
		after.expect(t, "hello")
		after.gone()
		if hidden := d.watch(blind, "?check=a"); hidden.code != http.StatusNotFound {
			t.Errorf("a check that is not seen is answered %d", hidden.code)
		}
	})
}

// Whoever watches, reading or not, changes nothing of what is journaled and sent, nor when: an hour
// in which checks fail and recover is the same to the byte with 200 clients, of whom 50 never read.
func TestAlarmsAreTheSameWhoeverWatches(t *testing.T) {
	hour := func(clients int) (log string) {
		live(t, func(d *living) {
			var open []*watcher
			for i := range clients {
				w := d.watch(&api.Visitor{Name: fmt.Sprint(i), Rights: everything.Rights}, "")
				w.mu.Lock()
				w.stuck = i%4 == 3
				w.mu.Unlock()
				open = append(open, w)
			}
			for second := range 3600 {
				for i, id := range []config.CheckID{"a", "b", "c"} {
					d.observe(id, (second/60+i)%7 != 0)
				}
				time.Sleep(time.Second)
			}
			for i, w := range open {
				if events := w.came(); i%4 != 3 && len(events) < 100 {
					t.Errorf("client %d got %d events", i, len(events))
				}
				w.gone()
			}
			log = d.log.text.String()
		})
		return log
	}
	alone, watched := hour(0), hour(200)
	if alone != watched || len(alone) < 10_000 {
		t.Errorf("%d bytes of journal and messages without clients, and %d with", len(alone), len(watched))
	}
}
