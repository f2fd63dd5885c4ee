package cluster

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A Role is what a node does in its cluster, in the words that users read.
type Role string

// The roles.
const (
	Deciding  Role = "deciding"
	Following Role = "following"
	Alone     Role = "alone" // it hears nobody who decides, and decides for itself
)

// A State is what a node knows of its cluster.
type State struct {
	Node    config.NodeID // this one
	Role    Role
	Since   time.Time     // it has this role
	Decider config.NodeID // empty: it hears none
	Term    uint64        // of the decider: where in the journal it began
	Last    uint64        // the end of the journal, as far as this node knows
	Bus     bus.Status
	// Journal says in a sentence what is wrong with the shared journal; empty: nothing.
	Journal string
	Nodes   []NodeState // of the configuration, by name
}

// A NodeState is what is known of one node. A node that may not decide hears no heartbeats but its
// own, and knows of the others only whether they live.
type NodeState struct {
	Name     config.NodeID
	Location string
	Decides  bool // it may decide, by the files
	Deciding bool
	Live     bool
	Since    time.Time // it is live, or silent; zero: it was never heard of
	// The rest is what it last said of itself.
	Version   string
	Speaks    int    // the version of the records that it understands; 0: it has said nothing yet
	Digest    string // of its files
	SameFiles bool   // as this node
	Share     int    // how many checks it probes
	Place     uint64 // how far its copy of the journal goes
	Behind    uint64 // how many messages of the journal it lacks
	ClockOff  time.Duration
	DiskFault string   // what is wrong with its copy of the journal; empty: nothing
	Troubles  []string // that it cannot tell of itself
}
