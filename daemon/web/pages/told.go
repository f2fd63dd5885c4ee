package pages

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func itoa(n int) string { return strconv.Itoa(n) }

// destinationName says who is told and how, "IT team by sms.twilio"; for those who may act
// also to which address.
func destinationName(cfg *config.Config, roles []config.RoleID, notifier, target string, visitor *api.Visitor) string {
	labels := make([]string, len(roles))
	for i, r := range roles {
		labels[i] = roleLabel(cfg, r)
	}
	text := strings.TrimSpace(strings.Join(labels, ", ") + " by " + notifier)
	if target != "" && visitor.May(api.Operate) {
		text += ", " + target
	}
	return text
}

// deliveryText says of a message to whom it went, and what became of it.
func (f *fleet) deliveryText(d *api.Delivery, visitor *api.Visitor) string {
	text := destinationName(f.Config, d.Roles, d.Notifier, d.Target, visitor) + ": " + string(d.State)
	if at := f.clock.at(&d.At); at.Known() {
		text += " " + at.Near()
	}
	if next := f.clock.at(d.NextAttemptAt); next.Known() {
		text += ", tried again " + next.Near()
	}
	return text
}

// heldText says who is not told, and why.
func (f *fleet) heldText(h *api.Held, visitor *api.Visitor) string {
	if h.Notifier == "" {
		return cmp.Or(h.Detail, string(h.Reason))
	}
	return destinationName(f.Config, h.Roles, h.Notifier, h.Target, visitor) + ": not notified, " + h.Detail
}

// destinationRows are who would be notified if a service failed now, and who would not.
func destinationRows(forecast *api.Forecast, cfg *config.Config, visitor *api.Visitor) (list []destinationRow) {
	for i := range forecast.Notified {
		m := &forecast.Notified[i]
		after := "when reported"
		if wait := m.At.Sub(forecast.ReportedAt); wait > 0 {
			after = coarse(wait) + " later"
		}
		list = append(list, destinationRow{after, destinationName(cfg, m.Roles, m.Notifier, m.Target, visitor), m.Detail})
	}
	for i := range forecast.Held {
		h := &forecast.Held[i]
		who := "Nobody"
		if h.Notifier != "" {
			who = destinationName(cfg, h.Roles, h.Notifier, h.Target, visitor)
		}
		list = append(list, destinationRow{"not now", who, h.Detail})
	}
	return list
}

// comingText says what time alone will bring.
func comingText(e *api.ComingEvent, cfg *config.Config) string {
	labels := make([]string, len(e.Roles))
	for i, r := range e.Roles {
		labels[i] = roleLabel(cfg, r)
	}
	who := strings.TrimSpace(strings.Join(labels, ", ") + " by " + e.Notifier)
	switch e.Kind {
	case api.ComingProbe:
		return "Next probe"
	case api.ComingReport:
		return "Reported, if it fails until then"
	case api.ComingClosing:
		return "Closed as recovered, if it is well until then"
	case api.ComingEscalation:
		return who + " is notified, unless it is over or acknowledged before"
	case api.ComingReminder:
		return who + " is reminded, unless it is over or acknowledged before"
	case api.ComingAttempt:
		return "The message to " + who + " is tried again"
	case api.ComingAcknowledgement:
		return "The acknowledgement ends"
	case api.ComingSilence:
		return "The silence " + e.Name + " ends"
	case api.ComingMaintenance:
		return "Maintenance " + e.Name + " begins"
	case api.ComingMaintenanceEnd:
		return "Maintenance " + e.Name + " ends"
	}
	return string(e.Kind)
}
