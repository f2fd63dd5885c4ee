package config_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// five are nodes in three places.
func five() *config.Cluster {
	c := &config.Cluster{Nodes: map[config.NodeID]*config.Node{}}
	for id, place := range map[config.NodeID]string{"fra1": "frankfurt", "fra2": "frankfurt", "nyc1": "new-york", "lon1": "london", "lon2": "london"} {
		c.Nodes[id] = &config.Node{ID: id, Location: place, Decide: true}
	}
	return c
}

func TestQuorumDefaults(t *testing.T) {
	for _, test := range []struct {
		written, want config.Quorum
	}{
		{config.Quorum{}, config.Quorum{Nodes: 3, Agree: 2}},
		{config.Quorum{Nodes: 1}, config.Quorum{Nodes: 1, Agree: 1}},
		{config.Quorum{Nodes: 2}, config.Quorum{Nodes: 2, Agree: 2}},
		{config.Quorum{Nodes: 4}, config.Quorum{Nodes: 4, Agree: 3}},
		{config.Quorum{Nodes: 5}, config.Quorum{Nodes: 5, Agree: 3}},
		{config.Quorum{Agree: 1}, config.Quorum{Nodes: 3, Agree: 1}},
		{config.Quorum{Locations: []string{"london"}}, config.Quorum{Nodes: 2, Agree: 2, Locations: []string{"london"}}},
		{config.Quorum{Locations: []string{"frankfurt", "london"}}, config.Quorum{Nodes: 3, Agree: 2, Locations: []string{"frankfurt", "london"}}},
	} {
		got := test.written
		got.FillDefaults(five())
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v becomes %+v, want %+v", test.written, got, test.want)
		}
		alone := test.written
		alone.FillDefaults(nil)
		if !reflect.DeepEqual(alone, test.written) {
			t.Errorf("without a cluster %+v becomes %+v", test.written, alone)
		}
	}
}

func TestNodesOfACluster(t *testing.T) {
	c := five()
	var names []string
	for _, n := range c.SortedNodes() {
		names = append(names, string(n.ID))
	}
	if want := []string{"fra1", "fra2", "lon1", "lon2", "nyc1"}; !slices.Equal(names, want) {
		t.Errorf("the nodes are %q", names)
	}
	if got, want := c.Locations(), []string{"frankfurt", "london", "new-york"}; !slices.Equal(got, want) {
		t.Errorf("they are in %q", got)
	}
	if n := c.NodesFor(config.Quorum{Locations: []string{"london", "new-york"}}); n != 3 {
		t.Errorf("%d nodes are in two places", n)
	}
}

// TestNeedsRestart changes each field of a cluster: a new one has to be put where it belongs.
func TestNeedsRestart(t *testing.T) {
	atOnce := []string{"AloneAfter", "Nodes", "Pos"}
	names := map[string]string{
		"Name": "name", "Servers": "servers", "CA": "ca_file", "Key": "key", "Credentials": "credentials", "Cert": "cert_file", "CertKey": "key_file",
	}
	changed := config.Cluster{
		Name: "x", Servers: []string{"tls://a.example"}, CA: config.NewBlob("x"), Key: opaque.NewSecret("x"), Credentials: opaque.NewSecret("x"),
		Cert: config.NewBlob("x"), CertKey: opaque.NewSecret("x"), AloneAfter: time.Hour, Nodes: five().Nodes, Pos: config.Pos{Line: 1},
	}
	for i := range reflect.TypeFor[config.Cluster]().NumField() {
		field := reflect.TypeFor[config.Cluster]().Field(i).Name
		var was, is config.Cluster
		value := reflect.ValueOf(changed).Field(i)
		if value.IsZero() {
			t.Fatalf("the test does not change %s", field)
		}
		reflect.ValueOf(&is).Elem().Field(i).Set(value)
		var want []string
		if !slices.Contains(atOnce, field) {
			want = []string{names[field]}
		}
		if got := was.NeedsRestart(&is); !slices.Equal(got, want) {
			t.Errorf("another %s: %q needs a restart, want %q", field, got, want)
		}
	}
	var none *config.Cluster
	if got := none.NeedsRestart(five()); !slices.Equal(got, []string{"cluster"}) {
		t.Errorf("a new cluster: %q", got)
	}
	if got := five().NeedsRestart(nil); !slices.Equal(got, []string{"cluster"}) {
		t.Errorf("a cluster no more: %q", got)
	}
	if got := none.NeedsRestart(nil); got != nil {
		t.Errorf("never a cluster: %q", got)
	}
}

// TestAttributesOfOneMachine: what has a meaning in a cluster only is not shown without one.
func TestAttributesOfOneMachine(t *testing.T) {
	named := func(c *config.Check) map[string]string {
		all := map[string]string{}
		for _, a := range config.Attributes(c) {
			all[a.Name] = a.Value
		}
		return all
	}
	if all := named(check("mx")); all["port"] != "993" {
		t.Errorf("the port is %q", all["port"])
	} else if _, shown := all["nodes"]; shown {
		t.Error("nodes of one machine are shown")
	}
	in := named(check("mx", func(c *config.Check) {
		c.Quorum = config.Quorum{Nodes: 3, Agree: 2, Locations: []string{"a", "New York"}}
	}))
	if in["nodes"] != "3" || in["agree"] != "2" || in["locations"] != "[a, New York]" {
		t.Errorf("in a cluster: %q", in)
	}
}
