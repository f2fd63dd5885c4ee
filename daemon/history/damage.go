package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The codes of SQLite that matter here (https://www.sqlite.org/rescode.html).
const (
	codeError    = 1
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// sqliteCode returns the code of an error of SQLite, without what details it; 0: it is none.
func sqliteCode(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code() & 0xff
	}
	return 0
}

// isCorrupt reports whether SQLite says that the file itself is broken.
func isCorrupt(err error) bool {
	switch sqliteCode(err) {
	case codeCorrupt, codeNotADB:
		return true
	case codeError:
		// The file says that it has this program's tables, and one is gone or another one.
		return strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column")
	}
	return false
}

// explain returns what is wrong in the words of people.
func explain(path string, err error) string {
	words := map[int]string{
		codeBusy: "another process has locked it", codeLocked: "another process has locked it", codeReadOnly: "it is read-only",
		codeIO: "the disk fails", codeFull: "the disk is full", codeCantOpen: "it cannot be opened",
	}
	switch said, known := words[sqliteCode(err)]; {
	case known:
		return fmt.Sprintf("%s: %s (%v)", path, said, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return err.Error() // it names the path
	}
	return fmt.Sprintf("%s: %v", path, err)
}

// keptDamaged is how many damaged files are kept.
const keptDamaged = 2

// setAside moves a damaged file out of the way, with what belongs to it, so that a new one is
// begun.
func (w *writer) setAside(damage error) error {
	w.closeFile()
	w.useReaders(nil)
	w.damage.Store(nil)
	aside := fmt.Sprintf("%s.damaged-%s", w.Path, w.now().UTC().Format("20060102T150405.000Z"))
	for _, suffix := range suffixes {
		if err := os.Rename(w.Path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	w.beginAnew()
	w.Log("the history is damaged; a new one is begun, and the damaged file is kept as "+aside, damage)
	return w.dropDamaged()
}

// dropDamaged removes all damaged files but the newest.
func (w *writer) dropDamaged() error {
	found, err := filepath.Glob(escapeGlob(w.Path) + ".damaged-*Z")
	if err != nil {
		return err
	}
	slices.Sort(found)
	for _, old := range found[:max(0, len(found)-keptDamaged)] {
		for _, suffix := range suffixes {
			if err := os.Remove(old + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// escapeGlob returns a pattern that matches a path and nothing else.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
