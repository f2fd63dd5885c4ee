package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Verdict is what came of a reload: what `reload --json` prints.
type Verdict struct {
	Result string `json:"result"` // applied, unchanged, rejected
	Digest string `json:"digest"`
	config.Diff
	// Changes is the Diff in a line; empty: nothing was applied.
	Changes string `json:"changes"`
	// Renames are checks that were probably renamed, without a moved block.
	Renames     []config.Move `json:"renames"`
	LastReload  *LastReload   `json:"last_reload,omitempty"`
	Diagnostics []Diagnostic  `json:"diagnostics"`
	// LostSilences mute nothing: what they are about is not in the files, or has no checks.
	LostSilences []ListedSilence `json:"lost_silences"`
}

// A LastReload is the last one that applied something, before the one that is answered.
type LastReload struct {
	At      time.Time `json:"at"`
	Changes string    `json:"changes"` // in a line
}

// The results of a reload.
const (
	Applied      = "applied"
	Unchanged    = "unchanged"
	RejectedWord = "rejected"
)

// A Plan is what a reload would do: what `plan --json` prints. The keys are an
// interface.
type Plan struct {
	config.Diff
	// Renames are checks that are probably renamed, without a moved block.
	Renames []config.Move `json:"renames"`
	// Reload says when the daemon applies its files; empty: no daemon was asked.
	Reload      config.ReloadMode `json:"reload,omitempty"`
	LastReload  *LastReload       `json:"last_reload,omitempty"`
	Diagnostics []Diagnostic      `json:"diagnostics"`
	// Orphaned are open incidents of checks that would be removed.
	Orphaned []incident.ID `json:"-"`
	// Kept are those of checks that would be changed or moved, which they survive.
	Kept []KeptIncident `json:"-"`
}

// A KeptIncident stays open; Check is what its check would be called.
type KeptIncident struct {
	ID    incident.ID    `json:"id"`
	Check config.CheckID `json:"check"`
}

// A wholePlan is a Plan with what the text form shows beside the JSON.
type wholePlan struct {
	Plan
	Orphaned []incident.ID  `json:"orphaned"`
	Kept     []KeptIncident `json:"kept"`
	// Elsewhere is no part of what plan prints as JSON.
	Elsewhere []string `json:"elsewhere"`
}

func newWholePlan(p Plan) wholePlan { return wholePlan{p, p.Orphaned, p.Kept, p.Diff.Elsewhere} }

// A Diagnostic is one diagnostic of the configuration, as --json prints it,
// with the excerpt that the text form needs.
type Diagnostic struct {
	Severity config.Gravity `json:"severity"`
	// Rule crosses the socket for the text form, which gathers what is of one.
	Rule    string  `json:"rule,omitempty"`
	Summary string  `json:"summary"`
	Detail  string  `json:"detail"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Column  int     `json:"column"`
	Excerpt string  `json:"excerpt,omitempty"`
	Mark    *[2]int `json:"mark,omitempty"`
}

// NewDiagnostics turns diagnostics into what crosses the socket.
func NewDiagnostics(diags []config.Diagnostic) []Diagnostic {
	list := make([]Diagnostic, 0, len(diags))
	for _, d := range diags {
		out := Diagnostic{
			Severity: d.Gravity, Rule: d.Rule, Summary: d.Summary, Detail: d.Detail,
			File: d.Pos.File, Line: int(d.Pos.Line), Column: int(d.Pos.Column), Excerpt: d.Excerpt,
		}
		if d.Mark != [2]int{} {
			out.Mark = &d.Mark
		}
		list = append(list, out)
	}
	return list
}

// Config gives back what NewDiagnostics was made from.
func (d Diagnostic) Config() config.Diagnostic {
	out := config.Diagnostic{
		Gravity: d.Severity, Rule: d.Rule, Summary: d.Summary, Detail: d.Detail, Excerpt: d.Excerpt,
		Pos: config.Pos{File: d.File, Line: int32(d.Line), Column: int32(d.Column)},
	}
	if d.Mark != nil {
		out.Mark = *d.Mark
	}
	return out
}
