package journal

import (
	"errors"
	"path/filepath"
)

// walk reads a journal from its snapshot to its end.
type walk struct {
	dir     string
	files   []*openFile
	suspect []file
	after   uint64      // what is up to this record is read but not given out
	more    func() bool // at the end of the newest segment: read on; nil: no

	next  uint64         // the record that would come after the last
	scans []*segmentScan // of the segments read, the newest last
	hurt  []file         // where damage was found
	lost  []*DamageError // what was found
}

// newWalk opens what counts of the journal in dir.
func newWalk(fsys FS, dir string, c catalog, after uint64) (*walk, error) {
	opened, err := openFiles(fsys, dir, c.live)
	if err != nil {
		return nil, err
	}
	return &walk{dir: dir, files: opened, suspect: c.suspect, after: after}, nil
}

func (w *walk) close() { closeFiles(w.files) }

// giveEntries gives out entries in order, each with a higher number than the one
// before (the lines of a snapshot share one), and *DamageErrors between them.
// It is false when yield was.
func (w *walk) giveEntries(yield func(entry, error) bool) bool {
	w.next = 1
	for _, f := range w.suspect {
		w.hurt = append(w.hurt, f)
		if !w.reportDamage(&DamageError{File: filepath.Join(w.dir, f.name), Line: 1, Err: errSuspect}, yield) {
			return false
		}
	}
	segments := w.files
	if len(segments) > 0 && segments[0].snapshot {
		f := segments[0]
		w.next = f.number + 1
		s := &snapshotScan{openFile: f, dir: w.dir, yield: w.skipGiven(f, yield)}
		if !s.scanRecords() {
			return false
		}
		segments = segments[1:]
	}
	return w.segments(segments, yield)
}

// segments gives out the entries of the segments, each up to where the next one begins. It is
// false when yield was.
func (w *walk) segments(segments []*openFile, yield func(entry, error) bool) bool {
	if len(segments) > 0 && segments[0].first > w.next && !w.reportGap(segments[0], yield) {
		return false
	}
	for i, f := range segments {
		s := &segmentScan{openFile: f, dir: w.dir, limit: noLimit, yield: w.skipGiven(f, yield)}
		switch {
		case i+1 == len(segments):
			s.more = w.more
		case segments[i+1].renamed: // by whom? It is not believed that it replaces anything
			s.proven = segments[i+1].first - 1
		default:
			s.limit = segments[i+1].first - 1
			s.proven = s.limit
		}
		w.scans = append(w.scans, s)
		if !s.scanRecords() {
			return false
		}
		w.next = max(w.next, s.next)
	}
	return true
}

// skipGiven keeps what was given out already from being given out again, and notes
// damage.
func (w *walk) skipGiven(f *openFile, yield func(entry, error) bool) func(entry, error) bool {
	return func(e entry, err error) bool {
		if damage := (*DamageError)(nil); errors.As(err, &damage) {
			if n := len(w.hurt); n == 0 || w.hurt[n-1] != f.file {
				w.hurt = append(w.hurt, f.file)
			}
			return w.reportDamage(damage, yield)
		}
		// After a failed fsync the next segment repeats what is in doubt in this one.
		if e.part == 0 && e.Seq < w.next || e.Seq <= w.after {
			return true
		}
		if e.part == 0 {
			w.next = e.Seq + 1
		}
		return yield(e, nil)
	}
}

// reportGap reports that the files before f are missing.
func (w *walk) reportGap(f *openFile, yield func(entry, error) bool) bool {
	return w.reportDamage(&DamageError{File: filepath.Join(w.dir, f.name), From: w.next, To: f.first - 1, Err: errMissingFile}, yield)
}

// reportDamage notes damage, and gives it out unless it lies before what is wanted.
func (w *walk) reportDamage(e *DamageError, yield func(entry, error) bool) bool {
	w.lost = append(w.lost, e)
	if w.after > 0 && max(e.From, e.To+1) <= w.after+1 {
		return true
	}
	return yield(entry{}, e)
}
