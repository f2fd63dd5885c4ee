package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// `imapvigil journal` needs no daemon; what is damaged is said, and the rest is
// printed.
func TestJournalThatIsDamaged(t *testing.T) {
	t.Parallel()
	dir := writeJournal(t, 3)
	segments, err := filepath.Glob(filepath.Join(dir, "journal", "*.segment.jsonl"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	text, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segments[0], bytes.Replace(text, []byte(`"n":2`), []byte(`"n":7`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"journal", "--json"}, {"journal"}} {
		var out, complaints bytes.Buffer
		c := exec.Command("imapvigil", append(args, "--state-dir", dir)...)
		c.Stdout, c.Stderr = &out, &complaints
		if code := exitCodeOf(c.Run()); code != 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
		for what, times := range map[string]int{"test.1": 1, "test.2": 0, "test.3": 1} {
			if n := strings.Count(out.String(), what); n != times {
				t.Errorf("%v: %d times %s in\n%s", args, n, what, out.String())
			}
		}
		if said := complaints.String(); !strings.Contains(said, "damaged") || !strings.Contains(said, filepath.Base(segments[0])) {
			t.Errorf("%v: complaints are %q", args, said)
		}
	}
}

// --follow goes on with what is written, until it is interrupted.
func TestJournalIsFollowed(t *testing.T) {
	t.Parallel()
	dir := writeJournal(t, 2)
	c := exec.Command("imapvigil", "journal", "--follow", "--json", "--state-dir", dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	lines := bufio.NewScanner(out)
	var got []string
	next := func() {
		t.Helper()
		var e entry
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &e) != nil {
			t.Fatalf("%q after %v: %v", lines.Text(), got, lines.Err())
		}
		got = append(got, e.Kind)
	}
	next()
	next()
	appendRecords(t, dir, 3, 4)
	next()
	next()
	if want := []string{"test.1", "test.2", "test.3", "test.4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitCodeOf(c.Wait()); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// writeJournal gives a state directory whose journal has so many records.
func writeJournal(t *testing.T, n int) (state string) {
	t.Helper()
	state = t.TempDir()
	appendRecords(t, state, 1, n)
	return state
}

func appendRecords(t *testing.T, state string, first, last int) {
	t.Helper()
	j, err := journal.Open(filepath.Join(state, "journal"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := first; n <= last; n++ {
		r := journal.Record{At: time.Now(), Kind: fmt.Sprintf("test.%d", n), Data: fmt.Appendf(nil, `{"n":%d}`, n)}
		if err := j.Append(r); err != nil && !errors.Is(err, journal.ErrNotDurable) {
			t.Fatal(err)
		}
	}
	if !eventually(patience, func() bool { return j.Status().Durable }) { // a disk may be busy
		t.Fatal("the records are not durable")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
