package daemon

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// failing gives probes that find everything well but some checks.
func failing(ids ...config.CheckID) func(context.Context, config.CheckID, config.Probe) verdict.Probe {
	return func(_ context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
		p := well(id)
		if slices.Contains(ids, id) {
			p.Conversations[0].Failure = &incident.Finding{
				Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused,
			}
		}
		return p
	}
}

// opened waits for an incident of a check to be reported.
func (s *stage) opened(check config.CheckID) incident.ID {
	s.t.Helper()
	for range 100 {
		for _, in := range s.incidents() {
			if in.Check == check && in.State == "open" && in.ReportedAt != nil {
				return in.ID
			}
		}
		time.Sleep(time.Minute)
	}
	s.t.Fatalf("no incident of %s: %+v", check, s.incidents())
	return ""
}

func (s *stage) incidents() []api.Incident {
	s.t.Helper()
	snapshot, err := s.m.Snapshot(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return api.NewIncidents(snapshot).Incidents
}

func (s *stage) incident(id incident.ID) api.Incident {
	s.t.Helper()
	for _, in := range s.incidents() {
		if in.ID == id {
			return in
		}
	}
	s.t.Fatalf("there is no incident %s: %+v", id, s.incidents())
	return api.Incident{}
}

func (s *stage) stillOpen(id incident.ID) {
	s.t.Helper()
	if in := s.incident(id); in.State != "open" {
		s.t.Errorf("the incident of %s is %s, closed as %q", in.Check, in.State, in.ClosedAs)
	}
}

// An open incident through one reload after the other, from the files to the
// journal: it belongs to the check, however that is written and wherever.
func TestIncidentThroughReloads(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		s.probe = failing("a", "z")
		h.do("write conf/a.hcl a=1,b=1; write conf/b.hcl c=1")
		s.start()
		in := s.opened("a")
		for _, edit := range []struct{ what, script, then string }{
			{"changed: another port", "put conf/a.hcl a=2,b=1", "a=2 b=1 c=1"},
			{"moved to another file", "put conf/b.hcl c=1,a=2; put conf/a.hcl b=1", "a=2 b=1 c=1"},
			{"removed", "put conf/b.hcl c=1", "b=1 c=1"},
			{"added again in time", "put conf/b.hcl c=1,a=2", "a=2 b=1 c=1"},
			{"broken", "put conf/b.hcl broken", "refused: "},
			{"mended", "put conf/b.hcl c=2,a=2", "a=2 b=1 c=2"},
		} {
			s.step(h, edit.script, edit.then)
			time.Sleep(5 * time.Minute)
			if got := s.incident(in); got.State != "open" || got.Check != "a" {
				t.Errorf("%s: the incident of %s is %s, closed as %q", edit.what, got.Check, got.State, got.ClosedAs)
			}
		}
		s.text("conf/moved.hcl", "moved {\n  from = \"a\"\n  to   = \"z\"\n}\n")
		s.step(h, "put conf/b.hcl c=2,z=2", "b=1 c=2 z=2")
		time.Sleep(20 * time.Minute)
		if got := s.incident(in); got.State != "open" || got.Check != "z" {
			t.Errorf("renamed with a moved block: the incident of %s is %s, closed as %q", got.Check, got.State, got.ClosedAs)
		}
		s.stop()
		s.start()
		s.stillOpen(in)
		s.step(h, "rm conf/moved.hcl; put conf/b.hcl c=2", "b=1 c=2")
		time.Sleep(11 * time.Minute)
		if got := s.incident(in); got.State != "closed" || got.ClosedAs != string(incident.Removed) {
			t.Errorf("removed for good: the incident of %s is %s, closed as %q", got.Check, got.State, got.ClosedAs)
		}
		if all := s.incidents(); len(all) != 1 {
			t.Errorf("there were other incidents, too: %+v", all)
		}
	})
}
