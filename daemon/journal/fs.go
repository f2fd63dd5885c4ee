package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// FS is what a journal asks of a file system. Names are paths as the os package
// takes them. Tests give one that fails, hangs or forgets what was not synced.
type FS interface {
	// MkdirAll makes dir, mode 0700, and what is missing above it.
	MkdirAll(dir string) error
	// Lock takes the lock of dir for this process until the Closer is closed or
	// the process ends. The error is ErrInUse if another one has it.
	Lock(dir string) (io.Closer, error)
	// ReadDir gives the names in dir in any order.
	ReadDir(dir string) ([]string, error)
	Open(name string) (io.ReadCloser, error)
	// Create makes a new file, mode 0600. It fails if there is one.
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
}

// ErrInUse says that another process has the journal open.
var ErrInUse = errors.New("another imapvigil uses the state directory")

type osFS struct{}

func (osFS) MkdirAll(dir string) error               { return os.MkdirAll(dir, 0o700) }
func (osFS) Open(name string) (io.ReadCloser, error) { return os.Open(name) }
func (osFS) Rename(from, to string) error            { return os.Rename(from, to) }
func (osFS) Remove(name string) error                { return os.Remove(name) }
func (osFS) Truncate(name string, size int64) error  { return os.Truncate(name, size) }

func (osFS) Create(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// Lock locks the directory itself (flock(2)): there is no lock file that could
// be left over, and nothing has to be created on a disk that is full.
func (osFS) Lock(dir string) (io.Closer, error) {
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
	return d, nil
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
