package daemon

import (
	"strings"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
)

// rejectedMessage is the line of the log for each error of files that are rejected.
const rejectedMessage = "configuration rejected; the previous one stays in effect"

// logErrors writes errors to the log, each with its place.
func (r *reloader) logErrors(what string, diags []config.Diagnostic) {
	for _, d := range diags {
		if d.Gravity == config.Error {
			r.Log.Error(what, append(placeFields(d.Pos), zap.String("error", d.Error()))...)
		}
	}
}

// logWarnings writes warnings to the log, each with its place, and many of one rule as one.
func (r *reloader) logWarnings(diags []config.Diagnostic) {
	for _, d := range config.GatherWarnings(diags) {
		r.Log.Warn("configuration: "+d.Summary, append(placeFields(d.Pos), zap.String("detail", d.Detail))...)
	}
}

// placeFields returns a place as fields of the log, as far as it is one: a directory has
// no line.
func placeFields(p config.Pos) (fields []zap.Field) {
	if p.File != "" {
		fields = append(fields, zap.String("file", p.File))
	}
	if p.Line > 0 {
		fields = append(fields, zap.Int32("line", p.Line), zap.Int32("column", p.Column))
	}
	return fields
}

// loggedRenames is how many renamed checks the log names.
const loggedRenames = 20

// logRenames logs which checks were probably renamed. Their history stays with the old
// names unless a moved block says where it goes.
func (r *reloader) logRenames(renames []config.Move) {
	for _, m := range renames[:min(len(renames), loggedRenames)] {
		r.Log.Warn("a check looks renamed; a moved block with this from and to keeps its history and open incidents",
			zap.String("from", string(m.From)), zap.String("to", string(m.To)))
	}
	if more := len(renames) - loggedRenames; more > 0 {
		r.Log.Warn("more checks look renamed", zap.Int("more", more))
	}
}

// warnings count what people were warned of, so that a reload does not say it again.
type warnings map[config.Diagnostic]int

// essence returns a warning without its place in a file below root: one that was moved
// by an edit above it is the same, and so is one in a copy of the tree.
func essence(d config.Diagnostic, root string) config.Diagnostic {
	file := strings.TrimPrefix(d.Pos.File, root)
	return config.Diagnostic{Rule: d.Rule, Summary: d.Summary, Detail: d.Detail, Pos: config.Pos{File: file}}
}

func countWarnings(diags []config.Diagnostic, root string) warnings {
	counts := warnings{}
	for _, d := range diags {
		counts[essence(d, root)]++
	}
	return counts
}

// broughtBy returns those diagnostics below root that are errors, or warnings that have not
// been given.
func (w warnings) broughtBy(diags []config.Diagnostic, root string) (fresh []config.Diagnostic) {
	seen := warnings{}
	for _, d := range diags {
		e := essence(d, root)
		if seen[e]++; d.Gravity == config.Error || seen[e] > w[e] {
			fresh = append(fresh, d)
		}
	}
	return fresh
}
