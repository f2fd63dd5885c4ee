// Package cluster makes several machines one monitor. Each of them is a node: it probes its
// share of the checks and says what it sees. One of them decides for all.
//
// It owns who lives, who decides, what a node does while it hears nobody, and the loop between
// what the nodes see (daemon/agree), the journal that all of them keep (daemon/stream) and the
// tracker of the incidents that all share. It owns neither of these, no probe and no message.
//
// # Two trackers
//
// The own tracker of a node is that of its own journal. It has the troubles of this machine and,
// while the node is alone, what the node itself sees.
//
// The shared tracker is that of the copy of the journal on the bus. While another node decides it
// is a standby: it folds what the decider journaled, and decides nothing. When this node takes over,
// it begins. When an append of this node is refused, another node has taken over: the tracker is
// thrown away, and another standby is opened from the copy.
//
// # What a caller may rely on
//
//   - Whoever decides could append to the journal, and nobody else can: a message leaves this node
//     for all only after that. The clocks of the machines do not matter for it.
//   - A node that hears no decider keeps its share of the checks, and decides for them by itself after
//     alone_after. It hands its incidents over when it hears a decider again.
//   - What people have asked for, silences and acknowledgements, goes with it in both directions: see
//     [tracker.Wishes].
//   - A node that may not decide never does, and is never alone.
//   - Nothing here waits for the bus in the goroutine of a probe.
package cluster
