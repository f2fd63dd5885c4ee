package source

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// replace puts the files of Options.Replace into the tree: over a file that
// exists, or as one that does not exist yet. What is no configuration file is
// kept for when it is named.
func (s *Snapshot) replace() {
	for _, dest := range slices.Sorted(maps.Keys(s.options.Replace)) {
		name, ok := s.inTree(dest)
		if !ok {
			continue
		}
		text, _, err := s.options.readBounded(s.options.Replace[dest])
		if err != nil {
			s.refuse(ruleUnreadable, s.options.Replace[dest], "%s.", reason(err))
			continue
		}
		s.files = slices.DeleteFunc(s.files, func(f File) bool { return f.Name == name })
		s.problems = slices.DeleteFunc(s.problems, func(p Problem) bool { return p.File == name })
		s.add(name, text)
	}
}

// inTree gives the name under which dest is a configuration file of this
// tree, whether it exists or not.
func (s *Snapshot) inTree(dest string) (string, bool) {
	rel, ok := below(s.root, dest)
	if !ok {
		rel, ok = below(withoutLinks(s.root), really(dest))
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

// below gives the path from a directory to what is in it.
func below(dir, path string) (string, bool) {
	rel, err := filepath.Rel(absolute(dir), absolute(path))
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// withoutLinks is where a directory really is, or would be: a tree can be named by
// a link, and what is to be replaced in it by its own path.
func withoutLinks(dir string) string {
	dir = absolute(dir)
	if place, err := filepath.EvalSymlinks(dir); err == nil || dir == filepath.Dir(dir) {
		return place
	}
	return filepath.Join(withoutLinks(filepath.Dir(dir)), filepath.Base(dir))
}

// really is where a file is, or would be.
func really(file string) string {
	return filepath.Join(withoutLinks(filepath.Dir(absolute(file))), filepath.Base(file))
}

func samePlace(a, b string) bool { return absolute(a) == absolute(b) || really(a) == really(b) }

// standIn gives the file to read for a named file: itself, or what replaces it.
func (s *Snapshot) standIn(path string) string {
	for dest, file := range s.options.Replace {
		if samePlace(dest, path) {
			return file
		}
	}
	return path
}

// UnusedReplacements are destinations that are neither a configuration file
// nor named by one; they would be checked for nothing.
func (s *Snapshot) UnusedReplacements() []string {
	var unused []string
	for dest := range s.options.Replace {
		if _, ok := s.inTree(dest); ok {
			continue
		}
		if !slices.ContainsFunc(s.Named(), func(name string) bool { return samePlace(name, dest) }) {
			unused = append(unused, dest)
		}
	}
	slices.Sort(unused)
	return unused
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
