package hclfile_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

const readme = "../README.md"

// TestREADMETables holds the tables of config/README.md against the loader's.
func TestREADMETables(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	lang := hclfile.Schema()
	page = replaceSection(t, page, "blocks", describeBlocks(lang))
	page = replaceSection(t, page, "reserved", "`"+strings.Join(lang.Reserved, "`, `")+"`\n")
	if page == string(text) {
		return
	}
	if !golden.Updating() {
		t.Fatalf("%s does not say what the loader does; -update writes its tables", readme)
	}
	if err := os.WriteFile(readme, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replaceSection puts a text between "<!-- name -->" and "<!-- end -->".
func replaceSection(t *testing.T, page, name, text string) string {
	t.Helper()
	before, rest, found := strings.Cut(page, "<!-- "+name+" -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("%s has no section %q", readme, name)
	}
	return before + "<!-- " + name + " -->\n" + text + "<!-- end -->" + after
}

func describeBlocks(lang hclfile.Language) string {
	var b strings.Builder
	for _, block := range lang.Blocks {
		if block.Name == "defaults" { // its attributes are those of imap_check that are marked
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n%s", headline(block), block.Doc)
		fmt.Fprintf(&b, " It is written %s.\n\n", whereabouts(block.In))
		if len(block.Attributes) == 0 {
			continue
		}
		b.WriteString("| attribute | value | default | meaning |\n|---|---|---|---|\n")
		for _, a := range block.Attributes {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, valueOf(a), cell(defaultOf(a)), cell(a.Doc+marks(a)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func headline(block hclfile.BlockDoc) string {
	name := block.Name
	if block.Kind != "" && name == "notifier" {
		name += fmt.Sprintf(" %q", block.Kind)
	}
	for _, label := range block.Labels[min(len(block.Labels), map[bool]int{true: 1}[name != block.Name]):] {
		name += " " + strings.ToUpper(label)
	}
	if block.Kind != "" && block.Name == "notify" {
		return "`" + name + "` with `via` of " + block.Kind
	}
	return "`" + name + "`"
}

func whereabouts(in []string) string {
	var places []string
	for _, place := range in {
		if place == "" {
			places = append(places, "at the top level")
			continue
		}
		places = append(places, "in `"+place+"`")
	}
	return strings.Join(places, ", ")
}

func valueOf(a hclfile.AttributeDoc) string {
	value := a.Type
	if len(a.Values) > 0 {
		value = "`\"" + strings.Join(a.Values, "\"`, `\"") + "\"`"
	}
	if a.Bounds != "" {
		value += " (" + a.Bounds + ")"
	}
	return cell(value)
}

func defaultOf(a hclfile.AttributeDoc) string {
	if a.Required {
		return "required"
	}
	return cmp.Or(a.Default, "none")
}

func marks(a hclfile.AttributeDoc) (text string) {
	for _, mark := range []struct {
		holds bool
		word  string
	}{{a.Inherited, "in defaults"}, {a.Sensitive, "secret"}} {
		if mark.holds {
			text += ", " + mark.word
		}
	}
	if text == "" {
		return ""
	}
	return " *(" + text[2:] + ")*"
}

// cell makes a text fit into a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

// TestREADMEExample loads the example of config/README.md, which warns of nothing but
// what it says.
func TestREADMEExample(t *testing.T) {
	cfg := loadFromREADME(t, "example", "")
	for _, id := range []config.CheckID{"mx1/imaps", "mx1/starttls", "partner"} {
		if cfg.Checks[id] == nil {
			t.Errorf("the example has no check %s", id)
		}
	}
}

// TestREADMECluster loads the example of several nodes beside a check.
func TestREADMECluster(t *testing.T) {
	cfg := loadFromREADME(t, "cluster", "imap_check \"mx\" { hostname = \"mx.example.org\" }\n")
	if cfg.Cluster == nil || len(cfg.Cluster.Nodes) != 3 || cfg.Cluster.Nodes["lon1"].Decide {
		t.Errorf("the cluster is %+v", cfg.Cluster)
	}
	if got := cfg.Checks["mx"].Quorum; got.Nodes != 3 || got.Agree != 2 {
		t.Errorf("a check has %+v", got)
	}
}

// loadFromREADME loads an example of config/README.md with more behind it.
func loadFromREADME(t *testing.T, name, more string) *config.Config {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- "+name+" -->\n```hcl\n")
	example, _, ended := strings.Cut(rest, "```\n<!-- end -->")
	if !found || !ended {
		t.Fatalf("%s has no example %q", readme, name)
	}
	file := filepath.Join(t.TempDir(), "main.hcl")
	writeFile(t, file, []byte(example+more))
	writeFile(t, filepath.Join(filepath.Dir(file), "bus-ca.pem"), []byte(clientCert))
	snapshot, err := source.Read(file, source.Options{NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(snapshot)
	if cfg == nil {
		t.Fatalf("the example has errors: %v", diags)
	}
	return cfg
}
