package hclfile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// saved is what Save writes of a configuration that has been loaded.
func saved(t *testing.T, s *source.Snapshot) []byte {
	t.Helper()
	hclfile.Load(s)
	var out bytes.Buffer
	if err := hclfile.Save(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func restore(t *testing.T, text []byte, o source.Options) *source.Snapshot {
	t.Helper()
	s, err := hclfile.Restore(bytes.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// restoredFrom is a Snapshot as it comes back when its files are gone.
func restoredFrom(t *testing.T, s *source.Snapshot) *source.Snapshot {
	t.Helper()
	text := saved(t, s)
	for _, f := range s.Files() {
		if err := os.Remove(f.Name); err != nil {
			t.Fatal(err)
		}
	}
	return restore(t, text, source.Options{LookupEnv: s.Options().LookupEnv})
}

// texts are the files in what Save wrote, under their names in the directory.
func texts(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var a struct {
		Root         string
		Files, Named []struct{ Name, Text string }
	}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range append(a.Files, a.Named...) {
		rel, err := filepath.Rel(a.Root, f.Name)
		if err != nil || !filepath.IsAbs(f.Name) {
			t.Errorf("%s is no absolute path", f.Name)
		}
		all[rel] = f.Text
	}
	return all
}

// TestWithheld shows what is kept of configurations with secrets in them. In their
// files CANARY stands for a secret; kept must remain.
func TestWithheld(t *testing.T) {
	eachScript(t, "withheld", func(t *testing.T, s *script, file string) {
		if cfg, diags := s.load(t); cfg == nil {
			t.Fatalf("not loaded: %v", diags)
		}
		text := saved(t, read(t, "etc", source.Options{LookupEnv: os.LookupEnv}))
		noSecret(t, text)
		var got strings.Builder
		kept := texts(t, text)
		for _, name := range sortedKeys(kept) {
			fmt.Fprintf(&got, "== %s\n%s", name, kept[name])
		}
		compareText(t, s.archive, file, got.String())
		comesBack(t, text)
		filledIn(t, text)
	})
}

func noSecret(t *testing.T, text []byte) {
	t.Helper()
	for _, secret := range []string{"CANARY", "canary", "\\u0043ANARY", base64.StdEncoding.EncodeToString([]byte("CANARY"))[:7]} {
		if i := bytes.Index(text, []byte(secret)); i >= 0 {
			t.Errorf("a secret is saved: %s", text[max(0, i-60):min(len(text), i+60)])
		}
	}
}

// comesBack compares the configuration with what comes back of it when secrets
// are taken on trust: nothing has changed.
func comesBack(t *testing.T, text []byte) {
	t.Helper()
	o := source.Options{NoCredentials: true, LookupEnv: os.LookupEnv}
	now := mustLoad(t, restore(t, saved(t, read(t, "etc", o)), o))
	then := mustLoad(t, restore(t, text, o))
	if diff := config.Compare(then, now); !diff.IsEmpty() || diff.Unchanged != len(now.Checks) || len(now.Notifiers) != len(then.Notifiers) {
		t.Errorf("came back with %+v", diff)
	}
	original := mustLoad(t, read(t, "etc", source.Options{LookupEnv: os.LookupEnv}))
	for _, c := range config.Compare(then, original).Changed {
		for _, a := range c.Attributes {
			if a.New != "(sensitive)" {
				t.Errorf("%s has changed: %+v", c.ID, a)
			}
		}
	}
	if len(then.Checks) != len(original.Checks) || len(then.Notifiers) != len(original.Notifiers) {
		t.Errorf("%d checks and %d notifiers came back", len(then.Checks), len(then.Notifiers))
	}
}

// filledIn restores while the files are as they were: with all of their secrets.
func filledIn(t *testing.T, text []byte) {
	t.Helper()
	now := mustLoad(t, read(t, "etc", source.Options{LookupEnv: os.LookupEnv}))
	then := mustLoad(t, restore(t, text, source.Options{LookupEnv: os.LookupEnv}))
	if diff := config.Compare(then, now); !diff.IsEmpty() {
		t.Errorf("came back with %+v", diff)
	}
	for id, n := range now.Notifiers {
		if then.Notifiers[id] == nil || then.Notifiers[id].Settings != n.Settings {
			t.Errorf("notifier %s came back otherwise", id)
		}
	}
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestFilledInFileByFile has one of two files change: its secrets are missing, those
// of the other are not.
func TestFilledInFileByFile(t *testing.T) {
	tree(t, map[string]string{
		"etc/a.hcl": "notifier \"slack\" \"a\" {\n  token = \"xoxb-aaaa\"\n}\n",
		"etc/b.hcl": "notifier \"slack\" \"b\" {\n  token = \"xoxb-bbbb\"\n}\nimap_check \"b\" {\n  hostname = \"mx.example.org\"\n  login {\n    username = \"b\"\n    password = \"bbbbbbbb\"\n  }\n}\n",
	})
	text := saved(t, read(t, "etc", source.Options{}))
	writeFile(t, "etc/b.hcl", []byte("this is no HCL"))
	t.Chdir(t.TempDir())
	cfg, diags := hclfile.Salvage(restore(t, text, source.Options{}))
	if len(cfg.Notifiers) != 1 || cfg.Notifiers["slack.a"] == nil {
		t.Errorf("salvaged the notifiers %v", cfg.Notifiers)
	}
	if c := cfg.Checks["b"]; c == nil || c.Probe.Login != (config.Login{}) {
		t.Errorf("salvaged the check %+v", c)
	}
	i := slices.IndexFunc(diags, func(d config.Diagnostic) bool { return d.Rule == "withheld" })
	if i < 0 || !strings.Contains(diags[i].Detail, "one more place") {
		t.Errorf("said %+v", diags)
	}
}

// TestSaveAndRestoreElsewhere restores a relative path from another directory.
func TestSaveAndRestoreElsewhere(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	cfg := mustLoad(t, s)
	text := saved(t, s)
	t.Chdir(t.TempDir())
	restored := restore(t, text, source.Options{})
	if diff := config.Compare(cfg, mustLoad(t, restored)); !diff.IsEmpty() {
		t.Errorf("restored with %+v", diff)
	}
	if next := again(t, restored); mustLoad(t, next).Checks["mx"] == nil {
		t.Error("the files are not found again")
	}
}

// TestSavedIsReadable: what is kept can be looked at, and compared, with any tool.
func TestSavedIsReadable(t *testing.T) {
	tree(t, small)
	text := string(saved(t, read(t, "etc", source.Options{})))
	for _, piece := range []string{`"version": 2`, `hostname    = \"mx.example.org\"`, `"text": "what it is about"`} {
		if !strings.Contains(text, piece) {
			t.Errorf("no %s in %s", piece, text)
		}
	}
}

// TestSecretsInCircles refuses secrets that come from locals in circles, or in very
// many ways, and shows none of them.
func TestSecretsInCircles(t *testing.T) {
	tree(t, nil)
	loops := "local.l"
	for i := range 40 {
		loops = fmt.Sprintf("[for x%d in %s : x%d + x%d]", i, loops, i, i)
	}
	many := "l0 = { a = { a = \"CANARY\", b = \"CANARY\" }, b = { a = \"CANARY\", b = \"CANARY\" } }\n"
	for i := range 40 {
		many += fmt.Sprintf("l%[1]d = { a = { a = local.l%[2]d.a, b = local.l%[2]d.b }, b = [for x in local.l%[2]d : x.a] }\n", i+1, i)
	}
	for _, text := range []string{
		"locals {\n  a = local.a\n}\nnotifier \"slack\" \"x\" {\n  token = local.a\n}\n",
		"locals {\n  a = [local.a.x, local.b.y, \"CANARY\"]\n  b = [local.a.x, local.b.y]\n}\nnotifier \"slack\" \"x\" {\n  token = local.a\n}\n",
		"locals {\n  l = \"CANARY\"\n}\nnotifier \"slack\" \"x\" {\n  token = " + loops + "\n}\n",
		"locals {\n" + many + "}\nnotifier \"slack\" \"x\" {\n  token = local.l40.a.a\n}\n",
	} {
		text = strings.ReplaceAll(text, "CANARY", canary)
		if cfg, _ := hclfile.Load(source.OfText("main.hcl", []byte(text))); cfg != nil {
			t.Errorf("loaded\n%s", text)
		}
		noCanary(t, text)
	}
}
