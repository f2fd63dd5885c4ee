package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	// lookEvery is how often the files of the journal are looked at: one call of
	// stat(2) for each.
	lookEvery = 2 * time.Second

	// blindLooks is how often in a row a look may fail, for want of memory or by a
	// disk's error, before the files count as lost.
	blindLooks = 3
	// usurpTime is how long another process must have the directory before it
	// counts as taken: a start that is refused for another reason is over sooner.
	usurpTime = 5 * time.Second

	foreignSuffix = ".foreign" // what lay where the journal's own files belong
	keepForeign   = 8          // files
)

// Verify looks at the files now and returns when that is done, or after 800 ms.
// A caller that is about to end sees in Wanted what came of it.
func (j *Journal) Verify() {
	looked := make(chan struct{})
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case j.verify <- looked:
	case <-j.done:
		return
	case <-t.C:
		return
	}
	select {
	case <-looked:
	case <-j.done:
	case <-t.C:
	}
}

// verifyPlace sees to it that what is durable is still at its path, and that the lock is
// one of the directory at that path. It runs in the writer.
func (j *Journal) verifyPlace() {
	j.mu.Lock()
	wants := j.lost != nil && j.renewal == nil
	isLost := j.lost != nil
	j.mu.Unlock()
	switch {
	case wants:
		j.requestState() // the caller has not answered, or could not
	case !isLost:
		var gone *LostError
		switch err := j.verifyFiles(); {
		case err == nil:
			j.blind = 0
		case errors.As(err, &gone):
			j.markLost(gone)
		default:
			if j.blind++; j.blind == blindLooks {
				j.markLost(unreadableError(j.dir, err))
			}
		}
	}
}

// verifyFiles compares the locks, the files and the directory with what this process has made
// of them. A *LostError says what is not at its path.
func (j *Journal) verifyFiles() error {
	for _, l := range j.locks() {
		if err := l.verifyLock(j.fs); err != nil {
			return err
		}
	}
	if err := j.places.lookAtFiles(); err != nil {
		return err
	}
	j.mu.Lock()
	healthy := j.healthy
	j.mu.Unlock()
	// A write that has failed may have left a file that is not known.
	if !healthy {
		return nil
	}
	return j.places.lookForOthers()
}

// markLost notes that files are lost: what was durable is not, until the caller
// has given the whole state and that is written.
func (j *Journal) markLost(err *LostError) {
	j.blind = 0
	// The open file may have no name any more, and nobody would find what is added to it.
	j.disk.abandonSegment()
	j.disk.cuts, j.disk.renames, j.disk.entered = nil, nil, false
	j.mu.Lock()
	j.lost = err
	j.losses++
	j.lastly = err.Error()
	j.setHealth(err)
	j.mu.Unlock()
	j.abandonCompaction(err)
	j.requestState()
}

// requestState asks the caller for all of its state, unless it is asked already.
func (j *Journal) requestState() {
	select {
	case j.wanted <- struct{}{}:
	default:
	}
}

// Wanted receives a value when the files of the journal are lost and only the
// caller knows what stood in them: it calls Compact, with all of its state.
func (j *Journal) Wanted() <-chan struct{} { return j.wanted }

// Usurped is closed when the directory was replaced and another process has had
// the new one locked for 5 seconds. Two that write there would both send alarms:
// this one has to end.
func (j *Journal) Usurped() <-chan struct{} { return j.taken }

// writeAnew writes everything anew under the names where the next start looks for it:
// the lock first, then the snapshot that the caller gave, then a segment for what
// comes after it. It runs in the writer and may be tried again.
func (j *Journal) writeAnew(c *compaction) error {
	j.background.Wait() // a compaction of before that still writes
	if err := j.lockDirectories(); err != nil {
		return err
	}
	// A start would think that these are newer than the snapshot.
	if err := j.setAside(func(f file) bool { return f.number > c.through }); err != nil {
		return err
	}
	f, err := j.places.createDurable(snapshotName(c.through), c.lines...)
	if err != nil {
		return err
	}
	f.Close()
	j.disk.abandonSegment() // of a try that failed later than here
	size, err := j.disk.beginSegment(c.through+1, nil)
	if err != nil {
		return err
	}
	// These no start would read, so it does no harm if one stays.
	_ = j.setAside(func(f file) bool { return f.number <= c.through && !f.damaged })
	if all, err := listFiles(j.fs, j.dir); err == nil {
		j.removeObsolete(all)
	}
	j.places.forgetOthers(snapshotName(c.through), segmentName(c.through+1))
	j.noteRenewal(c, size)
	return nil
}

// noteRenewal notes that all up to c.through is durable.
func (j *Journal) noteRenewal(c *compaction, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for n < len(j.queue) && j.queue[n].Seq <= c.through { // the snapshot has them
		n++
	}
	j.queue = slices.Clone(j.queue[n:])
	j.durable, j.begun, j.size = c.through, true, size
	j.lost, j.renewal, j.compacting = nil, nil, false
	select {
	case <-j.wanted: // asked again while the state was being given
	default:
	}
	if len(j.queue) == 0 {
		j.setHealth(nil)
		return
	}
	close(j.progress)
	j.progress = make(chan struct{})
}

