package cluster

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A question to a node begins with one of these.
const (
	askSights  = 's' // what it last saw of each check
	askDaemon  = 'd' // what Options.Answer answers
	askJournal = 'j' // what is in the shared journal: see readJournal
	askWishes  = 'w' // what people have asked of it while it was alone
)

// askHandOver begins a question to the decider that Options.AnswerAsDecider does not get: what a node that was
// alone leaves to it.
const askHandOver = 'h'

// An Asker is the node that asks another one.
type Asker struct {
	Node config.NodeID // it has proved who it is; empty: an earlier imapvigil, which proves nothing
	// Decides says that it may decide, by the files of the node that is asked. What it is told is safe there:
	// it could write the journal of all nodes.
	Decides bool
}

// askerOf returns who asks a question.
func (n *Node) askerOf(q bus.Question) Asker {
	from := Asker{Node: config.NodeID(q.From)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if node, known := n.cfg.Cluster.Nodes[from.Node]; known {
		from.Decides = node.Decide
	}
	return from
}

// askerItself returns this node as one that asks itself.
func (n *Node) askerItself() Asker { return n.askerOf(bus.Question{From: string(n.Node)}) }

// AskDecider asks whoever decides, also this node itself, and waits for the answer.
func (n *Node) AskDecider(ctx context.Context, question []byte) ([]byte, error) {
	if n.Role() == Deciding {
		return n.answerAsDecider(ctx, n.askerItself(), question), nil
	}
	return n.Bus.Ask(ctx, bus.Seat, question)
}

func (n *Node) answerAsDecider(ctx context.Context, from Asker, question []byte) []byte {
	if len(question) > 0 && question[0] == askHandOver {
		return n.takeHandover(ctx, from, question[1:])
	}
	if n.AnswerAsDecider == nil {
		return nil
	}
	return n.AnswerAsDecider(ctx, from, question)
}

// AskNode asks one node, also this one itself, and waits for the answer.
func (n *Node) AskNode(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
	question = append([]byte{askDaemon}, question...)
	if node == n.Node {
		return n.answer(ctx, n.askerItself(), question), nil
	}
	return n.Bus.Ask(ctx, bus.Node(string(node)), question)
}

// answer answers what this node is asked.
func (n *Node) answer(ctx context.Context, from Asker, question []byte) []byte {
	if len(question) == 0 {
		return nil
	}
	switch question[0] {
	case askSights:
		return n.answerSights(ctx, from)
	case askDaemon:
		if n.Answer != nil {
			return n.Answer(ctx, from, question[1:])
		}
	case askJournal:
		return n.answerJournal(ctx, from, question[1:])
	case askWishes:
		return n.answerWishes(ctx, from)
	}
	return nil
}
