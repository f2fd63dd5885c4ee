package incident_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Every file under testdata is one rule, as a timeline that can be read: a line
// is an offset and what happens then, the indented lines below it are the
// events that follow.
//
//	policy fault_tolerance=3m     changes the policy; no offset
//	15s refused                   a probe that begins at 0:15 and takes a second;
//	                              every word is a finding, see findings
//	15s ok                        nothing is wrong
//	15s ok -service               the same, service could not be observed
//	15s ok +account               the same, the account was observed, too
//	15s unknown                   the monitor could not judge
//	15s gone, back, paused        the files no longer have the check, ...
//	15s ack 20m why               acknowledged until 0:20:00; "ack - why": until the end
//	15s target other:993          the files say another target; no event
//	15s restart                   the process starts again: counts are lost
//	15s tick                      time passes
//	15s pace                      shows when the next probe is wanted
//	15s show                      shows the incidents
func TestRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, file, play(t, string(was)))
		})
	}
}

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// findings are the words of the timelines.
var findings = map[string]incident.Finding{
	"refused":  {Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused},
	"timeout":  {Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseGreeting, Cause: config.CauseTimeout},
	"nobody":   {Condition: config.ConditionService, Health: incident.Unknown, Cause: config.CauseLocalFault},
	"expiring": {Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseCertExpiresSoon},
	"critical": {Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseCertExpiresSoon, Grade: 1},
	"expired":  {Condition: config.ConditionCertificate, Health: incident.Down, Phase: config.PhaseTLS, Cause: config.CauseCertExpired},
	"weak":     {Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseWeakKey},
	"rejected": {Condition: config.ConditionAccount, Health: incident.Degraded, Phase: config.PhaseLogin, Cause: config.CauseCredentialsRejected},
	"partial":  {Condition: config.ConditionAddresses, Health: incident.Degraded, Phase: config.PhaseConnect, Cause: config.CauseAddressPartial},
}

// A player is one check, beside the same check as a replay of its events makes it.
type player struct {
	t        *testing.T
	policy   config.Policy
	target   string
	live     incident.State
	replayed incident.State
	out      strings.Builder
}

func play(t *testing.T, text string) string {
	p := &player{t: t, target: "mx1.example.org:993", policy: config.Policy{
		FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: time.Hour,
	}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			continue // what came of it the last time
		}
		p.out.WriteString(line)
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			p.line(fields)
		}
	}
	return p.out.String()
}

func (p *player) line(fields []string) {
	if fields[0] == "policy" {
		for _, setting := range fields[1:] {
			p.set(setting)
		}
		return
	}
	offset, err := time.ParseDuration(fields[0])
	if err != nil || len(fields) < 2 {
		p.t.Fatalf("%q: %v", fields, err)
	}
	now := epoch.Add(offset)
	switch fields[1] {
	case "gone":
		p.happen(incident.Configured(p.live, incident.Absent, now))
	case "back":
		p.happen(incident.Configured(p.live, incident.Present, now))
	case "paused":
		p.happen(incident.Configured(p.live, incident.Disabled, now))
	case "ack":
		p.acknowledge(fields[2], strings.Join(fields[3:], " "), now)
	case "target":
		p.target = fields[2]
	case "restart":
		p.live = p.live.WithCounts(incident.Counts{})
	case "tick":
		p.tick(now)
	case "pace":
		p.pace(now)
	case "show":
		p.show()
	default:
		p.observe(fields[1:], now)
	}
}

func (p *player) set(setting string) {
	name, value, _ := strings.Cut(setting, "=")
	d, err := time.ParseDuration(value)
	if err != nil {
		p.t.Fatal(err)
	}
	*map[string]*time.Duration{
		"fault_tolerance":    &p.policy.FaultTolerance,
		"recovery_tolerance": &p.policy.RecoveryTolerance,
		"reopen_within":      &p.policy.ReopenWithin,
	}[name] = d
}

func (p *player) observe(words []string, now time.Time) {
	r := incident.Result{
		Check: "mx1/imaps", Target: p.target, Started: now, Ended: now.Add(time.Second),
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionCertificate),
	}
	for _, word := range words {
		finding, known := findings[word]
		switch {
		case known:
			r.Findings = append(r.Findings, finding)
		case word == "unknown":
			r.Observed = 0
		case strings.HasPrefix(word, "-"):
			r.Observed &^= config.ConditionSet(config.Condition(word[1:]))
		case strings.HasPrefix(word, "+"):
			r.Observed |= config.ConditionSet(config.Condition(word[1:]))
		case word != "ok":
			p.t.Fatalf("what is %q?", word)
		}
	}
	streaks, events := incident.Observe(p.policy, p.live, r)
	p.live = p.live.WithCounts(streaks)
	p.happen(events)
}

