package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sample is a journal with a snapshot (of 2 records, after record 3), three
// segments (4 to 8, 9 to 13, 14 to 16) with batches of several records, closed.
func sample(t *testing.T) image {
	t.Helper()
	disk := newSimDisk()
	j := mustOpen(t, simDir, Options{FS: disk.process(), SegmentBytes: 550})
	mustAppend(t, j, recs(1, 3)...)
	mustCompact(t, j, recs(1, 2))
	mustAppend(t, j, recs(4, 6)...)
	mustAppend(t, j, recs(7, 8)...)
	mustAppend(t, j, rec(9))
	mustAppend(t, j, recs(10, 13)...)
	mustAppend(t, j, recs(14, 16)...)
	mustClose(t, j)
	m := disk.image()
	files := []string{snapshotName(3), segmentName(4), segmentName(9), segmentName(14)}
	if got := slices.Sorted(maps.Keys(m)); !slices.Equal(got, slices.Sorted(slices.Values(files))) {
		t.Fatalf("files of the sample: %q", got)
	}
	return m
}

// sampleRecords is what is in it.
func sampleRecords() []Record { return append(state(3, 2), numbered(4, 16)...) }

func (d *simDisk) image() image {
	return contents(d.cache, func(n *inode) []byte { return n.data })
}

// outcome is what a start makes of a journal.
type outcome struct {
	Status
	records []Record
	disk    *simDisk
}

func (o outcome) detected() bool { return o.Damaged || o.TornBytes > 0 || !o.Clean }

// open recovers from m as Open does, without a goroutine.
func (m image) open(t rapid.TB) outcome {
	t.Helper()
	disk := m.disk()
	j := newJournal(simDir, Options{FS: disk.process(), SegmentBytes: 550})
	if err := errors.Join(j.recover(), j.writeWaiting()); err != nil {
		t.Fatal(err)
	}
	return outcome{j.Status(), collect(t, j.Replay()), disk}
}

// lost is the number of the sample's records that are not there. It fails the
// test when one is there that was never written, is changed or is in the wrong
// place.
func lost(t rapid.TB, got []Record) int {
	t.Helper()
	all := sampleRecords()
	n := len(all)
	for _, r := range got {
		i := slices.IndexFunc(all, func(a Record) bool { return equal(a, r) })
		if i < 0 {
			t.Fatalf("invented or out of order: %+v", r)
		}
		all = all[i+1:]
		n--
	}
	return n
}

func equal(a, b Record) bool {
	return a.Seq == b.Seq && a.At.Equal(b.At) && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data)
}

// mutated is m with another content of one file.
func (m image) mutated(name string, data []byte) image {
	m = maps.Clone(m)
	m[name] = data
	return m
}

func TestASoundJournalIsNotSuspected(t *testing.T) {
	o := sample(t).open(t)
	if o.detected() || lost(t, o.records) != 0 {
		t.Errorf("%+v", o.Status)
	}
	for name := range o.disk.image() {
		if strings.HasSuffix(name, tornSuffix) {
			t.Errorf("%s holds a tail that was not torn", name)
		}
	}
}

// A line that never ends is one that is damaged, and does not fill the memory.
func TestALineThatIsLongerThanAnyOfOurs(t *testing.T) {
	const long = 40 * maxLine
	text := io.MultiReader(io.LimitReader(endless{}, long), strings.NewReader("\nnext\n"))
	l := newLineReader(io.NopCloser(text))
	for _, want := range []string{"", "next"} {
		if line, err := l.next(); err != nil || string(line) != want {
			t.Errorf("a line of %d bytes, %v, want %q", len(line), err, want)
		}
	}
	if kept := cap(l.begun); kept > 2*maxLine {
		t.Errorf("%d bytes were kept of a line", kept)
	}
}

// endless is the letter x, again and again.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestEveryFlippedByteIsDetected(t *testing.T) {
	t.Parallel()
	m := sample(t)
	for name, data := range m {
		for i, b := range data {
			for _, to := range []byte{b ^ 1, ^b, '\n'} {
				if to == b {
					continue
				}
				flipped := bytes.Clone(data)
				flipped[i] = to
				o := m.mutated(name, flipped).open(t)
				if !o.detected() {
					t.Fatalf("%s: byte %d from %q to %q is not detected", name, i, b, to)
				}
				if n := lost(t, o.records); n > 2 { // a newline gone hurts two lines
					t.Fatalf("%s: byte %d from %q to %q: %d records are lost", name, i, b, to, n)
				}
			}
		}
	}
}

