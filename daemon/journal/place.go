package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// A LostError says that what was durable is not at its path any more, so that
// the next start would not find it: somebody has deleted, renamed, replaced, cut
// or changed a file of the journal, or its directory.
type LostError struct {
	Path   string
	Reason string
}

func (e *LostError) Error() string { return e.Path + " " + e.Reason }

// places knows which files hold what is durable, and what they were like after
// this process last wrote them. Reading and writing takes no lock of the Journal.
type places struct {
	fs   FS
	dir  string
	home func() error // nil: dir is at its path, and locked

	mu    sync.Mutex
	files map[string]place
}

// place is a file under its name.
type place struct {
	Identity
	sum    uint32 // CRC-32C of its content
	summed bool   // sum is known
	// A write to it has failed: how much of that is in it is not known.
	loose bool
}

func newPlaces(fsys FS, dir string, home func() error) *places {
	return &places{fs: fsys, dir: dir, home: home, files: map[string]place{}}
}

// createDurable makes a file that has its name only when its content is durable. It
// replaces one of the same name, and leaves it open.
func (p *places) createDurable(name string, content ...[]byte) (File, error) {
	if err := p.home(); err != nil { // never into the journal of another
		return nil, err
	}
	tmp := filepath.Join(p.dir, name+tmpSuffix)
	_ = p.fs.Remove(tmp) // left behind, it is of no account
	f, err := p.fs.Create(tmp)
	if err != nil {
		return nil, err
	}
	err = writeSync(f, content...)
	if err == nil {
		err = p.renameFinished(f, tmp, name, content)
	}
	if err == nil {
		// A new name is durable only when its directory is (fsync(2)).
		err = p.fs.SyncDir(p.dir)
	}
	if err != nil {
		f.Close()
		_ = p.fs.Remove(tmp) // a full disk needs the room
		return nil, err
	}
	return f, nil
}

// renameFinished gives a finished file its name. Nobody looks at the files meanwhile.
func (p *places) renameFinished(f File, tmp, name string, content [][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, name)
	if err := p.fs.Rename(tmp, filepath.Join(p.dir, name)); err != nil {
		return err
	}
	id, err := f.Stat()
	if err != nil {
		return err
	}
	sum := uint32(0)
	for _, part := range content {
		sum = crc32.Update(sum, castagnoli, part)
	}
	p.files[name] = place{Identity: id, sum: sum, summed: true}
	return nil
}

// writeSync writes parts to a file and makes them durable.
func writeSync(f File, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	return f.Sync()
}

// remember notes what a file was like after this process last wrote it.
func (p *places) remember(name string, f place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[name] = f
}

// rememberAsFound notes a file as it is now.
func (p *places) rememberAsFound(name string) {
	id, err := p.fs.Stat(filepath.Join(p.dir, name))
	if err != nil {
		return // the first look will say so
	}
	f := place{Identity: id}
	f.sum, f.summed = p.checksumOf(name, id.Size)
	p.remember(name, f)
}

// checksumOf reads a file of size bytes; false if it has not so many, or cannot be read.
func (p *places) checksumOf(name string, size int64) (uint32, bool) {
	r, err := p.fs.Open(filepath.Join(p.dir, name))
	if err != nil {
		return 0, false
	}
	defer r.Close()
	h := crc32.New(castagnoli)
	n, err := io.Copy(h, r)
	return h.Sum32(), err == nil && n == size
}

// loosen notes that a write to a file has failed. What was durable before must be there all the
// same.
func (p *places) loosen(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, known := p.files[name]; known {
		f.loose = true
		p.files[name] = f
	}
}

// forget drops what is known of a file, before this process renames or removes it.
func (p *places) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, name)
}

// forgetOthers drops what is known of all files but those named.
func (p *places) forgetOthers(names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.files, func(name string, _ place) bool { return !slices.Contains(names, name) })
}

// isIntact reports whether the file of that name is as this process has left it.
func (p *places) isIntact(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, known := p.files[name]
	id, err := p.fs.Stat(filepath.Join(p.dir, name))
	return known && !f.loose && err == nil && p.compareIdentity(name, id) == nil
}

