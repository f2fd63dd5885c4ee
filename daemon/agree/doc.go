// Package agree makes one observation of what several nodes see of a check.
//
// It owns the rule of k of n: which nodes count, how many of them have to see a failure
// before it is one of the service, since when it is, and what is a fault of the path from
// one node alone. It owns which nodes probe a check, which node is itself at fault, and
// how what a node sees travels. It is pure: no clock, no I/O, no goroutine.
//
// A node has a [Packer], which makes packets of the results of its probes: a few bytes of each check that
// is well, all that there is to say of one that is not. Whoever decides about incidents has a
// [Board], feeds it with the packets of all nodes, and takes from it what a single machine would have
// seen. The rule itself is [View.Agree]; testdata/rows tells what it means for people.
//
// A caller may rely on this:
//
//   - The order in which sights arrive makes no difference, and one that is lost makes none after the next.
//   - A node that falls silent never makes a check fail that enough others see well.
//   - A failure never begins before it was last agreed that all is well.
//   - One look of one node is one observation, however often others look meanwhile.
//   - A node speaks for itself only. What it says is bounded and sanitised, and is one vote.
package agree
