// Package incident decides what is true of the servers. It is pure: no os,
// net, sync, context, log and no time.Now; time and observations come in as
// arguments, events go out, and nothing is known of people (that is
// daemon/outbox).
//
// Three functions carry it. [Observe] looks at one probe's [Result] and
// decides; [Tick] decides what time alone decides; [Apply] folds one event
// into the state and never decides. The events are journaled between deciding
// and applying, and replay uses Apply alone, so a changed policy cannot
// rewrite the past. Folding the events of a check gives its live state, except
// for the count of confirmations, which a restart has to gather afresh.
package incident
