package agree

import (
	"hash/fnv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A packet of a node is
//
//	its version, 1 byte, which is 1
//	the life of the node, 8 bytes: another one when its Packer is another one
//	when it was sent: nanoseconds since the Packer began
//	how many brief sights follow, and these
//	full sights to the end, each with its length before it
//
// Numbers are varints. Only durations travel, so that the clocks of the nodes do not matter.
const packetVersion = 1

// A brief is a sight that is well, in about 19 bytes:
//
//	the hash of the check's id, 8 bytes: two of 100,000 checks have the same with a chance of 3 in 10 billion
//	the hash of its settings, 4 bytes: who runs other files must not count
//	which content it has, 1 byte: see below
//	the conditions that were observed, 1 byte: a probe whose login is not due says nothing of the account
//	its age, how long it lasted, and by how much less its longest conversation took: milliseconds, 5 bytes
//
// With these alone a board can decide, so that nothing is wrong when a full one is lost, and a new decider
// knows in a second what 60,000 checks are like. What is shown beside it (addresses, certificate,
// capabilities, notes) is its content, which travels in full ones only: when it changes, when a board asks
// for it, and every few hours. The number of the content says whether the last full one is still true.
type brief struct {
	check    uint64
	settings uint32
	version  uint8
	observed config.Conditions
	age      time.Duration // whole milliseconds on the clock of the node
	lasted   time.Duration
	took     time.Duration
}

func (w *writer) brief(b brief) {
	w.uint64(b.check)
	w.uint32(b.settings)
	w.byte(b.version)
	w.uint(uint64(b.observed))
	w.uint(uint64(max(0, b.age.Milliseconds())))
	w.uint(uint64(max(0, b.lasted.Milliseconds())))
	w.int((b.lasted - b.took).Milliseconds())
}

func (r *reader) brief() (b brief) {
	b.check, b.settings, b.version = r.uint64(), r.uint32(), r.byte()
	b.observed = config.Conditions(r.uint())
	b.age, b.lasted = r.milliseconds(), r.milliseconds()
	less := r.int()
	if less > longest.Milliseconds() || less < -longest.Milliseconds() {
		r.fail()
	}
	b.took = max(0, b.lasted-time.Duration(less)*time.Millisecond)
	return b
}

// milliseconds reads a duration that is not negative.
func (r *reader) milliseconds() time.Duration {
	n := r.uint()
	if n > uint64(longest.Milliseconds()) {
		r.fail()
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// A full is a sight with all that there is of it.
type full struct {
	check    config.CheckID
	settings uint32
	version  uint8
	observed config.Conditions
	age      time.Duration // of its beginning
	lasted   time.Duration
	took     time.Duration
	changed  time.Duration // ago; negative: not known
	since    [len(pathConditions)]time.Duration
	findings []incident.Finding
	content  []byte // as it travels
	timings  []config.PhaseTimes
}

func (w *writer) full(f *full) {
	w.text(string(f.check))
	w.uint32(f.settings)
	w.byte(f.version)
	w.uint(uint64(f.observed))
	w.age(f.age)
	w.int(int64(f.lasted))
	w.age(f.took)
	w.ago(f.changed)
	for _, since := range f.since {
		w.ago(since)
	}
	w.findings(f.findings)
	w.text(string(f.content))
	w.timings(f.timings)
}

func (r *reader) full() (f full) {
	f.check = config.CheckID(r.raw())
	f.settings, f.version = r.uint32(), r.byte()
	f.observed = config.Conditions(r.uint())
	f.age, f.lasted, f.took, f.changed = r.age(), r.duration(), r.age(), r.ago()
	for i := range f.since {
		f.since[i] = r.ago()
	}
	f.findings = r.findings()
	f.content = r.raw()
	f.timings = r.timings()
	return f
}

// ago writes how long ago something was; negative: never.
func (w *writer) ago(d time.Duration) { w.uint(uint64(max(-1, d) + 1)) }

func (r *reader) ago() time.Duration {
	n := r.uint()
	if n > uint64(longest) {
		r.fail()
		return 0
	}
	return time.Duration(n) - 1
}

// hashOf returns the number under which a check travels, and that of a content.
func hashOf[T ~string | ~[]byte](text T) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return mix(h.Sum64())
}

// onWire returns what travels of the hash of settings.
func onWire(settings uint64) uint32 { return uint32(settings >> 32) }

// millis returns the whole milliseconds of a time of a node's clock: what orders its sights.
func millis(d time.Duration) time.Duration {
	whole := d.Truncate(time.Millisecond)
	if whole > d {
		whole -= time.Millisecond
	}
	return whole
}
