package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// FS is what a journal asks of a file system. Names are paths as the os package
// takes them. Tests give one that fails, hangs or forgets what was not synced.
type FS interface {
	// MkdirAll makes dir, mode 0750, and what is missing above it: the group may read, if
	// the umask lets it. To a dir of this user that is there it gives these rights back.
	MkdirAll(dir string) error
	// Lock takes the lock of dir for this process until it is closed or the
	// process ends. The error is ErrInUse if another one has it.
	Lock(dir string) (Lock, error)
	// Stat tells what is at a path now, at the end of symbolic links.
	Stat(name string) (Identity, error)
	// ReadDir gives the names in dir in any order.
	ReadDir(dir string) ([]string, error)
	Open(name string) (io.ReadCloser, error)
	// Create makes a new file, mode 0640, and fails if there is one. Writes go to
	// its end, wherever another program has moved that.
	Create(name string) (File, error)
	// Rename is atomic: a reader sees the one or the other.
	Rename(from, to string) error
	Remove(name string) error
	Truncate(name string, size int64) error
	// SyncDir makes what Create, Rename and Remove did in dir durable.
	SyncDir(dir string) error
}

// File is a file that is being written.
type File interface {
	io.WriteCloser
	// Sync returns when everything written is durable (fsync(2)).
	Sync() error
	// Stat tells of the file itself, whatever its path is now.
	Stat() (Identity, error)
}

// Lock is the lock of a directory.
type Lock interface {
	io.Closer
	// Stat tells which directory is locked.
	Stat() (Identity, error)
}

// Identity tells one file from another, and whether it has changed.
type Identity struct {
	Device, Inode uint64
	Links         uint64 // 0: it has no name any more
	Size          int64
	Modified      time.Time
	Mode          fs.FileMode
}

// isSameFile reports whether both are of one file.
func (i Identity) isSameFile(other Identity) bool {
	return i.Device == other.Device && i.Inode == other.Inode
}

// ErrInUse says that another process has the journal open.
var ErrInUse = errors.New("another imapvigil uses the state directory")

type osFS struct{}

// readableDir is the mode of a journal's directory: `imapvigil journal` is for the
// members of the group, too, and no secret stands in a journal.
const readableDir fs.FileMode = 0o750

func (osFS) Rename(from, to string) error           { return os.Rename(from, to) }
func (osFS) Remove(name string) error               { return os.Remove(name) }
func (osFS) Truncate(name string, size int64) error { return os.Truncate(name, size) }

// Open does not wait for a writer if the name is that of a named pipe.
func (osFS) Open(name string) (io.ReadCloser, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) MkdirAll(dir string) error {
	if err := os.MkdirAll(dir, readableDir); err != nil {
		return err
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o700 != 0o700 {
		_ = os.Chmod(dir, info.Mode().Perm()|readableDir) // of another user: what comes next fails and says so
	}
	return nil
}

func (osFS) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o640) //nolint:gosec // see readableDir
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Stat(name string) (Identity, error) { return identityOf(os.Stat(name)) }

// osFile is an open file or directory.
type osFile struct{ *os.File }

func (f osFile) Stat() (Identity, error) { return identityOf(f.File.Stat()) }

// identityOf returns the identity that stat(2) gives; err is that of stat.
func identityOf(info fs.FileInfo, err error) (Identity, error) {
	if err != nil {
		return Identity{}, err
	}
	i := Identity{Size: info.Size(), Modified: info.ModTime(), Mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		i.Device, i.Inode, i.Links = uint64(sys.Dev), sys.Ino, uint64(sys.Nlink) //nolint:unconvert // not uint64 on every architecture
	}
	return i, nil
}

// Lock locks the directory itself (flock(2)): there is no lock file that could
// be left over, and nothing has to be created on a disk that is full.
func (osFS) Lock(dir string) (Lock, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w (%s is locked)", ErrInUse, dir)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return osFile{d}, nil
}

func (osFS) ReadDir(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
