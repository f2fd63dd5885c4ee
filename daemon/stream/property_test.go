package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A trial is three nodes to which everything happens that can happen to a copy.
type trial struct {
	*rapid.T
	net     *local.Network
	members []*member
	decider *member  // nil: nobody, as far as the trial knows
	state   []string // that the decider would write into a compaction
	acked   []string
	doubt   map[string]bool // appended without an answer
	count   int
}

// Whatever happens, all copies come to hold the same, every record that was acknowledged is in it, in
// order and once, and what was folded on the way is what is held.
func TestCopiesAreEqualAndHoldWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var failed any // in a goroutine of the bubble
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }()
			runTrial(t, rt)
		})
		// rapid tells failures apart by the line that panics: this one has drawn too much.
		if fmt.Sprintf("%T", failed) == "rapid.invalidData" {
			panic(failed)
		}
		if failed != nil {
			panic(failed)
		}
	})
}

func runTrial(t *testing.T, rt *rapid.T) {
	w := &trial{T: rt, net: newNetwork(t, "0"), state: []string{"0"}, acked: []string{"0"}, doubt: map[string]bool{}}
	root, err := os.MkdirTemp("", "copies")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	for _, name := range []string{"fra1", "nyc1", "lon1"} {
		m := &member{t: rt, name: name, dir: filepath.Join(root, name), connect: func() bus.Bus { return w.net.Connect(name) }, fs: &disk{}}
		m.start()
		defer m.stop()
		w.members = append(w.members, m)
	}
	w.Repeat(map[string]func(*rapid.T){
		"append":     func(*rapid.T) { w.append() },
		"append 2":   func(*rapid.T) { w.append() },
		"sure":       func(*rapid.T) { w.sure() },
		"compact":    func(*rapid.T) { w.compact() },
		"take over":  func(*rapid.T) { w.takeOver() },
		"restart":    func(*rapid.T) { w.restart(false) },
		"kill":       func(*rapid.T) { w.restart(true) },
		"lose files": func(*rapid.T) { w.loseFiles() },
		"full disk":  func(*rapid.T) { w.fill() },
		"cut":        func(*rapid.T) { w.cut() },
		"catch up":   func(*rapid.T) { _ = w.any().CatchUp(context.Background()) },
		"fold":       func(*rapid.T) { w.fold() },
		"lose some":  func(*rapid.T) { w.lose() },
		"no answers": func(*rapid.T) { w.silence() },
		"wait":       func(*rapid.T) { time.Sleep(5 * time.Second) },
	})
	w.heal()
	w.judge()
}

func (w *trial) any() *member {
	return w.members[rapid.IntRange(0, len(w.members)-1).Draw(w.T, "node")]
}

// append has the node that decides append a few records, some of them large.
func (w *trial) append() {
	if w.decider == nil {
		return
	}
	var all []string
	for range rapid.IntRange(1, 4).Draw(w.T, "records") {
		w.count++
		word := fmt.Sprint(w.count)
		if rapid.IntRange(0, 9).Draw(w.T, "large") == 0 {
			word += strings.Repeat("x", 200<<10)
		}
		all = append(all, word)
	}
	err := w.decider.Append(slices.Collect(state(all...))...)
	if err == nil {
		w.acked = append(w.acked, all...)
		w.state = append(w.state, all...)
		return
	}
	for _, word := range all {
		w.doubt[word] = true
	}
	w.noteEnded(err)
}

func (w *trial) sure() {
	if w.decider != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w.noteEnded(w.decider.Sure(ctx))
	}
}

func (w *trial) compact() {
	if w.decider != nil {
		w.noteEnded(w.decider.Compact(state(w.state...)))
	}
}

func (w *trial) noteEnded(err error) {
	if errors.Is(err, journal.ErrReplaced) {
		w.decider = nil
	}
}

// takeOver has a node decide, whether another one does or not. The one before is not told.
func (w *trial) takeOver() {
	m := w.any()
	if err := m.CatchUp(context.Background()); err != nil {
		return
	}
	m.replay()
	if _, err := m.Begin(context.Background()); err != nil {
		return
	}
	before := w.decider
	w.decider, w.state, m.stale = m, slices.Clone(m.folded), true
	if before != nil && before != m {
		if err := before.Append(record("wrong")); !errors.Is(err, journal.ErrReplaced) {
			w.Fatal(before.name, "was not refused:", err)
		}
	}
}

// fold folds anew what a node holds that does not decide.
func (w *trial) fold() {
	if m := w.any(); m != w.decider {
		m.replay()
	}
}

