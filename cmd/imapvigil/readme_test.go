package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// jsonOutputs are values of the types that commands print with --json.
var jsonOutputs = map[string]any{
	"validate": validation{}, "plan": api.Plan{}, "reload": api.Verdict{}, "test": api.Reports{}, "recheck": api.Reports{},
	"status": api.Status{}, "incidents": api.Incidents{}, "silence add": api.ListedSilence{}, "silence list": api.Silences{},
	"deliveries": api.Deliveries{}, "notify-test": api.Trial{}, "journal": entry{}, "schema": hclfile.Language{},
	"show": shown{}, "history": api.CheckHistory{}, "report": api.PeriodReport{}, "who": forecasts{}, "nodes": api.Nodes{},
	"version": map[string]string{"version": "", "go": "", "os": "", "arch": ""},
}

// forPeople are keys that are no interface.
var forPeople = regexp.MustCompile(`^checks\[\]\.(findings|notes)\b`)

// A pageSection is a part of the README, from "<!-- name -->" to "<!-- end -->", with what
// stands before and after it.
type pageSection struct{ before, text, after string }

func readSection(name string) (s pageSection, err error) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		return s, err
	}
	mark := "<!-- " + name + " -->\n"
	before, rest, found := strings.Cut(string(page), mark)
	text, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		return s, fmt.Errorf("README.md has no section %q", name)
	}
	return pageSection{before + mark, text, "<!-- end -->" + after}, nil
}

// TestREADMEKeys holds the README's keys of JSON against the types that are printed.
// The scripts hold what is really printed against the README: see writeKeys.
func TestREADMEKeys(t *testing.T) {
	section, err := readSection("json")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, command := range slices.Sorted(maps.Keys(jsonOutputs)) {
		fmt.Fprintf(&want, "### `%s`\n\n```\n%s\n```\n\n", command, strings.Join(possibleKeys(t, jsonOutputs[command]), "\n"))
	}
	switch {
	case section.text == want.String():
	case golden.Updating():
		if err := os.WriteFile("README.md", []byte(section.before+want.String()+section.after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("README.md has other keys than the program; -update writes them")
	}
}

// possibleKeys are the keys that a value of a type may have in JSON.
func possibleKeys(t *testing.T, sample any) []string {
	t.Helper()
	value := reflect.New(reflect.TypeOf(sample)).Elem()
	value.Set(reflect.ValueOf(sample))
	fillValue(value)
	text, err := json.Marshal(value.Interface())
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	addKeys(found, "", decoded)
	maps.DeleteFunc(found, func(key string, _ bool) bool { return forPeople.MatchString(key) })
	return slices.Sorted(maps.Keys(found))
}

// fillValue sets all that a value consists of, so that nothing is left out as empty.
func fillValue(v reflect.Value) {
	if !v.CanSet() {
		return
	}
	switch v.Interface().(type) {
	case opaque.Words:
		v.Set(reflect.ValueOf(opaque.Sanitise("x")))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`"x"`)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fillValue(v.Index(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1)
	}
}

// documentedKeys are the keys that the README has for a command.
func documentedKeys(command string) ([]string, error) {
	section, err := readSection("json")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(section.text, "### `"+command+"`\n\n```\n")
	keys, _, found := strings.Cut(rest, "\n```\n")
	if !found {
		return nil, fmt.Errorf("README.md has no keys for %q", command)
	}
	return strings.Split(keys, "\n"), nil
}

var commandRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]+ \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")

// TestREADMECommands: the README's table has every command and no other, and for each the
// exit codes that the scripts show and no other.
func TestREADMECommands(t *testing.T) {
	table, err := readSection("commands")
	if err != nil {
		t.Fatal(err)
	}
	root := (&program{}).root()
	root.InitDefaultCompletionCmd()
	missing := map[string]bool{}
	for _, c := range root.Commands() {
		missing[c.Name()] = !c.Hidden && c.Name() != "help"
	}
	shown := shownExitCodes(t)
	for _, row := range commandRow.FindAllStringSubmatch(table.text, -1) {
		command, meanings := row[1], row[2:]
		if !missing[command] {
			t.Errorf("README.md has a row for %s, which is no command, or has a row already", command)
		}
		missing[command] = false
		shown[command] = append(shown[command], run(t.Context(), []string{command, "--no-such-flag"}, strings.NewReader(""), io.Discard, io.Discard))
		for code, meaning := range meanings {
			switch documented := meaning != "-"; {
			case code > 0 && documented && !slices.Contains(shown[command], code):
				t.Errorf("README.md says that %s may end with %d, and no script shows it", command, code)
			case !documented && slices.Contains(shown[command], code):
				t.Errorf("README.md does not say that %s may end with %d", command, code)
			}
		}
	}
	for command, is := range missing {
		if is {
			t.Errorf("README.md has no row for %s", command)
		}
	}
}

var exitLine = regexp.MustCompile(`(?m)^exits (\d) imapvigil ([a-z-]+)`)

// shownExitCodes are the codes with which each command ends in the scripts.
func shownExitCodes(t *testing.T) map[string][]int {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range exitLine.FindAllStringSubmatch(string(text), -1) {
			shown[line[2]] = append(shown[line[2]], int(line[1][0]-'0'))
		}
	}
	return shown
}
