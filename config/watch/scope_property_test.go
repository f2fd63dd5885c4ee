//go:build !quick

package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/source"
)

// What is read is what is watched, over random trees: each directory that a reader
// looks into, and no other, and each name in it that the reader takes, and no other.
func TestWhatIsReadIsWatched(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "watch")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(root)
		if root, err = filepath.EvalSymlinks(root); err != nil {
			t.Fatal(err)
		}
		paths := growTree(t, root)

		read, err := source.Read(root, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		files, dirs, seen := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, f := range read.Files() {
			files[f.Name], dirs[filepath.Dir(f.Name)] = true, true
		}
		for _, p := range read.Problems() {
			seen[p.File] = true
		}
		w := New(Options{Path: root})
		w.renewSession(t.Context())
		defer w.endSession()
		scope := &w.session.scope

		for _, path := range paths {
			info, err := os.Stat(path)
			isDir := err == nil && info.IsDir()
			level, watched := scope.dirs[path]
			switch {
			case isDir && (watched && level != notRead) != dirs[path]:
				t.Errorf("%s is read: %v", path, dirs[path])
			case scope.isRelevant(path) != (files[path] || isDir && dirs[path] || seen[path]):
				t.Errorf("%s matters: %v", path, scope.isRelevant(path))
			}
		}
	})
}

// growTree makes directories, files and links of all kinds of names below root, a
// file that is read in each directory, and gives all their paths. No two ways lead to
// one directory: which of them a reader takes first is its own affair.
func growTree(t *rapid.T, root string) (paths []string) {
	name := rapid.SampledFrom([]string{
		"a", "b.d", "sub", "x.hcl", "gen.hcl.json", "README", ".git", ".a.hcl.swp", "a.hcl~", "credentials", "lost+found", "@eaDir",
	})
	dirs := []string{root}
	write := func(path string) {
		if _, err := os.Lstat(path); err == nil {
			return
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	write(root + "/main.hcl")
	for range rapid.IntRange(5, 40).Draw(t, "names") {
		dir := rapid.SampledFrom(dirs[max(0, len(dirs)-4):]).Draw(t, "dir") // the newest, so that some are deep
		path := dir + "/" + name.Draw(t, "name")
		if slices.Contains(paths, path) {
			continue
		}
		switch rapid.SampledFrom([]string{"dir", "dir", "file", "link"}).Draw(t, "kind") {
		case "dir":
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			dirs, paths = append(dirs, path), append(paths, path)
			write(path + "/main.hcl")
		case "file":
			write(path)
		case "link":
			if err := os.Symlink(rapid.SampledFrom([]string{"main.hcl", "nowhere"}).Draw(t, "target"), path); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	return paths
}
