//go:build !quick

package pages

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// What other programs have read of a feed or a calendar.
type heard struct {
	Wrong, Version, Title string
	Entries               []struct{ ID, Title, At, Link, Text string }
}

// readAsOthers has a feed ("feed") or a calendar ("calendar") read by a program that is not ours.
func readAsOthers(t *testing.T, kind string, text []byte) heard {
	t.Helper()
	// Debian's, because another Python does not see Debian's modules.
	c := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/read.py", kind)
	var out, wrong bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(text), &out, &wrong
	if err := c.Run(); err != nil {
		t.Fatalf("%v; it needs the Debian packages python3-feedparser and python3-icalendar\n%s", err, &wrong)
	}
	var h heard
	if err := json.Unmarshal(out.Bytes(), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// Other programs read in our feeds and calendars what we wrote, hostile words too.
func TestOthersReadFeedsAndCalendars(t *testing.T) {
	v := &viewer{Options: Options{Daemon: hostileStage(t)}, past: publicHistory()}
	all := &api.Visitor{Rights: []api.Right{api.See}}
	// Debian's icalendar 4.0 takes an escaped backslash before an n for a line end; what RFC 5545
	// says of it stands in the golden files.
	words, _, _ := strings.Cut(opaque.Bounded(evil, 1000), `\n`)
	for _, c := range []struct {
		kind, path string
		who        *api.Visitor
		version    string
		entries    int
	}{
		{"feed", "/p/feed.atom", anonymous, "atom10", 7},
		{"feed", "/p/customers/acme/feed.atom", anonymous, "atom10", 0},
		{"feed", "/feed.atom", all, "atom10", 15},
		{"calendar", "/p/coming.ics", anonymous, "2.0", 3},
		{"calendar", "/coming.ics", all, "2.0", 4},
	} {
		h := readAsOthers(t, c.kind, askAs(t, v, c.who, c.path).body)
		if h.Wrong != "" || h.Version != c.version || len(h.Entries) != c.entries || !strings.Contains(h.Title, words) {
			t.Errorf("%s: %d entries, %q, version %s: %s", c.path, len(h.Entries), h.Title, h.Version, h.Wrong)
		}
		ids, found := map[string]bool{}, c.entries == 0
		for _, e := range h.Entries {
			if e.ID == "" || ids[e.ID] || e.Title == "" || e.At == "" || !strings.HasPrefix(e.Link, "http://example.com/") {
				t.Errorf("%s has the entry %+v", c.path, e)
			}
			ids[e.ID] = true
			found = found || strings.Contains(e.Title+e.Text, words)
		}
		if !found {
			t.Errorf("%s: nobody reads what was written", c.path)
		}
	}
}
