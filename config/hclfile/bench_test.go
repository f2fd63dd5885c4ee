package hclfile_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// bigTree writes a company's configuration: roles, defaults and then checks
// spread over 100 files, as servers with three checks each.
func bigTree(b *testing.B, checks int) string {
	b.Helper()
	dir := b.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("00-roles.hcl", []byte(`
daemon {
  notification_roles = [notification_role.it]
}
locals {
  domain = "example.org"
}
defaults {
  interval           = "1m"
  notification_roles = [notification_role.it]
}
notifier "webhook" "hook" {
  url = "http://127.0.0.1:8080/"
}
notification_role "it" {
  notify { via = notifier.webhook.hook }
}
`))
	const files = 100
	for f := range files {
		var text bytes.Buffer
		fmt.Fprintf(&text, "group \"customer%d\" {\n  label = \"Customer %d\"\n", f, f)
		for s := range checks / files / 3 {
			fmt.Fprintf(&text, `  server "mx%d-%d" {
    label    = "Mail %d"
    hostname = "mx%d-%d.${local.domain}"

    imap_check "imaps" {
      port            = 993
      fault_tolerance = "5m"
    }
    imap_check "starttls" {
      port = 143
      tls {
        server_name = "imap.example.org"
      }
    }
    imap_check "office" {
      label    = "IMAP on the web port"
      port     = 443
      security = "starttls"
    }
  }
`, f, s, s, f, s)
		}
		text.WriteString("}\n")
		write(fmt.Sprintf("customer%02d.hcl", f), text.Bytes())
	}
	return dir
}

// BenchmarkLoad reads, parses and validates a whole tree; parse is what of it
// hcl's own parser takes on one processor, retained what a check costs after.
func BenchmarkLoad(b *testing.B) {
	for _, checks := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) {
			dir := bigTree(b, checks)
			before := heap()
			var cfg *config.Config
			for b.Loop() {
				cfg = load(b, dir)
			}
			b.ReportMetric(float64(heap()-before)/float64(len(cfg.Checks)), "B-retained/check")
			runtime.KeepAlive(cfg)
		})
	}
}

func load(b *testing.B, dir string) *config.Config {
	s, err := source.Read(dir, source.Options{})
	if err != nil {
		b.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	if cfg == nil {
		b.Fatal(diags[0])
	}
	return cfg
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkParse is hcl's own parser on the same files, one after the other.
func BenchmarkParse(b *testing.B) {
	for _, checks := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) {
			dir := bigTree(b, checks)
			files, _ := filepath.Glob(filepath.Join(dir, "*.hcl"))
			for b.Loop() {
				for _, name := range files {
					text, err := os.ReadFile(name)
					if err != nil {
						b.Fatal(err)
					}
					if _, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos); diags.HasErrors() {
						b.Fatal(diags)
					}
				}
			}
		})
	}
}

// BenchmarkSave writes what a daemon keeps of a configuration each time that it
// has applied one.
func BenchmarkSave(b *testing.B) {
	for _, checks := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) {
			s, err := source.Read(bigTree(b, checks), source.Options{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := hclfile.Save(io.Discard, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
