package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// The nodes are a table, and below it stands in sentences what is wrong with them.
func TestNodesAreListed(t *testing.T) {
	since := time.Date(2026, 11, 30, 13, 58, 0, 0, time.UTC)
	took := 1.42
	well := func(name, location string) api.NodeState {
		return api.NodeState{Name: name, Location: location, Decides: true, Live: true, Since: &since, Version: "1.4.0", Speaks: 1, Digest: "a", SameFiles: true, Share: 12431, Place: 4711}
	}
	three := []api.NodeState{well("fra1", "frankfurt"), well("lon1", "london"), well("nyc1", "new-york")}
	three[1].Decides, three[2].Deciding = false, true
	connected := api.Bus{Connected: true, Server: "fra1.example.net:4222", RoundTripMS: &took}
	ill := []api.NodeState{well("fra1", "frankfurt"), well("lon1", "london"), well("monitor-new-york-2", "new-york"), {Name: "sgp1", Location: "singapore", Decides: true}, well("syd1", "sydney")}
	ill[0].Deciding = true
	ill[1].Live = false
	ill[2].Digest, ill[2].SameFiles, ill[2].ClockOffMS, ill[2].Behind, ill[2].Version = "b", false, -2400, 210, "1.3.2"
	ill[4].DiskError = "it is not on the disk: 002: 4 records wait in memory for the disk: no space left on device"
	ill[4].Troubles = []string{"The files are in error: main.hcl, line 12."}
	var text strings.Builder
	for _, c := range []struct {
		name  string
		nodes api.Nodes
	}{
		{"all is well", api.Nodes{Node: api.Node{Name: "fra1", Role: api.Following, Decider: "nyc1"}, Bus: connected, Nodes: three}},
		{"much is wrong", api.Nodes{Node: api.Node{Name: "fra1", Role: api.Deciding, Decider: "fra1"}, Bus: connected, Nodes: ill}},
		{"cut off", api.Nodes{
			Node: api.Node{Name: "fra1", Role: api.Alone}, Bus: api.Bus{Server: "fra1.example.net:4222", Error: "fra1.example.net:4222 refuses connections"},
			Nodes: []api.NodeState{well("fra1", "frankfurt"), ill[1]},
		}},
		{"not begun", api.Nodes{
			Node: api.Node{Name: "fra1", Role: api.Following}, Bus: connected, Nodes: []api.NodeState{well("fra1", "frankfurt"), well("nyc1", "new-york")},
			JournalError: "There is no shared journal yet, so no node decides for all. Run sudo imapvigil nodes begin, once, on one node.",
		}},
		{"no node", api.Nodes{
			Node: api.Node{Name: "nyc9", Role: api.Following, Decider: "nyc1"}, Bus: connected, Nodes: three,
		}},
		{"probes only", api.Nodes{Node: api.Node{Name: "lon1", Role: api.Following, Decider: "nyc1"}, Bus: connected, Nodes: []api.NodeState{
			{Name: "fra1", Location: "frankfurt", Decides: true}, three[1], {Name: "nyc1", Location: "new-york", Decides: true, Deciding: true, Live: true},
		}}},
		{"probes only, and reaches none that decides", api.Nodes{Node: api.Node{Name: "lon1", Role: api.Following}, Bus: connected, Nodes: []api.NodeState{
			{Name: "fra1", Location: "frankfurt", Decides: true}, three[1],
		}}},
	} {
		var out bytes.Buffer
		p := &program{out: &out, err: &out, utc: true}
		if err := p.printNodes(c.nodes); err != nil {
			t.Fatal(err)
		}
		checkWidth(t, out.String(), 80)
		fmt.Fprintf(&text, "----- %s\n%s", c.name, out.String())
	}
	golden.Compare(t, filepath.Join("testdata", "nodes.txt"), text.String())
	golden.Plain(t, "nodes", text.String())
}
