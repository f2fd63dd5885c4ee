package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// A rejection is what was rejected last, so that it is not said again and again.
// The zero value: nothing was.
type rejection struct {
	files *source.Snapshot // as they were judged, with all that they name; nil: there were none
	err   string           // why
}

// stillStands reports whether another look would only find the same.
func (j rejection) stillStands(read func() (*source.Snapshot, error)) bool {
	if j.files != nil {
		now, err := j.files.Again()
		return err == nil && now.Digest() == j.files.Digest()
	}
	_, err := read()
	return err != nil && err.Error() == j.err
}

// watchNamedFiles names to the watcher the files that count because others name them: those in
// force, and those that were rejected, which may be mended by what they name.
func (r *reloader) watchNamedFiles() {
	names := r.snapshot.Named()
	if r.rejected.files != nil {
		// A file that was not in its place may be the whole error.
		names = append(names, r.rejected.files.Named()...)
	}
	r.watcher.Also(names)
}

// Two equal reads this far apart are taken for a tree that nobody is writing.
const (
	settleTime = 100 * time.Millisecond
	settleMost = 5 * time.Second
)

var errChanging = errors.New("the configuration files keep changing; try again when they are written")

// loadSettled loads what two reads agree on, and what still stands when it is loaded:
// nothing is judged that somebody is still writing. The configuration is nil
// when it is in error.
func (r *reloader) loadSettled(ctx context.Context) (*source.Snapshot, *config.Config, []config.Diagnostic, error) {
	for end := time.Now().Add(settleMost); ; {
		snapshot, err := r.readSettled(ctx, end)
		if err != nil {
			return nil, nil, nil, err
		}
		cfg, diags := hclfile.Load(snapshot)
		// What Load read besides, because the files name it, must stand still too.
		switch proof, err := snapshot.Again(); {
		case err == nil && proof.Digest() == snapshot.Digest():
			return snapshot, cfg, diags, nil
		case time.Now().After(end):
			return nil, nil, nil, errChanging
		}
	}
}

// readSettled reads the configuration until two reads agree, also on that there is
// nothing to read.
func (r *reloader) readSettled(ctx context.Context, end time.Time) (*source.Snapshot, error) {
	for last, lastErr := r.readFiles(); ; {
		select {
		case <-time.After(settleTime):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		now, err := r.readFiles()
		switch {
		case err != nil && lastErr != nil && err.Error() == lastErr.Error():
			return nil, err
		case err == nil && lastErr == nil && now.Digest() == last.Digest():
			return now, nil
		case time.Now().After(end):
			return nil, errChanging
		}
		last, lastErr = now, err
	}
}

// readFiles takes a first snapshot; a later one also covers the files that the
// configuration in force names, if that was made from files.
func (r *reloader) readFiles() (*source.Snapshot, error) {
	if r.snapshot != nil && !r.lastGood {
		return r.snapshot.Again()
	}
	return r.openPath(r.ConfigPath)
}

func (r *reloader) openPath(path string) (*source.Snapshot, error) {
	return source.Read(path, r.sourceOptions())
}
