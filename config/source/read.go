package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Read takes a Snapshot of a directory, or of one file. The error, a
// [config.Diagnostic], says that there is nothing to read at path; what is
// wrong with single files is one of the Snapshot's [Snapshot.Problems].
func Read(path string, options Options) (*Snapshot, error) {
	if path == "" { // a variable that is not set
		return nil, nothingToRead(ruleNoPath, path, "The path of the configuration is empty. Name a directory or a file with --config.")
	}
	place := withoutDetour(path)
	s := &Snapshot{path: path, root: place, options: options, known: map[string]Content{}, named: map[string]bool{}, sealed: map[string]bool{}, own: map[string]bool{}}
	info, err := os.Stat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nothingToRead(ruleNoPath, path, "There is no file or directory %s. Write a first configuration with imapvigil init, or name another path with --config.", path)
	case err != nil:
		return nil, nothingToRead(ruleUnreadable, path, "%s.%s", errorText(err), options.remedy(path, err))
	case info.IsDir():
		s.readDir(place, 1, map[inode]bool{})
	default:
		// Credentials lie beside the file, in its directory.
		s.root, s.single = filepath.Dir(place), filepath.Clean(place)
		s.checkParent()
		s.readFile(place)
	}
	s.applyReplacements()
	s.sortByName()
	return s, nil
}

// withoutDetour returns another path to the same place where this one may not be
// cleaned: behind a symbolic link, link/../x is not x.
func withoutDetour(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || !strings.Contains(path, "..") {
		return path
	}
	if cleaned, err := filepath.EvalSymlinks(filepath.Clean(path)); err == nil && cleaned == real {
		return path
	}
	return real
}

type inode struct{ dev, ino uint64 }

// readDir reads what lies below dir. What it finds in dir itself lies at level. A
// directory that links lead to twice is read once.
func (s *Snapshot) readDir(dir string, level int, seen map[inode]bool) {
	info, err := os.Stat(dir)
	if err != nil {
		s.addProblem(ruleUnreadable, dir, "%s. The configuration is refused rather than read without this directory.%s", errorText(err), s.options.remedy(dir, err))
		return
	}
	if seen[inodeOf(info)] { // links may lead in a circle
		return
	}
	seen[inodeOf(info)] = true
	if s.options.rightsAt(dir, info).write {
		s.addProblem(ruleWritable, dir, "Anybody on this machine could add a configuration file. Take the permission away:\n    chmod o-w %s", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.addProblem(ruleUnreadable, dir, "%s. The configuration is refused rather than read without this directory.%s", errorText(err), s.options.remedy(dir, err))
		return
	}
	s.dirs = append(s.dirs, dir)
	for _, entry := range entries {
		s.readEntry(filepath.Join(dir, entry.Name()), entry, level, seen)
	}
}

func (s *Snapshot) readEntry(path string, entry fs.DirEntry, level int, seen map[inode]bool) {
	info, err := os.Stat(path)
	// Links are followed: what a Kubernetes volume shows are links into a directory
	// ..data.
	name, isDir := entry.Name(), entry.IsDir() || err == nil && info.IsDir()
	switch {
	case isDir && IsPassedOver(name, level):
		s.ignored = append(s.ignored, path+"/")
	case isDir && !IsEntered(name, level):
		s.ignored = append(s.ignored, path+"/")
		s.addProblem(ruleTooDeep, path, "Files are read at most %d levels below %s.", MaxDepth, s.root)
	case isDir:
		s.readDir(path, level+1, seen)
	case IsFileName(name): // a link that leads nowhere, too, which is then reported
		s.readFile(path)
	default:
		s.ignored = append(s.ignored, path)
	}
}

// checkParent looks at the directory of a single file: where others may
// rename, the file's own permissions do not count. A sticky one (/tmp) keeps
// them from it.
func (s *Snapshot) checkParent() {
	info, err := os.Stat(s.root)
	if err == nil && s.options.rightsAt(s.root, info).write && info.Mode()&fs.ModeSticky == 0 {
		s.addProblem(ruleWritable, s.root, "Anybody on this machine could replace %s. Take the permission away:\n    chmod o-w %s", s.single, s.root)
	}
}

func (s *Snapshot) readFile(path string) {
	text, others, err := s.options.readBounded(path)
	if err != nil {
		s.addProblem(ruleUnreadable, path, "%s. The configuration is refused rather than read without this file.%s", errorText(err), s.options.remedy(path, err))
		return
	}
	if others.write {
		// It is not even parsed: whoever wrote it may not be an administrator.
		s.addProblem(ruleWritable, path, "Everybody on this machine can change what is checked and who is notified. Remove the permission:\n    chmod o-w %s", path)
		return
	}
	s.addFile(path, text)
}

func inodeOf(info fs.FileInfo) inode {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return inode{stat.Dev, stat.Ino}
	}
	return inode{}
}
