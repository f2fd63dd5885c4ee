package journal

import (
	"bytes"
	"errors"
	"testing"
)

// Whatever a line is, it is either refused or exactly what would be written for
// what was understood.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`"seq":1,"batch":1,"at":"2026-05-01T12:00:01Z","kind":"opened","data":{"n":1}`))
	f.Add([]byte(`"seq":4,"part":2,"at":"2026-05-01T12:00:01.5Z","kind":"a b","data":null`))
	f.Add([]byte(`"closed":4,"at":"2026-05-01T12:00:01Z"`))
	f.Add([]byte(`"seq":01,"batch":+1,"at":"2026-05-01T12:00:01.50Z","kind":"\u0041","data":{}`))
	f.Add([]byte(`"journal":"segment","version":1,"first":5,"through":4,"at":"2026-05-01T12:00:00Z"`))
	f.Add([]byte(`"journal":"snapshot","version":1,"through":4,"parts":3,"at":"2026-05-01T12:00:00Z"`))
	f.Fuzz(func(t *testing.T, inner []byte) {
		if e, err := parseEntry(inner); err == nil {
			t.Errorf("without a checksum: %+v", e)
		}
		line := closeWithChecksum(append([]byte{'{'}, inner...), 0)
		line = line[:len(line)-1]
		if e, err := parseEntry(line); err == nil {
			if again := e.append(nil); !bytes.Equal(again[:len(again)-1], line) {
				t.Errorf("%q was understood as %q", line, again)
			}
		}
		if h, err := parseHeader(line); err == nil {
			if again := h.append(nil); !bytes.Equal(again[:len(again)-1], line) {
				t.Errorf("%q was understood as %q", line, again)
			}
		}
	})
}

// Whatever is in the files, a start succeeds, gives out records in order, and
// another start gives the same.
func FuzzReplay(f *testing.F) {
	disk := newSimDisk()
	j, err := Open(simDir, Options{FS: disk.process()})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(j.Append(recs(1, 3)...), j.Append(recs(4, 5)...), j.Close()); err != nil {
		f.Fatal(err)
	}
	whole := disk.image()[segmentName(1)]
	f.Add([]byte(nil), whole, []byte(nil))
	f.Add([]byte(nil), whole[:len(whole)/2], whole[len(whole)/2:])
	f.Add(whole, whole, whole)
	f.Add(unsealed(whole), unsealed(whole[:len(whole)/2]), unsealed(whole[len(whole)/2:]))
	f.Fuzz(func(t *testing.T, snapshot, first, second []byte) {
		m := image{segmentName(1): resealed(first)}
		if len(snapshot) > 0 {
			m[snapshotName(3)] = resealed(snapshot)
		}
		if len(second) > 0 {
			m[segmentName(4)] = resealed(second)
		}
		disk := m.disk()
		j := newJournal(simDir, Options{FS: disk.process()})
		var newer *versionError
		if err := j.recover(); errors.As(err, &newer) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if err := j.writeWaiting(); err != nil {
			t.Fatal(err)
		}
		before := collect(t, j.Replay())
		last := uint64(0)
		for _, r := range before {
			if r.Seq < last || r.Seq == last && r.Seq != 3 {
				t.Errorf("record %d after %d", r.Seq, last)
			}
			last = r.Seq
		}
		want(t, disk.image().open(t).records, before)
	})
}

// unsealed takes the checksums off, and resealed puts them on again, so that the
// fuzzer gets past them.
func unsealed(file []byte) (out []byte) {
	for line := range bytes.Lines(file) {
		if body, err := cutChecksum(bytes.TrimSpace(line)); err == nil {
			line = append(append([]byte("~"), body...), '\n')
		}
		out = append(out, line...)
	}
	return out
}

func resealed(file []byte) (out []byte) {
	for line := range bytes.Lines(file) {
		if body, ok := bytes.CutPrefix(line, []byte("~")); ok {
			line = closeWithChecksum(bytes.TrimSpace(body), 0)
		}
		out = append(out, line...)
	}
	return out
}
