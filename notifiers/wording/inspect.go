package wording

import (
	"fmt"
	"strings"
	"text/template/parse"

	"github.com/agext/levenshtein"
)

// An inspection finds what no message would show: a name that no message has may stand in
// a branch that is not taken for years.
type inspection struct{ source string }

// list returns the first fault in a list of nodes; nil: there is none.
func (i inspection) list(list *parse.ListNode) *Fault {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		if fault := i.node(node); fault != nil {
			return fault
		}
	}
	return nil
}

func (i inspection) node(node parse.Node) *Fault {
	switch n := node.(type) {
	case *parse.ActionNode:
		return i.pipe(n.Pipe)
	case *parse.IfNode:
		return i.branch(&n.BranchNode)
	case *parse.WithNode:
		return i.branch(&n.BranchNode)
	case *parse.RangeNode:
		return i.branch(&n.BranchNode)
	case *parse.TemplateNode:
		return faultAt(i.source, int(n.Pos), "templates within templates are not available")
	case *parse.FieldNode:
		return i.names(n.Pos, n.Ident)
	case *parse.VariableNode:
		return i.names(n.Pos, n.Ident[1:]) // the first is the variable
	case *parse.ChainNode:
		if fault := i.node(n.Node); fault != nil {
			return fault
		}
		return i.names(n.Pos, n.Field)
	case *parse.PipeNode:
		return i.pipe(n)
	}
	return nil
}

func (i inspection) branch(b *parse.BranchNode) *Fault {
	if fault := i.pipe(b.Pipe); fault != nil {
		return fault
	}
	if fault := i.list(b.List); fault != nil {
		return fault
	}
	return i.list(b.ElseList)
}

func (i inspection) pipe(pipe *parse.PipeNode) *Fault {
	for _, command := range pipe.Cmds {
		for _, argument := range command.Args {
			if fault := i.node(argument); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// names looks at the fields that a node names.
func (i inspection) names(at parse.Pos, names []string) *Fault {
	for _, name := range names {
		if !known[name] {
			return faultAt(i.source, int(at), "there is no .%s; %s", name, instead(name))
		}
	}
	return nil
}

// instead returns what may have been meant, or else all that there is.
func instead(name string) string {
	const near = 2 // letters
	best, distance := "", near+1
	for _, f := range append(MessageFields(), ItemFields()...) {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(f.Name), nil); d < distance {
			best, distance = f.Name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean .%s?", best)
	}
	return fmt.Sprintf("a message has %s, and each of its items %s", listed(MessageFields()), listed(ItemFields()))
}
