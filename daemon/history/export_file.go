package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// roomToLeave is how much an export of the file leaves free on the disk, which the journal may
// be on, too.
const roomToLeave = 256 << 20

// exportFile writes a copy of the file, made by SQLite itself: copied while it is written, the
// file alone would lack what is in its log, or be torn.
func (s *Store) exportFile(ctx context.Context, w io.Writer) (err error) {
	if err := s.enoughRoom(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(s.Path), "history-export-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, "history.db")
	if err := vacuumInto(ctx, s.Path, copied); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	// What cannot be read any more, since nobody waits for it, is not copied to the end.
	_, err = io.Copy(w, f)
	return err
}

// vacuumInto copies what is in a database into a new file.
func vacuumInto(ctx context.Context, path, to string) (err error) {
	db, err := sql.Open("sqlite", dataSource(path, "mode=ro&_pragma=busy_timeout(1000)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err
}

// enoughRoom returns an error if a copy would fill the disk.
func (s *Store) enoughRoom() error {
	var disk syscall.Statfs_t
	dir := filepath.Dir(s.Path)
	if err := syscall.Statfs(dir, &disk); err != nil {
		return err
	}
	size, free := s.size(), int64(disk.Bavail)*disk.Bsize
	if free-size < roomToLeave {
		return fmt.Errorf("a copy of the history has %d MiB, and the disk of %s has %d MiB left: use --format jsonl, which needs no room", size>>20, dir, free>>20)
	}
	return nil
}
