package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// These are the hazards that are more than something done to files and what
// comes of it. In a bubble time is exact, and nothing happens by itself but the
// check of the contents every 30 seconds.

// inBubble plays a story with a daemon that has no file-system events.
func inBubble(t *testing.T, story func(s *stage, h *hand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.bubble, s.alone, s.watch = true, true, watch.Options{NoEvents: true}
		story(s, &hand{t: t, root: s.dir})
		if s.stop != nil {
			s.stop()
		}
	})
}

// calm waits until the daemon has nothing to do.
func (s *stage) calm() {
	s.t.Helper()
	if v := s.reload(); v != "unchanged" {
		s.t.Fatalf("before anything was done, a reload was %s", v)
	}
}

// whats is what has happened, without when and why.
func (s *stage) whats() (all []string) {
	for _, e := range s.ledger.so() {
		all = append(all, e.what)
	}
	return all
}

func (s *stage) expect(want ...string) {
	s.t.Helper()
	got := s.ledger.so()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && got[i].is(want[i])
	}
	if !ok {
		s.t.Errorf("there were %q, not %q", s.whats(), want)
	}
}

// 3: a file is written in place, piece by piece, and every piece of it could be
// applied.
func TestHalfWritten(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1")
		s.start()
		time.Sleep(29 * time.Second) // one second before somebody looks
		file, err := os.Create(filepath.Join(s.path, "a.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			if _, err := file.WriteString(hcl(fmt.Sprintf("c%d=%d", i, i+1))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		written := time.Now()
		s.ledger.await(t, 2)
		s.expect("a=1", "40 from 1")
		if after := s.ledger.so()[1].at.Sub(written); after > 2*settleTime {
			t.Errorf("applied %v after it was written", after)
		}
	})
}

// The same as it is: the kernel's events, and a clock that stops for nobody.
func TestHalfWrittenByEvents(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.watch.Quiet, s.watch.Max = 50*time.Millisecond, 50*time.Millisecond // to be looked at in the middle
	h := &hand{t: t, root: s.dir}
	h.do("write conf/a.hcl a=1")
	s.start()
	s.calm()
	file, err := os.Create(filepath.Join(s.path, "a.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var pauses, wrote int
	looks := func() int { s.ledger.mu.Lock(); defer s.ledger.mu.Unlock(); return len(s.ledger.looks) }
	began, before := time.Now(), looks()
	all := began
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for seen := 0; seen < 100 && wrote < 10_000; wrote++ { // on for a while after the first look
		start := time.Now()
		if _, err := file.WriteString(hcl(fmt.Sprintf("c%d=%d", wrote, wrote+1))); err != nil {
			t.Fatal(err)
		}
		pauses += int(time.Since(began) / settleTime)
		began = start
		if looks() > before {
			seen++
		}
		<-tick.C
	}
	pauses += int(time.Since(all) / settleMost) // which is when a reader gives up
	whole := fmt.Sprintf("%d from 1", wrote)
	s.ledger.until(t, "all of it to be applied", func() bool { return s.ledger.entries[len(s.ledger.entries)-1].what == whole })
	if got := s.whats(); len(got) > 2+pauses {
		t.Errorf("with %d pauses in the writing there were %q", pauses, got)
	}
}

// 12: a tree that was emptied while the daemon was down. It starts with what it
// applied last, and incidents stay, unless that is meant.
func TestEmptiedAtBoot(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		s.probe = failing("a")
		h.do("write conf/a.hcl a=1,b=1")
		s.start()
		in := s.opened("a")
		h.do("put conf/a.hcl c=1; rm conf/a.hcl")
		time.Sleep(noticed)
		s.expect("a=1 b=1", "refused: No configuration file")
		s.stop()

		s.start()
		s.expect("a=1 b=1")
		if got := s.m.reloads.configState(); got.State != api.LastGood || filesFinding(got, time.Now()) == nil {
			t.Errorf("status says %+v", got)
		}
		time.Sleep(time.Hour)
		s.expect("a=1 b=1") // and what is wrong with the files is not said again and again
		s.stillOpen(in)
		s.stop()

		h.do("write conf/a.hcl c=1")
		s.shrink = true
		s.start()
		s.expect("c=1")
		time.Sleep(11 * time.Minute)
		if got := s.incident(in); got.ClosedAs != string(incident.Removed) {
			t.Errorf("the incident of a check that was removed on purpose is %s, closed as %q", got.State, got.ClosedAs)
		}
	})
}

