package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/clock"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
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

// askNode asks a node what it last saw, and reports whether it has answered.
func (d *decider) askNode(ctx context.Context, node config.NodeID) bool {
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
	err = json.Unmarshal(answer, &packets)
	return packets, err
}
