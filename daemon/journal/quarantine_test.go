package journal

import (
	"bytes"
	"maps"
	"slices"
	"testing"
)

// A line of a later batch that stands before its own is damage to the first start
// and, once the next segment has begun, out of the way for the second. The file
// stays quarantined: nothing is saved of it as a torn tail, nothing is cut off.
func TestAQuarantinedFileHasNoTornTail(t *testing.T) {
	m := sample(t)
	name := segmentName(4)
	l := bytes.SplitAfter(m[name], []byte{'\n'})
	m[name] = bytes.Join(slices.Insert(l, 1, l[4]), nil) // record 7 before record 4
	delete(m, segmentName(9))
	delete(m, segmentName(14))
	o := m.open(t)
	kept := name + damagedSuffix
	for start := range 3 {
		want(t, o.records, append(state(3, 2), numbered(4, 7)...))
		after := o.disk.image()
		if !o.Damaged || o.TornBytes > 0 || len(o.Quarantined) != 1 || !bytes.Equal(after[kept], m[name]) || after[kept+tornSuffix] != nil {
			t.Errorf("start %d: %+v\n%s", start+1, o.Status, after)
		}
		o = after.open(t)
	}
	goesOn(t, o)
}

// The segment that followed a quarantined one has gone: that one is the newest
// again, and still it is not cut.
func TestAQuarantinedFileIsNotCutWhenItIsTheNewest(t *testing.T) {
	m := sample(t)
	kept := segmentName(4) + damagedSuffix
	m[kept] = slices.Concat(m[segmentName(4)], []byte("rubbish\n"))
	maps.DeleteFunc(m, func(name string, _ []byte) bool { return name != kept && name != snapshotName(3) })
	o := m.open(t)
	want(t, o.records, append(state(3, 2), numbered(4, 8)...))
	goesOn(t, o)
	if got := o.disk.image()[kept]; !bytes.Equal(got, m[kept]) {
		t.Errorf("it was changed: %q", got)
	}
}

// What lies beside a quarantined file under a name made of its own hides none of
// its records and is not quarantined in its turn.
func TestOnlyTheJournalsOwnNamesCount(t *testing.T) {
	m := sample(t)
	name := segmentName(9)
	m[name] = bytes.Replace(m[name], []byte(`{"n":11}`), []byte(`{"n":91}`), 1)
	m = m.open(t).disk.image()
	kept := name + damagedSuffix
	for _, suffix := range []string{tornSuffix, ".gz", ".bak", "~", "-", "-x", "-2.torn", "-+2", ".1767225600000000000.foreign"} {
		beside := kept + suffix
		o := m.mutated(beside, []byte("rubbish\n")).open(t)
		if n := lost(t, o.records); n != 1 || len(o.Quarantined) != 1 {
			t.Errorf("%s: %d records are lost, quarantined %q", suffix, n, o.Quarantined)
		}
		if got := string(o.disk.image()[beside]); got != "rubbish\n" {
			t.Errorf("%s was changed: %q", suffix, got)
		}
		goesOn(t, o)
	}
}
