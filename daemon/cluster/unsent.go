package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

const (
	// unsentPause is how often it is looked whether messages leave this node.
	unsentPause = 10 * time.Second
	// unsentTime is how long no message may leave by a notifier before another node is to decide, from whose
	// place the other side may be reached.
	unsentTime = 5 * time.Minute
	// unsentFor is how long a node that had this trouble is asked by no other to decide, and lets no
	// other decide once more: else they would take turns for ever while the other side is down.
	unsentFor = time.Hour
)

// An unsentNotice is what a node says of a notifier by which it has delivered nothing while it decided.
type unsentNotice struct {
	Notifier config.NotifierID `json:"notifier"`
	Ago      time.Duration     `json:"ago"` // in nanoseconds: since when
}

// An unsentLog knows by which notifiers this node has delivered nothing while it decided. It is pure.
type unsentLog struct {
	blocked map[config.NotifierID]blockage
	// aside is when this node last let another one decide because of them; zero: never.
	aside time.Time
}

// A blockage is a notifier by which nothing leaves.
type blockage struct {
	since time.Time
	seen  time.Time // the last time that it was so
}

// noteBlocked takes since when notifiers deliver nothing, and returns those for which that is too long.
func (u *unsentLog) noteBlocked(blocked map[config.NotifierID]time.Time, now time.Time) (tooLong []config.NotifierID) {
	for id, since := range blocked {
		if now.Sub(since) < unsentTime {
			continue
		}
		tooLong = append(tooLong, id)
		if u.blocked == nil {
			u.blocked = map[config.NotifierID]blockage{}
		}
		u.blocked[id] = blockage{since, now}
	}
	slices.Sort(tooLong)
	return tooLong
}

// mayLetOthers reports whether this node may let another one decide now.
func (u *unsentLog) mayLetOthers(now time.Time) bool {
	return u.aside.IsZero() || now.Sub(u.aside) >= unsentFor
}

// notices returns what this node says of it, by name.
func (u *unsentLog) notices(now time.Time) (list []unsentNotice) {
	maps.DeleteFunc(u.blocked, func(_ config.NotifierID, b blockage) bool { return now.Sub(b.seen) >= unsentFor })
	for _, id := range slices.Sorted(maps.Keys(u.blocked)) {
		list = append(list, unsentNotice{id, now.Sub(u.blocked[id].since)})
	}
	return list[:min(len(list), maxTroubles)]
}

// watchUnsent has another node decide when messages do not leave this one, until ctx ends.
func (d *decider) watchUnsent(ctx context.Context) {
	_ = clock.Repeat(ctx, unsentPause, func() {
		blocked, err := d.tracker.Blocked(ctx)
		if err != nil {
			return // the tracker has ended, which ends awaitEnd
		}
		if to := d.whoMaySend(blocked, time.Now()); to != "" {
			d.Log.Warn("messages do not leave this node, so another one is to decide", zap.String("node", string(to)))
			d.sayThatItLives() // the others hear of it before they take over
			select {
			case d.aside <- struct{}{}:
			default: // it is known already
			}
		}
	})
}

// whoMaySend returns a node that is to decide now, because messages do not leave this one; empty: it is
// not so, or there is none that would be better off, as far as is known.
func (d *decider) whoMaySend(blocked map[config.NotifierID]time.Time, now time.Time) config.NodeID {
	d.mu.Lock()
	defer d.mu.Unlock()
	tooLong := d.unsent.noteBlocked(blocked, now)
	if len(tooLong) == 0 || !d.unsent.mayLetOthers(now) {
		return ""
	}
	for _, id := range d.hearing.candidates(d.Node.cfg.Cluster.Nodes, now) {
		other := d.hearing.nodes[id]
		had := func(n unsentNotice) bool { return slices.Contains(tooLong, n.Notifier) }
		if id != d.Node.Node && other.Copy == "" && !slices.ContainsFunc(other.Unsent, had) {
			d.unsent.aside = now
			return id
		}
	}
	return ""
}

// unsentSentence says that a node delivers nothing by some notifiers; empty: there are none.
func unsentSentence(node config.NodeID, list []unsentNotice, now time.Time) string {
	if len(list) == 0 {
		return ""
	}
	var names []string
	since := list[0].Ago
	for _, n := range list {
		names = append(names, string(n.Notifier))
		since = max(since, n.Ago)
	}
	return fmt.Sprintf("%s could not deliver messages by %s, since %s, so another node decides now. Check whether %s "+
		"reaches the service behind it: run `imapvigil notify-test` there. This report ends by itself after an hour.",
		node, strings.Join(names, ", "), now.Add(-since).UTC().Format("2006-01-02 15:04:05 MST"), node)
}
