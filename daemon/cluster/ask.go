package cluster

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A question to a node begins with one of these.
const (
	askSights = 's' // what it last saw of each check
	askDaemon = 'd' // what Options.Answer answers
)

// AskDecider asks whoever decides, also this node itself, and waits for the answer.
func (n *Node) AskDecider(ctx context.Context, question []byte) ([]byte, error) {
	if n.Role() == Deciding {
		return n.answerAsDecider(ctx, question), nil
	}
	return n.Bus.Ask(ctx, bus.Seat, question)
}

func (n *Node) answerAsDecider(ctx context.Context, question []byte) []byte {
	if n.AnswerAsDecider == nil {
		return nil
	}
	return n.AnswerAsDecider(ctx, question)
}

// AskNode asks one node, also this one itself, and waits for the answer.
func (n *Node) AskNode(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
	question = append([]byte{askDaemon}, question...)
	if node == n.Node {
		return n.answer(ctx, question), nil
	}
	return n.Bus.Ask(ctx, bus.Node(string(node)), question)
}

// answer answers what this node is asked.
func (n *Node) answer(ctx context.Context, question []byte) []byte {
	if len(question) == 0 {
		return nil
	}
	switch question[0] {
	case askSights:
		return encode(n.allSights())
	case askDaemon:
		if n.Answer != nil {
			return n.Answer(ctx, question[1:])
		}
	}
	return nil
}
