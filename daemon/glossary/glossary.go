// Package glossary says of each word that people meet in status, messages and JSON what it
// means and what to do about it: the states of checks, incidents and messages, the
// conditions, phases and causes, and the reasons why a message is held. It writes them as
// the manual page imapvigil-states(7).
//
// The words themselves are in tables of other rooms; a test holds that none is without an
// entry here.
package glossary

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// An Entry explains a word, in whole sentences.
type Entry struct {
	Meaning string
	Remedy  string // what to do; "" only where there is nothing to do
}

// nothing is the remedy of what needs none.
const nothing = "Nothing."

// checkStates explains the states of checks.
var checkStates = map[incident.CheckState]Entry{
	incident.CheckDown: {
		"An incident is open, and the service cannot be used.",
		"Read phase, cause and hint in status, and look up the cause below. Acknowledge the incident (imapvigil ack) when you work on it.",
	},
	incident.CheckFailing: {
		"The last probes failed, but for a shorter time than fault_tolerance. Nobody has been notified yet.",
		"Nothing yet: it becomes down or degraded when the failure lasts. To test at once: imapvigil test CHECK.",
	},
	incident.CheckDegraded: {
		"An incident is open, but the service can be used: the certificate expires soon, an address of several fails, a phase is slow, or only the login of the check itself fails.",
		"Look up the cause below. It is not urgent at night, but it often becomes down later.",
	},
	incident.CheckRecovering: {
		"The service works again, for a shorter time than recovery_tolerance. The incident is still open. Each time that the incident reopens, the service must then work for longer, up to 30 minutes.",
		nothing + " The incident closes by itself when the service stays well.",
	},
	incident.CheckUnknown: {
		"There is no result yet, or imapvigil could not judge: its own machine, network, resolver or clock was at fault, so it says nothing about the server.",
		"Wait for the first probe after a start (10 seconds at most). If it stays unknown, look at the lines that begin with an exclamation mark in status, and at the incidents of the condition monitor.",
	},
	incident.CheckOK: {
		"The last probe found everything as it should be.",
		nothing,
	},
	incident.CheckMaintenance: {
		"A maintenance block applies now. The service is probed, incidents are recorded, and no message is sent.",
		nothing + " When the maintenance ends and the service is still down, the message is sent then.",
	},
	incident.CheckPaused: {
		"The files say enabled = false. The service is shown and not probed.",
		"Remove enabled = false from the check to watch it again.",
	},
}

// statuses explains the states of incidents.
var statuses = map[incident.Status]Entry{
	incident.StatusOpen: {
		"The failure lasts, and nobody has acknowledged it.",
		"Acknowledge it when you work on it: imapvigil ack ID --reason TEXT.",
	},
	incident.StatusAcknowledged: {
		"Somebody works on it: there are no reminders and no escalations until it closes or the acknowledgement expires. Its end is still sent.",
		nothing,
	},
	incident.StatusClosed: {
		"The incident is over. How it ended is one of the next words.",
		nothing,
	},
}

// endings explains how incidents end.
var endings = map[incident.ClosedAs]Entry{
	incident.Recovered: {"The service worked for recovery_tolerance.", nothing},
	incident.Removed: {
		"The check has been gone from the files for 10 minutes. This says nothing about the service.",
		"If it was renamed, write a moved block within these 10 minutes: then an open incident goes on under the new name.",
	},
	incident.Paused:  {"The check was paused with enabled = false. This says nothing about the service.", nothing},
	incident.Altered: {"The check was changed to another host or port, and works there.", nothing},
	incident.HandedOver: {
		"A node that had decided alone is with the others again. The node that decides now reports what still fails, in an incident of its own.",
		nothing,
	},
	incident.Merged: {
		"Of condition location: enough nodes see the service fail now, which is another incident.",
		nothing,
	},
}

// deliveryStates explains the states of messages.
var deliveryStates = map[outbox.DeliveryState]Entry{
	outbox.Queued:   {"The message is written and waits for its first attempt.", nothing},
	outbox.Sending:  {"An attempt is running.", nothing},
	outbox.Retrying: {"An attempt failed. It is repeated after 1 second at first and after 15 minutes at last, for 72 hours.", "Read the answer of the receiver in imapvigil deliveries. Nothing is lost while it waits."},
	outbox.Sent:     {"The receiver has accepted the message. Its answer is kept with the incident.", nothing},
	outbox.Dead: {
		"The message was given up: the receiver said three times that it will never accept it, as for a revoked token or an unknown recipient.",
		"Correct what the answer names (token, recipient, sender), then send it again: imapvigil deliveries --retry KEY.",
	},
	outbox.Expired:  {"The message could not be delivered for 72 hours.", "Repair the mail server, SMS gateway or service that it goes through, then send it again: imapvigil deliveries --retry KEY."},
	outbox.Replaced: {"A newer message says the same and more, so this one is not sent.", nothing},
}

