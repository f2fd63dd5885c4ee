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

// exportFile writes a copy of the file, made by SQLite itself: copied while it is written, the
// file alone would lack what is in its log, or be torn.
func (s *Store) exportFile(ctx context.Context, w io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "imapvigil-history-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := s.checkRoom(dir); err != nil {
		return err
	}
	copied := filepath.Join(dir, "history.db")
	if err := s.vacuumInto(ctx, copied); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(w, f)
	return err
}

// vacuumInto copies what is in the database into a new file.
func (s *Store) vacuumInto(ctx context.Context, to string) (err error) {
	db, err := sql.Open("sqlite", dataSource(s.Path, s.readOnly()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err
}

// roomToLeave is how much a copy leaves free on a disk, which others need, too.
const roomToLeave = 64 << 20

// checkRoom returns an error if a copy would fill the disk of a directory.
func (s *Store) checkRoom(dir string) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return err
	}
	if size, free := s.size(), int64(disk.Bavail)*disk.Bsize; free-size < roomToLeave {
		return fmt.Errorf("a copy of the history has %d MiB, and %s has %d MiB left: set TMPDIR to a directory with more room, or use --format jsonl",
			size>>20, filepath.Dir(dir), free>>20)
	}
	return nil
}
