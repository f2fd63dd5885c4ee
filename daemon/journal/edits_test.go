package journal

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// After any few changes to the lines, names and bytes of a journal no start panics
// or fails, nothing is invented or given out in the wrong order, nothing is lost
// in silence (unless all files are gone), and the next start finds the same.
func TestNoChangeOfTheFilesInventsARecordOrLosesOneInSilence(t *testing.T) {
	t.Parallel()
	sound := sample(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := maps.Clone(sound)
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			edits[rapid.SampledFrom(slices.Sorted(maps.Keys(edits))).Draw(rt, "change")](rt, m)
		}
		o := m.open(rt)
		if n := lost(rt, o.records); n > 0 && !o.detected() && len(m) > 0 {
			rt.Fatalf("%d records are lost and nobody is told\n%s", n, m)
		}
		goesOn(rt, o)
	})
}

var edits = map[string]func(*rapid.T, image){
	"delete a line": func(t *rapid.T, m image) {
		editLines(t, m, func(l [][]byte, i, _ int) [][]byte { return slices.Delete(l, i, i+1) })
	},
	"double a line": func(t *rapid.T, m image) {
		editLines(t, m, func(l [][]byte, i, j int) [][]byte { return slices.Insert(l, j, l[i]) })
	},
	"swap lines": func(t *rapid.T, m image) {
		editLines(t, m, func(l [][]byte, i, j int) [][]byte { l[i], l[j] = l[j], l[i]; return l })
	},
	"copy a line to another file": func(t *rapid.T, m image) {
		l := bytes.SplitAfter(m[draw(t, m)], []byte{'\n'})
		line := l[rapid.IntRange(0, len(l)-1).Draw(t, "line")]
		editLines(t, m, func(l [][]byte, i, _ int) [][]byte { return slices.Insert(l, i, line) })
	},
	"cut": func(t *rapid.T, m image) {
		name := draw(t, m)
		m[name] = m[name][:rapid.IntRange(0, len(m[name])).Draw(t, "size")]
	},
	"overwrite": func(t *rapid.T, m image) {
		name := draw(t, m)
		data := bytes.Clone(m[name])
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		copy(data[at:], rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "bytes"))
		m[name] = data
	},
	"remove a file": func(t *rapid.T, m image) {
		delete(m, draw(t, m))
	},
	"rename a file": func(t *rapid.T, m image) {
		from, to := draw(t, m), segmentName(rapid.Uint64Range(0, 20).Draw(t, "number"))
		data := m[from]
		delete(m, from)
		m[to] = data
	},
	"copy a file": func(t *rapid.T, m image) {
		m[snapshotName(rapid.Uint64Range(0, 20).Draw(t, "number"))] = m[draw(t, m)]
	},
}

func draw(t *rapid.T, m image) string {
	if len(m) == 0 {
		return segmentName(1)
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(m))).Draw(t, "file")
}

func editLines(t *rapid.T, m image, edit func(l [][]byte, i, j int) [][]byte) {
	name := draw(t, m)
	l := slices.Clone(bytes.SplitAfter(m[name], []byte{'\n'}))
	i := rapid.IntRange(0, len(l)-1).Draw(t, "line")
	j := rapid.IntRange(0, len(l)-1).Draw(t, "other line")
	m[name] = bytes.Join(edit(l, i, j), nil)
}
