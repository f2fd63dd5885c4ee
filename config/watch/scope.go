package watch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// readable matches the names of configuration files. Anything else in the
// directory (swap files, backups, what package managers leave) is never read.
var readable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*\.hcl(\.json)?$`)

// scope is which names matter in which directories. A survey fills it while
// events are already judged by it.
type scope struct {
	mu    sync.Mutex
	dirs  map[string]bool // watched; true where any name that can be read matters
	names map[string]bool // full paths that matter whatever they look like
}

func newScope() scope {
	return scope{dirs: make(map[string]bool), names: make(map[string]bool)}
}

// enter adds a directory and reports whether it was there already. Once part of
// a tree, it remains one.
func (s *scope) enter(dir string, tree bool) (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wasTree, before := s.dirs[dir]
	s.dirs[dir] = wasTree || tree
	return before
}

// name makes every event on path matter.
func (s *scope) name(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[path] = true
}

// relevant reports whether an event on path can have changed what a reader of
// the configuration sees. What it wrongly denies, the poll finds.
func (s *scope) relevant(path string) bool {
	path = filepath.Clean(path) // fsnotify says //etc for a name in the root directory
	named, tree := s.look(path)
	if named || !tree {
		return named
	}
	name := filepath.Base(path)
	return readable.MatchString(name) || !hidden(name) && isDir(path)
}

func (s *scope) look(path string) (named, tree bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[path], s.dirs[filepath.Dir(path)]
}

// hidden names are not entered: nothing below them is read, unless a symbolic
// link elsewhere leads there (a Kubernetes volume keeps its files so). Neither is
// lost+found, which every ext file system has and only root can enter.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "lost+found" }

// isDir follows symbolic links.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
