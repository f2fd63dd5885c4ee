package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
)

const (
	// applicationID says, in the file's header, whose file it is: "imvh".
	applicationID = 0x696d7668
	// schemaVersion is that of the tables below.
	schemaVersion = 1
)

// errNewer says that a newer program has made the file. It is left as it is.
var errNewer = errors.New("a newer imapvigil made it, and this one leaves it as it is; update imapvigil, or move the file away")

// errForeign says that the file is the database of something else.
var errForeign = errors.New("it is the database of another program; move it away")

// schema makes the tables of an empty file.
const schema = `
CREATE TABLE meta(k TEXT PRIMARY KEY, v INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE chk(id INTEGER PRIMARY KEY, name TEXT NOT NULL, label TEXT NOT NULL, seen INTEGER NOT NULL) STRICT;
CREATE INDEX chk_name ON chk(name);
CREATE TABLE series(id INTEGER PRIMARY KEY, chk INTEGER NOT NULL, node TEXT NOT NULL, addr TEXT) STRICT;
CREATE INDEX series_chk ON series(chk);
CREATE TABLE span(chk INTEGER NOT NULL, f INTEGER NOT NULL, t INTEGER, kind TEXT NOT NULL, why TEXT NOT NULL,
	PRIMARY KEY(chk, f, kind)) STRICT, WITHOUT ROWID;
CREATE TABLE incident(id TEXT PRIMARY KEY, chk INTEGER NOT NULL, condition TEXT NOT NULL, severity TEXT NOT NULL,
	started INTEGER NOT NULL, reported INTEGER, acked INTEGER, told INTEGER, ended INTEGER, closed_as TEXT NOT NULL,
	phase TEXT NOT NULL, cause TEXT NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX incident_chk ON incident(chk);
CREATE INDEX incident_ended ON incident(ended);
CREATE TABLE bout(incident TEXT NOT NULL, f INTEGER NOT NULL, t INTEGER, reported INTEGER,
	PRIMARY KEY(incident, f)) STRICT, WITHOUT ROWID;
CREATE INDEX bout_t ON bout(t);
CREATE TABLE log(part INTEGER NOT NULL, id INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(part, id)) STRICT, WITHOUT ROWID;
CREATE TABLE chunk(series INTEGER NOT NULL, hour INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY(series, hour)) STRICT, WITHOUT ROWID;
CREATE TABLE hourly(chk INTEGER NOT NULL, day INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(chk, day)) STRICT, WITHOUT ROWID;
CREATE TABLE daily(chk INTEGER NOT NULL, "from" INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY(chk, "from")) STRICT, WITHOUT ROWID;
CREATE TABLE cert(chk INTEGER NOT NULL, addr TEXT NOT NULL, sha256 TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, subject TEXT NOT NULL, issuer TEXT NOT NULL,
	PRIMARY KEY(chk, addr, sha256, first)) STRICT, WITHOUT ROWID;
`

// migrations[v] takes the tables of version v to those of version v+1.
var migrations = map[int]string{}

// dataSource returns how the driver names a file and what each connection sets.
func dataSource(path, query string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}).String()
}

// openFile opens the database for its one writer, and makes or migrates its tables.
func openFile(ctx context.Context, path string) (*sql.DB, error) {
	// SQLite would let everybody read what it makes; its other files take the mode of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640) //nolint:gosec // the daemon's group may read it, as the journal
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path, "_txlock=immediate&_pragma=busy_timeout(1000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxLifetime(0)
	if err := prepareFile(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// prepareFile looks whose file it is before it changes anything in it.
func prepareFile(ctx context.Context, db *sql.DB) error {
	version, pages, err := fileVersion(ctx, db)
	switch {
	case err != nil:
		return err
	case version > schemaVersion:
		return errNewer
	}
	settings := []string{
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-16000", "PRAGMA wal_autocheckpoint=1000",
		"PRAGMA journal_size_limit=67108864", "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA temp_store=MEMORY",
	}
	if pages == 0 {
		settings = append([]string{"PRAGMA auto_vacuum=INCREMENTAL"}, settings...) // it must be set before the first table
	}
	for _, text := range settings {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return migrate(ctx, db, version)
}

// fileVersion returns the version of the tables, 0 in an empty file, and how many pages it
// has.
func fileVersion(ctx context.Context, db *sql.DB) (version, pages int, err error) {
	var application int
	for text, value := range map[string]*int{
		"PRAGMA application_id": &application, "PRAGMA user_version": &version, "PRAGMA page_count": &pages,
	} {
		if err := db.QueryRowContext(ctx, text).Scan(value); err != nil {
			return 0, 0, err
		}
	}
	if pages > 0 && application != applicationID {
		var tables int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return 0, 0, err
		}
		if tables > 0 {
			return 0, 0, errForeign
		}
	}
	return version, pages, nil
}

// migrate takes the tables to those of this program, all or nothing.
func migrate(ctx context.Context, db *sql.DB, version int) error {
	if version == schemaVersion {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	text := schema
	if version > 0 {
		text = ""
		for v := version; v < schemaVersion; v++ {
			text += migrations[v]
		}
	}
	text += fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;", applicationID, schemaVersion)
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	return tx.Commit()
}

// openReader opens a handle with which nothing can be changed.
func (s *Store) openReader() (*sql.DB, error) {
	db, err := sql.Open("sqlite", dataSource(s.Path, s.readOnly()+"&_pragma=cache_size(-4000)&_pragma=trusted_schema(0)&_query_only=1"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	return db, nil
}

// readOnly returns what SQLite is told of a file that is only read.
func (s *Store) readOnly() string {
	query := "mode=ro&_pragma=busy_timeout(1000)"
	if s.still {
		query += "&immutable=1"
	}
	return query
}
