package journal

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
)

const keepTorn = 8 // files

// recover reads the journal and leaves the writer with what it has to write
// first: the records that may have come from a page cache only, or all of the
// newest segment if it is small, so that restarts do not pile up files.
func (j *Journal) recover() error {
	c, err := listFiles(j.fs, j.dir)
	if err != nil {
		return err
	}
	w, err := newWalk(j.fs, j.dir, c, 0)
	if err != nil {
		return err
	}
	defer w.close()
	k := carry{small: j.small}
	w.giveEntries(func(e entry, err error) bool {
		if err == nil && len(w.scans) > 0 {
			k.add(w.scans[len(w.scans)-1], e)
		}
		return true
	})
	// A damaged file is going to be renamed, which must not look like a loss.
	for _, f := range w.files {
		if !f.damaged && !slices.Contains(w.hurt, f.file) {
			j.places.rememberAsFound(f.name)
		}
	}
	j.last = w.next - 1
	j.durable = j.last
	j.found.Clean = len(c.live) == 0
	if n := len(w.scans); n > 0 {
		j.prepareNextSegment(w.scans[n-1], k)
	}
	for _, s := range w.scans {
		j.size += s.good
		if torn := s.tailBytes(); torn > 0 && s.mayBeCut() {
			j.found.TornBytes += torn
			j.saveTornTail(s)
		}
	}
	j.quarantineDamaged(&c, w)
	if j.ousted != "" {
		j.found.Quarantined = append(j.found.Quarantined, j.ousted)
		j.found.Damaged = true
		j.found.Detail = fmt.Sprintf("%s was no directory: what it held of records is lost, and the file that lay there is kept as %s", j.dir, j.ousted)
	}
	if len(w.files) > 0 && slices.Contains(w.hurt, w.files[0].file) {
		c.obsolete = nil // what a damaged snapshot has replaced may be wanted yet
	}
	j.removeLeftovers(c)
	return nil
}

// carry collects what the next segment has to begin with.
type carry struct {
	small   int64 // more bytes than this are not carried unless they must be
	from    *segmentScan
	entries []entry
	bytes   int64
	partial bool // it is too much to carry all
}

// add notes a record that was read from s. Only those of the newest segment are kept.
func (k *carry) add(s *segmentScan, e entry) {
	if k.from != s {
		*k = carry{small: k.small, from: s}
	}
	k.entries = append(k.entries, e)
	k.bytes += e.end - e.start
	// What was durable once need not be written again.
	if k.bytes > k.small || s.hurt {
		k.partial = true
		k.dropThrough(s.proven)
	}
}

// dropThrough forgets the records up to last.
func (k *carry) dropThrough(last uint64) {
	n := 0
	for n < len(k.entries) && k.entries[n].Seq <= last {
		k.bytes -= k.entries[n].end - k.entries[n].start
		n++
	}
	k.entries = k.entries[n:]
}

// prepareNextSegment prepares the segment that follows or replaces s, the newest.
func (j *Journal) prepareNextSegment(s *segmentScan, k carry) {
	j.found.Clean = s.closed && s.tailBytes() == 0
	if k.from != s {
		k = carry{}
	}
	if k.partial || s.hurt {
		k.dropThrough(s.proven)
	}
	j.queue = slices.Clip(k.entries)
	end := s.record
	if len(k.entries) > 0 {
		// They were read, perhaps from a page cache that no disk has seen.
		j.durable = k.entries[0].Seq - 1
		end = k.entries[0].start
	}
	if s.mayBeCut() {
		j.disk.cuts = append(j.disk.cuts, cut{s.name, end})
	}
}

// saveTornTail keeps a copy of what is going to be cut off. Nobody was told that it
// is durable, so a failure to copy it is none.
func (j *Journal) saveTornTail(s *segmentScan) {
	r, err := j.fs.Open(j.path(s.name))
	if err != nil {
		return
	}
	defer r.Close()
	// An FS has no Seek, and this happens once a crash.
	if _, err := io.CopyN(io.Discard, r, s.good); err != nil {
		return
	}
	name := j.path(s.name + tornSuffix)
	_ = j.fs.Remove(name)
	f, err := j.fs.Create(name)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = io.Copy(f, io.LimitReader(r, math.MaxInt32))
}

// quarantineDamaged plans to rename what is damaged, so that nothing removes it, and says so.
func (j *Journal) quarantineDamaged(c *catalog, w *walk) {
	for _, f := range w.hurt {
		if f.damaged {
			continue
		}
		to := j.path(f.name + damagedSuffix)
		for n := 2; slices.Contains(c.quarantined, to); n++ {
			to = j.path(fmt.Sprintf("%s%s-%d", f.name, damagedSuffix, n))
		}
		c.quarantined = append(c.quarantined, to)
		j.disk.renames = append(j.disk.renames, [2]string{j.path(f.name), to})
	}
	j.found.Quarantined = c.quarantined
	j.found.Damaged = len(w.lost) > 0 || len(c.quarantined) > 0
	switch {
	case len(w.lost) > 1:
		j.found.Detail = fmt.Sprintf("%v (and %d more)", w.lost[0], len(w.lost)-1)
	case len(w.lost) == 1:
		j.found.Detail = w.lost[0].Error()
	case len(c.quarantined) > 0:
		j.found.Detail = fmt.Sprintf("%s was damaged and is kept: take it away when you have looked at it", filepath.Base(c.quarantined[0]))
	}
}

// removeLeftovers removes what no longer counts. What it cannot remove it will at the next
// start.
func (j *Journal) removeLeftovers(c catalog) {
	j.removeObsolete(c)
	for _, name := range c.unfinished {
		_ = j.fs.Remove(j.path(name))
	}
	for _, name := range c.torn[:max(0, len(c.torn)-keepTorn)] {
		_ = j.fs.Remove(j.path(name))
	}
}

// removeObsolete removes what a snapshot has replaced, except for what a human
// should see.
func (j *Journal) removeObsolete(c catalog) {
	for _, f := range c.obsolete {
		if !f.damaged {
			j.places.forget(f.name)
			_ = j.fs.Remove(j.path(f.name))
		}
	}
}