func TestEveryTruncationIsDetected(t *testing.T) {
	t.Parallel()
	m := sample(t)
	for name, data := range m {
		for size := range data {
			o := m.mutated(name, data[:size]).open(t)
			if !o.detected() {
				t.Fatalf("%s: cut to %d of %d bytes is not detected", name, size, len(data))
			}
			gone := bytes.Count(data[size:], []byte(`"kind"`))
			if n := lost(t, o.records); n > gone+1 {
				t.Fatalf("%s: cut to %d of %d bytes: %d records are lost, %d were cut off", name, size, len(data), n, gone)
			}
		}
	}
}

// What no single flipped byte does.
func TestDamageIsDetectedAndTheRestIsReplayed(t *testing.T) {
	lines := func(data []byte) [][]byte { return bytes.SplitAfter(data, []byte{'\n'}) }
	edit := func(name string, change func(l [][]byte) [][]byte) func(image) {
		return func(m image) { m[name] = bytes.Join(change(lines(m[name])), nil) }
	}
	for name, tt := range map[string]struct {
		damage func(m image)
		lost   int
		says   string
	}{
		"a line is missing": {
			edit(segmentName(9), func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }),
			1, "record 10 is lost",
		},
		"a line is there twice": {
			edit(segmentName(9), func(l [][]byte) [][]byte { return slices.Insert(l, 2, l[2]) }),
			0, "out of sequence: no record is lost",
		},
		"two lines have changed places": {
			edit(segmentName(9), func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }),
			1, "record 10 is lost",
		},
		"a line of another file": {
			func(m image) { m[segmentName(9)] = append(m[segmentName(9)], lines(m[segmentName(4)])[2]...) },
			0, "",
		},
		"a line that is none": {
			edit(segmentName(4), func(l [][]byte) [][]byte { return slices.Insert(l, 2, []byte("hello\n")) }),
			0, "not a line of this format",
		},
		"a block of zeros": {
			func(m image) { clear(m[segmentName(4)][40:300]) },
			2, "line 1: the checksum does not match: no record is lost (and 1 more)",
		},
		"a line of a megabyte": {
			edit(segmentName(4), func(l [][]byte) [][]byte {
				return slices.Insert(l, 2, append(bytes.Repeat([]byte{'x'}, 3<<20), '\n'))
			}),
			0, "no record is lost",
		},
		"a segment is missing": {
			func(m image) { delete(m, segmentName(9)) },
			5, "records 9 to 13 are lost",
		},
		"the first segment is missing": {
			func(m image) { delete(m, segmentName(4)) },
			5, "the file before this one is missing: records 4 to 8 are lost",
		},
		"the newest segment is missing": {
			func(m image) { delete(m, segmentName(14)) },
			3, "",
		},
		"the snapshot is missing": {
			func(m image) { delete(m, snapshotName(3)) },
			2, "records 1 to 3 are lost",
		},
		"the end of an older segment is cut off": {
			func(m image) { m[segmentName(4)] = m[segmentName(4)][:len(m[segmentName(4)])-20] },
			1, "line 6: cut short: record 8 is lost",
		},
		"a line of the snapshot is missing": {
			edit(snapshotName(3), func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) }),
			1, "part of the state is lost",
		},
		"two segments have each other's name": {
			func(m image) {
				m[segmentName(4)], m[segmentName(9)] = m[segmentName(9)], m[segmentName(4)]
			},
			0, "does not fit the name",
		},
		"a segment is there under two names": {
			func(m image) { m[segmentName(12)] = m[segmentName(4)] },
			0, "does not fit the name",
		},
		"a segment has become a snapshot": {
			func(m image) { m[snapshotName(9)] = m[segmentName(9)]; delete(m, segmentName(9)) },
			5, "the snapshot before this one is used",
		},
		"everything is empty": {
			func(m image) {
				for name := range m {
					m[name] = nil
				}
			},
			15, "cut short",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := sample(t)
			tt.damage(m)
			o := m.open(t)
			if !o.detected() {
				t.Error("not detected")
			}
			if n := lost(t, o.records); n > tt.lost {
				t.Errorf("%d records are lost, want at most %d\n%s", n, tt.lost, o.Detail)
			}
			if !strings.Contains(o.Detail, tt.says) || tt.says == "" && o.Damaged {
				t.Errorf("detail %q, want one that says %q", o.Detail, tt.says)
			}
			goesOn(t, o)
		})
	}
}

// goesOn: a journal that was damaged takes records, gives the same after another
// start, and still says that it was damaged.
func goesOn(t rapid.TB, before outcome) {
	t.Helper()
	j := mustOpen(t, simDir, Options{FS: before.disk.process()})
	mustAppend(t, j, Record{At: noon, Kind: "new"})
	mustClose(t, j)
	after := before.disk.image().open(t)
	if n := len(after.records) - 1; n < 0 || after.records[n].Kind != "new" {
		t.Fatalf("what was appended does not come back: %v", after.records)
	} else if d := cmp.Diff(before.records, after.records[:n], cmpopts.EquateEmpty()); d != "" {
		t.Errorf("another start gives other records (-before +after):\n%s", d)
	}
	if after.Damaged != before.Damaged {
		t.Errorf("damaged %v, after another start %v", before.Damaged, after.Damaged)
	}
}