func (p *player) acknowledge(until, reason string, now time.Time) {
	for in := range p.live.Incidents() {
		e := incident.Event{
			Kind: incident.Acknowledged, At: now, Incident: in.ID, Check: in.Check, Condition: in.Condition, Reason: reason,
		}
		if until != "-" {
			d, err := time.ParseDuration(until)
			if err != nil {
				p.t.Fatal(err)
			}
			e.Until = epoch.Add(d)
		}
		p.happen([]incident.Event{e})
	}
}

// tick is asked for when it is due, as the tracker does, and never without need.
func (p *player) tick(now time.Time) {
	due := incident.Due(p.live)
	events := incident.Tick(p.policy, p.live, now)
	if isDue := !due.IsZero() && !due.After(now); isDue != (len(events) > 0) {
		p.t.Errorf("at %s: due %s, but Tick gives %d events", at(now), at(due), len(events))
	}
	p.happen(events)
}

func (p *player) pace(now time.Time) {
	pace := incident.PaceOf(p.policy, p.live, now)
	fmt.Fprintf(&p.out, "    confirming %t", pace.Confirming)
	if pace.Confirming {
		fmt.Fprintf(&p.out, " since %s", at(pace.Since))
	}
	if !pace.At.IsZero() {
		fmt.Fprintf(&p.out, ", a probe at %s", at(pace.At))
	}
	if !pace.Login.IsZero() {
		fmt.Fprintf(&p.out, ", a login by %s", at(pace.Login))
	}
	p.out.WriteString("\n")
}

// happen applies events to the live state, and read back from JSON to the other.
func (p *player) happen(events []incident.Event) {
	p.t.Helper()
	for _, e := range events {
		text, err := json.Marshal(e)
		if err != nil {
			p.t.Fatal(err)
		}
		var again incident.Event
		if err := json.Unmarshal(text, &again); err != nil {
			p.t.Fatal(err)
		}
		p.live = incident.Apply(p.live, e)
		p.replayed = incident.Apply(p.replayed, again)
		p.write(e)
	}
	if diff := sameIncidents(p.live, p.replayed); diff != "" {
		p.t.Errorf("a replay gives another state (-live +replayed):\n%s", diff)
	}
}

func sameIncidents(live, replayed incident.State) string {
	return cmp.Diff(slices.Collect(live.Incidents()), slices.Collect(replayed.Incidents()), exact)
}

// exact compares times as instants: JSON loses the monotonic clock.
var exact = cmp.Options{
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
	cmpopts.EquateComparable(incident.Finding{}),
}

func (p *player) write(e incident.Event) {
	fmt.Fprintf(&p.out, "    %s %s", e.Condition, e.Kind)
	if e.ClosedAs != "" {
		fmt.Fprintf(&p.out, " as %s", e.ClosedAs)
	}
	if !e.Since.IsZero() {
		fmt.Fprintf(&p.out, " since %s", at(e.Since))
	}
	if f := e.Finding; f != nil {
		fmt.Fprintf(&p.out, ", %s in %s", f.Cause, f.Phase)
	}
	if e.Reason != "" {
		fmt.Fprintf(&p.out, ", %s", e.Reason)
	}
	p.out.WriteString("\n")
}

func (p *player) show() {
	for in := range p.live.Incidents() {
		fmt.Fprintf(&p.out, "    %s %s %s, %s, told %d times", in.Condition, in.Severity, state(in), in.Finding.Cause, in.Reported)
		fmt.Fprintf(&p.out, ", %s to %s\n", at(in.StartedAt), at(in.EndedAt))
	}
}

func state(in incident.Incident) string {
	switch {
	case in.Unconfirmed && in.ClosedAs != "":
		return "failing again, closed as " + string(in.ClosedAs)
	case in.Unconfirmed:
		return "failing"
	case in.ClosedAs != "":
		return "closed as " + string(in.ClosedAs)
	case in.Recovering():
		return "recovering"
	case in.Acknowledged():
		return "acknowledged"
	}
	return "open"
}

// at writes a time as the offset that a timeline begins with.
func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Sub(epoch).String()
}
