package hclfile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// TestWhereWritten: the line that is named has the attribute, or is the header of the
// block in which the check stands; and each attribute whose value is not the default is
// named.
func TestWhereWritten(t *testing.T) {
	const path = "../../examples/reference.hcl"
	s, err := source.Read(path, source.Options{NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	if cfg == nil {
		t.Fatal(diags)
	}
	lines := strings.Split(string(s.Files()[0].Text), "\n")
	ids := slices.Sorted(maps.Keys(cfg.Checks))
	written := hclfile.WhereWritten(s, ids...)
	var quorum config.Quorum
	quorum.FillDefaults(cfg.Cluster)
	untouched := config.Attributes(&config.Check{Probe: defaultProbe(), Policy: config.DefaultPolicy(), Quorum: quorum, Enabled: true})
	for _, id := range ids {
		for name, sources := range written[id] {
			for _, w := range sources {
				line := lines[w.Pos.Line-1]
				word := name[strings.LastIndexByte(name, '.')+1:]
				header := (name == "server" || name == "group") && strings.Contains(line, "{")
				if !strings.Contains(line, word+" ") && !header {
					t.Errorf("%s: %s is not in line %d: %s", id, name, w.Pos.Line, line)
				}
			}
		}
		for i, a := range config.Attributes(cfg.Checks[id]) {
			// A label, the port's security and a time limit follow from other attributes.
			if slices.Contains([]string{"label", "security", "timeout", "retry_interval", "notification_roles"}, a.Name) {
				continue
			}
			if a.Value != untouched[i].Value && len(written[id][a.Name]) == 0 {
				t.Errorf("%s: %s is %q, and not by default, and nothing says where it is written", id, a.Name, a.Value)
			}
		}
	}
}

func defaultProbe() config.Probe {
	p := config.DefaultProbe()
	p.FillDefaults()
	return p
}
