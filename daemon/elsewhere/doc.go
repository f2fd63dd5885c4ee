// Package elsewhere asks the other nodes of a cluster what their histories know. History stays with
// the node that probed, so whoever is asked for figures asks the others.
//
// It owns the question and the answer, and what is made of them: time that one node at least has seen is not
// unknown, and each location has the latency and the failures of its own probes. Whether a check was down is
// none of this: the incidents say so, which all nodes share.
//
// A caller may rely on this:
//
//   - All nodes together get [Limit], however often a [Past] is asked. One that has not answered by then is
//     missing, and named.
//   - What a node says is bounded, and read with care: it may only make unknown time known.
//   - Nothing here is on the way of an alarm.
package elsewhere
