package watch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/imapvigil/imapvigil/config/source"
)

const maxLinks = 40 // in one path, as in path_resolution(7)

// survey is one walk over everything that counts. A directory is always watched
// before it is looked into: what appears in it meanwhile is either seen by the
// look or reported by an event.
type survey struct {
	ctx    context.Context
	scope  *scope
	add    func(dir string) error
	walked map[string]int // directories, without links in their path, and their level
	faults faults
}

// watchConfiguration watches a path with all that a reader finds below it.
func (s *survey) watchConfiguration(path string) {
	if real, ok := s.followPath("/", path); ok && isDirectory(real) {
		s.watchTree(real, 0)
	}
}

// watchFile watches for one file.
func (s *survey) watchFile(path string) { s.followPath("/", path) }

// watchTree watches a directory and those below it. Directories that links lead to
// are entered like others, but none twice at the same level. The level counts from
// the configuration's directory, as config/source counts it.
func (s *survey) watchTree(dir string, level int) {
	// At a lower level more of the same directory is read.
	if before, walked := s.walked[dir]; walked && before <= level || s.ctx.Err() != nil {
		return
	}
	s.walked[dir] = level
	s.watchDirectory(dir, level)
	entries, _ := os.ReadDir(dir) // what cannot be read cannot be watched either, which is noted
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			s.watchLink(dir, name, level)
		case entry.IsDir() && !source.IsPassedOver(name, level+1):
			s.scope.addName(filepath.Join(dir, name))
			if source.IsEntered(name, level+1) {
				s.watchTree(filepath.Join(dir, name), level+1)
			}
		}
	}
}

// watchLink follows a symbolic link in a tree, unless no reader would: editors lock
// files with links that lead nowhere.
func (s *survey) watchLink(dir, name string, level int) {
	seen := source.IsFileName(name) || !source.IsPassedOver(name, level+1) && isDirectory(filepath.Join(dir, name))
	if !seen {
		return
	}
	if real, ok := s.followPath(dir, name); ok && source.IsEntered(name, level+1) && isDirectory(real) {
		s.watchTree(real, level+1)
	}
}

// followPath resolves path from dir, component by component, and watches each
// directory on the way for the one name that matters there: creating, removing,
// renaming or repointing a component is an event in the directory that holds it,
// and nowhere else. It returns the path without symbolic links, or false when the
// path leads nowhere at present.
func (s *survey) followPath(dir, path string) (real string, ok bool) {
	for links := 0; path != ""; {
		var name string
		name, path, _ = strings.Cut(path, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			// No link is left in dir, so its parent by name is its parent.
			dir = filepath.Dir(dir)
			continue
		}
		s.watchDirectory(dir, notRead)
		next := filepath.Join(dir, name)
		s.scope.addName(next)
		info, err := os.Lstat(next)
		if err != nil {
			return "", false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			dir = next // a file here is noticed at the next name: Lstat says ENOTDIR
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return "", false
		}
		if filepath.IsAbs(target) {
			dir = "/"
		}
		// Not cleaned: a .. in it counts only after the links before it are followed.
		path = target + "/" + path
	}
	return dir, true
}

// watchDirectory sets the watch of a directory. That it is gone, or no directory, by the
// time it is set is no fault: the directory that holds it says so.
func (s *survey) watchDirectory(dir string, level int) {
	if s.scope.addDirectory(dir, level) {
		return
	}
	// inotify would watch a file, too, and say nothing once another is renamed into its
	// place.
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return
	}
	err := s.add(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		s.faults.addFault(dir, err)
	}
}
