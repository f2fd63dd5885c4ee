package hclfile

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
		text, _, err := readBounded(s.options.Replace[dest])
		if err != nil {
			s.refuse(ruleUnreadable, s.options.Replace[dest], "%s.", reason(err))
			continue
		}
		s.files = slices.DeleteFunc(s.files, func(f source) bool { return f.name == name })
		s.problems = slices.DeleteFunc(s.problems, func(p problem) bool { return p.file == name })
		s.add(name, text)
	}
}

// inTree gives the name under which dest is a configuration file of this
// tree, whether it exists or not.
func (s *Snapshot) inTree(dest string) (string, bool) {
	absolute, err1 := filepath.Abs(dest)
	root, err2 := filepath.Abs(s.root)
	rel, err3 := filepath.Rel(root, absolute)
	if err1 != nil || err2 != nil || err3 != nil || strings.HasPrefix(rel, "..") {
		return "", false
	}
	name := filepath.Join(s.root, rel)
	if s.root != s.path {
		return name, name == filepath.Clean(s.path)
	}
	return name, fileName.MatchString(filepath.Base(rel)) && !hiddenPath(rel)
}

func hiddenPath(rel string) bool {
	parts := strings.Split(rel, string(filepath.Separator))
	return len(parts) > maxDepth || parts[0] == credentialsDir ||
		slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, ".") })
}

// standIn gives the file to read for a named file: itself, or what replaces it.
func (s *Snapshot) standIn(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for dest, file := range s.options.Replace {
		if other, err := filepath.Abs(dest); err == nil && other == absolute {
			return file
		}
	}
	return path
}

// unusedReplacements are destinations that are neither a configuration file
// nor named by one; they would be checked for nothing.
func (s *Snapshot) unusedReplacements() []string {
	var unused []string
	for dest := range s.options.Replace {
		if _, ok := s.inTree(dest); ok {
			continue
		}
		absolute, _ := filepath.Abs(dest)
		used := slices.ContainsFunc(s.Named(), func(name string) bool {
			other, _ := filepath.Abs(name)
			return other == absolute
		})
		if !used {
			unused = append(unused, dest)
		}
	}
	slices.Sort(unused)
	return unused
}