// lookAtFiles returns a *LostError if one of the files is not what it was.
func (p *places) lookAtFiles() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		path := filepath.Join(p.dir, name)
		id, err := p.fs.Stat(path)
		if err != nil {
			return missingFileError(path, err)
		}
		if err := p.compareIdentity(name, id); err != nil {
			return err
		}
	}
	return nil
}

// lookForOthers returns a *LostError if there is a file that a start would read and
// that this process has not made. It is for a journal that is healthy: else there
// may be one that a write has failed on.
func (p *places) lookForOthers() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := listFiles(p.fs, p.dir)
	if err != nil {
		return err
	}
	for _, f := range c.live {
		if _, known := p.files[f.name]; !known && !f.damaged {
			return &LostError{Path: filepath.Join(p.dir, f.name), Reason: "was put there by another program"}
		}
	}
	return nil
}

// compareIdentity returns a *LostError if id is not what this process has made of the file
// of that name. It is called with mu held.
func (p *places) compareIdentity(name string, id Identity) error {
	was := p.files[name]
	lost := &LostError{Path: filepath.Join(p.dir, name)}
	const owner = 0o600
	switch {
	case id.Links == 0 && was.Links > 0: // some file systems never count links
		lost.Reason = "was deleted"
	case !id.isSameFile(was.Identity):
		lost.Reason = "was replaced by another file"
	case id.Size < was.Size:
		lost.Reason = fmt.Sprintf("was cut from %d to %d bytes", was.Size, id.Size)
	case id.Size > was.Size && !was.loose:
		lost.Reason = fmt.Sprintf("has %d bytes that another program wrote", id.Size-was.Size)
	case id.Mode.Perm()&owner != owner:
		lost.Reason = fmt.Sprintf("cannot be read at the next start: its mode is %04o", id.Mode.Perm())
	case !id.Modified.Equal(was.Modified) && !was.loose && !p.hasSameContent(name, was):
		lost.Reason = "was changed by another program"
	default:
		if was.loose {
			id.Size = was.Size
		}
		was.Identity = id
		p.files[name] = was
		return nil
	}
	return lost
}

// hasSameContent reads a file whose time of modification has changed. Some file
// systems (NFS, SMB) change it by themselves, and so does touch(1).
func (p *places) hasSameContent(name string, was place) bool {
	if !was.summed {
		return false
	}
	sum, whole := p.checksumOf(name, was.Size)
	return whole && sum == was.sum
}

// checkOpenFile does what lookAtFiles does for one file, which is open for writing.
func (p *places) checkOpenFile(name string, f File) error {
	id, err := f.Stat()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.compareIdentity(name, id)
}

// noteWritten notes that this process has added b to a file, and gives a *LostError if
// the file is not what that makes of it.
func (p *places) noteWritten(name string, f File, b []byte) error {
	id, err := f.Stat()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.files[name]
	was.Size += int64(len(b))
	was.sum = crc32.Update(was.sum, castagnoli, b)
	// The write itself has changed it.
	was.Modified = id.Modified
	p.files[name] = was
	return p.compareIdentity(name, id)
}

// missingFileError returns a *LostError for an error of stat(2) which says that a start
// would not find the path. Others (EIO, ENOMEM) may be over in a moment, and are returned
// as they are.
func missingFileError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &LostError{Path: path, Reason: "is gone"}
	}
	for _, lasting := range []error{fs.ErrPermission, syscall.ENOTDIR, syscall.ELOOP, syscall.ESTALE} {
		if errors.Is(err, lasting) {
			return unreadableError(path, err)
		}
	}
	return err
}

// unreadableError returns an error about a path of which nothing can be said.
func unreadableError(path string, err error) *LostError {
	if named := (*fs.PathError)(nil); errors.As(err, &named) {
		err = named.Err // the path is said already
	}
	return &LostError{Path: path, Reason: "cannot be looked at: " + err.Error()}
}
