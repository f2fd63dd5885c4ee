package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// ErrNoCluster is the answer about other nodes of a daemon that knows of none.
var ErrNoCluster = errors.New("this machine watches on its own: its files have no cluster block")

// A NodeRole is what a node does in its cluster.
type NodeRole string

// The roles of a node.
const (
	Deciding  NodeRole = "deciding"
	Following NodeRole = "following"
	Alone     NodeRole = "alone" // it hears nobody who decides, and decides for itself
)

// A Node is the node that answers, as the status of a daemon among several has it.
type Node struct {
	Name     string   `json:"name"`
	Location string   `json:"location"`
	Role     NodeRole `json:"role"`
	// Decider is the node that decides; empty: none is heard.
	Decider string `json:"decider"`
	// Since is when the node took its role.
	Since *time.Time `json:"since"`
}

// Nodes is what `nodes --json` prints: the nodes of a cluster, as one of them knows them. The keys
// are an interface.
type Nodes struct {
	Node Node `json:"node"` // that answers
	// Term is where in the shared journal the decider began, Last is the journal's end as far as this
	// node knows.
	Term uint64 `json:"term"`
	Last uint64 `json:"last"`
	Bus  Bus    `json:"bus"`
	// JournalError says what is wrong with the shared journal; empty: nothing.
	JournalError string      `json:"journal_error"`
	Nodes        []NodeState `json:"nodes"` // all of the files, by name
}

// Bus is the connection of the answering node to the bus.
type Bus struct {
	Connected bool       `json:"connected"`
	Since     *time.Time `json:"since"`
	Server    string     `json:"server"` // that it is connected to, or was last
	Error     string     `json:"error"`  // why it is not connected; empty: it is
	// RoundTripMS is how long the way to the server and back takes; null: it is not known.
	RoundTripMS *float64 `json:"round_trip_ms"`
	// Ending says in sentences which certificates end soon, or have ended, without which nodes do not connect.
	Ending []string `json:"ending"`
}

// A NodeState is what is known of one node. A node that may not decide hears no heartbeats but its
// own, and knows of the others only whether they live.
type NodeState struct {
	Name     string `json:"name"`
	Location string `json:"location"`
	Decides  bool   `json:"decides"` // it may decide, by the files
	Deciding bool   `json:"deciding"`
	Live     bool   `json:"live"`
	// Since is when it became live, or silent; null: it was never heard.
	Since *time.Time `json:"since"`
	// The rest is what it last said of itself.
	Version string `json:"version"`
	// Speaks is the version of the journal's records that it understands; 0: it has said nothing yet.
	Speaks int `json:"speaks"`
	// Digest is that of its files; SameFiles: it runs the same as the node that answers.
	Digest    string `json:"digest"`
	SameFiles bool   `json:"same_files"`
	Share     int    `json:"share"` // how many checks it probes
	// Place is how far its copy of the shared journal goes; Behind is how many messages of it it lacks.
	Place  uint64 `json:"place"`
	Behind uint64 `json:"behind"`
	// ClockOffMS is by how much its clock is ahead of the clock of the node that answers.
	ClockOffMS float64 `json:"clock_off_ms"`
	DiskError  string  `json:"disk_error"` // what is wrong with its copy; empty: nothing
	// Troubles are what it cannot tell people of by itself, in sentences.
	Troubles []string `json:"troubles"`
}

func showNodes(d Daemon) func(*http.Request) (Nodes, error) {
	return func(r *http.Request) (Nodes, error) { return d.Nodes(r.Context()) }
}

func stepDown(d Daemon) func(*http.Request) (Nodes, error) {
	return func(r *http.Request) (Nodes, error) {
		if err := d.StepDown(r.Context(), signatureOf(r).author(r.Context())); err != nil {
			return Nodes{}, err
		}
		return d.Nodes(r.Context())
	}
}

func testFrom(d Daemon) func(*http.Request) (Report, error) {
	return func(r *http.Request) (Report, error) {
		q := r.URL.Query()
		return d.TestFrom(r.Context(), config.NodeID(q.Get("node")), config.CheckID(q.Get("check")))
	}
}

// TestFrom has a node probe a check now, and waits for the result, which does not count.
func (c *Client) TestFrom(ctx context.Context, node config.NodeID, check config.CheckID) (r Report, err error) {
	q := url.Values{"node": {string(node)}, "check": {string(check)}}
	err = c.request(ctx, http.MethodPost, "/v1/nodes/test?"+q.Encode(), nil, &r)
	return r, err
}

// Begun is what `nodes begin --json` prints.
type Begun struct {
	Records int `json:"records"` // with which the shared journal begins
}

func beginNodes(d Daemon) func(*http.Request) (Begun, error) {
	return func(r *http.Request) (Begun, error) {
		n, err := d.BeginNodes(r.Context(), signatureOf(r).author(r.Context()))
		return Begun{n}, err
	}
}

// BeginNodes has the node make the journal that all nodes share, of what it knows.
func (c *Client) BeginNodes(ctx context.Context) (b Begun, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/nodes/begin?"+c.Signature.query(), nil, &b)
	return b, err
}

// Nodes asks for the nodes of the cluster; the error of a daemon without one is that of
// [ErrNoCluster], in its words.
func (c *Client) Nodes(ctx context.Context) (n Nodes, err error) {
	err = c.askSoon(ctx, "/v1/nodes", &n)
	return n, err
}

// StepDown has the node that decides stop deciding, so that another one takes over, and returns the
// nodes as they are then.
func (c *Client) StepDown(ctx context.Context) (n Nodes, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/nodes/step-down?"+c.Signature.query(), nil, &n)
	return n, err
}
