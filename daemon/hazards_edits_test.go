//go:build !quick

package daemon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

const (
	customers = 100 // each a file
	perOne    = 10  // checks
	// between two edits; a check's turn comes every five minutes.
	untilNext = 3 * time.Second
	interval  = 5 * time.Minute
)

// A thousand random edits of a tree of a thousand checks, three in ten of them broken.
// After each, what runs is what the last valid files say; what an edit has not
// changed, or has changed in what is no business of a probe, goes on in the
// goroutine in which it was, and misses no turn.
func TestThousandEdits(t *testing.T) {
	inBubble(t, func(s *stage, _ *hand) {
		kept := newTurns()
		s.probe = kept.probe
		w := newWriter(s, rand.New(rand.NewPCG(1, 2)))
		w.save()
		s.start()
		running := s.running.now()
		for n := range edits {
			what, valid := w.edit()
			if verdict := s.reload(); (verdict == "rejected") == valid {
				t.Fatalf("edit %d, %s: %s", n, what, verdict)
			}
			time.Sleep(untilNext) // and until all that was started has begun
			now := s.running.now()
			w.compare(fmt.Sprintf("edit %d, %s", n, what), running, now)
			if running = now; t.Failed() {
				return
			}
		}
		s.stop()
		kept.verify(t)
	})
}

// A writer knows which checks its files declare.
type writer struct {
	s     *stage
	rand  *rand.Rand
	files [customers]map[config.CheckID]declared
	next  int          // the number of the next check that is new
	dirty map[int]bool // files that are not on the disk as they should be

	valid map[config.CheckID]declared // what runs
}

// declared is one check in a file.
type declared struct {
	host                            int // all of it that a probe gets to hear of
	label, comment, role, tolerance int
}

func newWriter(s *stage, r *rand.Rand) *writer {
	w := &writer{s: s, rand: r, dirty: map[int]bool{}}
	for i := range w.files {
		w.files[i] = map[config.CheckID]declared{}
		w.dirty[i] = true
		for range perOne {
			w.add(i)
		}
	}
	var roles strings.Builder
	roles.WriteString("notifier \"webhook\" \"w\" { url = \"http://127.0.0.1:9/\" }\n")
	for i := range 3 {
		fmt.Fprintf(&roles, "notification_role \"r%d\" {\n  notify { via = notifier.webhook.w }\n}\n", i)
	}
	roles.WriteString("defaults {\n  interval = \"5m\"\n  notification_roles = [notification_role.r0]\n}\n")
	s.text("conf/roles.hcl", roles.String())
	return w
}

func (w *writer) add(file int) {
	w.files[file][config.CheckID(fmt.Sprint("k", w.next))] = declared{host: w.next}
	w.next++
}

// save writes what has changed, and makes it what must run.
func (w *writer) save() {
	for i := range w.dirty {
		w.s.text(w.name(i), w.text(i))
	}
	w.dirty, w.valid = map[int]bool{}, map[config.CheckID]declared{}
	for _, file := range w.files {
		for id, d := range file {
			w.valid[id] = d
		}
	}
}

func (w *writer) name(i int) string {
	return filepath.Join("conf", fmt.Sprintf("region%d", i%7), fmt.Sprintf("customer%d.hcl", i))
}

