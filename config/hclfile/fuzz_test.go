package hclfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// seeds are the configurations of the golden files and of the examples.
func seeds(f *testing.F, suffix string, add func(text []byte)) {
	f.Helper()
	golden, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(golden) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, name := range golden {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, suffix) {
				add(file.Data)
			}
		}
	}
	for _, name := range []string{"../../examples/reference.hcl", "../../examples/quickstart.hcl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if suffix == ".hcl" {
			add(text)
		}
	}
}

// fatal is what testing and rapid have in common.
type fatal interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// holds checks what is true of Load whatever it is given.
func holds(t fatal, name string, text []byte) {
	cfg, diags := hclfile.Load(source.OfText(name, text))
	if (cfg == nil) != config.HasErrors(diags) {
		t.Fatalf("a configuration %v together with %v", cfg != nil, diags)
	}
	_, again := hclfile.Load(source.OfText(name, text))
	if !reflect.DeepEqual(diags, again) {
		t.Fatalf("not the same twice:\n%v\n%v", diags, again)
	}
	var out bytes.Buffer
	if err := config.Print(&out, diags, false); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && unicode.IsControl(r) {
			t.Fatalf("a control character comes out: %q", out.String())
		}
	}
	for _, d := range diags {
		if d.Rule == "internal" || d.Summary == "" || d.Detail == "" {
			t.Fatalf("%+v", d)
		}
	}
}

func FuzzLoad(f *testing.F) {
	seeds(f, ".hcl", func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, "main.hcl", text) })
}

func FuzzLoadJSON(f *testing.F) {
	seeds(f, ".hcl.json", func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, "main.hcl.json", text) })
}

// FuzzMutated replaces a piece of the reference by something else.
func FuzzMutated(f *testing.F) {
	reference, err := os.ReadFile("../../examples/reference.hcl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(100, 10, "")
	f.Add(2000, 3, "[")
	f.Add(5000, 40, "credential(\"x\")")
	f.Add(7000, 0, "null")
	f.Fuzz(func(t *testing.T, at, length int, insert string) {
		if at < 0 || length < 0 || at > len(reference) || length > len(reference)-at {
			return
		}
		text := append(append(append([]byte{}, reference[:at]...), insert...), reference[at+length:]...)
		holds(t, "main.hcl", text)
	})
}

func FuzzFormat(f *testing.F) {
	seeds(f, ".hcl", func(text []byte) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text []byte) {
		out, diags := hclfile.Format("main.hcl", text)
		if (out == nil) == (len(diags) == 0) && len(text) > 0 {
			t.Fatalf("%q and %v", out, diags)
		}
		if twice, _ := hclfile.Format("main.hcl", out); len(diags) == 0 && !bytes.Equal(twice, out) {
			t.Fatalf("formatted twice:\n%s\n%s", out, twice)
		}
	})
}

// FuzzSave saves whatever loads. What comes back says the same when it is saved
// once more, so nothing is left that would have to be withheld.
func FuzzSave(f *testing.F) {
	seeds(f, ".hcl", func(text []byte) { f.Add(false, text) })
	seeds(f, ".hcl.json", func(text []byte) { f.Add(true, text) })
	f.Fuzz(func(t *testing.T, isJSON bool, text []byte) {
		name := map[bool]string{false: "main.hcl", true: "main.hcl.json"}[isJSON]
		remainsHCL(t, name, text)
		s := source.OfText(name, text)
		if cfg, _ := hclfile.Load(s); cfg == nil {
			return
		}
		once := save(t, s)
		restored, err := hclfile.Restore(bytes.NewReader(once), source.Options{NoCredentials: true})
		if err != nil {
			t.Fatal(err)
		}
		hclfile.Salvage(restored)
		if twice := save(t, restored); !bytes.Equal(once, twice) {
			t.Fatalf("saved\n%s\nand then\n%s", once, twice)
		}
	})
}

// remainsHCL: what is HCL is HCL without its secrets, too, and has no more to hide.
func remainsHCL(t fatal, name string, text []byte) {
	once, ok := hclfile.Withheld(name, text)
	if !ok {
		return
	}
	twice, ok := hclfile.Withheld(name, once)
	if !ok || !bytes.Equal(once, twice) {
		t.Fatalf("%t, made of\n%s\nfirst\n%s\nand then\n%s", ok, text, once, twice)
	}
}

func save(t *testing.T, s *source.Snapshot) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := hclfile.Save(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
