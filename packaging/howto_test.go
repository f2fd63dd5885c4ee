package packaging_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

const howto = "man/imapvigil-howto.7"

// aDisplay is what a page shows as it is typed; the mark "hcl" before it has it tried as a
// configuration. Others are tried by tests of their own.
var aDisplay = regexp.MustCompile(`(?ms)^(\.\\" [a-z ]+\n)?\.Bd -literal[^\n]*\n(.*?)^\.Ed\n`)

// plain reads the escapes of mandoc_char(7) that displays have.
var plain = strings.NewReplacer(`\e`, `\`, `\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\&`, "")

// configurations returns the configurations in a manual page.
func configurations(t *testing.T, file string) (list []string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return configurationsIn(t, file, page)
}

// configurationsIn returns the configurations in the text of a page.
func configurationsIn(t *testing.T, file string, page []byte) (list []string) {
	t.Helper()
	for _, d := range aDisplay.FindAllSubmatch(page, -1) {
		text := plain.Replace(string(d[2]))
		if string(d[1]) == ".\\\" hcl\n" {
			list = append(list, text)
		} else if len(d[1]) == 0 && regexp.MustCompile(`(?m)^\w+( "\w+")* \{$`).MatchString(text) {
			t.Errorf("%s has a configuration without the mark that has it tried:\n%s", file, text)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s has no configuration", file)
	}
	return list
}

// beginning has what the configurations of the page refer to; each block is left out where
// the page has one of the same name.
var beginning = []string{
	`notifier "email" "mailroom" {
  host = "smtp.example.net"
  from = "imapvigil@example.org"
}
`,
	`notification_role "it_team" {
  notify {
    via = notifier.email.mailroom
    to  = ["it@example.org"]
  }
}
`,
	`server "mx1" {
  hostname = "imap.example.org"
  imap_check "imaps" {
    port = 993
  }
}
`,
}

// besides are the files that configurations of the page read.
var besides = map[string]string{
	"hosts.txt":    "imap.example.org\nimap.example.net\n",
	"servers.csv":  "name,host,port\na,a.example.org,993\nb,b.example.org,143\n",
	"servers.yaml": "- {name: c, host: c.example.org, port: 993}\n",
}

// TestHowTo loads each configuration of imapvigil-howto(7): nothing is wrong with it, and it
// is formatted.
func TestHowTo(t *testing.T) {
	authority, err := os.ReadFile("../examples/files/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	tryConfigurations(t, configurations(t, howto), string(authority))
}

// TestGuides loads each configuration of imapvigil-notifiers(7); each kind has one.
func TestGuides(t *testing.T) {
	authority, err := os.ReadFile("../examples/files/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := hclfile.Guides(&page, time.Now()); err != nil {
		t.Fatal(err)
	}
	list := configurationsIn(t, "imapvigil-notifiers.7", page.Bytes())
	tryConfigurations(t, list, string(authority))
	for _, kind := range hclfile.NotifierKinds() {
		if !slices.ContainsFunc(list, func(text string) bool { return strings.Contains(text, "notifier \""+kind+"\"") }) {
			t.Errorf("the section of %s shows no configuration", kind)
		}
	}
}

func tryConfigurations(t *testing.T, list []string, authority string) {
	t.Helper()
	for i, text := range list {
		first, _, _ := strings.Cut(text, "\n")
		t.Run(fmt.Sprint(i+1, " ", first), func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "private-ca.pem"), authority, 0o644)
			for name, content := range besides {
				write(t, filepath.Join(dir, name), content, 0o644)
			}
			write(t, filepath.Join(dir, "howto.hcl"), text, 0o644)
			var rest strings.Builder
			for _, block := range beginning {
				if head, _, _ := strings.Cut(block, "\n"); !strings.Contains(text, head) {
					rest.WriteString(block)
				}
			}
			if !strings.Contains(text, "\nmoved {") || !strings.Contains(text, "mx1") {
				write(t, filepath.Join(dir, "rest.hcl"), rest.String(), 0o644)
			} else {
				write(t, filepath.Join(dir, "rest.hcl"), beginning[0]+beginning[1], 0o644)
			}
			loads(t, dir, filepath.Join(dir, "howto.hcl"))
			formatted, diags := hclfile.Format("howto.hcl", []byte(text))
			if len(diags) > 0 || !bytes.Equal(formatted, []byte(text)) {
				t.Errorf("it is not formatted; as fmt writes it:\n%s", formatted)
			}
		})
	}
}

// remarks are warnings about what a fragment leaves out, or does not know: a hosted NATS has one
// name for many servers.
var remarks = []string{"no-heartbeat", "monitor-roles", "no-roles", "unused", "unencrypted", "few-servers"}

// loads loads a directory, and fails the test for what is said of one of its files.
func loads(t *testing.T, dir, file string) *config.Config {
	t.Helper()
	s, err := source.Read(dir, source.Options{NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	for _, d := range diags {
		if d.Gravity == config.Error || d.Pos.File == file && !slices.Contains(remarks, d.Rule) {
			t.Errorf("%s: %v", d.Rule, d)
		}
	}
	return cfg
}

// TestREADMEConfiguration loads the configuration of the project's README.
func TestREADMEConfiguration(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```hcl\n")
	text, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("README.md has no configuration")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "imapvigil.hcl"), text, 0o644)
	if cfg := loads(t, dir, filepath.Join(dir, "imapvigil.hcl")); cfg == nil || len(cfg.Checks) != 1 {
		t.Errorf("it loads as %+v", cfg)
	}
}
