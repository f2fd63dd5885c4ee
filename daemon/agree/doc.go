// Package agree makes one observation of what several nodes see of a check.
//
// It owns the rule of k of n: which nodes count, how many of them have to see a failure
// before it is one of the service, since when it is, and what is a fault of the path from
// one node alone. It owns which nodes probe a check, and which node is itself at fault. It
// is pure: no clock, no I/O, no goroutine. Whoever decides about incidents feeds it with the
// sights of the nodes and takes from it what a single machine would have seen.
//
// A caller may rely on this: the order in which sights arrive makes no difference; a node
// that falls silent never makes a check fail that enough others see well; a failure never
// begins before it was last agreed that all is well.
package agree
