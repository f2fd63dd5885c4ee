package agree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Each file of testdata/rows is one row of the table of what several nodes see: what happens to the nodes,
// and below it, when something is different, what is shown of the first check (seen), what the incident
// machine gets (judged), what people are told of the incidents (told), and what is wrong with
// the nodes themselves (nodes).
//
//	nodes 3, agree 2, checks 1                  the rule; fault_tolerance is 3 minutes, the interval 1 minute
//	fra1 frankfurt, lon1 london, nyc1 new-york  the nodes
//	10:00 fra1 sees connect timeout [on 6]      from 10 minutes on, of all checks or the first 6
//	10:00 all see connect timeout
//	10:00 fra1 is cut | back | dies | starts | runs other files | runs the same files
//	30:00 end
func TestRows(t *testing.T) {
	files, err := filepath.Glob("testdata/rows/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no rows", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, file, playRow(t, string(text)))
		})
	}
}

// A row is a world whose story is written down.
type row struct {
	*world
	out                 strings.Builder
	seen, judged, nodes string
	lines               []string // of this moment
}

func playRow(t *testing.T, text string) string {
	t.Helper()
	r := &row{}
	var quorum config.Quorum
	checks := 1
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "    "):
			continue
		case len(words) == 0, strings.HasPrefix(line, "#"):
		case words[0] == "nodes":
			if _, err := fmt.Sscanf(line, "nodes %d, agree %d, checks %d", &quorum.Nodes, &quorum.Agree, &checks); err != nil {
				t.Fatal(line, err)
			}
		case r.world == nil:
			r.world = newWorld(quorum, config.Probe{
				Hostname: "mx1.example.org", Interval: time.Minute, Timeout: 10 * time.Second, RetryInterval: 15 * time.Second,
			}, config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: 10 * time.Minute}, checks, strings.Split(line, ", ")...)
			r.onResult, r.onEvent, r.onSummary = r.noteResult, r.noteEvent, r.noteSummary
			r.onDecide = func(bool) { r.write() }
		default:
			r.run(r.moment(t, words[0]))
			r.write()
			r.act(t, words[1:])
		}
		r.out.WriteString(line + "\n")
	}
	return r.out.String()
}

