package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
)

// However much is wrong with a node, the others can read what it says of itself: else it would be silent.
func TestAHeartbeatOfManyTroublesCanBeRead(t *testing.T) {
	t.Parallel()
	n := newRunning(t)
	n.Configure(filesOf())
	troubles := make([]string, 500)
	for i := range troubles {
		troubles[i] = fmt.Sprintf("%d: %s", i, strings.Repeat("no space left on the device ", 40))
	}
	n.mu.Lock()
	text := encode(n.ownHeartbeat(troubles))
	n.mu.Unlock()
	h, err := parseHeartbeat(text)
	if err != nil || h.Node != "fra1" || len(h.Troubles) != maxTroubles || !strings.HasPrefix(h.Troubles[0], "0: no space") {
		t.Errorf("of %d bytes it reads %d troubles: %v", len(text), len(h.Troubles), err)
	}
}

// However long the names are, each check that nodes are to probe at once is in a message that they can read.
func TestWakesFitTheirMessages(t *testing.T) {
	t.Parallel()
	var wanted []agree.Wanted
	for i := range 1000 {
		w := agree.Wanted{Check: config.CheckID(fmt.Sprintf("%s/%d", strings.Repeat("x", 60), i))}
		for j := range 16 {
			w.Nodes = append(w.Nodes, fmt.Sprintf("%d.%s.example.net", j, strings.Repeat("fra", 30)))
		}
		wanted = append(wanted, w)
	}
	read := 0
	for _, message := range wakeMessages(wanted) {
		list, err := parseWakes(message)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			if want := wanted[read]; w.Check != want.Check || len(w.Nodes) != len(want.Nodes) {
				t.Fatalf("%s is said in place of %s", w.Check, want.Check)
			}
			read++
		}
	}
	if read != len(wanted) {
		t.Errorf("of %d checks %d are said", len(wanted), read)
	}
}
