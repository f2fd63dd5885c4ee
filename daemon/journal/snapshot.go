package journal

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"path/filepath"
)

// snapshotPart is how much of a snapshot lies in one piece of memory, in bytes. One
// piece for all of it would be copied whenever it grows, and take three times as much.
const snapshotPart = 256 << 10

// maxFrame is more than what a line has beside kind and data: two numbers, a time,
// their keys and the checksum.
const maxFrame = 200

// snapshotContent returns the content of the file that stands for the records up to through,
// in parts.
func (j *Journal) snapshotContent(through uint64, state iter.Seq[Record]) (parts [][]byte, err error) {
	var lines []byte
	parts = append(parts, nil) // the first line, which counts the others
	count := uint64(0)
	for r := range state {
		r, err := j.asWritten(r)
		if err != nil {
			return nil, err
		}
		count++
		r.Seq = through
		if size := len(r.Data) + len(r.Kind) + maxFrame; len(lines)+size > cap(lines) {
			if len(lines) > 0 {
				parts = append(parts, lines)
			}
			lines = make([]byte, 0, max(snapshotPart, size))
		}
		lines = entry{Record: r, part: count}.append(lines)
	}
	h := header{Journal: "snapshot", Version: version, Through: through, Parts: count, At: j.timestamp()}
	parts[0] = h.append(nil)
	return append(parts, lines), nil
}

// snapshotScan reads a snapshot. Its first line counts the others, and it got its
// name when all were durable: it has no torn tail, only damage.
type snapshotScan struct {
	*openFile
	dir   string
	part  uint64 // the last one given out
	told  bool   // of damage after it
	yield func(entry, error) bool
}

// scanRecords gives out every record that can be verified and a DamageError for what
// cannot. It is false when yield was.
func (s *snapshotScan) scanRecords() bool {
	if s.headErr != nil && !s.reportDamage(s.headErr) {
		return false
	}
	for {
		text, err := s.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // a bad sector
			return s.reportDamage(err)
		}
		if !s.judgeLine(parseEntry(text)) {
			return false
		}
	}
	if s.lines.unfinishedBytes() > 0 || s.headErr == nil && s.part != s.header.Parts && !s.told {
		return s.reportDamage(errCutShort)
	}
	return true
}

// judgeLine gives out the record of a line, or the damage that it shows. It is false when yield
// was.
func (s *snapshotScan) judgeLine(e entry, err error) bool {
	switch {
	case err != nil:
		return s.reportDamage(err)
	case e.part <= s.part || e.Seq != s.number:
		return s.reportDamage(errOrder)
	// Lines that are missing after a damaged one were reported with it.
	case e.part > s.part+1 && !s.told && !s.reportDamage(errMissing):
		return false
	}
	s.part, s.told = e.part, false
	// The line is overwritten by the next one.
	e.Data = bytes.Clone(e.Data)
	return s.yield(e, nil)
}

// reportDamage gives out that the line last read cannot be used.
func (s *snapshotScan) reportDamage(err error) bool {
	s.told = true
	return s.yield(entry{}, &DamageError{File: filepath.Join(s.dir, s.name), Line: s.lines.number, Err: err})
}
