package watch

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/imapvigil/imapvigil/config/source"
)

// scope is which names matter in which directories. A survey fills it while
// events are already judged by it.
type scope struct {
	mu    sync.Mutex
	dirs  map[string]int  // watched, and how deep they lie in the tree that is read; or notRead
	names map[string]bool // full paths that matter whatever they look like
}

// notRead stands for the level of a directory in which only some names matter.
const notRead = -1

func newScope() scope {
	return scope{dirs: make(map[string]int), names: make(map[string]bool)}
}

// addDirectory adds a directory and reports whether it was there already. Once part of
// a tree, it remains one, at the lowest level that it was found at.
func (s *scope) addDirectory(dir string, level int) (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, before := s.dirs[dir]
	if !before || was == notRead || level != notRead && level < was {
		s.dirs[dir] = level
	}
	return before
}

// addName makes every event on path matter.
func (s *scope) addName(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[path] = true
}

// isRelevant reports whether an event on path can have changed what a reader of
// the configuration sees. What it wrongly denies, the poll finds.
func (s *scope) isRelevant(path string) bool {
	path = filepath.Clean(path) // fsnotify says //etc for a name in the root directory
	named, level := s.lookUp(path)
	if named || level == notRead {
		return named
	}
	name := filepath.Base(path)
	return source.IsFileName(name) || !source.IsPassedOver(name, level+1) && isDirectory(path)
}

func (s *scope) lookUp(path string) (named bool, level int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	level, watched := s.dirs[filepath.Dir(path)]
	if !watched {
		level = notRead
	}
	return s.names[path], level
}

// isDirectory reports whether a path leads to a directory, through symbolic links.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
