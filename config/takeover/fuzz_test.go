package takeover_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config/takeover"
)

// fuzz reads whatever it is given as a format: it must end without a panic, and what it
// makes must load.
func fuzz(f *testing.F, format takeover.Format, archives ...string) {
	f.Helper()
	for _, name := range archives {
		archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range inputs(archive) {
			f.Add(file.Text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return // larger files only take longer
		}
		files := []takeover.File{{Name: "in", Text: bytes.Clone(text)}}
		takeover.Recognise(files)
		result, err := takeover.Read(format, files)
		switch {
		case errors.Is(err, takeover.ErrNothing):
		case err != nil && strings.Contains(err.Error(), "fault of imapvigil"):
			t.Fatal(err)
		case err == nil:
			holds(t, result, []takeover.File{{Name: "in", Text: bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))}})
		}
	})
}

func FuzzGatus(f *testing.F)      { fuzz(f, takeover.Gatus, "gatus") }
func FuzzKuma(f *testing.F)       { fuzz(f, takeover.Kuma, "kuma") }
func FuzzNagios(f *testing.F)     { fuzz(f, takeover.Nagios, "nagios", "icinga") }
func FuzzPrometheus(f *testing.F) { fuzz(f, takeover.Prometheus, "prometheus") }
func FuzzHosts(f *testing.F)      { fuzz(f, takeover.Hosts, "hosts") }
