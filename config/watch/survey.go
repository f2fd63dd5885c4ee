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

// configuration watches a path with all that a reader finds below it.
func (s *survey) configuration(path string) {
	if real, ok := s.follow("/", path); ok && isDir(real) {
		s.tree(real, 0)
	}
}

// file watches for one file.
func (s *survey) file(path string) { s.follow("/", path) }

// tree watches a directory and those below it. Directories that links lead to
// are entered like others, but none twice at the same level. The level counts from
// the configuration's directory, as config/source counts it.
func (s *survey) tree(dir string, level int) {
	if before, walked := s.walked[dir]; walked && before <= level || s.ctx.Err() != nil {
		return
	}
	s.walked[dir] = level
	s.watch(dir, level)
	entries, _ := os.ReadDir(dir) // what cannot be read cannot be watched either, which is noted
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			s.link(dir, name, level)
		case entry.IsDir() && !source.IsPassedOver(name, level+1):
			s.scope.name(filepath.Join(dir, name))
			if source.IsEntered(name, level+1) {
				s.tree(filepath.Join(dir, name), level+1)
			}
		}
	}
}

// link follows a symbolic link in a tree, unless no reader would: editors lock
// files with links that lead nowhere.
func (s *survey) link(dir, name string, level int) {
	seen := source.IsFileName(name) || !source.IsPassedOver(name, level+1) && isDir(filepath.Join(dir, name))
	if !seen {
		return
	}
	if real, ok := s.follow(dir, name); ok && source.IsEntered(name, level+1) && isDir(real) {
		s.tree(real, level+1)
	}
}

// follow resolves path from dir, component by component, and watches each
// directory on the way for the one name that matters there: creating, removing,
// renaming or repointing a component is an event in the directory that holds it,
// and nowhere else. It returns the path without symbolic links, or false when the
// path leads nowhere at present.
func (s *survey) follow(dir, path string) (real string, ok bool) {
	for links := 0; path != ""; {
		var name string
		name, path, _ = strings.Cut(path, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			dir = filepath.Dir(dir)
			continue
		}
		s.watch(dir, notRead)
		next := filepath.Join(dir, name)
		s.scope.name(next)
		info, err := os.Lstat(next)
		if err != nil {
			return "", false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			dir = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return "", false
		}
		if filepath.IsAbs(target) {
			dir = "/"
		}
		path = target + "/" + path
	}
	return dir, true
}

// watch sets the watch of a directory. That it is gone, or no directory, by the
// time it is set is no fault: the directory that holds it says so.
func (s *survey) watch(dir string, level int) {
	if s.scope.enter(dir, level) {
		return
	}
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return
	}
	err := s.add(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		s.faults.note(dir, err)
	}
}
