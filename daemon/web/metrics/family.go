package metrics

// A family is all series of one name.
type family struct {
	name    string
	counter bool // else it is a gauge
	help    string
}

// The families of each check.
var (
	checkUp = family{
		"imapvigil_check_up", false,
		"Whether the service worked in the last probe: 1, or 0. Absent while that is not known or the check is paused.",
	}
	checkDegraded = family{
		"imapvigil_check_degraded", false,
		"Whether the last probe found something wrong although the service worked. Absent as imapvigil_check_up is.",
	}
	checkInfo = family{"imapvigil_check_info", false, "What the files say of a check; always 1."}
	addressUp = family{
		"imapvigil_address_up", false,
		"Whether an address worked in the last probe; of 16 addresses of a check at most.",
	}
	phaseSeconds = family{
		"imapvigil_probe_phase_seconds", false,
		"How long a phase took in the last probe, at the slowest address that reached it; total is the whole conversation.",
	}
	certificateNotAfter = family{
		"imapvigil_certificate_not_after_seconds", false,
		"When the first of the certificates ends that the last probe saw, in seconds since 1970.",
	}
	stateSeconds = family{
		"imapvigil_check_state_seconds_total", true,
		"For how long a check was up, down, unknown or in maintenance, added when that is known: at the latest after fault_tolerance. Degraded is up.",
	}
	probeFailures = family{
		"imapvigil_probe_failures_total", true,
		"Probes that found something wrong, by the worst of it.",
	}
	sloObjective = family{"imapvigil_slo_objective_ratio", false, "The slo of a check, from 0 to 1."}
)

// The families of the daemon.
var (
	incidentsOpen       = family{"imapvigil_incidents_open", false, "Incidents that are reported and have not ended."}
	notificationsQueued = family{"imapvigil_notifications_queued", false, "Messages that are not delivered yet, those that wait for their time included."}
	notificationsDead   = family{"imapvigil_notifications_dead", false, "Messages that were given up and that nobody has dismissed."}
	notifications       = family{"imapvigil_notifications_total", true, "Attempts to send a message, by what they came to: sent, retrying, or given up as dead or expired."}
	probeLag            = family{"imapvigil_probe_lag_seconds", false, "How much later than its turn a probe began in the last minute or two, the most of all checks."}
	probesOverdue       = family{"imapvigil_probes_overdue", false, "Checks that are late by more than two intervals, and by 30 seconds."}
	reloadSuccessful    = family{"imapvigil_config_last_reload_successful", false, "Whether the files are in force as they are: 1, or 0 while they are in error."}
	reloadTimestamp     = family{"imapvigil_config_last_reload_success_timestamp_seconds", false, "When the configuration in force was loaded, in seconds since 1970."}
	journalDurable      = family{"imapvigil_journal_durable", false, "Whether what happens is safely on disk: 1, or 0."}
	historyWritable     = family{"imapvigil_history_writable", false, "Whether the history can be written: 1, or 0. Alarms do not need it."}
	historyDropped      = family{"imapvigil_history_dropped_total", true, "Observations and changes for which the history had no room."}
	lastProof           = family{"imapvigil_destination_last_proof_timestamp_seconds", false, "When a message was last delivered to a role by a notifier, in seconds since 1970; of several targets the longest ago. Absent where none is known to have been."}
	historySize         = family{"imapvigil_history_size_bytes", false, "How large the history is on disk."}
	buildInfo           = family{"imapvigil_build_info", false, "The version of the program; always 1."}
)
