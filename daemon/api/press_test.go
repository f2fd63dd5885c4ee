package api_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A code says which incident it is of, to the notifier that has sent it alone. One of which a byte
// was changed, or that another key has signed, says nothing; nor does a link.
func TestCodesCannotBeChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), api.LinkKeySize, api.LinkKeySize).Draw(t, "key")
		id := incident.ID(rapid.StringMatching(`[0-9a-z]{10,30}`).Draw(t, "incident"))
		links := api.NewLinks(key)
		code := links.Code(id, "slack.ops")
		if got, isOurs := links.ReadCode(code, "slack.ops"); !isOurs || got != id || len(code) > 60 {
			t.Fatalf("%q: %q, %v", code, got, isOurs)
		}
		changed := []byte(code)
		changed[rapid.IntRange(0, len(code)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		otherKey := bytes.Clone(key)
		otherKey[0] ^= 1
		for name, read := range map[string]func() (incident.ID, bool){
			"changed":          func() (incident.ID, bool) { return links.ReadCode(string(changed), "slack.ops") },
			"cut":              func() (incident.ID, bool) { return links.ReadCode(code[:len(code)-1], "slack.ops") },
			"another notifier": func() (incident.ID, bool) { return links.ReadCode(code, "slack.other") },
			"another key":      func() (incident.ID, bool) { return api.NewLinks(otherKey).ReadCode(code, "slack.ops") },
			"no key":           func() (incident.ID, bool) { return api.Links{}.ReadCode(code, "slack.ops") },
			"empty":            func() (incident.ID, bool) { return links.ReadCode("", "slack.ops") },
			"a link": func() (incident.ID, bool) {
				return links.ReadCode(links.Token(api.Link{Incident: id, Role: "slack.ops", Until: noon}), "slack.ops")
			},
		} {
			if got, isOurs := read(); isOurs || got != "" {
				t.Errorf("%s: %q is read as %q", name, code, got)
			}
		}
	})
}

// Without a key, and of an id that is too long for a button, there is no code.
func TestNoCode(t *testing.T) {
	t.Parallel()
	links := api.NewLinks(make([]byte, api.LinkKeySize))
	if code := (api.Links{}).Code("abc", "slack.ops"); code != "" {
		t.Errorf("without a key: %q", code)
	}
	if code := links.Code(incident.ID(strings.Repeat("x", 60)), "slack.ops"); code != "" {
		t.Errorf("too long: %q", code)
	}
}

// An ackDesk is a daemon that takes acknowledgements, or refuses them.
type ackDesk struct {
	*fake
	before incident.Incident
	refuse error
	taken  []tracker.Acknowledgement
}

func (d *ackDesk) Acknowledge(_ context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error) {
	a.By = string(id) + ": " + a.By
	d.taken = append(d.taken, a)
	return d.before, d.refuse
}

func (d *ackDesk) Explain(context.Context, incident.ID) ([]outbox.Held, error) { return nil, nil }

