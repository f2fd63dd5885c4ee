package daemon

import (
	"context"
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
)

// PastOfAll implements [api.Several].
func (m *monitor) PastOfAll() *elsewhere.Past {
	if m.member == nil {
		return nil
	}
	o := elsewhere.Options{
		Store: m.history,
		Ask: func(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
			return m.member.node.AskNode(ctx, node, append([]byte{askPast}, question...))
		},
	}
	for _, n := range m.member.node.State().Nodes {
		node := elsewhere.Node{ID: n.Name, Location: n.Location, Live: n.Live}
		if n.Name == m.member.name {
			o.Self = node
		} else {
			o.Others = append(o.Others, node)
		}
	}
	return elsewhere.New(o)
}

// mostPastAnswers is how many questions about the past are answered at once: each reads much of the history.
const mostPastAnswers = 4

// answerAboutThePast answers what another node asks of the history of this one. Where many ask, they wait.
func (m *monitor) answerAboutThePast(ctx context.Context, question []byte) []byte {
	if m.member.pastAnswers.Acquire(ctx, 1) != nil {
		return nil // whoever asks waits no longer
	}
	defer m.member.pastAnswers.Release(1)
	return elsewhere.Answer(ctx, m.history, m.checkIDs, question)
}

// checkIDs lists the checks of the files of this node.
func (m *monitor) checkIDs() []config.CheckID {
	return slices.Collect(maps.Keys(m.member.config().Checks))
}
