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

// journalContents are the journal as `imapvigil journal --json` prints it.
type journalContents struct {
	entries       []entry
	events        []incident.Event
	notifications []outbox.Notification
	outcomes      []outbox.Outcome
}

func (v *daemonProcess) journalContents() (l journalContents) {
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

func (l *journalContents) add(v *daemonProcess, e entry) {
	v.t.Helper()
	l.entries = append(l.entries, e)
	var err error
	switch {
	case strings.HasPrefix(e.Kind, "incident."):
		l.events, err = decoded(l.events, e.Data)
	case e.Kind == "telling":
		l.notifications, err = decoded(l.notifications, e.Data)
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
// was told of each of these once; and each notification has one end, which is good.
func (l journalContents) verify(v *daemonProcess, checks []config.CheckID, destinations int) {
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
	for _, notification := range l.notifications {
		for _, item := range notification.Items {
			told[fmt.Sprintf("%s: %s of %s", item.Transition, notification.NotifyID, item.Incident)]++
		}
		if ends := l.ends(notification.Key); !slices.Equal(ends, []outbox.DeliveryState{outbox.Sent}) {
			v.t.Errorf("notification %s of %s has the ends %v, want one, sent", notification.Key, notification.NotifyID, ends)
		}
	}
	for what, n := range told {
		if n != 1 {
			v.t.Errorf("told %d times: %s", n, what)
		}
	}
	if want := 2 * destinations * len(checks); len(told) != want {
		v.t.Errorf("%d things were told, want %d", len(told), want)
	}
}

// checksWith lists the checks that an event has happened to, sorted.
func (l journalContents) checksWith(kind incident.Kind) (checks []config.CheckID) {
	for _, e := range l.events {
		if e.Kind == kind {
			checks = append(checks, e.Check)
		}
	}
	slices.Sort(checks)
	return checks
}

// ends are the final outcomes of a notification.
func (l journalContents) ends(key outbox.Key) (ends []outbox.DeliveryState) {
	for _, o := range l.outcomes {
		if o.Key == key && o.State.Final() {
			ends = append(ends, o.State)
		}
	}
	return ends
}

// awaitRecord returns as soon as the journal has a record of a kind.
func (v *daemonProcess) awaitRecord(kind string) {
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
