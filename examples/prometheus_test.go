//go:build !quick

package examples_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// tool returns the path of a program of Debian's package prometheus.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not there; install the Debian package prometheus: %v", name, err)
	}
	return path
}

// Prometheus's own tool finds nothing wrong with the rules and the scrape configuration, and the
// unit tests of the rules pass.
func TestPromtoolAcceptsTheRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "imapvigil.rules.yml"}, {"test", "rules", "imapvigil.rules.test.yml"}, {"check", "config", "prometheus.yml"},
	} {
		run := exec.CommandContext(t.Context(), tool(t, "promtool"), args...)
		run.Dir = "prometheus"
		if said, err := run.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, said)
		}
	}
}

// A rule is a rule of a file of Prometheus.
type rule struct {
	Record, Alert, Expr string
}

func rules(t *testing.T) (list []rule) {
	t.Helper()
	text, err := os.ReadFile("prometheus/imapvigil.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		list = append(list, g.Rules...)
	}
	return list
}

// Each alert has a unit test.
func TestEachAlertIsTested(t *testing.T) {
	tests, err := os.ReadFile("prometheus/imapvigil.rules.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if r.Alert != "" && !regexp.MustCompile(`alertname: `+r.Alert+`\b`).Match(tests) {
			t.Errorf("%s has no test", r.Alert)
		}
	}
}

// A query is what a panel of a dashboard shows.
type query struct {
	dashboard, panel, expr string
}

func queries(t *testing.T) (list []query) {
	t.Helper()
	files, err := filepath.Glob("grafana/*.json")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			UID    string
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
				GridPos struct{ X, Y, W, H int }
			}
			Templating struct {
				List []struct{ Name, Definition string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil || dashboard.UID == "" {
			t.Fatal(name, err)
		}
		for _, v := range dashboard.Templating.List {
			if v.Definition != "" {
				list = append(list, query{name, "$" + v.Name, labelValues.ReplaceAllString(v.Definition, "$1")})
			}
		}
		for _, p := range dashboard.Panels {
			for _, target := range p.Targets {
				list = append(list, query{name, p.Title, target.Expr})
			}
			if p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
				t.Errorf("%s: %q is %+v", name, p.Title, p)
			}
		}
	}
	return list
}

// labelValues is what Grafana makes a list of the values of a label from.
var labelValues = regexp.MustCompile(`^label_values\((\w+), \w+\)$`)

var metricName = regexp.MustCompile(`\b(?:check:)?imapvigil_[a-z0-9_:]+|\bprobe_[a-z0-9_]+`)

// The rules and the dashboards name nothing that is not there.
func TestEachNameExists(t *testing.T) {
	page, err := os.ReadFile("../daemon/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)(\\{[^`]*\\})?` \\| (gauge|counter|histogram) \\|").FindAllStringSubmatch(string(page), -1) {
		known = append(known, m[1])
		if m[3] == "histogram" {
			known = append(known, m[1]+"_bucket", m[1]+"_count", m[1]+"_sum")
		}
	}
	if len(known) < 30 {
		t.Fatalf("the README names %q", known)
	}
	var all []query
	for _, r := range rules(t) {
		if r.Record != "" {
			known = append(known, r.Record)
		}
		all = append(all, query{"rules", r.Alert + r.Record, r.Expr})
	}
	for _, q := range append(all, queries(t)...) {
		names := metricName.FindAllString(q.expr, -1)
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s, %s: there is no %s", q.dashboard, q.panel, name)
			}
		}
		if len(names) == 0 || strings.Contains(q.expr, "job=") {
			t.Errorf("%s, %s: %s", q.dashboard, q.panel, q.expr)
		}
	}
}
