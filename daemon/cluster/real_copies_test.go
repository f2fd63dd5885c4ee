//go:build !quick

package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// connect connects to the bus of a cluster as one of its nodes, until the round is over.
func (r *realRound) connect(c int, node config.NodeID) bus.Bus {
	options := r.servers.OptionsIn(r.t, c, string(node))
	options.Log = nil
	b, err := bus.Connect(context.Background(), options)
	must(r.t, err)
	r.t.Cleanup(b.Close)
	bustest.AwaitConnected(r.t, b)
	return b
}

// readStream returns where the journal of a cluster says of which messages that they are delivered, and where
// nodes began to decide.
func (r *realRound) readStream(c int) (settled map[string]uint64, began []uint64) {
	settled = map[string]uint64{}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := r.connect(c, fiveNodes()[0].ID).Stream()
	first, last, err := s.Ends(ctx)
	must(r.t, err)
	must(r.t, s.Read(ctx, first, last, func(seq uint64, data []byte) error {
		var message struct {
			Records []struct {
				Kind string
				Data json.RawMessage
			}
		}
		if err := json.Unmarshal(data, &message); err != nil {
			return err
		}
		for _, record := range message.Records {
			var o outbox.Outcome
			switch {
			case record.Kind == "cluster.began":
				began = append(began, seq)
			case record.Kind == "outcome" && json.Unmarshal(record.Data, &o) == nil && o.State == outbox.Sent && settled[string(o.Key)] == 0:
				settled[string(o.Key)] = seq
			}
		}
		return nil
	}))
	return settled, began
}

// listStream says what is in the journal of a cluster, as the servers have it.
func (r *realRound) listStream(c int) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := r.connect(c, fiveNodes()[0].ID).Stream()
	first, last, err := s.Ends(ctx)
	must(r.t, err)
	var text strings.Builder
	must(r.t, s.Read(ctx, first, last, func(seq uint64, data []byte) error {
		fmt.Fprintf(&text, "%d: %.300s\n", seq, data)
		return nil
	}))
	return text.String()
}

// compareCopies finds out whether the copies of all machines have the records of the stream.
func (r *realRound) compareCopies() {
	for c := range r.clusters {
		want, err := r.recordsOf(c, fiveNodes()[0].ID, filepath.Join(r.dir, fmt.Sprint("copy", c)))
		if err != nil {
			r.fail(c, "a copy of all that the servers have: %v", err)
			continue
		}
		for _, p := range r.machines {
			got, err := r.recordsOf(c, fiveNodes()[p.number].ID, filepath.Join(p.host.Dir, p.file.Clusters[c].Name, "shared"))
			if err != nil {
				r.fail(c, "the copy of %s: %v", r.name(p.number), err)
				continue
			}
			if difference := differ(got, want); difference != "" {
				r.fail(c, "the copy of %s: %s", r.name(p.number), difference)
			}
		}
	}
}

// recordsOf returns the records of a copy, once it has all of the stream, as a node that may read it from the
// servers.
func (r *realRound) recordsOf(c int, node config.NodeID, dir string) (list []string, err error) {
	b := r.connect(c, fiveNodes()[0].ID)
	one, err := stream.Open(dir, b.Stream(), stream.Options{Node: string(node)})
	if err != nil {
		return nil, err
	}
	defer one.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := one.CatchUp(ctx); err != nil {
		return nil, err
	}
	for record, err := range one.Records() {
		if err != nil {
			return nil, err
		}
		list = append(list, fmt.Sprintf("%s %s %s", record.At.Format(time.RFC3339Nano), record.Kind, record.Data))
	}
	return list, nil
}

// differ says where two lists of records differ; empty: nowhere.
func differ(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("record %d is %s, not %s", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d records, not %d", len(got), len(want))
	}
	return ""
}
