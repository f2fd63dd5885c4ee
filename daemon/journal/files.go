package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	tmpSuffix     = ".tmp"
	tornSuffix    = ".torn"
	damagedSuffix = ".damaged"
)

func segmentName(first uint64) string    { return fmt.Sprintf("%020d.segment.jsonl", first) }
func snapshotName(through uint64) string { return fmt.Sprintf("%020d.snapshot.jsonl", through) }

// file is a file of a journal that holds records.
type file struct {
	name     string
	number   uint64 // from the name: a segment's first record, a snapshot's last
	snapshot bool
	damaged  bool // quarantined
}

// parseFileName recognises the files that hold records, quarantined ones included: what can
// be verified in them counts until a snapshot has replaced it. Any other suffix (a
// saved tail, a copy that somebody made) is no part of the journal.
func parseFileName(name string) (file, bool) {
	digits, rest, _ := strings.Cut(name, ".")
	kind, suffix, _ := strings.Cut(rest, ".jsonl")
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(digits) != 20 || number > maxSeq || kind != "segment" && kind != "snapshot" {
		return file{}, false
	}
	f := file{name: name, number: number, snapshot: kind == "snapshot", damaged: quarantineSuffix(suffix)}
	return f, f.damaged || suffix == "" && strings.HasSuffix(name, ".jsonl")
}

// quarantineSuffix recognises .damaged and, where there was one already, .damaged-2 and
// so on.
func quarantineSuffix(suffix string) bool {
	count, ok := strings.CutPrefix(suffix, damagedSuffix)
	if !ok || count == "" {
		return ok
	}
	digits, ok := strings.CutPrefix(count, "-")
	_, err := strconv.ParseUint(digits, 10, 64)
	return ok && err == nil
}

// catalog sorts what is in a journal's directory.
type catalog struct {
	live        []file   // the snapshot that counts, if any, and the segments after it
	obsolete    []file   // replaced by the snapshot
	suspect     []file   // snapshots with a damaged first line, newer than a sound one
	unfinished  []string // *.tmp
	torn        []string // *.torn
	quarantined []string // *.damaged
}

// listFiles returns what is in a journal's directory, sorted by whether it counts.
func listFiles(fsys FS, dir string) (catalog, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return catalog{}, err
	}
	slices.Sort(names)
	var c catalog
	var snapshots, segments []file
	for _, name := range names {
		f, ok := parseFileName(name)
		switch {
		case ok && f.snapshot:
			snapshots = append(snapshots, f)
		case ok:
			segments = append(segments, f)
		case strings.HasSuffix(name, tmpSuffix):
			c.unfinished = append(c.unfinished, name)
		case strings.HasSuffix(name, tornSuffix):
			c.torn = append(c.torn, name)
		}
		if f.damaged {
			c.quarantined = append(c.quarantined, filepath.Join(dir, name))
		}
	}
	slices.SortFunc(snapshots, compareFileNumbers)
	slices.SortFunc(segments, compareFileNumbers)
	// A snapshot whose first line is damaged does not stand for an older one that is sound.
	newest := len(snapshots) - 1
	for i := newest; newest > 0 && i >= 0; i-- {
		if isSoundSnapshot(fsys, dir, snapshots[i]) {
			newest = i
			break
		}
	}
	c.dropReplaced(snapshots, newest, segments)
	return c, nil
}

// compareFileNumbers orders files by number. Where a quarantined file and its successor
// have the same one, the successor is the later.
func compareFileNumbers(a, b file) int {
	if a.number != b.number {
		return earlierIf(a.number < b.number)
	}
	if a.damaged != b.damaged {
		return earlierIf(a.damaged)
	}
	return strings.Compare(a.name, b.name)
}

// isSoundSnapshot reports whether a snapshot may stand for what came before it.
func isSoundSnapshot(fsys FS, dir string, f file) bool {
	opened, err := openFiles(fsys, dir, []file{f})
	if err != nil {
		return true // what is wrong will be found when all are opened
	}
	defer closeFiles(opened)
	return opened[0].headErr == nil
}

// dropReplaced parts what counts from what the newest snapshot has replaced.
func (c *catalog) dropReplaced(snapshots []file, newest int, segments []file) {
	through := uint64(0)
	if newest >= 0 {
		through = snapshots[newest].number
		c.live = append(c.live, snapshots[newest])
		c.obsolete = append(c.obsolete, snapshots[:newest]...)
		c.suspect = snapshots[newest+1:]
	}
	from := 0
	for i, f := range segments {
		if f.number <= through+1 {
			from = i
		}
	}
	c.obsolete = append(c.obsolete, segments[:from]...)
	c.live = append(c.live, segments[from:]...)
}

// earlierIf returns the order of two for a sort: -1 if the first comes before, else 1.
func earlierIf(before bool) int {
	if before {
		return -1
	}
	return 1
}

// openFile is a file and what its first line says.
type openFile struct {
	file
	lines   *lineReader
	header  header
	headErr error // the first line is damaged, or the file has another's name
	first   uint64
	renamed bool // the file has another's name
}

// openFiles opens everything that counts before anything is read. So a reader
// without the lock sees one state even while files are removed or replaced.
func openFiles(fsys FS, dir string, files []file) (opened []*openFile, err error) {
	defer func() {
		if err != nil {
			closeFiles(opened)
		}
	}()
	for _, f := range files {
		r, err := fsys.Open(filepath.Join(dir, f.name))
		if err != nil {
			return opened, err
		}
		o := &openFile{file: f, lines: newLineReader(r)}
		opened = append(opened, o)
		if err := o.readHeader(); err != nil {
			return opened, fmt.Errorf("%s: %w", filepath.Join(dir, f.name), err)
		}
	}
	// By what their first lines say: somebody may have renamed one.
	slices.SortStableFunc(opened, func(a, b *openFile) int {
		if a.snapshot != b.snapshot {
			return earlierIf(a.snapshot)
		}
		return cmp.Compare(a.first, b.first)
	})
	return opened, nil
}

func closeFiles(files []*openFile) {
	for _, f := range files {
		f.lines.Close()
	}
}

// readHeader fails only if a newer imapvigil wrote the file.
func (f *openFile) readHeader() error {
	f.first = f.number
	text, err := f.lines.next()
	if err == nil {
		f.header, err = parseHeader(text)
	}
	var newer *versionError
	if errors.As(err, &newer) {
		return newer
	}
	if errors.Is(err, io.EOF) {
		err = errCutShort
	}
	if err == nil && f.snapshot != (f.header.Journal == "snapshot") {
		err = errForm
	}
	f.headErr = err
	if err == nil && !f.snapshot {
		f.first = f.header.First
	}
	if err == nil && f.number != f.header.fileNumber() {
		f.headErr = fmt.Errorf("%w: the first line does not fit the name", errOrder)
		f.renamed = true
	}
	return nil
}
