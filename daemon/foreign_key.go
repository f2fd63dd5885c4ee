package daemon

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// keySentence says that a node uses another key than its block in the files has, such as one that was copied from
// another machine: the servers of the bus then refuse it, or what it says. It is empty if that is not so.
func keySentence(c *config.Cluster, me config.NodeID) string {
	own := c.Nodes[me]
	if c.Key.IsZero() || own == nil || own.Key == "" {
		return ""
	}
	used, err := bus.PublicOf(c.Key)
	if err != nil || used == own.Key {
		return ""
	}
	const then = " Then bring the files to all nodes, make the configuration of the servers again, " +
		"and restart imapvigil here: see Add a node in imapvigil-nodes(7)."
	for _, n := range c.SortedNodes() {
		if n.Key == used {
			return fmt.Sprintf("The key in use here is that of %s, so the servers of the bus take nothing of what %s says. "+
				"Remove the file of the key, run imapvigil nodes key on this machine, and write what it prints into node %q.%s", n.ID, me, me, then)
		}
	}
	return fmt.Sprintf("The key in use here is not the one that node %q has in the files. "+
		"Write what imapvigil nodes key prints on this machine into that block.%s", me, then)
}

// ownKeySentence is keySentence of this node, by the configuration in force.
func (me *membership) ownKeySentence() string { return keySentence(me.config().Cluster, me.name) }

// logKey logs what is wrong with the key of this node, once.
func (me *membership) logKey() {
	why := me.ownKeySentence()
	me.mu.Lock()
	news := why != me.said
	me.said = why
	me.mu.Unlock()
	if news && why != "" {
		me.log.Error("the key of this node is not that of its block", zap.String("detail", why))
	}
}