// Files that stay rejected for an hour are one incident of the monitor itself, however
// often they are written anew, and it ends when they are mended.
func TestRejectedForAnHour(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1")
		s.start()
		ctx, cancel := context.WithCancel(context.Background())
		var reporting sync.WaitGroup
		reporting.Go(func() { _ = clock.Repeat(ctx, troubleEvery, func() { s.m.reportFiles(ctx) }) })
		defer reporting.Wait()
		defer cancel()
		troubles := func() (list []string) {
			for _, in := range s.incidents() {
				list = append(list, string(in.Check)+" "+string(in.State)+" "+in.ClosedAs)
			}
			return list
		}
		expect := func(when string, want ...string) {
			t.Helper()
			if got := troubles(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		s.text("conf/b.hcl", "imap_check {")
		time.Sleep(30 * time.Minute)
		s.text("conf/b.hcl", "imap_check \"b\" {")
		time.Sleep(29 * time.Minute)
		expect("after 59 minutes")
		time.Sleep(2 * time.Minute)
		expect("after an hour", "imapvigil:files open ")
		if in := s.incidents()[0]; !strings.Contains(in.Hint, "conf/b.hcl:1:") || !strings.Contains(in.Hint, "more than an hour") {
			t.Errorf("the hint is %q", in.Hint)
		}
		time.Sleep(3 * time.Hour)
		expect("after four hours", "imapvigil:files open ")
		h.do("rm conf/b.hcl")
		time.Sleep(noticed + troubleEvery)
		expect("mended", "imapvigil:files closed recovered")
		// Mended within the hour, it begins anew.
		s.text("conf/b.hcl", "imap_check {")
		time.Sleep(40 * time.Minute)
		h.do("rm conf/b.hcl")
		time.Sleep(time.Minute)
		s.text("conf/b.hcl", "imap_check {")
		time.Sleep(40 * time.Minute)
		expect("twice 40 minutes", "imapvigil:files closed recovered")
	})
}

// 17: reloads that are asked for while one is under way are one, and none of
// them is answered by what was read before it was asked for.
func TestReloadsAtOnce(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1")
		s.start()
		h.do("write conf/a.hcl a=2")
		var mu sync.Mutex
		verdicts := map[string]int{}
		var asking sync.WaitGroup
		ask := func() {
			v := s.reload()
			mu.Lock()
			defer mu.Unlock()
			verdicts[v]++
		}
		asking.Go(ask)
		synctest.Wait() // it has read once, and waits to read again
		h.do("write conf/a.hcl a=3")
		for range 20 {
			asking.Go(ask)
		}
		s.hangup <- os.Interrupt
		synctest.Wait()
		asking.Wait()
		s.expect("a=1", "a=3")
		if verdicts["applied"] != 1 || verdicts["unchanged"] != 20 {
			t.Errorf("the verdicts were %v", verdicts)
		}
		if got, want := s.ledger.looks, []string{"watching", "request", "SIGHUP, request"}; !sameReasons(got, want) {
			t.Errorf("looked because of %q, not %q", got, want)
		}
	})
}

// sameReasons: in one look they have no order.
func sameReasons(got, want []string) bool {
	sorted := func(text string) []string { return slices.Sorted(slices.Values(strings.Split(text, ", "))) }
	return slices.EqualFunc(got, want, func(a, b string) bool { return slices.Equal(sorted(a), sorted(b)) })
}

