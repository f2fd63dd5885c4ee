package journal

import (
	"errors"
	"path/filepath"
	"slices"
	"time"
)

// disk writes segments. Only the writer uses it.
type disk struct {
	fs     FS
	dir    string
	now    func() time.Time
	places *places

	live File // the newest segment; nil: begin another
	name string
	size int64 // of live, all of it durable
	buf  []byte

	entered bool        // the directory itself is durable
	renames [][2]string // from, to: quarantine, to be done before the next segment is there
	cuts    []cut       // to be done after that
}

// cut is the end of a segment that the next one replaces.
type cut struct {
	name string
	size int64 // what remains
}

// writeBatch makes batch durable; its first record has the number first. It returns
// the number of bytes written. After an error the segment is left alone for ever: what fsync
// failed on may be gone from the cache and yet look written.
func (d *disk) writeBatch(first uint64, batch []entry, limit int64) (int64, error) {
	if d.live == nil || d.size >= limit {
		return d.beginSegment(first, batch)
	}
	lines := d.encodeBatch(d.buf[:0], first, batch)
	var gone *LostError
	err := d.appendLines(lines)
	if err != nil && !errors.As(err, &gone) {
		d.abandonSegment()
		d.places.loosen(d.name)
		d.cuts = append(d.cuts, cut{d.name, d.size})
	}
	if err != nil {
		return 0, err
	}
	d.size += int64(len(lines))
	return int64(len(lines)), nil
}

// appendLines writes lines to the live segment. A *LostError says that somebody else has
// changed or deleted it, before that or meanwhile.
func (d *disk) appendLines(lines []byte) error {
	if err := d.places.checkOpenFile(d.name, d.live); err != nil {
		return err
	}
	if err := writeSync(d.live, lines); err != nil {
		return err
	}
	return d.places.noteWritten(d.name, d.live, lines)
}

// abandonSegment closes the live segment, for good.
func (d *disk) abandonSegment() {
	if d.live != nil {
		d.live.Close()
		d.live = nil
	}
}

// encodeBatch appends the lines of a batch to b. The result may be kept in d.buf, and is good
// until the next call.
func (d *disk) encodeBatch(b []byte, first uint64, batch []entry) []byte {
	size := 0
	for _, e := range batch {
		size += len(e.Data) + len(e.Kind) + maxFrame
	}
	b = slices.Grow(b, size)
	for _, e := range batch {
		e.batch = first
		b = e.append(b)
	}
	if d.buf = b; cap(b) > 1<<20 { // after a storm, do not keep it
		d.buf = nil
	}
	return b
}

// beginSegment starts the segment whose first record is first, with batch in it. If it
// fails, the segment before it is still the live one.
func (d *disk) beginSegment(first uint64, batch []entry) (int64, error) {
	h := header{Journal: "segment", Version: version, First: first, Through: first + uint64(len(batch)) - 1, At: d.now()}
	lines := d.encodeBatch(h.append(d.buf[:0]), first, batch)
	name := segmentName(first)
	// A damaged file may have the name that the new segment gets, so it is renamed first.
	if err := d.finishOpening(); err != nil {
		return 0, err
	}
	f, err := d.places.createDurable(name, lines)
	if err != nil {
		return 0, err
	}
	d.abandonSegment() // nothing in the one before is unsynced
	d.live, d.name, d.size = f, name, int64(len(lines))
	for _, c := range d.cuts {
		if c.name != name {
			d.places.loosen(c.name)
			_ = d.fs.Truncate(d.path(c.name), c.size) // if it fails, readers know where to stop all the same
			d.places.rememberAsFound(c.name)
		}
	}
	d.cuts = nil
	return d.size, nil
}

// finishOpening makes the renames that Open has planned, and makes the directory itself
// durable, before anything is written.
func (d *disk) finishOpening() error {
	for len(d.renames) > 0 {
		d.places.forget(filepath.Base(d.renames[0][0]))
		if err := d.fs.Rename(d.renames[0][0], d.renames[0][1]); err != nil {
			return err
		}
		d.renames = d.renames[1:]
	}
	if d.entered {
		return nil
	}
	// The name of the directory stands in the one above it.
	err := d.fs.SyncDir(filepath.Dir(d.dir))
	d.entered = err == nil // once: the directory stays there, or the files count as lost
	return err
}

// closeSegment marks the end after record last.
func (d *disk) closeSegment(last uint64) error {
	mark := entry{Record: Record{Seq: last, At: d.now()}, closed: true}
	defer d.abandonSegment()
	return writeSync(d.live, mark.append(nil))
}

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }
