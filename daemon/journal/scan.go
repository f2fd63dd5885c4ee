package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
)

// DamageError says what of a journal cannot be read. It is no reason to stop:
// the records that come after it are verified like all others.
type DamageError struct {
	File     string // path
	Line     int    // from 1; 0 if the file as a whole is meant
	From, To uint64 // the records that are lost; none if To < From; both 0 for a snapshot's
	Err      error
}

func (e *DamageError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s, line %d", e.File, e.Line)
	}
	return fmt.Sprintf("%s: %v: %s", where, e.Err, e.describeLoss())
}

// describeLoss returns in words which records are lost.
func (e *DamageError) describeLoss() string {
	switch {
	case e.From == 0:
		return "part of the state is lost"
	case e.To < e.From:
		return "no record is lost"
	case e.To == e.From:
		return fmt.Sprintf("record %d is lost", e.From)
	default:
		return fmt.Sprintf("records %d to %d are lost", e.From, e.To)
	}
}

func (e *DamageError) Unwrap() error { return e.Err }

// noLimit is the limit of the newest segment, and what is proven of a file whose
// first line is damaged: everything in it that can be verified is given out.
const noLimit = math.MaxUint64

// segmentScan reads one segment and tells a torn tail from damage.
type segmentScan struct {
	*openFile
	dir    string
	limit  uint64 // what comes after this record was written again by the next segment
	proven uint64 // up to here records were durable once: see the package comment
	next   uint64 // the record that should come now
	good   int64  // where the last line that counts ends
	record int64  // where the last record ends
	closed bool   // that line is the mark of Close
	hurt   bool   // damage was found

	trouble error   // the first bad line after it
	line    int     // where that is
	held    []entry // verified, but after a bad or a missing line that nothing yet proves to be damage

	yield func(entry, error) bool
	more  func() bool // at the end of the file: read on; nil: no
}

// scanRecords gives out every record that counts and a DamageError wherever one is
// missing. It is false when yield was.
func (s *segmentScan) scanRecords() bool {
	s.next, s.good, s.record = s.first, s.lines.start, s.lines.start
	s.proven = max(s.proven, s.header.Through)
	if s.headErr != nil {
		s.noteDamage(s.headErr, 1)
		s.proven = noLimit
		if !s.reportDamage(s.next - 1) {
			return false
		}
	}
	for {
		start := s.lines.start
		text, err := s.lines.next()
		if errors.Is(err, io.EOF) && s.more != nil && s.more() {
			continue
		}
		if errors.Is(err, io.EOF) {
			return s.judgeEnd()
		}
		if err != nil { // a bad sector: what lies behind it cannot be judged
			s.noteDamage(err, s.lines.number+1)
			s.proven = max(s.proven, s.next)
			return s.judgeEnd()
		}
		e, err := parseEntry(text)
		e.start, e.end = start, s.lines.start
		if !s.judgeLine(e, err) {
			return false
		}
	}
}

// judgeLine judges one line.
func (s *segmentScan) judgeLine(e entry, err error) bool {
	expected := s.next
	if n := len(s.held); n > 0 {
		expected = s.held[n-1].Seq + 1
	}
	switch {
	case err != nil:
		s.noteDamage(err, s.lines.number)
	case e.closed && e.Seq+1 >= expected && !s.closed:
		return s.judgeClosed(e)
	case e.closed || s.closed || e.part > 0 || e.Seq < expected:
		s.noteDamage(errOrder, s.lines.number)
	case e.Seq > s.limit: // written again by the next segment
	default:
		s.proven = max(s.proven, e.batch-1)
		// The line is overwritten by the next one.
		e.Data = bytes.Clone(e.Data)
		if s.trouble == nil && e.Seq == s.next {
			return s.giveRecord(e)
		}
		s.held = append(s.held, e)
		return s.releaseHeld()
	}
	return true
}

// judgeClosed takes the mark of the end as proof that all before it was durable: a journal
// is closed only then.
func (s *segmentScan) judgeClosed(e entry) bool {
	s.proven = max(s.proven, e.Seq)
	if !s.releaseHeld() {
		return false
	}
	if (s.trouble != nil || s.next <= e.Seq) && !s.reportDamage(e.Seq) {
		return false
	}
	s.closed, s.good = true, e.end
	return true
}

// noteDamage notes the first bad line since the last record, and where it is.
func (s *segmentScan) noteDamage(err error, line int) {
	if s.trouble == nil {
		s.trouble, s.line = err, line
	}
}

// releaseHeld gives out what is held, unless it may belong to a torn tail.
func (s *segmentScan) releaseHeld() bool {
	for len(s.held) > 0 {
		e := s.held[0]
		if s.trouble != nil || e.Seq != s.next {
			// Nothing proves that the record that is missing was ever durable.
			if s.proven < s.next {
				return true
			}
			if !s.reportDamage(e.Seq - 1) {
				return false
			}
		}
		s.held = s.held[1:]
		if !s.giveRecord(e) {
			return false
		}
	}
	return true
}

// giveRecord gives out a record. It is false when yield was.
func (s *segmentScan) giveRecord(e entry) bool {
	s.next, s.good, s.record = e.Seq+1, e.end, e.end
	return s.yield(e, nil)
}

// judgeEnd judges what is left at the end of the file: damage, or a torn tail.
func (s *segmentScan) judgeEnd() bool {
	if s.lines.unfinishedBytes() > 0 {
		s.noteDamage(errCutShort, s.lines.number+1)
	}
	last := min(s.proven, s.limit)
	// With a damaged first line nothing says how far the file went.
	if s.next <= last && last != noLimit {
		return s.reportDamage(last)
	}
	return true
}

// tailBytes returns the number of bytes at the end of the file that do not count.
func (s *segmentScan) tailBytes() int64 { return s.lines.end - s.good }

// mayBeCut reports whether the tail may be removed: a damaged file is kept whole, also
// when a later segment hides its damage from this start.
func (s *segmentScan) mayBeCut() bool { return !s.hurt && !s.damaged }

// reportDamage reports that the records from next to last are lost.
func (s *segmentScan) reportDamage(last uint64) bool {
	e := &DamageError{File: filepath.Join(s.dir, s.name), Line: s.line, From: s.next, To: last, Err: s.trouble}
	if s.trouble == nil {
		e.Line, e.Err = s.lines.number, errMissing
	}
	s.trouble, s.line, s.hurt = nil, 0, true
	s.next = max(s.next, last+1)
	return s.yield(entry{}, e)
}