// 18: a reload while every check is being probed. Unchanged: untouched, also when
// its block has moved to another file. Changed: that probe counts for nothing, and
// another one begins. Removed: nothing comes of it.
func TestReloadWhileProbing(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		var mu sync.Mutex
		ended := map[config.CheckID][]string{}
		s.probe = func(ctx context.Context, id config.CheckID, check config.Probe) verdict.Probe {
			how := "finished"
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
				how = "superseded"
			}
			mu.Lock()
			defer mu.Unlock()
			ended[id] = append(ended[id], fmt.Sprintf("%d %s", check.Port, how))
			return well(id)
		}
		h.do("write conf/a.hcl same=1,elsewhere=1,changed=1,removed=1")
		s.start()
		time.Sleep(20 * time.Second) // by now each has begun
		before := s.running.now()
		h.do("put conf/b.hcl elsewhere=1; put conf/a.hcl same=1,changed=2,added=1")
		if v := s.reload(); v != "applied" {
			t.Fatalf("the reload was %s", v)
		}
		synctest.Wait()
		after := s.running.now()
		for id, kept := range map[config.CheckID]bool{"same": true, "elsewhere": true, "changed": false} {
			if (before[id] == after[id]) != kept {
				t.Errorf("%s: goroutine %+v, then %+v", id, before[id], after[id])
			}
		}
		if _, runs := after["removed"]; runs || len(after) != 4 {
			t.Errorf("%v run", after)
		}
		time.Sleep(2 * time.Minute)
		s.stop()
		want := map[config.CheckID][]string{
			"same": {"1 finished"}, "elsewhere": {"1 finished"}, "added": {"1 finished"},
			"changed": {"1 superseded", "2 finished"}, "removed": {"1 superseded"},
		}
		for id, how := range want {
			if !slices.Equal(ended[id], how) {
				t.Errorf("the probes of %s: %q, want %q", id, ended[id], how)
			}
		}
	})
}

// 19: what the files name changes, and they do not: credentials, certificates of
// authorities, the text of any file. Also what is missing at first, and comes.
func TestNamedFiles(t *testing.T) {
	for name, watching := range map[string]watch.Options{"events": {Poll: never}, "poll": {NoEvents: true}} {
		story := func(s *stage) {
			s.watch = watching
			h := &hand{t: s.t, root: s.dir}
			s.text("conf/a.hcl", "imap_check \"a\" {\n  hostname = \"127.0.0.1\"\n  port = tonumber(trimspace(file(\"../port\")))\n"+
				"  security = \"tls\"\n  interval = \"1h\"\n"+
				"  tls {\n    ca_file = \"../ca.pem\"\n  }\n  login {\n    username = \"u\"\n    password = credential(\"p\")\n  }\n}\n")
			s.text("conf/credentials/p", "one")
			s.text("port", "1")
			s.text("ca.pem", string(ca.New().PEM()))
			s.start()
			s.calm()
			s.named(h, "port", "2", "a=2")
			s.named(h, "conf/credentials/p", "two", "a=2")
			if got := s.m.reloads.configInForce().Checks["a"].Probe.Login.Password.Reveal(); got != "two" {
				s.t.Errorf("the password in force is %q", got)
			}
			before := s.m.reloads.configInForce().Checks["a"].Probe.TLS
			s.named(h, "ca.pem", string(ca.New().PEM()), "a=2")
			if s.m.reloads.configInForce().Checks["a"].Probe.TLS == before {
				s.t.Error("the authority in force is the one before")
			}
			s.step(h, "rm port", "refused: ")
			s.named(h, "port", "3", "a=3")
			s.text("conf/b.hcl", strings.ReplaceAll(hcl("b=7"), "port     = 7", "port = tonumber(trimspace(file(\"later\")))"))
			s.step(h, "rm conf/c.hcl", "refused: ")
			s.named(h, "conf/later", "4", "a=3 b=4")
			if got := len(s.ledger.so()); got != 8 {
				s.t.Errorf("there were %q", s.whats())
			}
		}
		t.Run(name, func(t *testing.T) {
			if watching.NoEvents {
				inBubble(t, func(s *stage, _ *hand) { story(s) })
				return
			}
			t.Parallel()
			story(newStage(t))
		})
	}
}

// named puts another text in a file that is no configuration file.
func (s *stage) named(h *hand, path, text, want string) {
	s.t.Helper()
	began := time.Now()
	before := len(s.ledger.so())
	s.text(path, text)
	s.ledger.until(s.t, path+" to be noticed", func() bool { return len(s.ledger.entries) > before })
	if took := time.Since(began); s.watch.NoEvents && took > noticed {
		s.t.Errorf("%s was noticed after %v", path, took)
	}
	if e := s.ledger.so()[before]; e.what != want {
		s.t.Errorf("%s: %s, not %s", path, e.what, want)
	}
	h.rest()
}

