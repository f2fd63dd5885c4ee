package stream

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// The kinds of records that are about the cluster itself. Who folds incidents skips all kinds that
// begin with "cluster.".
const (
	kindRound   = "cluster.round"   // heads the records of a message, in the copy only
	kindBegan   = "cluster.began"   // a node decides from here on
	kindStill   = "cluster.still"   // the same node decides still
	kindCreated = "cluster.created" // the stream was made
	kindWhole   = "cluster.whole"   // the whole state begins
	kindUnread  = "cluster.unread"  // a message of a newer version, as it is
)

// KindRebase is the kind of the record with which a whole state begins that a node has appended
// because the stream had lost what it holds: [Copy.Rebase].
const KindRebase = "cluster.rebase"

// A note is the data of the records about the cluster itself.
type note struct {
	Node    string `json:"node,omitempty"`
	Term    uint64 `json:"term,omitempty"`
	Version string `json:"version,omitempty"`
	Held    uint64 `json:"held,omitempty"` // of a rebase: the last sequence that its node holds
}

// record returns a note as a record.
func (n note) record(kind string) journal.Record {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers
	}
	return journal.Record{At: time.Now(), Kind: kind, Data: text}
}

// A round heads the records of one message in the copy.
type round struct {
	Seq     uint64 `json:"seq"`
	Term    uint64 `json:"term"`
	Era     string `json:"era,omitempty"`
	Prev    string `json:"prev,omitempty"`
	Sum     string `json:"sum"` // of this message
	Records int    `json:"records"`
	Whole   *part  `json:"whole,omitempty"`
	V       int    `json:"v,omitempty"` // if it is a newer version than this imapvigil writes
}

// record returns the head as a record.
func (h round) record() journal.Record {
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings and numbers
	}
	return journal.Record{At: time.Now(), Kind: kindRound, Data: text}
}

// parseRound reads a head.
func parseRound(data json.RawMessage) (h round, err error) {
	if err := json.Unmarshal(data, &h); err != nil {
		return round{}, fmt.Errorf("reading a round's head: %w", err)
	}
	if h.Seq == 0 || h.Records < 0 || h.Sum == "" || !h.Whole.isValid() {
		return round{}, fmt.Errorf("reading a round's head: it is not whole")
	}
	return h, nil
}