// heldReasons explains why a message is held.
var heldReasons = map[outbox.HeldReason]Entry{
	outbox.HeldBySilence:         {"A silence mutes it.", "imapvigil silence list shows it; imapvigil silence remove ID ends it."},
	outbox.HeldByMaintenance:     {"A maintenance block applies.", nothing},
	outbox.HeldByAcknowledgement: {"The incident is acknowledged, so it is not escalated.", nothing},
	outbox.HeldKnown:             {"The node that decided for all before this one was alone has sent it, and somebody has acknowledged it. It is sent if that ends, or if it gets worse.", nothing},
	outbox.HeldByTakingBack:      {"The message says that the incident is acknowledged, and that was taken back before it could be sent.", nothing},
	outbox.HeldByDependency:      {"What the check depends on (depends_on) is down or failing.", "Look at what it depends on."},
	outbox.HeldBySchedule:        {"The notify block has a schedule (during), and now is outside it. It is sent when the window begins, if the incident is still open.", nothing},
	outbox.HeldBySeverity:        {"The notify block is only for what is down (severity), but this is degraded.", `Write severity = "degraded" in the notify block to get it.`},
	outbox.HeldByCondition:       {"The notify block does not list the condition (conditions).", "Add the condition to the notify block to get it."},
	outbox.HeldByTransition:      {"The notify block does not list this kind of message (on).", "Add it to on in the notify block to get it."},
	outbox.HeldByLimit:           {"The notifier has sent as many messages within an hour as max_per_hour allows. The rest becomes one digest.", "Raise max_per_hour of the notifier if it is too low."},
	outbox.HeldByNobody:          {"No role is notified of the check, or its notifier is no longer in the files.", "imapvigil incidents ID names the check; give it notification_roles."},
	outbox.HeldForSiblings:       {"Other checks of the same server fail, too. It waits up to 30 seconds, so that one message names them all.", nothing},
	outbox.HeldToGather:          {"What happens within a short time is sent in one message: within 10 seconds for the first message, a minute for the next.", nothing},
	outbox.HeldUntilAfter:        {"An escalation that is not due yet (after).", nothing},
	outbox.HeldUntilSeen:         {"The failure has not been seen again since imapvigil started, or since its machine stood still. imapvigil sends only what it has seen itself since then.", nothing},
	outbox.HeldUnconfirmed:       {"The failure has not lasted for fault_tolerance.", nothing},
	outbox.HeldRecovering:        {"The service works again at the moment.", nothing},
	outbox.HeldInOrder:           {"An older message about the same incident is being sent to the same place. Messages never overtake each other.", "If it lasts, look at imapvigil deliveries."},
	outbox.HeldUndelivered:       {"The opening could not be delivered, so the end is not sent either.", "imapvigil deliveries shows the opening and the answer of the receiver."},
	outbox.HeldUnannounced:       {"The opening was not sent to this number by SMS, so the end is not sent either.", nothing},
	outbox.HeldEndedTooEarly:     {"The incident was over before anything could be sent.", nothing},
}

// conditions explains the conditions.
var conditions = map[config.Condition]Entry{
	config.ConditionService: {
		"DNS, the connection, TLS or IMAP itself fails at all addresses of the host: people cannot read their mail.",
		"Look up the cause. imapvigil test CHECK --transcript shows the conversation.",
	},
	config.ConditionAddresses: {
		"The host has several addresses, and some of them fail. Programs that try the failing one first are slow or fail.",
		"Repair the address that status names, or take it out of DNS.",
	},
	config.ConditionCertificate: {
		"The certificate is still accepted, but not for long, or its key is weak.",
		"Renew it, and restart or reload the IMAP server: many servers keep the old one in memory.",
	},
	config.ConditionLatency: {
		"A phase takes longer than thresholds allow.",
		"Look at the times in imapvigil test CHECK. Raise the threshold if the time is normal for this server.",
	},
	config.ConditionCapability: {
		"The server does not offer something that require_capabilities asks for.",
		"Compare the capabilities in imapvigil test CHECK with the configuration of the server after its last upgrade.",
	},
	config.ConditionAccount: {
		"The service answers, but the check's own login fails. Other people may be able to log in.",
		"Look up the cause. Wrong passwords are tried less and less often, so that the server does not ban this machine; after a correction, imapvigil recheck CHECK tries at once.",
	},
	config.ConditionIntermittent: {
		"Within 30 minutes at least 3 probes and a fifth of all failed, each failure too short for an incident of its own.",
		"Look at limits on connections, at a load balancer with one bad server behind it, and at packet loss.",
	},
	config.ConditionMonitor: {
		"imapvigil itself has a problem: its files, its journal, its machine, or the delivery of messages.",
		"imapvigil status says what it is, in the lines that begin with an exclamation mark.",
	},
	config.ConditionLocation: {
		"Several nodes probe the check. Some of them see it fail, fewer than agree asks for, and all have looked again since.",
		"Look at the network between the node and the server: a route, a firewall, or a block list of the server. imapvigil status CHECK says what each node sees.",
	},
}

// phases explains the phases.
var phases = map[config.Phase]Entry{
	config.PhaseDNS:        {"The name is looked up, for IPv4 and IPv6 addresses.", "Compare with: getent ahosts HOST."},
	config.PhaseConnect:    {"A TCP connection to each address is made.", "Compare with: nc -vz HOST PORT, from this machine and from another one."},
	config.PhaseTLS:        {"TLS is negotiated and the certificate is verified, at once on port 993, after STARTTLS on port 143.", "Compare with: openssl s_client -connect HOST:PORT -servername HOST."},
	config.PhaseGreeting:   {"The server says that it is ready.", "Compare with: imapvigil test --host HOST --transcript."},
	config.PhaseCapability: {"The server lists what it can do, and says its name and version if it wants.", "imapvigil test CHECK shows the list."},
	config.PhaseStartTLS:   {"On a port that begins without TLS, TLS is asked for.", "Compare with: openssl s_client -starttls imap -connect HOST:PORT."},
	config.PhaseLogin:      {"The check logs in, if it has a login block.", "Look into the log of the IMAP server for the name of the check's account."},
	config.PhaseSelect:     {"The mailbox is opened for reading (EXAMINE).", "Look into the log of the IMAP server, and at its disks."},
	config.PhaseLogout:     {"The session is ended. A server that does not answer this is not reported.", nothing},
}