func (w *writer) text(i int) string {
	var b strings.Builder
	for _, id := range w.ids(i) {
		d := w.files[i][id]
		if d.comment > 0 {
			fmt.Fprintf(&b, "# %d\n", d.comment)
		}
		fmt.Fprintf(&b, "imap_check %q {\n  hostname = \"h%d\"\n", id, d.host)
		if d.label > 0 {
			fmt.Fprintf(&b, "  label = \"Label %d\"\n", d.label)
		}
		if d.tolerance > 0 {
			fmt.Fprintf(&b, "  fault_tolerance = \"%dm\"\n", d.tolerance)
		}
		if d.role > 0 {
			fmt.Fprintf(&b, "  notification_roles = [notification_role.r%d]\n", d.role)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func (w *writer) ids(file int) (ids []config.CheckID) {
	for id := range w.files[file] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// edit changes the files, and says how, and whether they are valid now.
func (w *writer) edit() (what string, valid bool) {
	file := w.rand.IntN(customers)
	if w.rand.IntN(10) < 3 {
		how, text := w.broken(file)
		w.s.text(w.name(file), text)
		w.dirty[file] = true // mended with the next edit that is valid
		return how, false
	}
	what = w.change(file)
	w.dirty[file] = true
	w.save()
	return what, true
}

func (w *writer) broken(file int) (how, text string) {
	text = w.text(file)
	switch w.rand.IntN(6) {
	case 0:
		return "syntax", text + "imap_check \"half\" {\n"
	case 1:
		return "unknown attribute", text + "imap_check \"odd\" {\n  hostname = \"h\"\n  prot = 1\n}\n"
	case 2:
		return "unknown role", text + "imap_check \"odd\" {\n  hostname = \"h\"\n  notification_roles = [notification_role.nobody]\n}\n"
	case 3:
		other := w.ids((file + 1) % customers)
		return "the same check twice", text + fmt.Sprintf("imap_check %q { hostname = \"h\" }\n", append(other, "none")[0]) + "broken {}\n"
	case 4:
		return "binary", "\x00\xff" + text
	}
	return "out of bounds", text + "imap_check \"odd\" {\n  hostname = \"h\"\n  port = 70000\n}\n"
}

// change changes one file, or two.
func (w *writer) change(file int) string {
	ids := w.ids(file)
	if len(ids) == 0 {
		w.add(file)
		return "a check in an empty file"
	}
	id := ids[w.rand.IntN(len(ids))]
	d := w.files[file][id]
	what := "a new host"
	switch w.rand.IntN(9) {
	case 0:
		what, d.label = "a new label", d.label+1
	case 1:
		what, d.comment = "a new comment", d.comment+1
	case 2:
		what, d.role = "a new role", (d.role+1)%3
	case 3:
		what, d.tolerance = "another tolerance", d.tolerance+1
	case 4:
		w.add(file)
		return "a new check"
	case 5:
		delete(w.files[file], id)
		return "a check removed"
	case 6:
		delete(w.files[file], id)
		w.add(file)
		return "a check with another name"
	case 7:
		other := w.rand.IntN(customers)
		delete(w.files[file], id)
		w.files[other][id] = d
		w.dirty[other] = true
		return "a check moved to another file"
	default:
		d.host++
	}
	w.files[file][id] = d
	return what
}

// compare holds what runs against what should, and against what ran before.
func (w *writer) compare(what string, before, now map[config.CheckID]turn) {
	w.s.t.Helper()
	if len(now) != len(w.valid) {
		w.s.t.Errorf("%s: %d run, not %d", what, len(now), len(w.valid))
	}
	for id, d := range w.valid {
		is, runs := now[id]
		host := fmt.Sprint("h", d.host)
		if !runs || is.probe.Hostname != host {
			w.s.t.Errorf("%s: %s should run with %s: %t, %s", what, id, host, runs, is.probe.Hostname)
		}
		if was, ran := before[id]; ran && was.probe.Hostname == host && was.number != is.number {
			w.s.t.Errorf("%s: %s was restarted", what, id)
		}
	}
}

// turnsSeen are the probes of every check.
type turnsSeen struct {
	mu sync.Mutex
	at map[seenAs][]time.Time
}

// seenAs is one goroutine of a check: none gets a host again.
type seenAs struct {
	id   config.CheckID
	host string
}

func newTurns() *turnsSeen { return &turnsSeen{at: map[seenAs][]time.Time{}} }

func (s *turnsSeen) probe(_ context.Context, id config.CheckID, check config.Probe) verdict.Probe {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := seenAs{id, check.Hostname}
	s.at[key] = append(s.at[key], time.Now())
	return well(id)
}

// verify: after the first, which comes early, they come at the check's own moment
// of every interval.
func (s *turnsSeen) verify(t *testing.T) {
	t.Helper()
	total := 0
	for key, at := range s.at {
		total += len(at)
		for i := 2; i < len(at); i++ {
			if pause := at[i].Sub(at[i-1]); pause != interval {
				t.Errorf("%s was probed at %v, and then after %v", key.id, at[i-1], pause)
			}
		}
	}
	if least := customers * perOne * int(edits*untilNext/interval) * 9 / 10; total < least {
		t.Errorf("there were %d probes, not even %d", total, least)
	}
}
