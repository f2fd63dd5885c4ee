package watch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A tree changes while it is being walked. What appears in a directory before its
// watch stands makes no event, so the walk must see it.
func TestWhatAppearsBeforeTheWatchIsSeen(t *testing.T) {
	for _, c := range []struct{ name, before, at, appears, then string }{
		{"a subdirectory", "mkdir conf", "/conf", "mkdir conf/late", "write conf/late/x.hcl 1"},
		{"the configuration itself", "", "", "mkdir conf", "write conf/x.hcl 1"},
		{"a link", "mkdir conf; mkdir far", "/conf", "ln /far/late conf/x.hcl", "write far/late 1"},
		{"where a link leads", "mkdir conf; mkdir far; ln /far/late/real conf/x.hcl", "/far", "mkdir far/late", "write far/late/real 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			do(t, root, c.before)
			w := New(Options{Path: root + "/conf", Quiet: quiet, Poll: never})
			appears := c.appears
			w.add = func(k *fsnotify.Watcher, dir string) error {
				if dir == root+c.at {
					do(t, root, appears)
					appears = ""
				}
				return k.Add(dir)
			}
			start(t, w)
			if n := calm(w); n != 0 {
				t.Errorf("%d signals, so it was an event", n)
			}
			do(t, root, c.then)
			awaitView(t, w)
		})
	}
}

// What appears after the look into a directory, while the walk is still going on
// elsewhere, must count as an event although the walk has not ended.
func TestEventsCountDuringTheWalk(t *testing.T) {
	root := t.TempDir()
	do(t, root, "mkdir conf/a; mkdir conf/b")
	w := New(Options{Path: root + "/conf", Quiet: quiet, Poll: never})
	once := true
	w.add = func(k *fsnotify.Watcher, dir string) error {
		if dir == root+"/conf/b" && once {
			once = false
			do(t, root, "mkdir conf/a/late")
			select {
			case hint := <-w.hints:
				offerReason(w.hints, hint)
			case <-time.After(deadline):
				t.Error("no hint")
			}
		}
		return k.Add(dir)
	}
	start(t, w)
	if r := signal(t, w, deadline); r != Events {
		t.Errorf("second signal is %v, want %v", r, Events)
	}
	calm(w)
	do(t, root, "write conf/a/late/x.hcl 1")
	awaitView(t, w)
}

// Every directory gets one watch a survey, and only those that count get one:
// each costs kernel memory, of which the machine has a limit.
func TestWatchedDirectories(t *testing.T) {
	for _, c := range []struct {
		name, before, path string
		want               []string // below root; those above it are watched too
	}{
		{"a tree", "mkdir conf/a/b; mkdir conf/c; mkdir other", "conf", []string{"", "conf", "conf/a", "conf/a/b", "conf/c"}},
		{"hidden directories", "mkdir conf/.git/objects; mkdir conf/a", "conf", []string{"", "conf", "conf/a"}},
		{"a file", "write conf/x.hcl 1; mkdir conf/sub", "conf/x.hcl", []string{"", "conf"}},
		{"nothing there", "mkdir a", "a/b/c", []string{"", "a"}},
		{"too deep", "mkdir c/1/2/3/4/5/6/7/8/9", "c", []string{
			"", "c", "c/1", "c/1/2", "c/1/2/3", "c/1/2/3/4", "c/1/2/3/4/5", "c/1/2/3/4/5/6", "c/1/2/3/4/5/6/7",
		}},
		{"a linked directory", "mkdir conf; mkdir far/a/b; ln /far/a conf/l", "conf", []string{"", "conf", "far", "far/a", "far/a/b"}},
		{"a linked file", "mkdir conf; write far/a/f 1; mkdir far/a/b; ln /far/a/f conf/x.hcl", "conf", []string{"", "conf", "far", "far/a"}},
		{"links nobody reads", "mkdir conf; write far/f 1; ln /far/f conf/readme; ln /far conf/.far", "conf", []string{"", "conf"}},
		{"links back up", "mkdir conf/a/b; ln .. conf/a/up; ln /conf conf/a/b/top", "conf", []string{"", "conf", "conf/a", "conf/a/b"}},
		{"deep by one way, near by another", "mkdir conf/1/2/3/4/5/6/7/8/9/x; ln 1/2/3/4/5/6/7/8 conf/z", "conf", []string{
			"", "conf", "conf/1", "conf/1/2", "conf/1/2/3", "conf/1/2/3/4", "conf/1/2/3/4/5", "conf/1/2/3/4/5/6", "conf/1/2/3/4/5/6/7",
			"conf/1/2/3/4/5/6/7/8", "conf/1/2/3/4/5/6/7/8/9", "conf/1/2/3/4/5/6/7/8/9/x",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			do(t, root, c.before)
			w := New(Options{Path: root + "/" + c.path, Poll: never})
			var got []string
			w.add = func(k *fsnotify.Watcher, dir string) error {
				if below, ok := strings.CutPrefix(dir, root); ok {
					got = append(got, strings.TrimPrefix(below, "/"))
				}
				return k.Add(dir)
			}
			start(t, w)
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("watched %q\nwant    %q", got, c.want)
			}
		})
	}
}

func TestRelativePathStartsFromTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	do(t, ".", "write conf/x.hcl 1; write key 1")
	w := New(Options{Path: "conf", Quiet: quiet, Poll: never})
	w.Also([]string{"key"})
	start(t, w)
	for _, step := range []string{"put conf/x.hcl 2", "put key 2"} {
		calm(w)
		do(t, ".", step)
		awaitView(t, w)
	}
}
