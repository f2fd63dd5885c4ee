package demo

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

//go:embed nodes.hcl
var nodesTemplate string

// cities are the nodes that a stage can have, each in a location of its name.
var cities = [MostNodes]string{"frankfurt", "london", "new-york", "sydney", "tokyo"}

// A stage can have from FewestNodes to MostNodes nodes.
const (
	FewestNodes = 2
	MostNodes   = 5
)

// A NodesStage is a stage for several daemons, which are nodes of one cluster, and the bus between
// them. The way from one node to the server can fail by itself.
type NodesStage struct {
	*Stage
	Nodes []string // by name

	dir     string
	network *local.Network
	blocked atomic.Pointer[string] // the node whose way to the server fails; nil: none
}

// OpenNodes opens a stage for n nodes in an empty directory, and makes the journal that they share.
func OpenNodes(ctx context.Context, dir string, n int) (*NodesStage, error) {
	nodes := cities[:n]
	var blocks strings.Builder
	for _, name := range nodes {
		fmt.Fprintf(&blocks, "node %q {}\n", name)
	}
	text := strings.NewReplacer("@NODES@\n", blocks.String()+"\n", "@N@", fmt.Sprint(n)).Replace(nodesTemplate)
	stage, err := open(dir, text)
	if err != nil {
		return nil, err
	}
	s := &NodesStage{Stage: stage, Nodes: nodes, dir: dir, network: local.New()}
	maker := s.network.Connect("maker") // as `nodes begin` is no node either
	defer maker.Close()
	if err := stream.Create(ctx, maker.Stream(), 0, slices.Values([]journal.Record(nil))); err != nil {
		stage.Close()
		return nil, err
	}
	return s, nil
}

// NodeControl returns a path for the socket of a node, NodeState one for its state.
func (s *NodesStage) NodeControl(node string) string { return filepath.Join(s.dir, node+".sock") }

// NodeState returns a path for what a node keeps.
func (s *NodesStage) NodeState(node string) string { return filepath.Join(s.dir, node) }

// Connect connects a node to the others.
func (s *NodesStage) Connect(node string) (bus.Bus, error) { return s.network.Connect(node), nil }

// Disconnect takes a node from the bus: what it says from then on reaches nobody.
func (s *NodesStage) Disconnect(node string) { s.network.Cut(node) }

// Block has the connections of one node to the server refused on their way, and no others.
func (s *NodesStage) Block(node string) { s.blocked.Store(&node) }

// Unblock lets all connections through.
func (s *NodesStage) Unblock() { s.blocked.Store(nil) }

// Dialer returns what opens the connections of a node to the server.
func (s *NodesStage) Dialer(node string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if blocked := s.blocked.Load(); blocked != nil && *blocked == node {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return (&net.Dialer{FallbackDelay: -1, KeepAlive: -1}).DialContext(ctx, network, address)
	}
}

// Letter waits for the nth letter, and returns it as whoever gets it sees it.
func (s *NodesStage) Letter(ctx context.Context, n int) (Message, error) {
	letters, err := s.receivers.mail.Wait(ctx, n)
	if err != nil {
		return Message{}, context.Cause(ctx)
	}
	return Message{"email to " + letters[n-1].To[0], letters[n-1].Text()}, nil
}

// SMS waits for the nth short message, and returns it as whoever gets it sees it.
func (s *NodesStage) SMS(ctx context.Context, n int) (Message, error) {
	posts, err := s.receivers.sms.Wait(ctx, n)
	if err != nil {
		return Message{}, context.Cause(ctx)
	}
	return Message{"SMS to " + posts[n-1].Field("To"), posts[n-1].Field("Body")}, nil
}

// Arrived returns how many letters and short messages have arrived.
func (s *NodesStage) Arrived() (letters, sms int) {
	return len(s.receivers.mail.Messages()), len(s.receivers.sms.Requests())
}