// Whoever presses a button is told what came of it, whatever that is, and the journal says who it
// was and by which service.
func TestPressesAreAnswered(t *testing.T) {
	links := api.NewLinks(make([]byte, api.LinkKeySize))
	code := func(id incident.ID) string { return links.Code(id, "slack.ops") }
	snapshot := shown(t)
	cfg := *snapshot.Config
	cfg.Daemon.Zone = time.UTC
	snapshot.Config = &cfg
	for name, test := range map[string]struct {
		press  notifiers.Press
		before incident.Incident
		refuse error
		taken  string
		words  string
	}{
		"first": {
			press: notifiers.Press{Code: code("dead0beef0"), By: "anna (U024BE7LH)"}, taken: "dead0beef0: anna (U024BE7LH), by Slack",
			words: "Acknowledged by anna (U024BE7LH), by Slack. There are no more reminders and no escalations until the incident is over.",
		},
		"nobody": {
			press: notifiers.Press{Code: code("dead0beef0")}, taken: "dead0beef0: by Slack",
			words: "Acknowledged by Slack. There are no more reminders and no escalations until the incident is over.",
		},
		"second": {
			press: notifiers.Press{Code: code("dead0beef0"), By: "bert"}, taken: "dead0beef0: bert, by Slack",
			before: incident.Incident{AckedAt: noon, AckedBy: "by link sent to it_team"},
			words:  "This incident is already acknowledged by link sent to it_team, at 12:00 UTC.",
		},
		"over": {press: notifiers.Press{Code: code("0ldincident")}, words: "The incident is over. There is nothing to acknowledge."},
		"ending": {
			press: notifiers.Press{Code: code("dead0beef0"), By: "a\x1b[31mb"}, taken: `dead0beef0: a\x1b[31mb, by Slack`, refuse: errors.New("the tracker has stopped"),
			words: "Nothing is acknowledged: the tracker has stopped. Try again, or acknowledge with the command in the message.",
		},
		"forged": {
			press: notifiers.Press{Code: "dead0beef0.x", Monitor: "vigil1"},
			words: "This button is not one that imapvigil has sent, or a new key was made since. Acknowledge with the command in the message.",
		},
		"of another machine": {
			press: notifiers.Press{Code: "dead0beef0.x", Monitor: "vigil2"},
			words: "This button is of imapvigil on vigil2, and Slack has sent it to imapvigil on vigil1: each imapvigil needs an app of its own. Acknowledge with the command in the message.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &ackDesk{fake: &fake{snapshot: snapshot}, before: test.before, refuse: test.refuse}
			test.press.Via = "Slack"
			words, err := api.Presses{Daemon: d, Links: links, Monitor: "vigil1"}.Take(t.Context(), "slack.ops", test.press)
			if acknowledged := name == "first" || name == "nobody"; words != test.words || (err == nil) != acknowledged {
				t.Errorf("%q, %v\nwant %q", words, err, test.words)
			}
			taken := ""
			for _, a := range d.taken {
				taken += a.By
				if !a.Once || !a.Until.IsZero() || a.Reason == "" {
					t.Errorf("%+v", a)
				}
			}
			if taken != test.taken {
				t.Errorf("acknowledged: %q, want %q", taken, test.taken)
			}
		})
	}
}

// A nodeDesk is the desk of one node of several, with the incidents of its own machine.
type nodeDesk struct {
	*ackDesk
	own *tracker.Snapshot
}

func (d *nodeDesk) OwnIncidents(context.Context) *tracker.Snapshot { return d.own }

// An incident that is about a node itself is acknowledged where it is, although the incidents that all nodes
// share do not have it. Elsewhere nobody is told that it is over.
func TestAPressForANodeItself(t *testing.T) {
	links := api.NewLinks(make([]byte, api.LinkKeySize))
	for id, want := range map[incident.ID]string{
		"dead0beef0": "Acknowledged by anna, by Slack. There are no more reminders and no escalations until the incident is over.",
		"0fan0ther0": "The incident is over, or it is one of another node alone: one about that node itself, which imapvigil ack acknowledges there, or one that it has handed over and that goes on under another id.",
	} {
		d := &nodeDesk{&ackDesk{fake: &fake{snapshot: &tracker.Snapshot{Config: &config.Config{}}}}, shown(t)}
		press := notifiers.Press{Code: links.Code(id, "slack.ops"), By: "anna", Via: "Slack"}
		words, err := api.Presses{Daemon: d, Links: links, Monitor: "vigil1"}.Take(t.Context(), "slack.ops", press)
		if words != want || (err == nil) != (id == "dead0beef0") || (err == nil) != (len(d.taken) == 1) {
			t.Errorf("%s: %q, %v, acknowledged %v", id, words, err, d.taken)
		}
	}
}

// The link of what a node told alone, followed when it has handed that over, names the incident that goes on.
func TestALinkNamesTheIncidentThatGoesOn(t *testing.T) {
	var own *tracker.Snapshot
	synctest.Test(t, func(t *testing.T) {
		seen(t, func(tr *tracker.Tracker) {
			next := func(config.CheckID, config.Condition) incident.Successor {
				return incident.Successor{Node: "fra1", ID: "shared0000"}
			}
			if err := tr.HandOver(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			var err error
			if own, err = tr.Snapshot(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
	handed := 0
	for in := range own.Incidents() {
		if in.Incident.ClosedAs != incident.HandedOver {
			continue
		}
		handed++
		d := &nodeDesk{&ackDesk{fake: &fake{snapshot: &tracker.Snapshot{Config: &config.Config{}}}}, own}
		_, err := api.Link{Incident: in.Incident.ID}.IncidentOf(t.Context(), d)
		if want := "The incident was handed over to fra1, where it goes on as incident shared0000. Acknowledge that one: imapvigil ack shared0000."; err == nil || err.Error() != want {
			t.Errorf("%s: %v", in.Incident.ID, err)
		}
	}
	if handed == 0 {
		t.Error("nothing was handed over")
	}
}
