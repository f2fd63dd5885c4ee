package tracker_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every file under testdata/timelines is a configuration and a
// timeline of what happens to the servers, to the files and to the monitor. The
// indented lines are what the monitor makes of it: what it writes into the
// journal, and who is told what and when. All of it is real except for the
// servers, the receivers and the clock; see [timeline] for the language.
//
// go test ./daemon/tracker -run Timelines -update rewrites the indented lines.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/timelines/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no timelines", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { play(t, archive) })
			golden.Compare(t, file, string(txtar.Format(archive)))
		})
	}
}
