//go:build !quick

package daemon

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
)

// missing returns why each node is missing in the history that a node gives, as it follows its name; empty:
// it is not.
func (w *team) missing(asked string) map[config.NodeID]string {
	w.t.Helper()
	h, err := w.client(asked).History(w.t.Context(), api.HistoryQuery{Check: "mx1/imap"})
	if err != nil {
		return nil // it is not open yet
	}
	list := map[config.NodeID]string{}
	for _, l := range h.Locations {
		list[l.Node] = l.Missing
	}
	return list
}

// Whichever node is asked what was, it asks the others, and names those that do not answer. A node that hangs
// costs two seconds.
func TestTheHistoryIsThatOfAllNodes(t *testing.T) {
	hangs := make(chan struct{})
	w, _ := startTeam(t, hangingNetwork{localNetwork{local.New()}, hangs}, "decide = false", "fra1", "lon1", "nyc1")
	w.decider()
	for _, asked := range []string{"fra1", "lon1", "nyc1"} {
		w.until("the history of "+asked+" is that of all nodes", func() bool {
			list := w.missing(asked)
			return len(list) == 3 && list["fra1"]+list["lon1"]+list["nyc1"] == ""
		})
	}
	close(hangs)
	begun := time.Now()
	list := w.missing("nyc1")
	if took := time.Since(begun); took < elsewhere.Limit || list["lon1"] != "did not answer" || list["fra1"] != "" {
		t.Errorf("after %s %q are missing", took, list)
	}
	r, err := w.client("fra1").Report(t.Context(), api.PeriodQuery{Period: "24h"})
	if err != nil || len(r.Nodes) != 3 || !strings.HasPrefix(api.MissingNodes(r.Nodes), "lon1 did not answer.") {
		t.Errorf("a report is made of %+v, %v", r.Nodes, err)
	}
	w.kill("lon1")
	w.until("lon1 is silent", func() bool { return w.missing("nyc1")["lon1"] == "is silent" })
}

// A hangingNetwork is one on which lon1 answers nothing about its history any more.
type hangingNetwork struct {
	localNetwork
	hangs chan struct{} // closed: it does
}

func (n hangingNetwork) Connect(t testing.TB, node string) bus.Bus {
	return hangingBus{n.localNetwork.Connect(t, node), node, n.hangs}
}

type hangingBus struct {
	bus.Bus
	node  string
	hangs chan struct{}
}

// Answer implements [bus.Bus].
func (b hangingBus) Answer(to bus.Topic, answer func(context.Context, bus.Question) []byte) (stop func(), err error) {
	return b.Bus.Answer(to, func(ctx context.Context, q bus.Question) []byte {
		select {
		case <-b.hangs:
			if b.node == "lon1" && len(q.Data) > 1 && q.Data[1] == askPast {
				<-ctx.Done()
			}
		default:
		}
		return answer(ctx, q)
	})
}
