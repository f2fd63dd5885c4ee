package source

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// applyReplacements puts the files of Options.Replace into the tree: over a file that
// exists, or as one that does not exist yet. What is no configuration file is
// kept for when it is named.
func (s *Snapshot) applyReplacements() {
	for _, dest := range slices.Sorted(maps.Keys(s.options.Replace)) {
		name, ok := s.nameInTree(dest)
		if !ok {
			continue
		}
		text, _, err := s.options.readBounded(s.options.Replace[dest])
		if err != nil {
			s.addProblem(ruleUnreadable, s.options.Replace[dest], "%s.", errorText(err))
			continue
		}
		s.files = slices.DeleteFunc(s.files, func(f File) bool { return f.Name == name })
		// What is wrong with the old file is gone with it.
		s.problems = slices.DeleteFunc(s.problems, func(p Problem) bool { return p.File == name })
		s.addFile(name, text)
	}
}

// nameInTree returns the name under which dest is a configuration file of this tree,
// whether it exists or not; false where it is none.
func (s *Snapshot) nameInTree(dest string) (string, bool) {
	rel, ok := pathBelow(s.root, dest)
	if !ok {
		// The tree and the file may be named by different ways that meet through links.
		rel, ok = pathBelow(withoutLinks(s.root), realPlace(dest))
	}
	if !ok {
		return "", false
	}
	name := filepath.Join(s.root, rel)
	if s.single != "" {
		return name, name == s.single
	}
	return name, isInScope(rel)
}

// pathBelow returns the path from a directory to what is in it; false for what is not.
func pathBelow(dir, path string) (string, bool) {
	rel, err := filepath.Rel(Absolute(dir), Absolute(path))
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// withoutLinks returns where a directory really is, or would be: a tree can be named by
// a link, and what is to be replaced in it by its own path.
func withoutLinks(dir string) string {
	dir = Absolute(dir)
	if place, err := filepath.EvalSymlinks(dir); err == nil || dir == filepath.Dir(dir) {
		return place
	}
	return filepath.Join(withoutLinks(filepath.Dir(dir)), filepath.Base(dir))
}

// realPlace returns where a file is, or would be; its own last link is not followed,
// since that is what would be replaced.
func realPlace(file string) string {
	return filepath.Join(withoutLinks(filepath.Dir(Absolute(file))), filepath.Base(file))
}

// isSamePlace reports whether two paths lead to one file, by name or by links.
func isSamePlace(a, b string) bool {
	return Absolute(a) == Absolute(b) || realPlace(a) == realPlace(b)
}

// replacementFor returns the file to read for a named file: itself, or what replaces it.
func (s *Snapshot) replacementFor(path string) string {
	for dest, file := range s.options.Replace {
		if isSamePlace(dest, path) {
			return file
		}
	}
	return path
}

// UnusedReplacements returns the destinations that are neither a configuration file nor
// named by one, sorted; they would be checked for nothing.
func (s *Snapshot) UnusedReplacements() []string {
	var unused []string
	for dest := range s.options.Replace {
		if _, ok := s.nameInTree(dest); ok {
			continue
		}
		if !slices.ContainsFunc(s.Named(), func(name string) bool { return isSamePlace(name, dest) }) {
			unused = append(unused, dest)
		}
	}
	slices.Sort(unused)
	return unused
}

// Absolute returns a path made absolute, or as it is where the working directory is not
// known.
func Absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
