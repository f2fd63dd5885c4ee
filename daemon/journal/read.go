package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
)

// Read gives all records of the journal in dir, those of the snapshot first,
// without taking the lock: it works while a daemon writes there and without one,
// and changes nothing. A torn tail is simply the end.
//
// Damage comes out as a *DamageError between the records; what follows can be
// read on. Any other error is the last thing that comes.
func Read(dir string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for r, err := range readDirectory(osFS{}, dir, 0) {
			var damage *DamageError
			if err != nil && !errors.As(err, &damage) {
				err = fmt.Errorf("reading journal: %w", err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// readDirectory gives the records after the one numbered after, with damage between them. Any
// other error comes last.
func readDirectory(fsys FS, dir string, after uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		w, err := lookAtDirectory(fsys, dir, after)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer w.close()
		w.giveEntries(func(e entry, err error) bool { return yield(e.Record, err) })
	}
}

// lookAtDirectory opens what is in dir now. Between listing and opening a file may have
// been replaced by a snapshot: then it looks again.
func lookAtDirectory(fsys FS, dir string, after uint64) (*walk, error) {
	for tries := 1; ; tries++ {
		c, err := listFiles(fsys, dir)
		if err != nil {
			return nil, err
		}
		w, err := newWalk(fsys, dir, c, after)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || tries == 10 {
			return w, err
		}
	}
}
