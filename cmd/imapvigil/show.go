package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/config/source"
)

func (p *program) showCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show CHECK...",
		Short: "Show the effective values of a check, and where each is written",
		Long: "Show what holds for a check: each attribute with its value, and the file and\n" +
			"line where it is written (in the check, in defaults, in its server or group), or\n" +
			"\"default\". CHECK may also be a server, a group or a notification role. The files\n" +
			"are read; no daemon is asked. Secrets are not read and not shown.",
		Example: examples(
			"A check", "imapvigil show mx1/imaps",
			"All checks of a server, in files that are not installed yet", "imapvigil show mx1 --config ./new",
			"Whom a role notifies, and when", "imapvigil show it_team",
			"For programs", "imapvigil show mx1/imaps --json",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("shown", "", "", "there is no such check, or the files are in error"),
		Args:        takes(1, anyNumber, "a check, or a server, group or notification role"),
		RunE:        func(_ *cobra.Command, args []string) error { return p.show(args) },
	}
	p.placeFlags(c, configFlag)
	p.jsonFlag(c)
	return c
}

// shown is what `show --json` prints.
type shown struct {
	Checks []shownCheck `json:"checks"`
	Roles  []shownRole  `json:"roles"`
}

type shownCheck struct {
	ID          config.CheckID   `json:"id"`
	Label       string           `json:"label"`
	Server      config.ServerID  `json:"server"`
	Groups      []string         `json:"groups"`
	File        string           `json:"file"`
	Line        int              `json:"line"`
	Attributes  []shownAttribute `json:"attributes"`
	Maintenance []shownBlock     `json:"maintenance"`
	Corrections []shownBlock     `json:"corrections"`
	Reports     []shownBlock     `json:"reports"`
}

// A shownAttribute is an attribute with its value; without a file it has the default.
type shownAttribute struct {
	Name    string        `json:"name"`
	Value   string        `json:"value"`
	Default bool          `json:"default"`
	Written []shownSource `json:"written"`
}

type shownSource struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	In     string `json:"in"`
}

// A shownBlock is a block that has to do with a check or a role.
type shownBlock struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
}

type shownRole struct {
	ID     config.RoleID `json:"id"`
	Label  string        `json:"label"`
	File   string        `json:"file"`
	Line   int           `json:"line"`
	Notify []shownNotify `json:"notify"`
	// Reports are those that the role gets.
	Reports []shownBlock `json:"reports"`
}

type shownNotify struct {
	Notifier   config.NotifierID `json:"notifier"`
	Target     string            `json:"target"`
	After      string            `json:"after"`
	During     config.ScheduleID `json:"during"`
	Severity   config.Severity   `json:"severity"`
	On         []string          `json:"on"`
	Conditions []string          `json:"conditions"`
	File       string            `json:"file"`
	Line       int               `json:"line"`
	// MentionSeverity is there where it is written.
	MentionSeverity config.Severity `json:"mention_severity,omitempty"`
}

func (p *program) show(names []string) error {
	// Secrets are not needed, and whoever may read the files may not read them.
	s, err := p.readSnapshot(p.configPath, source.Options{NoCredentials: true})
	if err != nil {
		return err
	}
	cfg, diags := hclfile.Load(s)
	if cfg == nil {
		p.printDiagnostics(p.err, diags)
		return exit(3)
	}
	checks, roles, err := shownNames(lookup.Of(cfg), names)
	if err != nil {
		return err
	}
	written := hclfile.WhereWritten(s, checks...)
	all := shown{Checks: []shownCheck{}, Roles: []shownRole{}}
	for _, id := range checks {
		all.Checks = append(all.Checks, newShownCheck(cfg, cfg.Checks[id], written[id]))
	}
	for _, id := range roles {
		all.Roles = append(all.Roles, newShownRole(cfg, cfg.Roles[id]))
	}
	if p.json {
		return p.printJSON(all)
	}
	p.printShown(all)
	return nil
}

// shownNames returns the checks and the roles that names stand for. A check, server or
// group comes before a role of the same name.
func shownNames(d *lookup.Directory, names []string) (checks []config.CheckID, roles []config.RoleID, err error) {
	for _, name := range names {
		ref, err := d.Find(name)
		if err != nil {
			role, noRole := d.Role(name)
			if noRole != nil {
				return nil, nil, err
			}
			roles = append(roles, role)
			continue
		}
		below := d.Below(ref)
		if len(below) == 0 {
			return nil, nil, errors.New(name + " has no checks")
		}
		checks = append(checks, below...)
	}
	slices.SortFunc(checks, config.NaturalOrder)
	return slices.Compact(checks), roles, nil
}

