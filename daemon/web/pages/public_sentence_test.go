package pages

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The sentence of a public page names the worst, since when, and what else is not as usual; it
// never says that something works which was not seen to work.
func TestPublicSentence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	began, known, until := now.Add(-13*time.Minute), now.Add(-10*time.Minute), now.Add(time.Hour)
	is := func(s incident.CheckState) api.Check { return api.Check{State: s, Since: &began} }
	down, ok, failing := is(incident.CheckDown), is(incident.CheckOK), is(incident.CheckFailing)
	degraded, recovering, unknown := is(incident.CheckDegraded), is(incident.CheckRecovering), is(incident.CheckUnknown)
	work, paused := is(incident.CheckMaintenance), is(incident.CheckPaused)
	work.Maintenance = &api.Maintenance{Name: "secret", Until: &until}
	certificate := degraded
	certificate.Cause = string(config.CauseCertExpiresSoon)
	for _, c := range []struct {
		name                  string
		services              [][]api.Check // the checks of Mail, Webmail, Calendar, Lists
		sentence, known, rest string
		state                 shownState
	}{
		{"nothing is watched", nil, "No service is watched here now.", "", "", noState},
		{"all is paused", [][]api.Check{{paused}}, "No service is watched here now.", "", "", noState},
		{"all is well", [][]api.Check{{ok}, {ok}}, "All services are working.", "", "", "ok"},
		{"the only one is down", [][]api.Check{{down}}, "Mail is not reachable since 02:47.", "We have known since 02:50.", "", "down"},
		{"one of two is down", [][]api.Check{{down}, {ok}}, "Mail is not reachable since 02:47.", "We have known since 02:50.", "The other service is working.", "down"},
		{"all are down", [][]api.Check{{down}, {down, down}}, "No service is reachable since 02:47.", "We have known since 02:50.", "", "down"},
		{"two of four are down", [][]api.Check{{down}, {down}, {ok}, {ok}}, "Mail and Webmail are not reachable since 02:47.", "We have known since 02:50.", "The other 2 services are working.", "down"},
		{"some checks of one are down", [][]api.Check{{down, ok}, {ok}}, "Mail is partly not reachable since 02:47.", "We have known since 02:50.", "The other service is working.", "degraded"},
		{"the rest of one is in maintenance", [][]api.Check{{down, work}}, "Mail is not reachable since 02:47.", "We have known since 02:50.", "", "down"},
		{"one is slow", [][]api.Check{{degraded}, {ok}}, "Mail is degraded since 02:47.", "We have known since 02:50.", "The other service is working.", "degraded"},
		{"a certificate ends", [][]api.Check{{certificate}, {ok}}, "All services are working.", "", "", "ok"},
		{"a failure is not certain", [][]api.Check{{failing}, {ok}}, "Mail is being checked: the last probe failed.", "", "The other service is working.", "failing"},
		{"it is well again", [][]api.Check{{recovering}, {ok}}, "Mail is reachable again, but not for long enough to be certain.", "", "The other service is working.", "recovering"},
		{"nothing is known", [][]api.Check{{unknown}, {unknown}}, "Nothing is known of all services now.", "", "", "unknown"},
		{"maintenance", [][]api.Check{{work}, {ok}}, "Webmail is working.", "", "Mail is in maintenance until 04:00.", "ok"},
		{"maintenance of all", [][]api.Check{{work}, {work}}, "All services are in maintenance until 04:00.", "", "", "maintenance"},
		{"everything at once", [][]api.Check{{down}, {failing}, {work}, {ok}}, "Mail is not reachable since 02:47.", "We have known since 02:50.", "Webmail is being checked: the last probe failed. Calendar is in maintenance until 04:00. The other service is working.", "down"},
	} {
		m := &publicMaker{clock: clock{now, time.UTC}, open: map[config.CheckID][]*api.Incident{}}
		for i, checks := range c.services {
			s := &service{name: []string{"Mail", "Webmail", "Calendar", "Lists"}[i]}
			for j := range checks {
				check := checks[j]
				check.ID = config.CheckID(s.name + itoa(j))
				in := &api.Incident{Condition: config.ConditionService, Severity: config.SeverityDown, ReportedAt: &known}
				switch {
				case check.Cause != "":
					in.Condition, in.Severity = config.ConditionCertificate, config.SeverityDegraded
				case check.State == incident.CheckFailing:
					in.ReportedAt = nil
				}
				m.open[check.ID] = append(m.open[check.ID], in)
				s.checks = append(s.checks, &check)
			}
			m.services = append(m.services, s)
		}
		p := &publicPage{}
		m.sentence(p)
		if p.Sentence != c.sentence || p.Known != c.known || p.Rest != c.rest || p.State != c.state {
			t.Errorf("%s: the page is %s and says\n%s|%s|%s\nnot %s\n%s|%s|%s", c.name, p.State, p.Sentence, p.Known, p.Rest, c.state, c.sentence, c.known, c.rest)
		}
	}
}
