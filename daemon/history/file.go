package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A File is a history that is only read, also while a daemon writes it.
type File struct {
	*Store
	// Alive is when a daemon has last written it. Of the time since then nothing is known.
	Alive time.Time

	db *sql.DB
}

// errOlder says that tables of an older program are not read before a daemon has converted them.
var errOlder = errors.New("an older imapvigil made it; start the daemon once, which converts it")

// OpenFile opens the history in a file to read from it. Whoever opens it closes it.
func OpenFile(ctx context.Context, path string) (*File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err // SQLite says less of a missing file
	}
	f := &File{Store: Open(Options{Path: path})}
	f.still = isStill(path)
	db, err := f.openReader()
	if err != nil {
		return nil, err
	}
	f.db = db
	f.readers.Store(db)
	if err := f.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrUnavailable, path, err), db.Close())
	}
	return f, nil
}

// isStill reports whether nobody writes a file, so that it has no log, in a directory in which
// this process cannot make one: SQLite reads it then only if it is said not to change.
func isStill(path string) bool {
	_, err := os.Stat(path + "-wal")
	return errors.Is(err, fs.ErrNotExist) && unix.Access(filepath.Dir(path), unix.W_OK) != nil
}

// look finds out whose file it is, and how old.
func (f *File) look(ctx context.Context) error {
	version, _, err := fileVersion(ctx, f.db)
	switch {
	case err != nil:
		return err
	case version > schemaVersion:
		return errNewer
	case version < schemaVersion:
		return errOlder
	}
	return eachRow(ctx, f.db, "SELECT v FROM meta WHERE k = 'alive'", nil, func(scan scanner) error {
		var alive sql.NullInt64
		err := scan(&alive)
		f.Alive = moment(alive)
		return err
	})
}

// Close closes the file.
func (f *File) Close() error {
	f.readers.Store(nil)
	return f.db.Close()
}

// Lives returns what [Store.Lives] does. Since the daemon was last alive everything is unknown.
func (f *File) Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error) {
	lives, err := f.Store.Lives(ctx, checks, from, to)
	if err != nil || !f.Alive.Before(to) {
		return lives, err
	}
	for id, life := range lives {
		life.Intervals = append(life.Intervals, availability.Interval{From: f.Alive, Kind: availability.Unknown, Why: whyStopped})
		lives[id] = life
	}
	return lives, nil
}
