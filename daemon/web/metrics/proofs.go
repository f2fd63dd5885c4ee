package metrics

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// writeProofs writes when destinations last proved themselves. A target is no label: it is somebody's
// number or address.
func writeProofs(w *writer, destinations []api.Destination) {
	w.family(&lastProof)
	for i, d := range destinations {
		if seconds, known := oldestProof(destinations, d.Role, d.Notifier, i); known {
			w.label("role", string(d.Role))
			w.label("notifier", string(d.Notifier))
			w.value(float64(seconds))
		}
	}
}

// oldestProof returns when the target of a role and a notifier that has waited longest was last
// sent a message; false: one never was, or the series is written at another of them than i.
func oldestProof(all []api.Destination, role config.RoleID, notifier config.NotifierID, i int) (seconds int64, known bool) {
	for k, d := range all {
		if d.Role != role || d.Notifier != notifier {
			continue
		}
		if k < i || d.ProvedAt == nil {
			return 0, false
		}
		if at := d.ProvedAt.Unix(); !known || at < seconds {
			seconds, known = at, true
		}
	}
	return seconds, known
}