// text writes any text, at once.
func (s *stage) text(path, text string) {
	s.t.Helper()
	if err := put(filepath.Join(s.dir, path), text); err != nil {
		s.t.Fatal(err)
	}
}

// 20: this version refuses what another one applied. It starts with what it still
// takes of that, once, and goes on to the files when they are mended.
func TestAnotherVersion(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1; write conf/b.hcl b=1")
		s.start()
		s.stop()
		for _, path := range []string{"conf/b.hcl", lastGoodFile} {
			text, err := os.ReadFile(filepath.Join(s.dir, path))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), "b\\\" {\\n", "b\\\" {\\n  since_version_9 = true\\n", 1)
			changed = strings.Replace(changed, "b\" {\n", "b\" {\n  since_version_9 = true\n", 1)
			if changed == string(text) {
				t.Fatalf("%s has no check b: %s", path, text)
			}
			s.text(path, changed)
		}
		s.start()
		time.Sleep(time.Minute)
		s.expect("a=1")
		got := s.m.reloads.configState()
		if got.State != api.LastGood || strings.Count(got.Error, "since_version_9") == 0 || filesFinding(got, time.Now()) == nil {
			t.Errorf("status says %+v", got)
		}
		s.step(h, "put conf/b.hcl b=2", "a=1 b=2")
		if got := s.m.reloads.configState(); got.State != api.Current || filesFinding(got, time.Now()) != nil {
			t.Errorf("status says %+v", got)
		}
	})
}

// With reload = "explicit" files may be in any state: nothing is applied before
// somebody asks, and status says that they differ.
func TestExplicit(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		s.text("conf/daemon.hcl", "daemon { reload = \"explicit\" }\n")
		h.do("write conf/a.hcl a=1")
		s.start()
		h.do("write conf/a.hcl broken")
		time.Sleep(time.Hour)
		h.do("write conf/a.hcl a=2")
		time.Sleep(time.Hour)
		s.expect("a=1")
		if got := s.m.reloads.configState(); got.State != api.Current || !strings.Contains(got.Error, "not applied yet") {
			t.Errorf("status says %+v", got)
		}
		s.hangup <- os.Interrupt
		s.ledger.await(t, 2)
		s.expect("a=1", "a=2")
		if got := s.m.reloads.configState(); got.Error != "" {
			t.Errorf("status says %+v", got)
		}
	})
}

// What is wrong with the files is said once, however often they are looked at;
// who asks hears of it again.
func TestRefusedOnce(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1")
		s.start()
		for _, script := range []string{"write conf/a.hcl broken", "rm conf"} {
			before := len(s.ledger.so())
			h.do(script)
			time.Sleep(time.Hour)
			if got := s.whats()[before:]; len(got) != 1 {
				t.Errorf("%s, and in an hour there were %q", script, got)
			}
			if v := s.reload(); v != "rejected" || len(s.whats()) != before+2 {
				t.Errorf("who asks hears %s, and so far there were %q", v, s.whats())
			}
			if got := s.m.reloads.configState(); got.State != api.Rejected || got.Error == "" {
				t.Errorf("status says %+v", got)
			}
		}
		h.do("write conf/a.hcl a=1")
		time.Sleep(noticed)
		if got := s.m.reloads.configState(); got.State != api.Current || got.Error != "" {
			t.Errorf("all is as it was, and status says %+v", got)
		}
		s.expect("a=1", "refused: ", "refused: ", "refused: ", "refused: ")
	})
}

// What was applied last is written when it is another, not with every start.
func TestLastGoodIsWrittenOnce(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		h.do("write conf/a.hcl a=1")
		kept := func() os.FileInfo {
			info, err := os.Stat(filepath.Join(s.dir, lastGoodFile))
			if err != nil {
				t.Fatal(err)
			}
			return info
		}
		s.start()
		first := kept()
		s.stop()
		s.start()
		if !os.SameFile(first, kept()) {
			t.Error("a start with the same files wrote them again")
		}
		s.step(h, "write conf/a.hcl a=2", "a=2")
		if os.SameFile(first, kept()) {
			t.Error("other files were not kept")
		}
	})
}
