package agree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Each file of testdata says what nodes see, and behind "->" what they agree on:
//
//	agree 2; fra1 frankfurt; nyc1 new-york     the rule, and the nodes with their locations
//	10s fra1 connect timeout                   fra1 begins a probe after 10 s, which fails
//	10s nyc1 ok                                one that works
//	10s lon1 unknown                           one that it could not judge
//	10s lon1 other                             one with other settings of the check
//	10s lon1 silent | heard | suspect | trusted
//	30s                                        time passes
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, file, play(t, string(text)))
		})
	}
}

var began = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// A stage is a check and the nodes that probe it.
type stage struct {
	view     agree.View
	rule     agree.Rule
	members  []agree.Member
	memories map[string]*agree.Memory
}

func play(t *testing.T, text string) string {
	t.Helper()
	s := &stage{
		view: agree.NewView(began.Add(-time.Hour)), memories: map[string]*agree.Memory{},
		rule: agree.Rule{Fresh: 25 * time.Second, Settings: 1},
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		said, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ->")
		words := strings.Fields(said)
		switch {
		case len(words) == 0, strings.HasPrefix(said, "#"), strings.HasPrefix(said, "  "):
			if !strings.HasPrefix(said, "  ") {
				out.WriteString(said + "\n")
			}
			continue
		case words[0] == "agree":
			s.setUp(t, said)
			out.WriteString(said + "\n")
			continue
		}
		after, err := time.ParseDuration(words[0])
		if err != nil {
			t.Fatalf("%s: %v", said, err)
		}
		now := began.Add(after)
		if len(words) > 1 {
			s.hear(t, words[1:], now)
		}
		o := s.view.Agree(s.members, s.rule, now)
		fmt.Fprintf(&out, "%s -> %s%s\n", strings.TrimRight(said, " "), o.String(), details(o))
	}
	return out.String()
}

func (s *stage) setUp(t *testing.T, line string) {
	t.Helper()
	for i, part := range strings.Split(line, ";") {
		words := strings.Fields(part)
		if i == 0 {
			if _, err := fmt.Sscan(words[1], &s.rule.Agree); err != nil {
				t.Fatal(err)
			}
			continue
		}
		s.members = append(s.members, agree.Member{Node: words[0], Location: words[1]})
		s.memories[words[0]] = &agree.Memory{}
	}
}

func (s *stage) hear(t *testing.T, words []string, now time.Time) {
	t.Helper()
	node := words[0]
	for i := range s.members {
		if s.members[i].Node != node {
			continue
		}
		switch words[1] {
		case "silent", "heard":
			s.members[i].Silent = words[1] == "silent"
			return
		case "suspect", "trusted":
			s.members[i].Suspect = words[1] == "suspect"
			return
		}
	}
	settings := uint64(1)
	if words[1] == "other" {
		settings = 2
	}
	s.view.Take(s.memories[node].See(node, result(words[1:], now), settings))
}

// result makes the result of a probe: "ok", "unknown", "other", or a condition that is not service,
// or a phase and a cause of the service.
func result(words []string, now time.Time) incident.Result {
	r := incident.Result{
		Check: "mx1/imaps", Started: now, Ended: now.Add(time.Second), Target: "mx1.example.org:993",
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionLatency, config.ConditionCertificate),
	}
	switch words[0] {
	case "ok", "other":
	case "unknown":
		r.Observed = 0
	case "addresses", "latency", "certificate":
		r.Findings = []incident.Finding{{Condition: config.Condition(words[0]), Health: incident.Degraded, Cause: config.Cause(words[1])}}
	default:
		r.Observed = config.ConditionSet(config.ConditionService)
		phase := config.ParsePhase(words[0]) // "connect", "tls"
		r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: phase, Cause: config.Cause(words[1])}}
	}
	return r
}

// details says what the incident machine gets: what was looked at again, or is news.
func details(o agree.Opinion) string {
	text := ""
	for _, f := range o.Result.Findings {
		text += fmt.Sprintf("\n    %s: %s since %s", f.Condition, f.Cause, since(o.Result, f.Condition).Sub(began))
		if !o.Result.Observed.Has(f.Condition) {
			text += ", as before"
		}
		text += "\n        from " + f.From
		if f.Condition == config.ConditionLocation {
			text += "\n        " + f.Hint
		}
	}
	var well []string
	for c := range o.Result.Observed.All() {
		if !slices.ContainsFunc(o.Result.Findings, func(f incident.Finding) bool { return f.Condition == c }) {
			well = append(well, string(c))
		}
	}
	if len(well) > 0 {
		text += "\n    well: " + strings.Join(well, ", ")
	}
	if wake := o.Wake(); len(wake) > 0 {
		text += "\n    to look now: " + strings.Join(wake, ", ")
	}
	return text
}
