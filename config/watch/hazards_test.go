package watch

import (
	"path/filepath"
	"testing"
)

// Every case here is a way in which files change in the field. Polling is off:
// after each step the change must be noticed through events alone. The steps go
// on after the first because what is hard is not to notice that a directory was
// replaced, but to be watching the new one afterwards.
func TestEventsNotice(t *testing.T) {
	for _, c := range []struct {
		name   string
		path   string // of the configuration; conf unless given
		also   []string
		before string
		steps  []string
	}{
		{
			name:   "file written in place",
			before: "write conf/a.hcl 1",
			steps:  []string{"write conf/a.hcl 2", "write conf/a.hcl.json 3", "write conf/b.hcl 4", "rm conf/a.hcl"},
		},
		{
			name:   "temporary file renamed over the old one",
			before: "write conf/a.hcl 1",
			steps:  []string{"put conf/a.hcl 2", "put conf/a.hcl 3"},
		},
		{
			name:   "editor that moves the old file away first",
			before: "write conf/a.hcl 1",
			steps:  []string{"mv conf/a.hcl conf/a.hcl~; write conf/a.hcl 2; rm conf/a.hcl~", "mv conf/a.hcl conf/a.hcl~"},
		},
		{
			name:   "file with an older time than the one it replaces",
			before: "write conf/a.hcl 1",
			steps:  []string{"write conf/a.hcl 2; old conf/a.hcl", "write conf/.new 3; old conf/.new; mv conf/.new conf/a.hcl"},
		},
		{
			name:   "checkout of a tree",
			before: "write conf/a.hcl 1; write conf/eu/b.hcl 1",
			steps: []string{
				"rm conf/eu; write conf/eu/de/c.hcl 2; write conf/us/d.hcl 2; put conf/a.hcl 2",
				"put conf/eu/de/c.hcl 3",
				"write conf/us/d.hcl 4",
			},
		},
		{
			name:   "Kubernetes volume",
			before: "write conf/..1/a.hcl 1; ln ..1 conf/..data; ln ..data/a.hcl conf/a.hcl",
			steps: []string{
				"write conf/..2/a.hcl 2; ln ..2 conf/..data; rm conf/..1",
				"write conf/..3/a.hcl 3; write conf/..3/b.hcl 3; ln ..3 conf/..data; ln ..data/b.hcl conf/b.hcl; rm conf/..2",
				"write conf/..3/b.hcl 4",
			},
		},
		{
			name:   "path is a symbolic link and is repointed",
			before: "write v1/a.hcl 1; write v2/a.hcl 2; ln v1 conf",
			steps:  []string{"ln v2 conf", "write v2/a.hcl 3", "ln /v1 conf", "put v1/a.hcl 4", "mv v1 v0", "mv v0 v1"},
		},
		{
			name:   "link in the middle of the path is repointed",
			path:   "current/etc/conf",
			before: "write r/1/etc/conf/a.hcl 1; write r/2/etc/conf/a.hcl 2; ln r/1 current",
			steps:  []string{"ln r/2 current", "write current/etc/conf/a.hcl 3", "mv r s", "mv s r", "put r/2/etc/conf/a.hcl 4"},
		},
		{
			name:   "link to a link",
			before: "write a/x.hcl 1; write b/x.hcl 2; ln /a one; ln /one two; ln two conf",
			steps:  []string{"ln b one", "write b/x.hcl 3", "ln a two", "write a/x.hcl 4"},
		},
		{
			name:   "link that goes up and around",
			path:   "conf/../link/../conf",
			before: "write conf/a.hcl 1; mkdir far/deep; write far/conf/a.hcl 2; ln far/deep link",
			steps:  []string{"write far/conf/a.hcl 3", "mkdir conf/deep; ln conf/deep link; write conf/conf/a.hcl 4", "put conf/conf/a.hcl 5"},
		},
		{
			name:   "directory removed and recreated",
			before: "write conf/a.hcl 1; write conf/sub/b.hcl 1",
			steps:  []string{"rm conf", "write conf/a.hcl 2", "write conf/a.hcl 3", "rm conf; write conf/sub/b.hcl 4", "put conf/sub/b.hcl 5"},
		},
		{
			name:   "directories above removed and recreated",
			path:   "x/y/conf",
			before: "write x/y/conf/a.hcl 1",
			steps:  []string{"rm x", "mkdir x; write x/y/conf/a.hcl 2", "write x/y/conf/a.hcl 3"},
		},
		{
			name:  "path that does not exist yet",
			path:  "x/y/conf",
			steps: []string{"write x/y/conf/sub/a.hcl 1", "write x/y/conf/sub/a.hcl 2"},
		},
		{
			name:   "directory swapped by rename",
			before: "write conf/a.hcl 1; write new/a.hcl 2",
			steps:  []string{"mv conf old; mv new conf", "write conf/a.hcl 3", "mv conf new; mv old conf", "put conf/a.hcl 4"},
		},
		{
			name:   "directory above swapped by rename",
			path:   "top/mid/conf",
			before: "write top/mid/conf/sub/a.hcl 1; write new/mid/conf/sub/a.hcl 2",
			steps:  []string{"mv top old; mv new top", "write top/mid/conf/sub/a.hcl 3", "mv top new; mv old top", "put top/mid/conf/sub/a.hcl 4"},
		},
		{
			name:   "subdirectories swap their names",
			before: "write conf/a/x.hcl 1; write conf/b/x.hcl 2",
			steps:  []string{"mv conf/a conf/.t; mv conf/b conf/a; mv conf/.t conf/b", "write conf/a/x.hcl 3", "write conf/b/x.hcl 4"},
		},
		{
			name:   "new subdirectories",
			before: "mkdir conf",
			steps:  []string{"write conf/a/b/c.hcl 1", "write conf/a/b/c.hcl 2", "put conf/a/d.hcl 3", "write conf/a/b/e/f/g/h.hcl 4", "put conf/a/b/e/f/g/h.hcl 5"},
		},
		{
			name:   "subdirectory renamed, moved in and moved out",
			before: "write conf/a/x.hcl 1; write far/b/y.hcl 2",
			steps:  []string{"mv conf/a conf/c", "write conf/c/x.hcl 3", "mv far/b conf/b", "write conf/b/y.hcl 4", "mv conf/c far/c"},
		},
		{
			name:   "deepest directory that counts",
			before: "write conf/1/2/3/4/5/6/7/a.hcl 1",
			steps:  []string{"write conf/1/2/3/4/5/6/7/a.hcl 2", "rm conf/1/2/3/4/5/6/7", "write conf/1/2/3/4/5/6/7/a.hcl 3", "mkdir conf/1/2/3/4/5/6/7/8", "rm conf/1/2/3/4/5/6/7/8"},
		},
		{
			name:   "file that is a link to somewhere else",
			before: "write far/off/real 1; mkdir conf; ln /far/off/real conf/a.hcl",
			steps:  []string{"write far/off/real 2", "put far/off/real 3", "rm far", "write far/off/real 4", "mv far far2; write far/off/real 5", "put far/off/real 6"},
		},
		{
			name:   "link whose target comes later",
			before: "mkdir conf; ln ../later/real conf/a.hcl",
			steps:  []string{"write later/real 1", "write later/real 2", "rm conf/a.hcl"},
		},
		{
			name:   "links in a circle are broken up",
			before: "mkdir conf; ln b.hcl conf/a.hcl; ln a.hcl conf/b.hcl; ln . conf/self; ln / conf/all",
			steps:  []string{"put conf/b.hcl 1", "write conf/b.hcl 2"},
		},
		{
			name:   "path is one file",
			path:   "conf/one.hcl",
			before: "write conf/one.hcl 1",
			steps:  []string{"write conf/one.hcl 2", "put conf/one.hcl 3", "rm conf", "write conf/one.hcl 4", "put conf/one.hcl 5"},
		},
		{
			name:   "path is one file by another name",
			path:   "one",
			before: "write far/1 1; write far/2 2; ln far/1 one",
			steps:  []string{"write far/1 3", "ln far/2 one", "write far/2 4", "put one 5", "put one 6"},
		},
		{
			name:   "path turns from a file into a directory",
			before: "write conf 1",
			steps:  []string{"rm conf; write conf/a.hcl 2", "write conf/a.hcl 3", "rm conf; write conf 4", "put conf 5"},
		},
		{
			name:   "credential rotated",
			also:   []string{"cred/key.pem", "cred/none"},
			before: "write conf/a.hcl 1; write cred/key.pem 1",
			steps:  []string{"write cred/key.pem 2", "put cred/key.pem 3", "write cred/none 4", "rm cred", "write cred/key.pem 5", "put cred/key.pem 6"},
		},
		{
			name:   "credential in a Kubernetes volume",
			also:   []string{"cred/key.pem"},
			before: "write conf/a.hcl 1; write cred/..1/key.pem 1; ln ..1 cred/..data; ln ..data/key.pem cred/key.pem",
			steps:  []string{"write cred/..2/key.pem 2; ln ..2 cred/..data; rm cred/..1", "write cred/..3/key.pem 3; ln ..3 cred/..data; rm cred/..2"},
		},
		{
			name:   "file inside the tree that only its name makes count",
			also:   []string{"conf/ca.pem"},
			before: "write conf/a.hcl 1",
			steps:  []string{"write conf/ca.pem 1", "put conf/ca.pem 2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // what takes time is waiting for quiet
			root := t.TempDir()
			do(t, root, c.before)
			if c.path == "" {
				c.path = "conf"
			}
			w := New(Options{Path: root + "/" + c.path, Quiet: quiet, Poll: never})
			for i := range c.also {
				c.also[i] = filepath.Join(root, c.also[i])
			}
			w.Also(c.also)
			start(t, w)
			for _, step := range c.steps {
				calm(w)
				before := view(w)
				do(t, root, step)
				if view(w) == before {
					t.Fatalf("%s: makes no difference, so it tests nothing", step)
				}
				t.Log(step)
				awaitView(t, w)
			}
			if polling, why := w.Polling(); polling {
				t.Errorf("polling: %s", why)
			}
		})
	}
}