func newShownCheck(cfg *config.Config, c *config.Check, written hclfile.Written) shownCheck {
	s := shownCheck{
		ID: c.ID, Label: c.Label, Server: c.Server, Groups: append([]string{}, c.GroupNames()...),
		File: c.Pos.File, Line: int(c.Pos.Line), Attributes: []shownAttribute{}, Maintenance: []shownBlock{}, Corrections: []shownBlock{}, Reports: []shownBlock{},
	}
	for _, a := range config.Attributes(c) {
		s.add(a.Name, a.Value, written)
		if a.Name == "notification_roles" && written["also_notify"] != nil {
			s.add("also_notify", "(in notification_roles)", written)
		}
		if server := cfg.Servers[c.Server]; a.Name == "depends_on" && server != nil && len(server.DependsOn) > 0 {
			var list []string
			for _, ref := range server.DependsOn {
				list = append(list, ref.String())
			}
			s.add("server.depends_on", "["+strings.Join(list, ", ")+"]", written)
		}
	}
	covers := func(ref config.Ref) bool { return calendar.Covers(ref, c) }
	for _, m := range cfg.Maintenance {
		if slices.ContainsFunc(m.AppliesTo, covers) {
			s.Maintenance = append(s.Maintenance, newShownBlock(m.Name, m.Pos))
		}
	}
	for _, correction := range cfg.Corrections {
		if slices.ContainsFunc(correction.AppliesTo, covers) {
			s.Corrections = append(s.Corrections, newShownBlock(correction.Name, correction.Pos))
		}
	}
	for _, r := range cfg.Reports {
		if r.Group == "" || covers(config.Ref{Group: r.Group}) {
			s.Reports = append(s.Reports, newShownBlock(r.Name, r.Pos))
		}
	}
	return s
}

func newShownBlock(name string, at config.Pos) shownBlock {
	return shownBlock{name, at.File, int(at.Line)}
}

func (s *shownCheck) add(name, value string, written hclfile.Written) {
	a := shownAttribute{Name: name, Value: value, Default: len(written[name]) == 0, Written: []shownSource{}}
	for _, w := range written[name] {
		a.Written = append(a.Written, shownSource{w.Pos.File, int(w.Pos.Line), int(w.Pos.Column), w.In})
	}
	s.Attributes = append(s.Attributes, a)
}

func newShownRole(cfg *config.Config, r *config.Role) shownRole {
	s := shownRole{ID: r.ID, Label: r.Label, File: r.Pos.File, Line: int(r.Pos.Line), Notify: []shownNotify{}, Reports: []shownBlock{}}
	for _, report := range cfg.Reports {
		if slices.Contains(report.Roles, r.ID) {
			s.Reports = append(s.Reports, newShownBlock(report.Name, report.Pos))
		}
	}
	for _, n := range r.Notify {
		one := shownNotify{
			Notifier: n.ID.Notifier, Target: n.ID.Target, After: config.FormatDuration(n.After), During: n.During, Severity: n.Severity,
			MentionSeverity: n.MentionSeverity, On: []string{}, Conditions: []string{}, File: n.Pos.File, Line: int(n.Pos.Line),
		}
		for _, t := range n.On {
			one.On = append(one.On, string(t))
		}
		for c := range n.Conditions.All() {
			one.Conditions = append(one.Conditions, string(c))
		}
		s.Notify = append(s.Notify, one)
	}
	return s
}

func (p *program) printShown(all shown) {
	for i := range all.Checks {
		if i > 0 {
			p.printf("\n")
		}
		p.printShownCheck(&all.Checks[i])
	}
	for i := range all.Roles {
		if i+len(all.Checks) > 0 {
			p.printf("\n")
		}
		p.printShownRole(&all.Roles[i])
	}
}

func (p *program) printShownCheck(c *shownCheck) {
	title := string(c.ID)
	if c.Label != string(c.ID) {
		title += " (" + c.Label + ")"
	}
	p.printf("%s\n\n", foldHanging("", "    ", title+", "+p.placeOf(c.File, c.Line)))
	rows := [][3]string{}
	for _, a := range c.Attributes {
		rows = append(rows, [3]string{a.Name, shownValue(a), p.whereOf(a)})
	}
	rows = append(rows, p.blockRows("maintenance", c.Maintenance)...)
	rows = append(rows, p.blockRows("correction", c.Corrections)...)
	rows = append(rows, p.blockRows("report", c.Reports)...)
	p.printRows(withoutEmptyBlocks(rows))
}

// blockRows returns a row for each block of a kind.
func (p *program) blockRows(kind string, list []shownBlock) (rows [][3]string) {
	for _, b := range list {
		rows = append(rows, [3]string{kind, b.Name, p.placeOf(b.File, b.Line)})
	}
	return rows
}

