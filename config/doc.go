// Package config is the vocabulary of imapvigil: what administrators declare,
// as plain, validated values. Read it first.
//
// It owns the words (Check, Role, Notify, Policy, ...) and how two configurations
// differ ([Compare]). It never reads a file, knows no HCL and keeps no state:
// a *Config is immutable once config/hclfile has made it, so it is shared
// between goroutines without locks, and a newer one replaces it as a whole.
//
// # Glossary
//
// One word has one meaning in the whole project: in names, comments, logs, messages
// and manual pages.
//
//   - acknowledged: a person works on the incident; no reminder and no escalation is sent.
//   - alone: a node that reaches no deciding one, and so decides for itself.
//   - attempt: one try to send a delivery.
//   - cause: the named reason of a finding, from one list.
//   - check: one imap_check block: a service that is probed.
//   - clock jump: somebody set the wall clock. Compare suspend.
//   - cluster: several nodes with the same files, of which one decides for all.
//   - condition: what an incident is about (service, certificate, ...); an incident
//     belongs to a check and a condition.
//   - confirmed, unconfirmed: a failure has, or has not yet, lasted for fault_tolerance.
//   - conversation: one IMAP session of a probe with one address.
//   - deciding, following: the one node that decides for all, and the others.
//   - delivery: the sending of one notification, with all its attempts.
//   - destination: a notifier and a target: one place that messages go to.
//   - episode: one stretch of failing within an incident that was reopened.
//   - evidence: the server's own words, sanitised.
//   - failure: what is wrong and is not, or not yet, an incident that was reported.
//   - fallback: another destination that is asked to help because one is stuck.
//   - finding: one thing that a verdict says is wrong: condition, health, phase, cause, hint.
//   - held: a notification that should be sent is not sent now, for a reason that has a name.
//   - incident: a failure with its start, its events and its end.
//   - last good configuration: what runs while the files are in error.
//   - location: where a node is; also the condition of a check that fails in some of them only.
//   - maintenance: planned work; nothing is sent meanwhile.
//   - mark: why something that a conversation found is not believed: this machine may be the reason.
//   - node: a machine of a cluster; it probes its share of the checks.
//   - notification: the decision to tell one destination something; journaled before it is sent.
//   - notifier: a channel: how messages are sent (email, slack, telegram, webhook, ...).
//   - notify: one notify block of a role: a destination, and what it is told when.
//   - observation: what a probe lets us conclude about one condition.
//   - phase: a step of a conversation, from dns to logout.
//   - probe: all conversations of one check at one time.
//   - probe now: a probe before it is due.
//   - receipt: the proof that the other side took a delivery.
//   - recovery: being well again, before recovery_tolerance is over.
//   - role: why somebody is told: a notification_role block.
//   - silence: a person asked that nothing be sent for a while.
//   - snapshot: the daemon's state as values, for readers; config/hclfile has one of the files.
//   - suspend: the machine, or this process, stood still.
//   - transition: what a notification tells of an incident (opened, changed, closed, ...).
//   - verdict: health, phase, cause and hint, decided in one place (daemon/verdict).
//   - wake-up time: when something is looked at again.
package config
