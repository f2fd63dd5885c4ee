package elsewhere

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// Limit is how long all other nodes together may take to answer.
const Limit = 2 * time.Second

// Why a node is missing, as it follows its name.
const (
	isSilent    = "is silent"
	noAnswer    = "did not answer"
	otherWords  = "runs a version that does not answer this"
	cannotRead  = "cannot read its history"
	saysTooMuch = "knows more than one answer holds"
	notAsked    = "was not asked about so many checks"
)

// A Node is one of several.
type Node struct {
	ID       config.NodeID
	Location string
	Live     bool // it is heard; nobody asks one that is not
}

// Options are what a Past works with.
type Options struct {
	Store  Store  // of this node
	Self   Node   // this node
	Others []Node // in their order
	Ask    func(ctx context.Context, node config.NodeID, question []byte) ([]byte, error)
}

// A Past is what this node and the others know of the past, for one request. What it has besides Lives and
// Locations is of this node.
type Past struct {
	Store
	options Options
	begun   time.Time

	mu      sync.Mutex
	round   *round
	missing map[config.NodeID]string // of any round
}

// New begins a request. From now on the other nodes have [Limit].
func New(o Options) *Past {
	return &Past{Store: o.Store, options: o, begun: time.Now(), missing: map[config.NodeID]string{}}
}

// A round is one question to all other nodes.
type round struct {
	query   Query
	answers map[config.NodeID]*answer // of those that are not missing; read when done is closed
	done    chan struct{}
}

// covers reports whether the answers to a question say all that another one asks.
func (r *round) covers(q Query) bool {
	if r.query.From.After(q.From) || r.query.To.Before(q.To) || len(r.query.Checks) == 0 && len(q.Checks) > 0 {
		return false
	}
	asked := make(map[config.CheckID]bool, len(r.query.Checks))
	for _, id := range r.query.Checks {
		asked[id] = true
	}
	for _, id := range q.Checks {
		if !asked[id] {
			return false
		}
	}
	return q.Of == "" || r.query.Of == q.Of && r.query.Since.Equal(q.Since)
}

// Begin asks the other nodes, and waits for nobody. Who is asked everything at once answers sooner.
func (p *Past) Begin(ctx context.Context, q Query) {
	p.askOthers(ctx, q)
}

// askOthers asks the other nodes, unless they were asked the same.
func (p *Past) askOthers(ctx context.Context, q Query) *round {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.round != nil && p.round.covers(q) {
		return p.round
	}
	r := &round{query: q, answers: map[config.NodeID]*answer{}, done: make(chan struct{})}
	p.round = r
	ctx, cancel := context.WithDeadline(ctx, p.begun.Add(Limit))
	question := q.encode()
	var asked sync.WaitGroup
	for _, node := range p.options.Others {
		if why := p.unasked(node, q); why != "" {
			p.missing[node.ID] = why
			continue
		}
		asked.Go(func() {
			a, why := p.askOne(ctx, node.ID, question)
			p.mu.Lock()
			defer p.mu.Unlock()
			if why != "" {
				p.missing[node.ID] = why
				return
			}
			r.answers[node.ID] = a
		})
	}
	go func() {
		defer close(r.done)
		defer cancel()
		asked.Wait()
	}()
	return r
}

// unasked says why a node is not asked; empty: it is. p is locked.
func (p *Past) unasked(node Node, q Query) string {
	switch {
	case p.missing[node.ID] != "": // it has had its time
		return p.missing[node.ID]
	case !node.Live:
		return isSilent
	case len(q.Checks) > mostChecks:
		return notAsked
	}
	return ""
}

// askOne asks one node. why says why it has not answered.
func (p *Past) askOne(ctx context.Context, node config.NodeID, question []byte) (a *answer, why string) {
	text, err := p.options.Ask(ctx, node, question)
	switch {
	case err != nil:
		return nil, noAnswer
	case len(text) == 0:
		return nil, otherWords
	}
	said, err := decode(text)
	if err != nil {
		return nil, otherWords
	}
	return &said, said.Error
}

// Lives returns what is known of checks in a window. Of the time that this node did not see, that is unknown
// which no other node saw either.
func (p *Past) Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error) {
	r := p.askOthers(ctx, Query{Checks: checks, From: from, To: to})
	lives, err := p.Store.Lives(ctx, checks, from, to)
	<-r.done
	if err != nil {
		return nil, err
	}
	for id, life := range lives {
		unseen := make([][]availability.Interval, 0, len(r.answers))
		for _, a := range r.answers {
			unseen = append(unseen, a.unseenOf(id))
		}
		lives[id] = availability.SeenElsewhere(life, unseen...)
	}
	return lives, nil
}

// A Location is what the probes of one node came to.
type Location struct {
	Node
	Missing string // why that is not known, as it follows the name of the node; empty: it is
	Sum     *Sum   // nil: it made none
}

// Locations returns what the probes of each node came to in a window, this node first.
func (p *Past) Locations(ctx context.Context, check config.CheckID, from, to time.Time) ([]Location, error) {
	r := p.askOthers(ctx, Query{Checks: []config.CheckID{check}, From: from, To: to, Of: check, Since: from})
	own, err := sumOfProbes(ctx, p.Store, check, from, to)
	<-r.done
	if err != nil {
		return nil, err
	}
	list := []Location{{Node: p.options.Self, Sum: own}}
	for _, l := range p.Nodes()[1:] {
		if a := r.answers[l.ID]; a != nil {
			l.Sum = a.Sum
		}
		list = append(list, l)
	}
	return list, nil
}

// Nodes lists this node and then the others, with those that are missing in the figures so far.
func (p *Past) Nodes() []Location {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []Location{{Node: p.options.Self}}
	for _, node := range p.options.Others {
		list = append(list, Location{Node: node, Missing: p.missing[node.ID]})
	}
	return list
}

// Sentence says of which nodes the figures have nothing: "nyc1 did not answer." It is empty when all answered.
func Sentence(nodes []Location) string {
	var parts []string
	for _, l := range nodes {
		if l.Missing != "" {
			parts = append(parts, string(l.ID)+" "+l.Missing)
		}
	}
	who := "they"
	switch len(parts) {
	case 0:
		return ""
	case 1:
		who = "that node"
	}
	return strings.Join(parts, "; ") + ". What only " + who + " saw is missing here."
}
