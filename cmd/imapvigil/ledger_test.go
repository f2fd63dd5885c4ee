//go:build !quick

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A ledger is the journal as `imapvigil journal --json` prints it.
type ledger struct {
	entries  []entry
	events   []incident.Event
	tellings []outbox.Notification
	outcomes []outbox.Outcome
}

func (v *vigil) ledger() (l ledger) {
	v.t.Helper()
	out, code := v.command("journal", "--json")
	if code != 0 {
		v.t.Fatalf("imapvigil journal ended with exit code %d", code)
	}
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			v.t.Fatal(err)
		}
		l.add(v, e)
	}
	return l
}

func (l *ledger) add(v *vigil, e entry) {
	v.t.Helper()
	l.entries = append(l.entries, e)
	var err error
	switch {
	case strings.HasPrefix(e.Kind, "incident."):
		l.events, err = decoded(l.events, e.Data)
	case e.Kind == "telling":
		l.tellings, err = decoded(l.tellings, e.Data)
	case e.Kind == "outcome":
		l.outcomes, err = decoded(l.outcomes, e.Data)
	}
	if err != nil {
		v.t.Fatalf("record %d: %v", e.Seq, err)
	}
}

func decoded[T any](list []T, data []byte) ([]T, error) {
	var value T
	err := json.Unmarshal(data, &value)
	return append(list, value), err
}

// verify finds what was lost and what was doubled: the numbers have no gap;
// each of the checks had one incident, opened once and closed once; each way
// was told of each of these once; and each telling has one end, which is good.
func (l ledger) verify(v *vigil, checks []config.CheckID, ways int) {
	v.t.Helper()
	for i, e := range l.entries {
		if e.Seq != uint64(i+1) {
			v.t.Fatalf("record %d stands where %d should", e.Seq, i+1)
		}
	}
	for _, kind := range []incident.Kind{incident.Failing, incident.Opened, incident.Closed} {
		if got := l.checksWith(kind); !slices.Equal(got, checks) {
			v.t.Errorf("%s: %v, want each of %v once", kind, got, checks)
		}
	}
	told := map[string]int{}
	for _, telling := range l.tellings {
		for _, item := range telling.Items {
			told[fmt.Sprintf("%s: %s of %s", item.Transition, telling.NotifyID, item.Incident)]++
		}
		if ends := l.ends(telling.Key); !slices.Equal(ends, []outbox.DeliveryState{outbox.Sent}) {
			v.t.Errorf("telling %s of %s has the ends %v, want one, sent", telling.Key, telling.NotifyID, ends)
		}
	}
	for what, n := range told {
		if n != 1 {
			v.t.Errorf("told %d times: %s", n, what)
		}
	}
	if want := 2 * ways * len(checks); len(told) != want {
		v.t.Errorf("%d things were told, want %d", len(told), want)
	}
}

// checksWith lists the checks that an event has happened to, sorted.
func (l ledger) checksWith(kind incident.Kind) (checks []config.CheckID) {
	for _, e := range l.events {
		if e.Kind == kind {
			checks = append(checks, e.Check)
		}
	}
	slices.Sort(checks)
	return checks
}

// ends are the final outcomes of a telling.
func (l ledger) ends(key outbox.Key) (ends []outbox.DeliveryState) {
	for _, o := range l.outcomes {
		if o.Key == key && o.State.Final() {
			ends = append(ends, o.State)
		}
	}
	return ends
}

// awaitRecord returns as soon as the journal has a record of a kind.
func (v *vigil) awaitRecord(kind string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for record, err := range journal.Follow(ctx, v.path("state/journal"), 0) {
		if err != nil {
			v.t.Fatal(err)
		}
		if record.Kind == kind {
			return
		}
	}
	v.t.Fatalf("the journal never gets a record %s", kind)
}
