package history

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// TestFileWithoutADaemon is read after the daemon has gone: what it knew, and since then nothing.
func TestFileWithoutADaemon(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("mx1"))
		s.probe(10*time.Minute, "mx1")
		s.stop()
		stopped := time.Now()
		s.stop = func() {}
		s.wait(time.Hour)
		f, err := OpenFile(context.Background(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		lives, err := f.Lives(context.Background(), []config.CheckID{"mx1"}, stopped.Add(-5*time.Minute), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		sums := availability.Measure(lives["mx1"], stopped.Add(-5*time.Minute), time.Now(), time.Now(), nil)
		if got := sums.Unknown.Round(time.Minute); got != time.Hour || sums.OK.Round(time.Minute) != 5*time.Minute {
			t.Errorf("%+v of %+v", sums, lives["mx1"])
		}
	})
}

// TestFileWhileADaemonWrites is read at the same time.
func TestFileWhileADaemonWrites(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("mx1"))
		s.probe(10*time.Minute, "mx1")
		f, err := OpenFile(context.Background(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		if since, err := f.CompleteSince(context.Background()); err != nil || since.IsZero() || time.Since(f.Alive) > time.Minute {
			t.Errorf("complete since %s, alive %s, %v", since, f.Alive, err)
		}
	})
}

func TestFileThatIsNone(t *testing.T) {
	if _, err := OpenFile(context.Background(), filepath.Join(t.TempDir(), "history.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
