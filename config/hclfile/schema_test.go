package hclfile_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

func block(t *testing.T, name, kind string) hclfile.BlockDoc {
	t.Helper()
	for _, b := range hclfile.Schema().Blocks {
		if b.Name == name && b.Kind == kind {
			return b
		}
	}
	t.Fatalf("the schema has no block %s %s", name, kind)
	return hclfile.BlockDoc{}
}

func attributeDoc(t *testing.T, b hclfile.BlockDoc, name string) hclfile.AttributeDoc {
	t.Helper()
	i := slices.IndexFunc(b.Attributes, func(a hclfile.AttributeDoc) bool { return a.Name == name })
	if i < 0 {
		t.Fatalf("%s has no attribute %s", b.Name, name)
	}
	return b.Attributes[i]
}

func TestSchema(t *testing.T) {
	check := block(t, "imap_check", "")
	if got, want := check.In, []string{"", "server", "group"}; len(got) != len(want) {
		t.Errorf("imap_check stands in %q", got)
	}
	if a := attributeDoc(t, check, "security"); !a.Inherited || a.Sensitive || !slices.Equal(a.Values, []string{"tls", "starttls", "none"}) {
		t.Errorf("security is %+v", a)
	}
	if a := attributeDoc(t, check, "label"); a.Inherited {
		t.Errorf("label is %+v", a)
	}
	if a := attributeDoc(t, block(t, "login", ""), "password"); !a.Sensitive || !a.Inherited {
		t.Errorf("password is %+v", a)
	}
	if a := attributeDoc(t, block(t, "notify", "telegram"), "chat"); !a.Required {
		t.Errorf("chat is %+v", a)
	}
	if !block(t, "daemon", "").Once || block(t, "server", "").Once {
		t.Error("Once is wrong")
	}
}

func TestSchemaIsWhole(t *testing.T) {
	lang := hclfile.Schema()
	for _, b := range lang.Blocks {
		if len(b.Doc) < 10 || len(b.In) == 0 {
			t.Errorf("block %s: %+v", b.Name, b)
		}
		for _, a := range b.Attributes {
			if len(a.Doc) < 5 || strings.HasSuffix(a.Doc, "..") || a.Type == "" {
				t.Errorf("%s.%s: %+v", b.Name, a.Name, a)
			}
		}
	}
	for _, f := range lang.Functions {
		if f.Doc == "" {
			t.Errorf("function %s has no sentence", f.Name)
		}
	}
	text, err := json.Marshal(lang)
	if err != nil || bytes.Contains(text, []byte(":null")) {
		t.Errorf("%v, or a null in %d bytes", err, len(text))
	}
}

// TestManual holds the page against the schema, and its lines against what
// troff would take for markup.
func TestManual(t *testing.T) {
	var page bytes.Buffer
	if err := hclfile.Manual(&page, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, b := range hclfile.Schema().Blocks {
		for _, a := range b.Attributes {
			if !strings.Contains(text, ".It Li "+a.Name+" No ") {
				t.Errorf("%s.%s is not in the manual", b.Name, a.Name)
			}
		}
	}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" && !strings.Contains(text, ".Bd") {
			t.Error("an empty line outside of a display")
		}
		if strings.HasPrefix(line, "'") {
			t.Errorf("troff takes %q for a request", line)
		}
	}
	if !strings.HasPrefix(text, ".Dd January 2, 2026\n.Dt IMAPVIGIL.HCL 5\n") {
		t.Errorf("the page begins %.60q", text)
	}
}
