package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What several nodes see of a service: all see it well, some see it fail, or enough do.
func well(r incident.Result) incident.Result {
	r.Observed = config.ConditionSet(config.ConditionService, config.ConditionLocation)
	return r
}

func someFail(r incident.Result) incident.Result {
	r = well(r)
	r.Findings = []incident.Finding{{
		Condition: config.ConditionLocation, Health: incident.Degraded, Phase: config.PhaseConnect, Cause: config.CauseTimeout,
		From: "1 of 3 nodes: frankfurt; well from london, new-york",
	}}
	return r
}

func enoughFail(r incident.Result) incident.Result {
	r.Observed = config.ConditionSet(config.ConditionService)
	r.Findings = []incident.Finding{{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseTimeout,
		From: "2 of 3 nodes: frankfurt, london; well from new-york",
	}}
	return r
}

// course has the nodes see something every 15 seconds, for as long as each step says, and returns the
// events, without those of failures that nobody is told of.
func course(t *testing.T, policy config.Policy, steps ...any) (told []string, end incident.State) {
	t.Helper()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	began := now
	var s incident.State
	for i := 0; i < len(steps); i += 2 {
		see, lasts := steps[i].(func(incident.Result) incident.Result), steps[i+1].(time.Duration)
		for until := now.Add(lasts); now.Before(until); now = now.Add(15 * time.Second) {
			counts, events := incident.Observe(policy, s, see(incident.Result{Check: "mx1/imaps", Target: "mx1:993", Started: now, Ended: now}))
			for _, e := range events {
				s = incident.Apply(s, e)
				in, _ := s.Incident(e.Condition)
				if e.Kind == incident.Opened || e.Kind == incident.Closed && !in.Unreported() {
					told = append(told, strings.TrimSpace(now.Sub(began).String()+" "+string(e.Condition)+" "+string(e.Kind)+" "+string(e.ClosedAs)))
				}
			}
			s = s.WithCounts(counts)
		}
	}
	return told, s
}

var nodesPolicy = config.Policy{FaultTolerance: 2 * time.Minute, RecoveryTolerance: time.Minute, ReopenWithin: 30 * time.Minute}

// People hear of one thing: no outage begins or ends with a message about the location, and what is seen
// from some nodes is told when it lasts.
func TestLocationIsQuietBesideTheService(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []any
		told  []string
	}{
		{"an outage that the nodes see one after the other", []any{
			well, time.Minute, someFail, 30 * time.Second, enoughFail, 10 * time.Minute, someFail, 45 * time.Second, well, 10 * time.Minute,
		}, []string{"3m30s service opened", "12m30s service closed recovered"}},
		{"seen from one node, for long enough", []any{
			well, time.Minute, someFail, 10 * time.Minute, well, 10 * time.Minute,
		}, []string{"3m0s location opened", "12m0s location closed recovered"}},
		{"seen from one node at first, which is told, then from enough", []any{
			well, time.Minute, someFail, 5 * time.Minute, enoughFail, 10 * time.Minute, well, 10 * time.Minute,
		}, []string{"3m0s location opened", "8m0s service opened", "8m0s location closed merged", "17m0s service closed recovered"}},
		{"one node sees it fail after the outage, too", []any{
			enoughFail, 5 * time.Minute, someFail, 10 * time.Minute, well, 5 * time.Minute,
		}, []string{"2m0s service opened", "6m0s service closed recovered", "7m0s location opened", "16m0s location closed recovered"}},
		{"merged, and again from one node after a short outage", []any{
			someFail, 5 * time.Minute, enoughFail, 5 * time.Minute, someFail, 10 * time.Minute,
		}, []string{
			"2m0s location opened", "7m0s service opened", "7m0s location closed merged", "11m0s service closed recovered", "12m0s location opened",
		}},
		{"a second node for a moment", []any{
			someFail, 5 * time.Minute, enoughFail, time.Minute, someFail, 5 * time.Minute,
		}, []string{"2m0s location opened"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told, _ := course(t, nodesPolicy, c.steps...)
			if got, want := strings.Join(told, "\n"), strings.Join(c.told, "\n"); got != want {
				t.Errorf("told:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// The location says nothing while the service fails, whatever a result holds.
func TestLocationIsNotObservedWhileTheServiceFails(t *testing.T) {
	both := func(r incident.Result) incident.Result {
		findings := someFail(r).Findings
		r = enoughFail(r)
		r.Observed |= config.ConditionSet(config.ConditionLocation)
		r.Findings = append(r.Findings, findings...)
		return r
	}
	_, s := course(t, nodesPolicy, both, time.Minute)
	if in, known := s.Incident(config.ConditionLocation); known {
		t.Errorf("there is %+v", in)
	}
}

// An incident that is merged ends when the failure began that it became, and one of several nodes keeps
// who saw it.
func TestMergedEndsWhereTheOutageBegins(t *testing.T) {
	_, s := course(t, nodesPolicy, someFail, 5*time.Minute, enoughFail, 5*time.Minute)
	location, _ := s.Incident(config.ConditionLocation)
	service, _ := s.Incident(config.ConditionService)
	if !location.EndedAt.Equal(service.StartedAt) || location.Live() || !location.HandedOn() {
		t.Errorf("the location ended at %s as %s, the service fails since %s", location.EndedAt, location.ClosedAs, service.StartedAt)
	}
	if got := location.Finding.From; got != "1 of 3 nodes: frankfurt; well from london, new-york" {
		t.Errorf("seen from %q", got)
	}
}

// That other nodes see it is no news.
func TestFromIsNoNews(t *testing.T) {
	other := func(r incident.Result) incident.Result {
		r = enoughFail(r)
		r.Findings[0].From = "3 of 3 nodes: frankfurt, london, new-york"
		return r
	}
	_, before := course(t, nodesPolicy, enoughFail, 5*time.Minute)
	_, after := course(t, nodesPolicy, enoughFail, 5*time.Minute, other, 5*time.Minute)
	was, _ := before.Incident(config.ConditionService)
	is, _ := after.Incident(config.ConditionService)
	if was != is {
		t.Errorf("it was %+v, and is %+v", was, is)
	}
}

// Handing over ends what fails, told or not, at that moment; none of it reopens.
func TestHandOver(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 5, 0, 0, time.UTC)
	_, s := course(t, nodesPolicy, enoughFail, 5*time.Minute)
	for _, e := range incident.HandOver(s, toFra1, now) {
		s = incident.Apply(s, e)
	}
	in, _ := s.Incident(config.ConditionService)
	if in.ClosedAs != incident.HandedOver || in.HandedTo != "fra1" || !in.EndedAt.Equal(now) || in.Live() {
		t.Errorf("it ended as %+v", in)
	}
	if len(incident.HandOver(s, toFra1, now)) > 0 {
		t.Error("what is over is handed over")
	}
	_, events := incident.Observe(nodesPolicy, s, enoughFail(incident.Result{Check: "mx1/imaps", Target: "mx1:993", Started: now, Ended: now}))
	if len(events) != 1 || events[0].Incident == in.ID {
		t.Errorf("it goes on as %+v", events)
	}
}

func toFra1(config.Condition) incident.Successor { return incident.Successor{Node: "fra1"} }
