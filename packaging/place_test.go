//go:build systemd

package packaging_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A place is the control group of one machine. systemd-nspawn puts it where it
// is itself; two machines in one place would each take the services of the other
// for its own.
type place struct {
	name string
	dir  *os.File // in the unified hierarchy
}

// newPlace makes one, and clears those of runs that were killed.
func newPlace(t *testing.T, name string) *place {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	// Of the fields, see proc_pid_mountinfo(5), the fifth is where it is mounted.
	found := regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 `).FindSubmatch(mounts)
	if found == nil {
		t.Fatal("this machine has no unified control groups (mount -t cgroup2), so no Debian boots here; make test SYSTEMD=no leaves these tests out")
	}
	top := string(found[1])
	clearAbandoned(top)
	dir := filepath.Join(top, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &place{name, f}
}

// descriptor is for [syscall.SysProcAttr].
func (p *place) descriptor() int { return int(p.dir.Fd()) }

// clear ends what still runs there, and leaves nothing of the machine behind.
func (p *place) clear() {
	_ = p.dir.Close()
	clearPlace(p.dir.Name())
}

func clearPlace(dir string) {
	name := filepath.Base(dir)
	_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
	for range 100 { // what was killed takes a moment to be gone
		events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err != nil || strings.Contains(string(events), "populated 0") {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	removeGroups(dir)
	// systemd-nspawn makes the same in the older hierarchy of systemd, where there is one.
	removeGroups(filepath.Join("/sys/fs/cgroup/systemd", name))
	_ = os.Remove(filepath.Join("/run/systemd/nspawn/propagate", name))
}

// removeGroups removes a control group and those below it, the innermost first.
func removeGroups(top string) {
	var dirs []string
	_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir)
	}
}

// clearAbandoned ends the machines of runs that are no more: the name has the
// process id.
func clearAbandoned(top string) {
	places, _ := filepath.Glob(filepath.Join(top, "imapvigil-*-*-*"))
	for _, dir := range places {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[2])
		if err == nil && syscall.Kill(pid, 0) != nil {
			clearPlace(dir)
		}
	}
}
