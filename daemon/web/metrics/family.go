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
	sloObjective = family{"imapvigil_slo_objective_ratio", false, "The slo of a check, from 0 to 1."}
)

// The families of the daemon.
var (
	incidentsOpen       = family{"imapvigil_incidents_open", false, "Incidents that are reported and have not ended."}
	notificationsQueued = family{"imapvigil_notifications_queued", false, "Messages that are not delivered yet, those that wait for their time included."}
	notificationsDead   = family{"imapvigil_notifications_dead", false, "Messages that were given up and that nobody has dismissed."}
	probeLag            = family{"imapvigil_probe_lag_seconds", false, "How much later than its turn a probe began in the last minute or two, the most of all checks."}
	probesOverdue       = family{"imapvigil_probes_overdue", false, "Checks that are late by more than two intervals, and by 30 seconds."}
	reloadSuccessful    = family{"imapvigil_config_last_reload_successful", false, "Whether the files are in force as they are: 1, or 0 while they are in error."}
	reloadTimestamp     = family{"imapvigil_config_last_reload_success_timestamp_seconds", false, "When the configuration in force was loaded, in seconds since 1970."}
	journalDurable      = family{"imapvigil_journal_durable", false, "Whether what happens is safely on disk: 1, or 0."}
	buildInfo           = family{"imapvigil_build_info", false, "The version of the program; always 1."}
)
