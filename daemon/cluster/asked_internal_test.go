package cluster

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// FuzzJournalAnswer: what another node says of the journal costs no more memory than it has bytes, and questions for
// it are for some messages.
func FuzzJournalAnswer(f *testing.F) {
	f.Add([]byte{toldEnds, 1, 0})
	f.Add([]byte{toldEnds, 3, 1})
	f.Add([]byte{toldMessages, 2, 'a', 'b', 0})
	f.Add([]byte{toldMessages, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{toldGone})
	f.Add([]byte(`{"first":18446744073709551615,"last":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if first, last, err := parseEnds(data); err == nil && (first == 0 || first-1 > last) {
			t.Errorf("a stream from %d to %d", first, last)
		}
		messages, err := parseMessages(data)
		size := 0
		for _, m := range messages {
			size += len(m)
		}
		if err == nil && len(messages) == 0 || len(messages) > toldAtOnce || size > len(data) {
			t.Errorf("%d messages of %d bytes in %d", len(messages), size, len(data))
		}
		if q, err := parseJournalQuestion(data); err == nil && (q.First > q.Last || q.First+toldAtOnce < q.First) {
			t.Errorf("%+v", q)
		}
	})
}

// FuzzSights: what a node says that it last saw is some packets, none of which is too large.
func FuzzSights(f *testing.F) {
	f.Add(encode([][]byte{{1}, {2, 3}}))
	f.Add([]byte("null"))
	f.Add([]byte(`["",`))
	f.Add([]byte("[" + string(bytes.Repeat([]byte(`"",`), mostPackets+1)) + `""]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		packets, _ := parseSights(answer)
		if len(packets) > mostPackets || len(packets) > len(answer) {
			t.Errorf("%d packets", len(packets))
		}
		for _, p := range packets {
			if len(p) > agree.MaxPacket {
				t.Errorf("a packet of %d bytes", len(p))
			}
		}
	})
}

// What a node last saw is read also when all of very many checks fail, and each has much to say.
func TestAllOfManyChecksFail(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := agree.NewPacker("fra1", now)
	finding := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Hint: strings.Repeat("x", 1000)}
	for i := range 50_000 {
		p.Add(incident.Result{
			Check: config.CheckID(fmt.Sprintf("mx%d/imaps", i)), Started: now, Ended: now,
			Observed: config.ConditionSet(config.ConditionService), Findings: []incident.Finding{finding},
		}, 1, now)
	}
	answer := encode(p.All(now))
	if packets, err := parseSights(answer); err != nil || len(packets) == 0 || len(answer) < 40<<20 {
		t.Errorf("%d packets of %d bytes: %v", len(packets), len(answer), err)
	}
}

// What costs a node work, or others could use, is for nodes that need it.
func TestWhoIsAnsweredWhat(t *testing.T) {
	n := &Node{
		cfg:    &config.Config{Cluster: &config.Cluster{Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}, "lon1": {ID: "lon1"}}}},
		packer: agree.NewPacker("fra1", time.Now()), packingAll: make(chan struct{}, 1), journaling: make(chan struct{}, 1), Options: Options{Node: "lon1"},
	}
	for from, want := range map[string]Asker{"fra1": {"fra1", true}, "lon1": {"lon1", false}, "gone": {"gone", false}, "": {}} {
		got := n.askerOf(bus.Question{From: from})
		if got != want {
			t.Errorf("%q is %+v", from, got)
		}
		if sights := n.answer(t.Context(), got, []byte{askSights}); (sights == nil) != (from == "lon1" || from == "gone") {
			t.Errorf("%q is told what was seen: %q", from, sights)
		}
		// This node may not decide, so it may not read the journal for others.
		if told := n.answer(t.Context(), got, append([]byte{askJournal}, "{}"...)); !bytes.Equal(told, []byte{toldNothing}) {
			t.Errorf("%q is told of the journal: %q", from, told)
		}
	}
	n.Node = "fra1"
	if told := n.answer(t.Context(), Asker{}, append([]byte{askJournal}, "{}"...)); !bytes.Equal(told, []byte{toldNothing}) {
		t.Errorf("who does not say a name is told of the journal: %q", told)
	}
}
