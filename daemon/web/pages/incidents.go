package pages

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// An incidentRow is one incident in a list.
type incidentRow struct {
	ID       incident.ID
	Link     string
	State    shownState
	Word     string
	What     string
	Started  stamp
	Length   string
	Owner    string
	Short    bool // it ended before it was reported
	Reported stamp
}

func (f *fleet) incidentRow(in *api.Incident) incidentRow {
	row := incidentRow{
		ID: in.ID, Link: incidentLink(in.ID), State: severityState(in), Word: string(in.State), What: causeText(in.Cause, in.Phase),
		Started: f.clock.at(&in.StartedAt), Reported: f.clock.at(in.ReportedAt), Short: in.ReportedAt == nil,
	}
	end := f.At
	if in.EndedAt != nil {
		end = *in.EndedAt
	}
	row.Length = between(in.StartedAt, end)
	if in.State == incident.StatusClosed {
		row.State, row.Word = noState, in.ClosedAs
		if in.ClosedAs == string(incident.Recovered) {
			row.State = "ok"
		}
	}
	if in.Acknowledged != nil {
		row.Owner = in.Acknowledged.By
	}
	return row
}

// severityState returns how an incident is shown while it is open.
func severityState(in *api.Incident) shownState {
	if in.Severity == config.SeverityDown {
		return "down"
	}
	return "degraded"
}
