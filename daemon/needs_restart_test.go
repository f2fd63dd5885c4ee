package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
)

// max_concurrent_probes holds from the start on, and a reload that changes it says
// when that will be so.
func TestConcurrentProbes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.hcl")
	write := func(most int) {
		text := fmt.Sprintf("daemon {\n  max_concurrent_probes = %d\n}\n", most)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(7)
	m := &monitor{Options: Options{
		ConfigPath: file, StateDir: dir, Control: filepath.Join(dir, "control.sock"), Log: zap.NewNop(),
		Listen: new(string),
	}}
	first, err := m.openAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		first.discard()
		if err := errors.Join(m.listener.Close(), m.journal.Close()); err != nil {
			t.Error(err)
		}
	}()
	if m.loop.Limit != 7 {
		t.Errorf("%d probes at once", m.loop.Limit)
	}
	m.reloads.cfg, m.reloads.snapshot = first.cfg, first.snapshot
	for most, want := range map[int]bool{7: false, 8: true} {
		write(most)
		next, diags, err := m.reloads.prepare(t.Context(), true)
		if err != nil || next == nil {
			t.Fatal(diags, err)
		}
		said := false
		for _, w := range next.warnings {
			said = said || strings.Contains(w.Summary, "needs a restart") && strings.Contains(w.Detail, "at most 7")
		}
		if said != want {
			t.Errorf("changed to %d: %v", most, next.warnings)
		}
		next.discard()
	}
}
