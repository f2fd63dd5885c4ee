package hclfile

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
)

// tree is what the files declare: blocks with their names and places, nothing
// inside them evaluated yet.
type tree struct {
	top     *groupNode // what stands outside groups
	groups  map[config.GroupID]*groupNode
	servers map[config.ServerID]*serverNode
	checks  map[config.CheckID]*checkNode
	order   []*checkNode            // as written
	single  map[string]*hcl.Block   // daemon, cluster, history, page
	named   map[string][]namedBlock // node, notifier, notification_role, schedule, maintenance
	moved   []*hcl.Block
}

// A groupNode is one group, whose blocks may stand in several files. The top
// node is the configuration itself.
type groupNode struct {
	id       config.GroupID
	parent   *groupNode
	children map[string]*groupNode
	path     []config.GroupID // from the top, itself included
	block    *hcl.Block       // the first
	label    *hcl.Attribute
	defaults *hcl.Block
	terms    *terms
}

type serverNode struct {
	name     string
	group    *groupNode
	block    *hcl.Block
	content  *contents
	failed   []string // attributes with something wrong
	defaults *hcl.Block
	terms    *terms
	server   *config.Server
}

type checkNode struct {
	id     config.CheckID
	block  *hcl.Block
	group  *groupNode  // where it is written
	server *serverNode // in which it is written

	roles     hcl.Expression // by which somebody chose who is told; nil: nobody did
	dependsOn hcl.Expression // likewise on what it depends
}

type namedBlock struct {
	id    string
	block *hcl.Block
}

func newTree() tree {
	return tree{
		top:     &groupNode{children: map[string]*groupNode{}},
		groups:  map[config.GroupID]*groupNode{},
		servers: map[config.ServerID]*serverNode{},
		checks:  map[config.CheckID]*checkNode{},
		single:  map[string]*hcl.Block{},
		named:   map[string][]namedBlock{},
	}
}