// shownValue returns a value for people; of what is not set, what the language does then.
func shownValue(a shownAttribute) string {
	switch {
	case a.Value != "" && a.Value != "[]":
		return a.Value
	case a.Name == "server" || a.Name == "group": // by default from nesting, of which there is none
	case a.Default && hclfile.Default(a.Name) != "":
		return hclfile.Default(a.Name)
	}
	return "none"
}

// whereOf returns where an attribute is written.
func (p *program) whereOf(a shownAttribute) string {
	if a.Default {
		return "default"
	}
	var list []string
	for _, w := range a.Written {
		place := p.placeOf(w.File, w.Line)
		// The check itself needs no name.
		if !strings.HasPrefix(w.In, "imap_check ") || strings.Contains(w.In, " of dynamic ") {
			place += " (" + w.In + ")"
		}
		list = append(list, place)
	}
	return strings.Join(list, ", ")
}

// placeOf returns file:line; a file in the directory of the configuration is named from
// there on.
func (p *program) placeOf(file string, line int) string {
	if file == p.configPath {
		file = filepath.Base(file)
	} else if within, err := filepath.Rel(p.configPath, file); err == nil && within != "." && filepath.IsLocal(within) {
		file = within
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// withoutEmptyBlocks makes one row of an inner block of which nothing is set and that has
// no defaults of its own.
func withoutEmptyBlocks(rows [][3]string) (kept [][3]string) {
	for _, block := range []string{"thresholds", "login"} {
		inside := func(row [3]string) bool { return strings.HasPrefix(row[0], block+".") }
		if slices.ContainsFunc(rows, func(row [3]string) bool { return inside(row) && row[2] != "default" }) {
			continue
		}
		if i := slices.IndexFunc(rows, inside); i >= 0 {
			rows[i] = [3]string{block, "none", "default"}
			rows = append(rows[:i+1:i+1], slices.DeleteFunc(slices.Clone(rows[i+1:]), inside)...)
		}
	}
	return rows
}

// The columns of a table: a value that is longer than its column goes over the next one,
// and where it is written stands below.
const mostValue = 22

// printRows prints rows of name, value and place in columns.
func (p *program) printRows(rows [][3]string) {
	names, values := 0, 0
	for _, row := range rows {
		names = max(names, config.Columns(row[0]))
		if width := config.Columns(row[1]); width <= mostValue {
			values = max(values, width)
		}
	}
	second := 2 + names + 2
	third := second + values + 2
	width := max(p.screenOf(p.out).width, third+20)
	for _, row := range rows {
		line := "  " + row[0] + spaces(names-config.Columns(row[0])+2)
		if config.Columns(row[1]) <= values {
			line += row[1] + spaces(third-second-config.Columns(row[1]))
		} else {
			folded := foldTo(width, spaces(second), row[1])
			line += strings.TrimPrefix(folded, spaces(second))
			if row[2] != "" {
				line += "\n" + spaces(third)
			}
		}
		place := foldTo(width, spaces(third), row[2])
		p.printf("%s\n", strings.TrimRight(line+strings.TrimPrefix(place, spaces(third)), " "))
	}
}

func (p *program) printShownRole(r *shownRole) {
	title := "notification_role " + string(r.ID)
	if r.Label != string(r.ID) {
		title += " (" + r.Label + ")"
	}
	p.printf("%s\n", foldHanging("", "    ", title+", "+p.placeOf(r.File, r.Line)))
	for _, n := range r.Notify {
		p.printf("\n  %s by %s, %s\n", r.ID, n.Notifier, p.placeOf(n.File, n.Line))
		rows := [][3]string{{"to", cmp.Or(n.Target, "its url"), ""}}
		if n.After != "0s" {
			rows = append(rows, [3]string{"after", n.After, ""})
		}
		during := cmp.Or(string(n.During), "always")
		on, conditions := "default", "all"
		if len(n.On) > 0 {
			on = strings.Join(n.On, ", ")
		}
		if len(n.Conditions) > 0 {
			conditions = strings.Join(n.Conditions, ", ")
		}
		rows = append(rows, [][3]string{{"during", during, ""}, {"severity", string(n.Severity), ""}, {"on", on, ""}, {"conditions", conditions, ""}}...)
		if n.MentionSeverity != "" {
			rows = append(rows, [3]string{"mention_severity", string(n.MentionSeverity), ""})
		}
		p.printRows(rows)
	}
	if len(r.Reports) > 0 {
		p.printf("\n")
		p.printRows(p.blockRows("report", r.Reports))
	}
}
