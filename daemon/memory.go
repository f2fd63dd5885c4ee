package daemon

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// memoryPart is the part of a cgroup's limit, one in so many, that is left to what
// Go's runtime does not count: the binary itself, and what the kernel keeps for the
// cgroup (sockets, pages of the journal).
const memoryPart = 10

// A memoryLimit keeps the limit of Go's runtime below the memory that the cgroup
// allows. Without it the runtime lets garbage grow to as much as there is in use,
// and the kernel kills the daemon in the middle of a large reload.
type memoryLimit struct {
	log  *zap.Logger
	keep bool   // somebody else has set the limit
	root string // of the file system, for tests; "": the system's
	last int64  // that was set; 0: none was
}

// setLimit sets the limit, unless the environment does.
// A limit that has changed since is set anew.
func (l *memoryLimit) setLimit() {
	if l.keep {
		return
	}
	limit, limited := cgroupMemory(l.root)
	if limited {
		limit -= limit / memoryPart
	} else {
		limit = math.MaxInt64 // what the runtime has by default
	}
	if limit == l.last || !limited && l.last == 0 {
		return
	}
	l.last = limit
	debug.SetMemoryLimit(limit)
	if limited {
		l.log.Info("memory is limited to nine tenths of what the cgroup allows", zap.Int64("bytes", limit))
		return
	}
	l.log.Info("the memory limit of the cgroup is gone")
}

// cgroupMemory returns the least memory, in bytes, that the cgroup of this process
// and those around it allow (cgroups(7)): memory.max and memory.high of version 2,
// memory.limit_in_bytes of version 1.
func cgroupMemory(root string) (least int64, limited bool) {
	least = math.MaxInt64
	groups := ownCgroups(root)
	for _, m := range cgroupMounts(root) {
		own, ok := groups[m.version]
		if !ok {
			continue
		}
		top := filepath.Join(root, m.point)
		within, err := filepath.Rel(m.root, own)
		if err != nil || within == ".." || strings.HasPrefix(within, "../") {
			within = "." // a container sees its own cgroup at the top
		}
		// A limit of any cgroup around this one counts, too (cgroups(7)).
		for dir := filepath.Join(top, within); ; dir = filepath.Dir(dir) {
			for _, name := range m.version.limitFiles() {
				if n, ok := readMemoryLimit(filepath.Join(dir, name)); ok {
					least, limited = min(least, n), true
				}
			}
			if dir == top || len(dir) < len(top) {
				break
			}
		}
	}
	return least, limited
}

// A cgroupVersion is 1 or 2.
type cgroupVersion int

// limitFiles returns the names of the files that hold the limits of one cgroup.
func (v cgroupVersion) limitFiles() []string {
	if v == 1 {
		return []string{"memory.limit_in_bytes"}
	}
	return []string{"memory.max", "memory.high"}
}

// readMemoryLimit reads one limit; "max", and the greatest number that version 1 knows,
// are none.
func readMemoryLimit(path string) (n int64, ok bool) {
	const none = 1 << 60
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0 && n < none
}

// ownCgroups reads in which cgroup of each version the memory of this process is
// counted.
func ownCgroups(root string) map[cgroupVersion]string {
	groups := map[cgroupVersion]string{}
	text, _ := os.ReadFile(filepath.Join(root, "/proc/self/cgroup"))
	for line := range strings.Lines(string(text)) {
		const fields = 3 // number, controllers, path
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", fields)
		switch {
		case len(f) < fields:
		case f[0] == "0" && f[1] == "":
			groups[2] = f[2]
		case hasListWord(f[1], "memory"):
			groups[1] = f[2]
		}
	}
	return groups
}

// A cgroupMount is where the cgroups of a version, or the part of them below root,
// are to be found.
type cgroupMount struct {
	version     cgroupVersion
	root, point string
}

// cgroupMounts reads /proc/self/mountinfo, see proc_pid_mountinfo(5).
func cgroupMounts(root string) (mounts []cgroupMount) {
	text, _ := os.ReadFile(filepath.Join(root, "/proc/self/mountinfo"))
	for line := range strings.Lines(string(text)) {
		before, after, ok := strings.Cut(line, " - ")
		mount, system := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(system) < 3 {
			continue
		}
		m := cgroupMount{2, unescapeMount(mount[3]), unescapeMount(mount[4])}
		switch {
		case system[0] == "cgroup2":
			mounts = append(mounts, m)
		case system[0] == "cgroup" && hasListWord(system[2], "memory"):
			m.version = 1
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// hasListWord reports whether a list with commas has a word.
func hasListWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// unescapeMount undoes what mountinfo does to blanks in a path.
func unescapeMount(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}
