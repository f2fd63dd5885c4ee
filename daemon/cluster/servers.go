package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

const (
	// serversLook is how often the decider asks which servers keep the journal.
	serversLook = 20 * time.Second
	// serversAnswer is how long it waits for the answer.
	serversAnswer = 5 * time.Second
)

// watchServers asks which servers of the bus do not keep the journal, until ctx ends. The others go on without
// one of them, so that nobody would notice before the next one fails, too.
func (d *decider) watchServers(ctx context.Context) {
	_ = clock.Repeat(ctx, serversLook, func() { d.findMissingServers(ctx) })
}

// findMissingServers asks once. The names are words of the servers, which people read.
func (d *decider) findMissingServers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, serversAnswer)
	defer cancel()
	names, err := d.Bus.Stream().Missing(ctx)
	var missing []string
	for _, name := range names {
		missing = append(missing, opaque.Bounded(name, maxName))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missing, d.knowsMissing = missing, err == nil
}

// missingServers says whether there are servers that do not keep the journal. Node.mu is held.
func (d *decider) missingServers() trouble {
	t := trouble{name: serversTrouble, after: faultTime, unknown: !d.knowsMissing}
	if len(d.missing) > 0 {
		t.wrong = fmt.Sprintf("The shared journal is not kept on %s: the NATS server there does not run, does not reach "+
			"the others, or has no room on its disk. If one more server fails, each node is alone. Look at the log of the "+
			"server there, make room, and restart it.", strings.Join(d.missing, ", "))
	}
	return t
}
