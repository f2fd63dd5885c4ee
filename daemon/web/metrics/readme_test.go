package metrics_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// readmeTable returns a table of the daemon's README.
func readmeTable(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(page), "<!-- "+name+" -->\n")
	table, _, ends := strings.Cut(rest, "<!-- end -->")
	if !begins || !ends {
		t.Fatalf("the README has no section %q", name)
	}
	return table
}

// tableOf describes families as the README does. Of the families that libraries make it says
// nothing.
func tableOf(families map[string]*dto.MetricFamily, prefix string) string {
	table := "| name | type | meaning |\n|---|---|---|\n"
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		labels := ""
		if list := f.GetMetric(); len(list) > 0 && len(list[0].GetLabel()) > 0 {
			var names []string
			for _, l := range list[0].GetLabel() {
				names = append(names, l.GetName())
			}
			labels = "{" + strings.Join(names, ",") + "}"
		}
		table += fmt.Sprintf("| `%s%s` | %s | %s |\n", name, labels, strings.ToLower(f.GetType().String()), f.GetHelp())
	}
	return table
}

// The README has each name that there is, with its labels, and no other.
func TestTheREADMEHasEachMetric(t *testing.T) {
	want := tableOf(formatWorld(t).scrape("/metrics", nil), "imapvigil_")
	if got := readmeTable(t, "metrics"); got != want {
		t.Errorf("the table of metrics is\n%swant\n%s", got, want)
	}
}