// setAside renames those of the files in the directory that are not as this
// process has left them, so that no start reads them and a human can.
func (j *Journal) setAside(which func(file) bool) error {
	names, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return err
	}
	var kept []string
	for _, name := range names {
		if strings.HasSuffix(name, foreignSuffix) {
			kept = append(kept, name)
		}
	}
	for _, name := range names {
		f, ok := parseFileName(name)
		if !ok || !which(f) || j.places.isIntact(name) {
			continue
		}
		// With that suffix it would be read as a part of the journal.
		name, _, _ := strings.Cut(name, damagedSuffix)
		to := fmt.Sprintf("%s.%d%s", name, j.timestamp().UnixNano(), foreignSuffix)
		if err := j.fs.Rename(j.path(f.name), j.path(to)); err != nil {
			return err
		}
		kept = append(kept, to)
	}
	slices.Sort(kept)
	for _, name := range kept[:max(0, len(kept)-keepForeign)] {
		_ = j.fs.Remove(j.path(name))
	}
	return nil
}

// dirLock is a directory that this process has locked.
type dirLock struct {
	dir  string
	lock Lock
}

// verifyLock returns a *LostError if the directory is not at its path any more.
func (l *dirLock) verifyLock(fsys FS) error {
	if l.lock == nil {
		return nil
	}
	at, err := fsys.Stat(l.dir)
	if err != nil {
		return missingFileError(l.dir, err)
	}
	const owner = 0o700
	held, err := l.lock.Stat()
	switch {
	case err != nil:
		return err
	case !at.Mode.IsDir():
		return &LostError{Path: l.dir, Reason: "is not a directory any more"}
	case !at.isSameFile(held):
		return &LostError{Path: l.dir, Reason: "was replaced by another directory"}
	case at.Mode.Perm()&owner != owner:
		return &LostError{Path: l.dir, Reason: fmt.Sprintf("cannot be used at the next start: its mode is %04o", at.Mode.Perm())}
	}
	return nil
}

// lockCurrent locks the directory that is at the path now, unless it is locked already.
func (l *dirLock) lockCurrent(fsys FS) error {
	if l.lock != nil {
		at, err := fsys.Stat(l.dir)
		held, heldErr := l.lock.Stat()
		if err = cmp.Or(err, heldErr); err != nil || at.isSameFile(held) {
			return err // to lock it again would be to refuse oneself (flock(2))
		}
	}
	// The old lock is given back only when there is a new one.
	lock, err := fsys.Lock(l.dir)
	if err != nil {
		return err
	}
	l.close()
	l.lock = lock
	return nil
}

func (l *dirLock) close() {
	if l.lock != nil {
		l.lock.Close()
		l.lock = nil
	}
}

// locks returns the directories that this process has locked, the outer one first.
func (j *Journal) locks() []*dirLock {
	if j.outer.dir == "" {
		return []*dirLock{&j.inner}
	}
	return []*dirLock{&j.outer, &j.inner}
}

// lockDirectories makes the directories, if need be, locks them, and notes how long
// another process has had one.
func (j *Journal) lockDirectories() error {
	err := j.lockAll()
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w (a symbolic link that leads nowhere?)", err)
	}
	switch now := time.Now(); {
	case !errors.Is(err, ErrInUse):
		j.usurper = time.Time{}
	case j.usurper.IsZero():
		j.usurper = now
	case now.Sub(j.usurper) >= usurpTime && j.usurped.CompareAndSwap(false, true):
		close(j.taken)
	}
	return err
}

// lockAll begins with the outer directory: whoever is refused there touches
// nothing within.
func (j *Journal) lockAll() error {
	for _, l := range j.locks() {
		if l == &j.inner && j.outer.dir != "" {
			if err := j.clearPlace(); err != nil {
				return err
			}
		}
		if err := j.fs.MkdirAll(l.dir); err != nil {
			return err
		}
		if err := l.lockCurrent(j.fs); err != nil {
			return err
		}
	}
	return nil
}

// clearPlace renames a file that lies where the journal's own directory belongs: in
// the state directory nobody else has business. What is above that is not ours,
// and a link that leads nowhere may lead to a disk that is not mounted yet.
func (j *Journal) clearPlace() error {
	if at, err := j.fs.Stat(j.dir); err != nil || at.Mode.IsDir() {
		return nil //nolint:nilerr // MkdirAll says what is wrong
	}
	to := fmt.Sprintf("%s.%d%s", j.dir, j.timestamp().UnixNano(), foreignSuffix)
	if err := j.fs.Rename(j.dir, to); err != nil {
		return err
	}
	j.ousted = to
	return nil
}

// unlockDirectories gives back all locks.
func (j *Journal) unlockDirectories() {
	for _, l := range j.locks() {
		l.close()
	}
}
