package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// Speaks is the version of what nodes say to each other and of the records in their journal.
// A node that hears of a newer one follows, and does not decide.
const Speaks = 1

// A heartbeat is what a node says of itself, to the nodes that may decide and to itself: that it
// hears its own is the proof that the bus carries.
type heartbeat struct {
	V        int           `json:"v"`
	Node     config.NodeID `json:"node"`
	Version  string        `json:"version"`
	Speaks   int           `json:"speaks"`
	Decides  bool          `json:"decides"`        // it may, and can
	Digest   string        `json:"digest"`         // config.Config.CommonDigest
	Checks   int           `json:"checks"`         // in its files
	Share    int           `json:"share"`          // how many of them it probes
	Place    uint64        `json:"place"`          // how far its copy of the journal goes
	Wall     time.Time     `json:"wall"`           // what its clock shows
	Copy     string        `json:"copy,omitempty"` // what is wrong with its copy
	Troubles []string      `json:"troubles,omitempty"`
	// Rebasing says that it writes the whole state into a journal that has lost records.
	Rebasing bool `json:"rebasing,omitempty"`
	// Unsent are the notifiers by which it has delivered nothing while it decided, in the last hour.
	Unsent []unsentNotice `json:"unsent,omitempty"`
}

// A beat is what the decider says to all.
type beat struct {
	V      int             `json:"v"`
	Node   config.NodeID   `json:"node"` // the decider
	Term   uint64          `json:"term"` // where in the journal it began
	Live   []config.NodeID `json:"live"` // among whom the checks are shared
	Last   uint64          `json:"last"` // the end of the journal
	Speaks int             `json:"speaks"`
	Digest string          `json:"digest"` // config.Config.CommonDigest
	Checks int             `json:"checks"` // in its files
	Wall   time.Time       `json:"wall"`
	// Bye says that it decides no longer, and that another node is to take over at once.
	Bye bool `json:"bye,omitempty"`
}

// A wake asks nodes to probe a check at once.
type wake struct {
	Check config.CheckID  `json:"check"`
	Nodes []config.NodeID `json:"nodes"`
	// Recheck says that a person has asked: a login that was rejected often is tried once more.
	Recheck bool `json:"recheck,omitempty"`
}

// The bounds of what is taken from another node: the most bytes of a message, of a name and of a
// sentence, and the most of these.
const (
	maxMessage  = 64 << 10
	maxName     = 253 // of a host: RFC 1035, section 2.3.4
	maxSentence = 1024
	maxTroubles = 16
	maxNodes    = 1024
)

// encode returns a message as bytes.
func encode(message any) []byte {
	data, err := json.Marshal(message)
	if err != nil { // a clock that shows a year above 9999
		return []byte("{}")
	}
	return data
}

// decode reads a message that is not too long.
func decode(data []byte, into any) error {
	if len(data) > maxMessage {
		return fmt.Errorf("a message of %d bytes, and %d are the most", len(data), maxMessage)
	}
	return json.Unmarshal(data, into)
}

// parseHeartbeat reads a heartbeat, and makes harmless what another machine has put into it.
func parseHeartbeat(data []byte) (h heartbeat, err error) {
	if err := decode(data, &h); err != nil {
		return h, err
	}
	if h.Node == "" || len(h.Node) > maxName {
		return h, fmt.Errorf("a heartbeat of a node without a name, or with one of %d bytes", len(h.Node))
	}
	h.limitTexts()
	return h, nil
}

// limitTexts cuts texts that are too long, and sanitises them. Both who sends a heartbeat and who reads it do this: one
// that is too long is not read.
func (h *heartbeat) limitTexts() {
	h.Version, h.Digest = opaque.Bounded(h.Version, maxName), opaque.Bounded(h.Digest, maxName)
	h.Copy = opaque.Bounded(h.Copy, maxSentence)
	h.Troubles = slices.Clone(h.Troubles[:min(maxTroubles, len(h.Troubles))])
	for i := range h.Troubles {
		h.Troubles[i] = opaque.Bounded(h.Troubles[i], maxSentence)
	}
	h.Unsent = h.Unsent[:min(maxTroubles, len(h.Unsent))]
	for i := range h.Unsent {
		h.Unsent[i].Notifier = config.NotifierID(opaque.Bounded(string(h.Unsent[i].Notifier), maxName))
		h.Unsent[i].Ago = max(0, h.Unsent[i].Ago)
	}
	h.Share, h.Checks = max(0, h.Share), max(0, h.Checks)
}

// parseBeat reads a beat, as parseHeartbeat does.
func parseBeat(data []byte) (b beat, err error) {
	if err := decode(data, &b); err != nil {
		return b, err
	}
	if b.Node == "" || len(b.Node) > maxName {
		return b, fmt.Errorf("a beat of a node without a name, or with one of %d bytes", len(b.Node))
	}
	if len(b.Live) > maxNodes {
		return b, fmt.Errorf("a beat that lists %d nodes, and %d are the most", len(b.Live), maxNodes)
	}
	b.Digest, b.Checks = opaque.Bounded(b.Digest, maxName), max(0, b.Checks)
	return b, nil
}

// parseWakes reads which checks are to be probed at once.
func parseWakes(data []byte) (list []wake, err error) {
	err = decode(data, &list)
	return list, err
}
