package cluster

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A Journal is where the shared tracker writes. Its Sure is what [tracker.Options] has under the
// same name: nothing may be sent while it returns an error.
type Journal interface {
	tracker.Journal
	Sure(ctx context.Context) error
}

// Options are what a Node works with.
type Options struct {
	Node    config.NodeID // the name of this machine; it is among the nodes of the configuration
	Version string        // of this program
	Bus     bus.Bus       // whoever made it closes it, after Run has returned
	Dir     string        // where the copy of the shared journal is kept: state_dir/shared
	Log     *zap.Logger   // nil: none

	// Own is the tracker of this machine's own journal. Whoever made it runs and configures it. Its
	// Options.Mark is [Node.Mark], and Options.Successor [Node.Successor].
	Own *tracker.Tracker
	// OpenShared opens a tracker on the shared journal, as a standby and with Sure. It is called
	// again after the one before has ended: by New, and by Run, which runs what it returns.
	OpenShared func(Journal) (*tracker.Tracker, error)

	// Wake has a check probed at once, if this node probes it; nil: nobody can.
	Wake func(config.CheckID)
	// RetryLogin has the next probe of a check log in, however often its login was rejected; nil: nobody
	// logs in.
	RetryLogin func(config.CheckID)
	// OnShare is called when other checks than before are this node's: see [Node.Probes]; nil: nobody
	// wants to know. It may take its time.
	OnShare func()
	// AnswerAsDecider answers what others ask the decider with [Node.AskDecider], while this node
	// decides; nil: it answers nothing. A question that begins with "h" is answered here.
	AnswerAsDecider func(ctx context.Context, from Asker, question []byte) []byte
	// Answer answers what others ask this node with [Node.AskNode]; nil: it answers nothing.
	Answer func(ctx context.Context, from Asker, question []byte) []byte
	// Troubles lists in sentences what is wrong with this machine. A node that may not decide has
	// nobody to send messages to: the decider does. nil: nothing is.
	Troubles func() []string

	// OwnServers lists the servers of the bus, by name, that run on this machine. It may ask the DNS.
	// While this node decides, the journal is led by others, if these can. nil: there are none.
	OwnServers func(context.Context) []string

	// NeverStepDown has a node go on deciding although it cannot hear itself, until its journal
	// refuses an append. Only tests want that: they show that nothing else is needed for safety.
	NeverStepDown bool
	// Wall returns what the clock of this machine shows; nil: time.Now.
	Wall func() time.Time
}
