//go:build !quick

package watch

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is done to a tree, in whatever order, at whatever pace: a reader that
// looks only when told to ends up seeing what is there, without a poll.
func TestReaderKeepsUpWithAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "watch")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(root)
		path := rapid.SampledFrom([]string{"conf", "conf/a", "link", "link/a", "conf/x.hcl"}).Draw(t, "path")
		w := New(Options{Path: root + "/" + path, Quiet: time.Millisecond, Poll: never})
		w.Also([]string{root + "/far/a/y", root + "/link/z"})

		start(t, w)
		seen := view(w)
		for i, n := 0, rapid.IntRange(1, 12).Draw(t, "steps"); i < n; i++ {
			if rapid.Bool().Draw(t, "calm") {
				calm(w)
				seen = view(w)
			}
			_ = operation(root, anyOperation(t, i)) // many cannot be done, and that is fine
			for seen != view(w) {
				signal(t, w, deadline)
				seen = view(w)
			}
		}
	})
}

func anyOperation(t *rapid.T, n int) []string {
	dir := rapid.SampledFrom([]string{"conf", "conf/a", "conf/b", "conf/a/c", "far", "far/a", "link", "conf/l"})
	file := rapid.Custom(func(t *rapid.T) string {
		return dir.Draw(t, "dir") + "/" + rapid.SampledFrom([]string{"x.hcl", "y", "z"}).Draw(t, "name")
	})
	any := rapid.OneOf(dir, file)
	text := fmt.Sprint("text", n)
	line := rapid.OneOf(
		rapid.Map(file, func(f string) string { return "write " + f + " " + text }),
		rapid.Map(file, func(f string) string { return "put " + f + " " + text }),
		rapid.Map(dir, func(d string) string { return "mkdir " + d }),
		rapid.Map(any, func(p string) string { return "rm " + p }),
		rapid.Custom(func(t *rapid.T) string { return "mv " + any.Draw(t, "from") + " " + any.Draw(t, "to") }),
		rapid.Custom(func(t *rapid.T) string {
			return "ln " + rapid.SampledFrom([]string{"/", ""}).Draw(t, "absolute") + any.Draw(t, "target") + " " + any.Draw(t, "link")
		}),
	).Draw(t, "operation")
	return strings.Fields(line)
}
