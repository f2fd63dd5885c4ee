package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
)

// Loaded is called once, after the configuration is read and before the journal is, and
// not at all where the configuration is in error.
func TestLoaded(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		calls  int
	}{
		"right":    {"imap_check \"one\" {\n  hostname = \"127.0.0.1\"\n  enabled  = false\n}\n", 1},
		"in error": {"imap_check \"one\" {\n}\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.text("conf/one.hcl", test.config)
			state := filepath.Join(s.dir, "state")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls, opened := 0, false
			err := Run(ctx, Options{
				ConfigPath: s.path, StateDir: state, Control: filepath.Join(s.dir, "control.sock"), Log: zap.NewNop(),
				Environment: Environment{KeepMemoryLimit: true},
				Loaded: func() {
					calls++
					_, err := os.Stat(state)
					opened = err == nil
				},
				Ready: cancel,
			})
			var refused *ConfigError
			if errors.As(err, &refused) != (test.calls == 0) || err != nil && refused == nil {
				t.Errorf("the daemon ended with: %v", err)
			}
			if calls != test.calls || opened {
				t.Errorf("it was called %d times, want %d; with the journal open: %v", calls, test.calls, opened)
			}
		})
	}
}