// restart ends a node and starts it again. One that is killed may have lost the end of its copy.
func (w *trial) restart(killed bool) {
	m := w.any()
	if w.decider == m {
		w.decider = nil
	}
	m.stop()
	if killed {
		w.tear(m.dir)
	}
	m.start()
	m.replay()
}

// tear cuts bytes off the newest file of a copy.
func (w *trial) tear(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.segment.jsonl"))
	if len(files) == 0 {
		return
	}
	slices.Sort(files)
	info, err := os.Stat(files[len(files)-1])
	if err != nil {
		w.Fatal(err)
	}
	cut := rapid.Int64Range(0, min(info.Size(), 3000)).Draw(w.T, "bytes")
	if err := os.Truncate(files[len(files)-1], info.Size()-cut); err != nil {
		w.Fatal(err)
	}
}

func (w *trial) loseFiles() {
	m := w.any()
	files, _ := filepath.Glob(filepath.Join(m.dir, "*"))
	for _, f := range files {
		os.Remove(f)
	}
	time.Sleep(3 * time.Second)
	left, _ := os.ReadDir(m.dir)
	w.Log("after", len(files), "files were lost", left, fmt.Sprintf("%+v", m.Status()))
}

func (w *trial) fill() {
	d := w.any().fs.(*disk)
	d.full.Store(!d.full.Load())
}

func (w *trial) cut() {
	name := w.any().name
	if rapid.Bool().Draw(w.T, "cut") {
		w.net.Cut(name)
	} else {
		w.net.Heal(name)
	}
}

func (w *trial) lose() {
	share := rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(w.T, "share")
	w.net.Lose(share, rand.New(rand.NewPCG(uint64(w.count), 1)))
}

// silence has the stream not answer for a while.
func (w *trial) silence() {
	d := time.Duration(rapid.IntRange(1, 20).Draw(w.T, "seconds")) * time.Second
	silent := w.net.CutStream
	if rapid.Bool().Draw(w.T, "acknowledgements only") {
		silent = w.net.LoseAcknowledgements
	}
	silent(true)
	time.AfterFunc(d, func() { silent(false) })
}

// heal ends all faults and lets every node read what it lacks.
func (w *trial) heal() {
	time.Sleep(30 * time.Second)
	w.net.Lose(0, nil)
	for _, m := range w.members {
		w.net.Heal(m.name)
		m.fs.(*disk).full.Store(false)
	}
	time.Sleep(30 * time.Second)
	for _, m := range w.members {
		if err := m.CatchUp(context.Background()); err != nil {
			w.Fatal(m.name, err)
		}
	}
	synctest.Wait()
}

// judge compares what all copies hold with what was acknowledged.
func (w *trial) judge() {
	var held string
	for i, m := range w.members {
		folded, stale := m.folded, m.stale
		got := m.held()
		if m.Behind() != nil { // reading has found that files are gone
			if err := m.CatchUp(context.Background()); err != nil {
				w.Fatal(m.name, err)
			}
			got = m.held()
		}
		if !stale && !slices.Equal(folded, got) {
			w.Fatalf("%s has folded %s\nand holds %s", m.name, brief(folded), brief(got))
		}
		if i == 0 {
			held = strings.Join(got, " ")
			w.judgeHeld(m, got)
		} else if strings.Join(got, " ") != held {
			w.dump(m)
			w.Fatalf("%s holds\n%s\nand %s\n%s", m.name, brief(got), w.members[0].name, brief(strings.Fields(held)))
		}
	}
	w.Log(len(w.acked), "were acknowledged,", len(w.doubt), "are in doubt")
}

func (w *trial) judgeHeld(m *member, got []string) {
	var known []string
	seen := map[string]bool{}
	for _, word := range got {
		if seen[word] {
			w.Fatalf("%s is there twice: %s", brief([]string{word}), brief(got))
		}
		seen[word] = true
		if !w.doubt[word] {
			known = append(known, word)
		}
	}
	if !slices.Equal(known, w.acked) {
		w.dump(m)
		w.Fatalf("held:         %s\nacknowledged: %s", brief(known), brief(w.acked))
	}
}

// brief shortens words that are large.
func brief(words []string) string {
	short := slices.Clone(words)
	for i, word := range short {
		short[i] = word[:min(len(word), 6)]
	}
	return strings.Join(short, " ")
}

// dump shows what is on a node's disk.
func (w *trial) dump(m *member) {
	w.Logf("%s is at %d, behind: %v, %+v", m.name, m.Place(), m.Behind(), m.Status())
	for r, err := range journal.Read(m.dir) {
		w.Log(r.Seq, r.Kind, string(r.Data)[:min(len(r.Data), 250)], err)
	}
}