// badSector is a disk of which one file cannot be read from an offset on.
type badSector struct {
	*simFS
	name string
	from int64
}

func (d badSector) Open(name string) (io.ReadCloser, error) {
	r, err := d.simFS.Open(name)
	if err != nil || !strings.HasPrefix(filepath.Base(name), d.name) {
		return r, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(r, d.from), iotest.ErrReader(syscall.EIO))), nil
}

func TestABadSector(t *testing.T) {
	m := sample(t)
	disk := m.disk()
	j := mustOpen(t, simDir, Options{FS: badSector{disk.process(), segmentName(9), 400}})
	if n := lost(t, collect(t, j.Replay())); n != 3 {
		t.Errorf("%d records are lost", n)
	}
	want := "00000000000000000009.segment.jsonl, line 4: input/output error: records 11 to 13 are lost"
	if s := j.Status(); !s.Damaged || !s.Durable || !strings.HasSuffix(s.Detail, want) {
		t.Errorf("%+v", s)
	}
	mustClose(t, j)
	if kept := disk.image()[segmentName(9)+".damaged"]; !bytes.Equal(kept, m[segmentName(9)]) {
		t.Errorf("the file was not kept: %q", kept)
	}
}

// Two damaged files of the same name are both kept.
func TestDamageToTheSameSegmentAgain(t *testing.T) {
	name := segmentName(1)
	o := image{name: []byte("rubbish\n")}.open(t)
	m := o.disk.image()
	m[name] = []byte("more rubbish\n")
	o = m.open(t)
	m = o.disk.image()
	if string(m[name+".damaged"]) != "rubbish\n" || string(m[name+".damaged-2"]) != "more rubbish\n" || len(o.Quarantined) != 2 {
		t.Errorf("%q\n%s", o.Quarantined, m)
	}
	goesOn(t, o)
}

// A file that has another's name, for whatever reason, replaces nothing.
func TestARenamedSegmentHidesNoRecord(t *testing.T) {
	m := sample(t)
	head, _, _ := bytes.Cut(m[segmentName(9)], []byte{'\n'})
	m[segmentName(14)] = append(head, '\n')
	o := m.open(t)
	if n := lost(t, o.records); n != 3 || !o.Damaged {
		t.Errorf("%d records are lost, %+v", n, o.Status)
	}
	goesOn(t, o)
}

func TestOnlyTheNewestTornTailsAreKept(t *testing.T) {
	m := image{}
	for n := range uint64(keepTorn + 3) {
		m[segmentName(n+1)+".torn"] = []byte("x")
	}
	o := m.open(t)
	if n := len(o.disk.image()); n != keepTorn+1 {
		t.Errorf("%d files left", n)
	}
	if o.detected() {
		t.Errorf("%+v", o.Status)
	}
}

// Until a journal is closed the newest segment may end in a torn tail. What a
// later batch or the first line proves to have been durable is none.
func TestATornTailIsToldFromDamage(t *testing.T) {
	disk := newSimDisk()
	p := disk.process()
	j := mustOpen(t, simDir, Options{FS: p})
	mustAppend(t, j, recs(1, 2)...)
	mustClose(t, j)
	j = mustOpen(t, simDir, Options{FS: p}) // writes 1 and 2 again: "through" is 2
	mustAppend(t, j, rec(3))
	mustAppend(t, j, recs(4, 6)...)
	p.kill()
	j.Close()
	for _, tt := range []struct {
		bad  []int // records whose line is damaged
		got  []Record
		torn bool
	}{
		{bad: []int{1}, got: numbered(2, 6)},
		{bad: []int{2}, got: append(numbered(1, 1), numbered(3, 6)...)},
		{bad: []int{3}, got: append(numbered(1, 2), numbered(4, 6)...)},
		{bad: []int{4}, got: numbered(1, 3), torn: true},
		{bad: []int{5}, got: numbered(1, 4), torn: true},
		{bad: []int{6}, got: numbered(1, 5), torn: true},
		{bad: []int{2, 3, 4, 5, 6}, got: numbered(1, 1)}, // 2 for certain; whether the others were durable nobody knows
		{bad: []int{3, 4, 5, 6}, got: numbered(1, 2), torn: true},
		{bad: []int{3, 5}, got: append(numbered(1, 2), numbered(4, 4)...)},
	} {
		t.Run(fmt.Sprint(tt.bad), func(t *testing.T) {
			m := disk.image()
			name := segmentName(1)
			for _, n := range tt.bad {
				m[name] = bytes.Replace(m[name], fmt.Appendf(nil, `{"n":%d}`, n), fmt.Appendf(nil, `{"n":X}`), 1)
			}
			o := m.open(t)
			want(t, o.records, tt.got)
			if o.Damaged == tt.torn || o.Clean || tt.torn != (o.TornBytes > 0) {
				t.Errorf("%+v", o.Status)
			}
		})
	}
}

