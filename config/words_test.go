package config_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// word is how phases, conditions and causes are written: as a JSON key, a value of
// the language and a label of a metric.
var word = regexp.MustCompile(`^[a-z][a-z0-9_]{1,31}$`)

func TestPhasesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for p := range config.Phases() {
		switch {
		case !word.MatchString(p.String()), seen[p.String()]:
			t.Errorf("phase %d is called %q", p, p)
		case p.Name() == "", p.When() == "", p.Doc() == "":
			t.Errorf("%s is not described in the table of phases", p)
		case p.TimeKey() != p.String() || config.ParsePhase(p.String()) != p:
			t.Errorf("%s has the key %q", p, p.TimeKey())
		}
		seen[p.String()] = true
	}
	if got, want := len(seen), len(constants(t, "phase.go", "Phase"))-2; got != want { // NoPhase, PhaseCount
		t.Errorf("%d phases, %d constants", got, want)
	}
	if timed := slices.Collect(config.TimedPhases()); len(timed) != int(config.PhaseCount) || timed[len(timed)-1] != config.WholeConversation {
		t.Errorf("timings have %v", timed)
	}
}

func TestPhaseInJSON(t *testing.T) {
	type record struct {
		Phase config.Phase `json:"phase,omitempty"`
	}
	for _, test := range []struct {
		json string
		want config.Phase
		back string
	}{
		{`{"phase":"starttls"}`, config.PhaseStartTLS, `{"phase":"starttls"}`},
		{`{}`, config.NoPhase, `{}`},
		{`{"phase":""}`, config.NoPhase, `{}`},
		{`{"phase":"total"}`, config.NoPhase, `{}`},
		{`{"phase":"of a newer version"}`, config.NoPhase, `{}`},
	} {
		var got record
		if err := json.Unmarshal([]byte(test.json), &got); err != nil || got.Phase != test.want {
			t.Errorf("%s: %v, %v", test.json, got.Phase, err)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != test.back {
			t.Errorf("%s: written as %s, %v", test.json, back, err)
		}
	}
}

func TestConditionsAreDescribed(t *testing.T) {
	var listed []string
	for c := range config.AllConditions().All() {
		if !word.MatchString(string(c)) || slices.Contains(listed, string(c)) {
			t.Errorf("a condition is called %q", c)
		}
		if doc := c.Doc(); doc == "" || strings.HasSuffix(doc, ".") {
			t.Errorf("%s: %q is no sentence without its full stop", c, doc)
		}
		if s := c.Severity(); s != config.SeverityDown && s != config.SeverityDegraded {
			t.Errorf("%s has the severity %q", c, s)
		}
		if set := config.ConditionSet(c); !set.Has(c) || set == config.AllConditions() {
			t.Errorf("%s gives the set %v", c, set)
		}
		listed = append(listed, string(c))
	}
	sameWords(t, "conditions", listed, constants(t, "condition.go", "Condition"))
	if config.AllConditions().Has("unknown") {
		t.Error("a condition that is not known is in a set")
	}
}

func TestCausesAreDescribed(t *testing.T) {
	var listed []string
	for c := range config.Causes() {
		if !word.MatchString(string(c)) || slices.Contains(listed, string(c)) {
			t.Errorf("a cause is called %q", c)
		}
		if text := c.Text(); text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "_") {
			t.Errorf("%s: %q are no plain words", c, text)
		}
		if c.About() != 0 && c.About() != config.ConditionSet(config.ConditionMonitor) && len(c.Phases()) == 0 {
			t.Errorf("%s shows in no phase", c)
		}
		listed = append(listed, string(c))
	}
	sameWords(t, "causes", listed, constants(t, "cause.go", "Cause"))
}

// sameWords compares the words of a table with the constants that are declared.
func sameWords(t *testing.T, of string, listed, declared []string) {
	t.Helper()
	for _, word := range declared {
		if !slices.Contains(listed, word) {
			t.Errorf("%q is declared and not in the table of %s", word, of)
		}
	}
	if len(listed) != len(declared) {
		t.Errorf("%d %s in the table, %d declared", len(listed), of, len(declared))
	}
}

// constants reads the constants of a type: their values where they are strings,
// else their names.
func constants(t *testing.T, file, of string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	implied := "" // the type of an iota that goes on
	for _, decl := range parsed.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST || len(group.Specs) < 2 {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if name, ok := value.Type.(*ast.Ident); ok {
				implied = name.Name
			}
			if implied != of {
				continue
			}
			text := value.Names[0].Name
			if len(value.Values) == 1 {
				if literal, ok := value.Values[0].(*ast.BasicLit); ok {
					text = strings.Trim(literal.Value, `"`)
				}
			}
			values = append(values, text)
		}
	}
	return values
}
