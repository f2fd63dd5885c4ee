package watch

import (
	"path/filepath"
	"strings"
	"testing"
)

// names are what is seen in real configuration directories, and whether an event
// on them may lead to a look. The tree is made first, so each name is judged as
// what it really is: a file, a directory, a link.
const names = `
	yes  write conf/a.hcl x
	yes  write conf/a.hcl.json x
	yes  write conf/A-b_c.9.hcl x
	yes  mkdir conf/sub
	yes  mkdir conf/sub/4913
	yes  mkdir conf/empty.d
	yes  mkdir linked
	yes  ln ../linked conf/dirlink
	yes  write linked/a.hcl x
	yes  ln nowhere conf/dangling.hcl
	yes  write conf/ca.pem x
	yes  ln /far/real conf/linked.hcl
	yes  write far/real x
	no   write conf/.a.hcl.swp x
	no   write conf/.a.hcl x
	no   write conf/4913 x
	no   write conf/a.hcl~ x
	no   write conf/#a.hcl# x
	no   ln user@host.1234:567 conf/.#a.hcl
	no   write conf/a.hcl.dpkg-new x
	no   write conf/a.hcl.rpmnew x
	no   write conf/a.hcl.12345.2026-01-01@12:00:00~ x
	no   write conf/a.hclx x
	no   write conf/README x
	no   write conf/-.hcl x
	no   mkdir conf/.git
	no   write conf/.git/a.hcl x
	no   write linked/other x
	no   write far/other x
	no   write far/other.hcl x
	no   write beside.hcl x
	no   mkdir beside
`

// surveyed is the scope of one session, which no signal replaces.
func surveyed(t *testing.T, path string, also ...string) *scope {
	w := New(Options{Path: path})
	w.Also(also)
	w.renewSession(t.Context())
	t.Cleanup(w.endSession)
	return &w.session.scope
}

func TestOnlyNamesThatCanBeReadMatter(t *testing.T) {
	root := t.TempDir()
	var expected []string
	for line := range strings.Lines(names) {
		if verdict, operation, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			do(t, root, operation)
			f := strings.Fields(operation)
			path := f[1]
			if f[0] == "ln" {
				path = f[2]
			}
			expected = append(expected, verdict+" "+path)
		}
	}
	scope := surveyed(t, root+"/conf", root+"/conf/ca.pem")
	for _, line := range expected {
		verdict, path, _ := strings.Cut(line, " ")
		if got := scope.isRelevant(filepath.Join(root, path)); got != (verdict == "yes") {
			t.Errorf("%s matters: %v", path, got)
		}
	}
}

// The directories that lead to the path are in a directory too. fsnotify joins
// what it reports to the path that was watched, be that / or not.
func TestNamesInTheRootDirectory(t *testing.T) {
	root := t.TempDir()
	scope := surveyed(t, root)
	first, _, _ := strings.Cut(root[1:], "/")
	if !scope.isRelevant("//" + first) {
		t.Errorf("/%s does not matter", first)
	}
	if scope.isRelevant("//other.hcl") {
		t.Error("/other.hcl matters")
	}
}

// What mattered by being a directory or a link still matters once it is gone and
// nothing can be asked about it.
func TestNamesThatAreGoneMatter(t *testing.T) {
	root := t.TempDir()
	do(t, root, "mkdir conf/sub; mkdir far/dir; ln /far/dir conf/link; ln ..1 conf/..data; ln ..data/a conf/a.hcl")
	scope := surveyed(t, root+"/conf")
	do(t, root, "rm conf; rm far")
	for _, path := range []string{"conf", "conf/sub", "conf/link", "conf/..data", "conf/..1", "conf/a.hcl", "far", "far/dir"} {
		if named, _ := scope.lookUp(filepath.Join(root, path)); !named {
			t.Errorf("%s does not matter", path)
		}
	}
}

func TestEditorsAtWorkMakeNoSignal(t *testing.T) {
	root := t.TempDir()
	do(t, root, "write conf/a.hcl 1; write conf/sub/b.hcl 1")
	w := start(t, New(Options{Path: root + "/conf", Quiet: quiet, Poll: never}))
	do(t, root, `
		write conf/.a.hcl.swp x;    write conf/.a.hcl.swp y;    mv conf/.a.hcl.swp conf/.a.hcl.swo; rm conf/.a.hcl.swo
		write conf/4913 x;          rm conf/4913
		write conf/sub/#b.hcl# x;   rm conf/sub/#b.hcl#
		ln u@h.1 conf/.#a.hcl;      rm conf/.#a.hcl
		write conf/a.hcl~ x;        rm conf/a.hcl~
		write conf/.git/HEAD x;     rm conf/.git
		write beside/x.hcl x;       rm beside
	`)
	if n := calm(w); n != 0 {
		t.Errorf("%d signals", n)
	}
	do(t, root, "write conf/a.hcl 2") // and yet it is awake
	signal(t, w, deadline)
}
