package stream_test

import (
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A disk is a file system for copies that can be full, and that does not wait for what is written to
// be durable: the tests end no machine.
type disk struct{ full atomic.Bool }

func (d *disk) check() error {
	if d.full.Load() {
		return syscall.ENOSPC
	}
	return nil
}

func (d *disk) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

func (d *disk) Lock(dir string) (journal.Lock, error) {
	f, err := os.Open(dir)
	return diskFile{f, d}, err
}

func (d *disk) Stat(name string) (journal.Identity, error) {
	info, err := os.Stat(name)
	return identity(info), err
}

func (d *disk) ReadDir(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (d *disk) Open(name string) (io.ReadCloser, error) { return os.Open(name) }

func (d *disk) Create(name string) (journal.File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	return diskFile{f, d}, err
}

func (d *disk) Rename(from, to string) error           { return os.Rename(from, to) }
func (d *disk) Remove(name string) error               { return os.Remove(name) }
func (d *disk) Truncate(name string, size int64) error { return os.Truncate(name, size) }
func (d *disk) SyncDir(string) error                   { return d.check() }

type diskFile struct {
	*os.File
	disk *disk
}

func (f diskFile) Write(b []byte) (int, error) {
	if err := f.disk.check(); err != nil {
		return 0, err
	}
	return f.File.Write(b)
}

func (f diskFile) Sync() error { return f.disk.check() }

func (f diskFile) Stat() (journal.Identity, error) {
	info, err := f.File.Stat()
	return identity(info), err
}

func identity(info fs.FileInfo) journal.Identity {
	if info == nil {
		return journal.Identity{}
	}
	sys, _ := info.Sys().(*syscall.Stat_t)
	return journal.Identity{
		Device: sys.Dev, Inode: sys.Ino, Links: sys.Nlink,
		Size: info.Size(), Modified: info.ModTime(), Mode: info.Mode(),
	}
}