// moment reads "10:00", ten minutes after the beginning.
func (r *row) moment(t *testing.T, text string) time.Time {
	t.Helper()
	minutes, seconds, _ := strings.Cut(text, ":")
	m, err := strconv.Atoi(minutes)
	if err != nil {
		t.Fatal(text, err)
	}
	s, err := strconv.Atoi(seconds)
	if err != nil {
		t.Fatal(text, err)
	}
	return began.Add(time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
}

// act does what a line says.
func (r *row) act(t *testing.T, words []string) {
	t.Helper()
	if words[0] == "end" {
		return
	}
	for _, n := range r.world.nodes {
		if words[0] != "all" && words[0] != n.name {
			continue
		}
		switch what := strings.Join(words[1:], " "); what {
		case "is cut":
			n.connected = false
		case "is back":
			n.connected = true
		case "dies":
			n.up = false
		case "starts":
			n.start()
		case "runs other files":
			n.otherFiles = true
		case "runs the same files":
			n.otherFiles = false
		default:
			kind, many, some := strings.Cut(strings.Join(words[2:], " "), " on ")
			for i, check := range r.checks {
				if limit, _ := strconv.Atoi(many); !some || i < limit {
					n.sees[check.ID] = kind
				}
			}
		}
	}
}

func (r *row) clock(t time.Time) string {
	d := t.Sub(began)
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// noteResult notes what is shown of the first check, and what the incident machine gets.
func (r *row) noteResult(result incident.Result) {
	if result.Check != r.checks[0].ID {
		return
	}
	var parts []string
	for _, s := range result.Sightings {
		text := s.Node + " " + string(s.Health)
		if s.Health != incident.OK && s.Cause != "" {
			text += " (" + strings.TrimSpace(s.Phase.String()+" "+string(s.Cause)) + ")"
			if s.Health != incident.Unknown && !s.Since.IsZero() {
				text += " since " + r.clock(s.Since)
			}
		}
		if s.Standing != string(agree.Well) && s.Standing != string(agree.Failing) {
			text = strings.TrimSuffix(text, " unknown") + ", " + s.Standing
		}
		parts = append(parts, text)
	}
	if seen := strings.Join(parts, "; "); seen != r.seen {
		r.seen = seen
		r.lines = append(r.lines, "seen   "+seen)
	}
	if judged := r.describe(result); judged != r.judged {
		r.judged = judged
		r.lines = append(r.lines, strings.Split("judged "+judged, "\n")...)
	}
}

// describe says what the incident machine gets. What it gets again only when somebody has looked again is
// described as if it got it each time.
func (r *row) describe(result incident.Result) string {
	if result.Observed == 0 && len(result.Findings) > 0 {
		return "nothing: " + result.Findings[0].Hint
	}
	var parts []string
	location := "location not observed"
	if result.Observed.Has(config.ConditionLocation) {
		location = "location well"
	}
	service := "service well"
	for _, f := range result.Findings {
		text := fmt.Sprintf("%s fails: %s", f.Condition, f.Cause)
		if slices.Contains([]config.Condition{config.ConditionService, config.ConditionLocation, config.ConditionLatency, config.ConditionAddresses}, f.Condition) {
			text = fmt.Sprintf("%s fails since %s: %s", f.Condition, r.clock(since(result, f.Condition)), f.Cause)
		}
		if f.Condition == config.ConditionLocation {
			text += "; " + f.Hint
		}
		text += "\n         from " + f.From
		switch f.Condition {
		case config.ConditionService:
			service = text
		case config.ConditionLocation:
			location = text
		default:
			parts = append(parts, text)
		}
	}
	return strings.Join(append([]string{service, location}, parts...), "\n       ")
}

func (r *row) noteEvent(e incident.Event, _ incident.Result) {
	if len(r.checks) > 1 && e.Check != r.checks[0].ID && e.Check != r.checks[len(r.checks)-1].ID {
		return
	}
	in, _ := r.states[e.Check].Incident(e.Condition)
	switch e.Kind {
	case incident.Opened:
		r.lines = append(r.lines, fmt.Sprintf("told   %s %s: %s, since %s, from %s", strings.ToUpper(string(in.Severity)), e.Check, e.Finding.Cause, r.clock(e.Since), e.Finding.From))
	case incident.Closed:
		switch {
		case in.Reported == 0:
		case e.ClosedAs == incident.Merged:
			r.lines = append(r.lines, fmt.Sprintf("told   the incident %s of %s goes on as the outage", e.Condition, e.Check))
		default:
			r.lines = append(r.lines, fmt.Sprintf("told   RECOVERED %s: well since %s", e.Check, r.clock(e.Since)))
		}
	case incident.Worsened, incident.CauseChanged:
		r.lines = append(r.lines, fmt.Sprintf("told   %s %s: %s", e.Kind, e.Check, e.Finding.Cause))
	default:
	}
}

func (r *row) noteSummary(s agree.Summary) {
	var parts []string
	if s.Unreported > 0 {
		parts = append(parts, fmt.Sprintf("no node reports on %d of %d checks", s.Unreported, s.Checks))
	}
	for _, n := range s.Nodes {
		switch {
		case n.Silent:
			parts = append(parts, n.Node+" is silent")
		case n.Suspect:
			parts = append(parts, n.Node+" itself is at fault")
		case n.Different > 0:
			parts = append(parts, fmt.Sprintf("%s probes %d of %d checks with other settings", n.Node, n.Different, n.Checks))
		case n.Blind > 0:
			parts = append(parts, fmt.Sprintf("%s cannot judge %d of %d checks", n.Node, n.Blind, n.Checks))
		}
	}
	if len(parts) == 0 {
		parts = []string{"all report"}
	}
	if nodes := strings.Join(parts, "; "); nodes != r.nodes {
		if r.nodes != "" {
			r.lines = append(r.lines, "nodes  "+nodes)
		}
		r.nodes = nodes
	}
}

// write writes what was noted. The time stands before the first line of a moment.
func (r *row) write() {
	for i, line := range r.lines {
		at := "     "
		if i == 0 {
			at = r.clock(r.now)
		}
		r.out.WriteString("    " + at + " " + line + "\n")
	}
	r.lines = slices.Delete(r.lines, 0, len(r.lines))
}
