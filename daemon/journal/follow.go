package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

const followPause = 200 * time.Millisecond

// Follow gives the records after the one numbered after, and then those that are
// appended, until ctx is done, which is no error. Like Read it takes no lock; it
// goes on when the daemon restarts or has to write its files anew, and shows lines a
// moment before they are durable. A reader so slow that a compaction has overtaken it
// gets the snapshot in place of what that has replaced.
//
// Errors are those of Read.
func Follow(ctx context.Context, dir string, after uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f := follower{ctx: ctx, dir: dir, after: after}
		for ctx.Err() == nil {
			if err := f.readOn(yield); errors.Is(err, errStop) {
				return
			} else if err != nil {
				yield(Record{}, fmt.Errorf("following journal: %w", err))
				return
			}
		}
	}
}

var errStop = errors.New("the reader has had enough")

type follower struct {
	ctx   context.Context
	dir   string
	after uint64

	begun   bool // the directory was there once
	newest  *openFile
	changed bool // newest is not the newest any more
}

// readOn reads what is there and stays at the end of the newest segment until
// there is another.
func (f *follower) readOn(yield func(Record, error) bool) error {
	w, err := lookAtDirectory(osFS{}, f.dir, f.after)
	if f.begun && errors.Is(err, fs.ErrNotExist) { // deleted: the daemon is about to write it anew
		f.pause()
		return nil
	}
	if err != nil {
		return err
	}
	defer w.close()
	f.begun = true
	f.changed = false
	if n := len(w.files); n > 0 && !w.files[n-1].snapshot {
		f.newest = w.files[n-1]
		w.more = f.awaitMore
	} else if !f.pause() {
		return nil
	}
	goOn := w.giveEntries(func(e entry, err error) bool { return yield(e.Record, err) })
	f.after = max(f.after, w.next-1)
	if !goOn {
		return errStop
	}
	return nil
}

// awaitMore waits at the end of the newest segment. When there is another segment the
// old one is read on to its end, which by then cannot grow any more.
func (f *follower) awaitMore() bool {
	if f.changed || !f.pause() {
		return false
	}
	f.changed = !f.isNewestSegment()
	return true
}

// pause waits for followPause. It returns false when ctx is done.
func (f *follower) pause() bool {
	t := time.NewTimer(followPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// isNewestSegment reports whether the file being read is the newest segment and still the
// one of that name.
func (f *follower) isNewestSegment() bool {
	c, err := listFiles(osFS{}, f.dir)
	if err != nil || len(c.live) == 0 || c.live[len(c.live)-1].name != f.newest.name {
		return false
	}
	// Files that are written anew may have the old names.
	named, err := os.Stat(filepath.Join(f.dir, f.newest.name))
	if err != nil {
		return false
	}
	reading, err := f.newest.lines.Closer.(interface{ Stat() (fs.FileInfo, error) }).Stat()
	return err == nil && os.SameFile(named, reading)
}
