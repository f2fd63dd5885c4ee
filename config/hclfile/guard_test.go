package hclfile

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

func TestGuard(t *testing.T) {
	l := newLoader(source.OfText("main.hcl", nil))
	l.guard(func() { panic("a value that is a secret") })
	diags := l.Diagnostics()
	if !config.HasErrors(diags) || diags[0].Rule != "internal" {
		t.Fatalf("%v", diags)
	}
	if text := diags[0].Detail; strings.Contains(text, "secret") || !strings.Contains(text, "TestGuard") || !strings.Contains(text, "guard_test.go:") {
		t.Errorf("said: %s", text)
	}
}
