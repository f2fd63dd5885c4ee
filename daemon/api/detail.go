package api

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A CheckDetail is what is known of one check beyond what a list says.
type CheckDetail struct {
	Description string `json:"description"`
	Runbook     string `json:"runbook"`
	// Evidence is what the server last said of what is wrong.
	Evidence opaque.Words `json:"evidence"`
	// Roles are those that are notified of the check.
	Roles []config.RoleID `json:"roles"`
	// Last are the conversations of the last probe; empty: it was not probed yet.
	Last []AddressReport `json:"last"`
	// History are the incidents of the check that are kept, the oldest first; open ones
	// with who is not notified now.
	History []Incident `json:"history"`
	// Forecast is who would be notified if the service failed now; missing for a check that
	// is paused.
	Forecast *Forecast `json:"forecast,omitempty"`
	// Coming is what time alone will bring, the first first.
	Coming []ComingEvent `json:"coming"`
}

// checkInDetail returns one check with all that is known of it.
func checkInDetail(ctx context.Context, d Daemon, id config.CheckID) (v Check, err error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return v, err
	}
	c, known := s.Check(id)
	if !known || !s.visitor.Sees(c.Check) {
		return v, notFound("there is no check %q", id)
	}
	v = newCheck(c, s.At, d.NextProbe)
	addSilences(&v, c.Check, activeSilences(s))
	detail := &CheckDetail{
		Description: c.Description, Runbook: c.Runbook,
		// JSON says [], not null.
		Roles: append([]config.RoleID{}, c.Roles...), Last: []AddressReport{}, History: []Incident{},
	}
	state, gravest := c.State(s.At)
	if f := c.Finding(state, gravest); f != nil && v.Cause != "" {
		detail.Evidence = f.Evidence
	}
	if c.Last != nil {
		for _, a := range c.Last.Addresses {
			detail.Last = append(detail.Last, newAddressReport(a))
		}
	}
	for in := range s.Incidents() {
		if in.Incident.Check == id {
			detail.History = append(detail.History, NewIncident(s.Snapshot, in))
		}
	}
	sortIncidents(detail.History)
	v.CheckDetail = detail
	if detail.Coming, err = comingOf(ctx, d, s, &v); err != nil {
		return v, err
	}
	return v, detail.addPeople(ctx, d, &v)
}

// addPeople adds who is not notified of what is open, and who would be if the service
// failed now.
func (detail *CheckDetail) addPeople(ctx context.Context, d Daemon, v *Check) error {
	for i := range detail.History {
		in := &detail.History[i]
		if in.State == incident.StatusClosed {
			continue
		}
		held, err := d.Explain(ctx, in.ID)
		if err != nil {
			return err
		}
		in.Held = newHeldList(held).Held
	}
	if v.State == incident.CheckPaused {
		return nil
	}
	q := Question{Check: v.ID, Begins: time.Now().UTC(), Condition: config.ConditionService, Severity: config.SeverityDown}
	f, err := d.Foresee(ctx, q)
	if err != nil {
		return err
	}
	forecast := newForecast(q, f)
	detail.Forecast = &forecast
	return nil
}