func TestADamagedSnapshotRemovesNothing(t *testing.T) {
	m := sample(t)
	older := m[segmentName(4)]
	m[segmentName(1)] = older // as if compaction had been interrupted
	m[snapshotName(3)] = bytes.Replace(m[snapshotName(3)], []byte(`{"n":2}`), []byte(`{"n":3}`), 1)
	o := m.open(t)
	if !o.Damaged || !bytes.Equal(o.disk.image()[segmentName(1)], older) {
		t.Errorf("the segment before it was removed: %+v", o.Status)
	}
}

func TestADamagedLineOfASnapshotIsToldOnce(t *testing.T) {
	for _, n := range []int{1, 2} {
		m := sample(t)
		m[snapshotName(3)] = bytes.Replace(m[snapshotName(3)], fmt.Appendf(nil, `{"n":%d}`, n), []byte(`{"n":9}`), 1)
		want := fmt.Sprintf("%s, line %d: the checksum does not match: part of the state is lost", filepath.Join(simDir, snapshotName(3)), n+1)
		if o := m.open(t); o.Detail != want || lost(t, o.records) != 1 {
			t.Errorf("detail %q, want %q", o.Detail, want)
		}
	}
}

func TestDamagedFilesAreKept(t *testing.T) {
	m := sample(t)
	name := segmentName(9)
	m[name] = bytes.Replace(m[name], []byte(`{"n":11}`), []byte(`{"n":91}`), 1)
	o := m.open(t)
	kept := name + ".damaged"
	if want := []string{filepath.Join(simDir, kept)}; !slices.Equal(o.Quarantined, want) {
		t.Fatalf("quarantined %q, want %q", o.Quarantined, want)
	}
	if !bytes.Equal(o.disk.image()[kept], m[name]) {
		t.Error("it was changed")
	}
	want := "/state/journal/00000000000000000009.segment.jsonl, line 4: the checksum does not match: record 11 is lost"
	if o.Detail != want {
		t.Errorf("detail %q, want %q", o.Detail, want)
	}

	j := mustOpen(t, simDir, Options{FS: o.disk.process()})
	mustCompact(t, j, recs(1, 2))
	mustClose(t, j)
	o = o.disk.image().open(t)
	if o.disk.image()[kept] == nil {
		t.Error("compaction removed it")
	}
	if !o.Damaged || !strings.Contains(o.Detail, "take it away") {
		t.Errorf("after a compaction: %+v", o.Status)
	}
	want2 := state(16, 2)
	if d := cmp.Diff(want2, o.records); d != "" {
		t.Error(d)
	}
	m = o.disk.image()
	delete(m, kept)
	if o := m.open(t); o.Damaged {
		t.Errorf("taken away, and still: %s", o.Detail)
	}
}

func TestATornTailIsCutAndKept(t *testing.T) {
	disk := newSimDisk()
	p := disk.process()
	j := mustOpen(t, simDir, Options{FS: p})
	mustAppend(t, j, recs(1, 3)...)
	p.kill()
	j.Close()
	m := disk.image()
	name := segmentName(1)
	torn := `{"seq":4,"batch":4,"at":"2026-05-`
	m[name] = append(m[name], torn...)
	o := m.open(t)
	if o.TornBytes != int64(len(torn)) || o.Damaged || o.Clean {
		t.Errorf("%+v", o.Status)
	}
	if d := cmp.Diff(numbered(1, 3), o.records); d != "" {
		t.Error(d)
	}
	after := o.disk.image()
	if got := string(after[name+".torn"]); got != torn {
		t.Errorf("kept %q, want %q", got, torn)
	}
	if bytes.Contains(after[name], []byte(torn)) {
		t.Error("not cut off")
	}
}

func TestAJournalOfANewerVersionIsLeftAlone(t *testing.T) {
	m := sample(t)
	name := segmentName(14)
	head, rest, _ := bytes.Cut(m[name], []byte{'\n'})
	body, err := cutChecksum(head)
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.Replace(body, []byte(`"version":1`), []byte(`"version":2`), 1)
	m[name] = append(closeWithChecksum(body, 0), rest...)
	disk := m.disk()
	_, err = Open(simDir, Options{FS: disk.process()})
	if err == nil || !strings.Contains(err.Error(), "format version 2") {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff(fmt.Sprint(m), fmt.Sprint(disk.image())); d != "" {
		t.Errorf("files were changed:\n%s", d)
	}
}
