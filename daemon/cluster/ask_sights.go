package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

// askNodes asks each node what it last saw, when this node begins to decide and when the node is
// heard again, until ctx ends: what it has said meanwhile is lost.
func (d *decider) askNodes(ctx context.Context) {
	var mu sync.Mutex
	asked := map[config.NodeID]bool{}
	var first, later sync.WaitGroup
	ask := func(answers *sync.WaitGroup) {
		d.mu.Lock()
		live := d.liveNodes(time.Now())
		d.mu.Unlock()
		mu.Lock()
		defer mu.Unlock()
		maps.DeleteFunc(asked, func(node config.NodeID, _ bool) bool { return !slices.Contains(live, node) })
		for range len(d.again) {
			delete(asked, config.NodeID(<-d.again))
		}
		for _, node := range live {
			if asked[node] {
				continue
			}
			asked[node] = true
			answers.Go(func() {
				if !d.askNode(ctx, node) {
					mu.Lock()
					defer mu.Unlock()
					delete(asked, node) // it is asked again
				}
			})
		}
	}
	ask(&first)
	later.Go(func() {
		first.Wait()
		close(d.heard)
	})
	// Meanwhile others may come back. They do not wait for one that is slow to answer.
	_ = clock.Repeat(ctx, sightsPause, func() { ask(&later) })
	later.Wait()
}

// askNode asks a node what people have asked of it, and what it last saw, and reports whether it has answered.
func (d *decider) askNode(ctx context.Context, node config.NodeID) bool {
	d.takeWishesOf(ctx, node)
	packets := d.allSights()
	if node != d.Node.Node {
		var err error
		if packets, err = d.askWhatItSaw(ctx, string(node)); err != nil {
			return false
		}
	}
	for _, data := range packets {
		select {
		case d.packets <- packet{string(node), data}:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// askTime is how long a node may take to say what it last saw.
const askTime = 20 * time.Second

// askWhatItSaw asks a node what it last saw of each check.
func (n *Node) askWhatItSaw(ctx context.Context, node string) (packets [][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	answer, err := n.Bus.Ask(ctx, bus.Node(node), []byte{askSights})
	if err != nil {
		return nil, err
	}
	return parseSights(answer)
}

const (
	// mostSights is the most bytes that a node may say of what it last saw: 100,000 checks that all fail come to
	// five sixths of it.
	mostSights = bus.MaxAnswer
	// mostPackets is the most packets in them. Each has about 60,000 bytes.
	mostPackets = 4096
)

// parseSights reads what a node says that it last saw. What it says that it has costs not much more memory than
// it has bytes.
func parseSights(answer []byte) (packets [][]byte, err error) {
	if len(answer) > mostSights {
		return nil, fmt.Errorf("%d bytes, and %d are the most", len(answer), mostSights)
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	switch token, err := d.Token(); {
	case err == nil && token == nil: // null: it has seen nothing yet
		return nil, nil
	case err != nil || token != json.Delim('['):
		return nil, errors.Join(errNoSights, err)
	}
	for d.More() {
		var packet []byte
		if err := d.Decode(&packet); err != nil {
			return nil, errors.Join(errNoSights, err)
		}
		if len(packets) == mostPackets || len(packet) > agree.MaxPacket {
			return nil, fmt.Errorf("%w: too many packets, or one of %d bytes", errNoSights, len(packet))
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

var errNoSights = errors.New("what a node last saw cannot be read")

// answerSights says what this node last saw of each check, to nodes that may decide. Packing that takes a
// while, and the results of probes wait for it: so it is done once at a time.
func (n *Node) answerSights(ctx context.Context, from Asker) []byte {
	if !from.Decides && from.Node != "" {
		return nil
	}
	select {
	case n.packingAll <- struct{}{}:
		defer func() { <-n.packingAll }()
		return encode(n.allSights())
	case <-ctx.Done():
		return nil
	}
}
