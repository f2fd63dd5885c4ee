package takeover_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/config/takeover"
)

// Each archive holds files of another monitor, and then what is made of them: out.hcl,
// and in left what was not taken over. -update writes these two.
func TestTakeover(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := inputs(archive)
			result, err := takeover.Read("", files)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, result, files)
			if strings.Contains(string(result.HCL)+fmt.Sprint(result.Left), "hunter2") {
				t.Error("a password of the files is in what was made of them")
			}
			kept := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				if f.Name != "out.hcl" && f.Name != "left" {
					kept.Files = append(kept.Files, f)
				}
			}
			left := strings.Join(result.Left, "\n") + "\n"
			kept.Files = append(kept.Files, txtar.File{Name: "out.hcl", Data: result.HCL}, txtar.File{Name: "left", Data: []byte(left)})
			golden.Compare(t, name, string(txtar.Format(kept)))
		})
	}
}

func inputs(archive *txtar.Archive) (files []takeover.File) {
	for _, f := range archive.Files {
		if f.Name != "out.hcl" && f.Name != "left" {
			files = append(files, takeover.File{Name: f.Name, Text: bytes.Clone(f.Data)})
		}
	}
	return files
}

// fatal is what testing.T and testing.F have in common.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// holds checks what is true of every result: it loads, with as many checks as it says, is
// in the layout of all files, and has nothing in it that a terminal obeys.
func holds(t fatal, r takeover.Result, files []takeover.File) {
	t.Helper()
	cfg, diags := hclfile.Load(source.OfText("out.hcl", r.HCL))
	if cfg == nil {
		var text strings.Builder
		_ = config.Print(&text, diags, false)
		t.Fatalf("what was made does not load:\n%s\n%s", text.String(), r.HCL)
	}
	if len(cfg.Checks) != r.Checks {
		t.Fatalf("%d checks, not %d:\n%s", len(cfg.Checks), r.Checks, r.HCL)
	}
	if again, wrong := hclfile.Format("out.hcl", r.HCL); len(wrong) > 0 || !bytes.Equal(again, r.HCL) {
		t.Fatalf("it is not formatted: %v\n%s", wrong, r.HCL)
	}
	for i, text := range append([]string{string(r.HCL)}, r.Left...) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
			t.Fatalf("a control character in %q", text)
		}
		if i > 0 && strings.Contains(text, "\n") {
			t.Fatalf("more than a line: %q", text)
		}
	}
	for i := range files {
		files[i].Text = bytes.ReplaceAll(files[i].Text, []byte("\n"), []byte("\r\n"))
	}
	if crlf, err := takeover.Read(r.Format, files); err != nil || !bytes.Equal(crlf.HCL, r.HCL) {
		t.Fatalf("line ends make a difference: %v", err)
	}
}

func TestNothingFound(t *testing.T) {
	for name, text := range map[string]string{
		"web.yaml": "endpoints:\n- {name: web, url: \"https://example.org\"}\n", "empty.txt": "# nothing\n",
		"kuma.json": `{"version":"1.23","monitorList":[{"type":"http","name":"x"}]}`,
	} {
		if r, err := takeover.Read("", []takeover.File{{Name: name, Text: []byte(text)}}); !errors.Is(err, takeover.ErrNothing) {
			t.Errorf("%s: %v, %s", name, err, r.HCL)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		format     takeover.Format
		text, want string
	}{
		{"gatus", "endpoints: [\n", "x cannot be read: line 1"},
		{"kuma", "{", "x cannot be read"},
		{"nagios", "object Host \"a\" {\n  address = \n}\n", `x:3 cannot be read: "" was not expected`},
		{"hosts", "a\x00b\n", "x is not UTF-8 text"},
		{"nosuch", "a\n", "the format is gatus"},
		{"", strings.Repeat("x", 5<<20), "x has more than 4 MiB"},
	} {
		_, err := takeover.Read(c.format, []takeover.File{{Name: "x", Text: []byte(c.text)}})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, not %q", c.format, err, c.want)
		}
	}
}
