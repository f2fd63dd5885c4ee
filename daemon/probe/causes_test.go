package probe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// checkWords holds a result against the tables of conditions and causes: a finding
// comes under a condition, in a phase and with a severity that they name, and it
// has a hint.
func checkWords(t *testing.T, r incident.Result) {
	t.Helper()
	for _, f := range r.Findings {
		switch {
		case f.Hint == "":
			t.Errorf("%s/%s has no hint", f.Phase, f.Cause)
		case !f.Cause.About().Has(f.Condition):
			t.Errorf("the table of causes does not name %s with %s", f.Condition, f.Cause)
		case f.Phase != config.NoPhase && !slices.Contains(f.Cause.Phases(), f.Phase):
			t.Errorf("the table of causes does not name the phase %s with %s", f.Phase, f.Cause)
		case f.Health != incident.Unknown && string(f.Health) != string(f.Condition.Severity()):
			t.Errorf("%s/%s is %s, and %s is %s in the table of conditions", f.Phase, f.Cause, f.Health, f.Condition, f.Condition.Severity())
		}
	}
	for _, n := range r.Notes {
		if n.Text == "" || n.Cause.About() != 0 {
			t.Errorf("a note %s: %q, which the table of causes has with %v", n.Cause, n.Text, n.Cause.About())
		}
	}
}

// provokedElsewhere names, for each cause that no file of testdata/hostile brings
// about, the test that does, and a text of it that says so.
var provokedElsewhere = map[config.Cause]struct{ file, text string }{
	config.CauseNoSuchName:       {"resolve_test.go", `dns/no_such_name service`},
	config.CauseNoAddress:        {"resolve_test.go", `dns/no_address service`},
	config.CauseDNSFailure:       {"resolve_test.go", `dns/dns_failure service`},
	config.CauseRecordUnanswered: {"records_test.go", `hasNote(r, "record_unanswered")`},
	config.CauseWithdrawn:        {"memory_test.go", `hasNote(r, "withdrawn")`},
	config.CauseCertChanged:      {"memory_test.go", `hasNote(r, "cert_changed")`},
	config.CauseCertsDiffer:      {"memory_test.go", `hasNote(r, "certs_differ")`},
	config.CauseTokenUnavailable: {"tokens_test.go", `login/token_unavailable account`},
	config.CauseLoginNotTried:    {"once_test.go", `login/login_not_tried account`},
	config.CauseResolverDown:     {"../selfcheck/testdata/timelines/resolver.txt", `unknown dns/resolver_down`},
	config.CauseUndelivered:      {"../tracker/testdata/timelines/channel-is-back.txtar", `undelivered`},
}

// TestEveryCauseIsProvoked makes sure that each cause of the table is brought about
// by a test, so that what is said of it, its hint above all, has been looked at.
func TestEveryCauseIsProvoked(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	provoked := map[config.Cause]bool{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(archive.Files[0].Data)) {
			switch name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name {
			case "want":
				if words := strings.Fields(value); len(words) > 1 {
					_, cause, _ := strings.Cut(words[1], "/")
					provoked[config.Cause(cause)] = true
				}
			case "note":
				provoked[config.Cause(value)] = true
			}
		}
	}
	for cause := range config.Causes() {
		elsewhere, listed := provokedElsewhere[cause]
		if !listed && !provoked[cause] {
			t.Errorf("no test brings about %s: add a case to testdata/hostile", cause)
		}
		if !listed {
			continue
		}
		if text, err := os.ReadFile(elsewhere.file); err != nil || !strings.Contains(string(text), elsewhere.text) {
			t.Errorf("%s does not bring about %s: no %q there, %v", elsewhere.file, cause, elsewhere.text, err)
		}
	}
}
