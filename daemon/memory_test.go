package daemon

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// machineOf is a file system with these files.
func machineOf(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	cgroup2  = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	cgroup1  = "33 24 0:29 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
	cgroup1c = "34 24 0:30 / /sys/fs/cgroup/cpu rw shared:8 - cgroup cgroup rw,cpu,cpuacct\n"
)

func TestMemoryOfTheCgroup(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  int64 // 0: no limit
	}{
		"of the unit": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/imapvigil.service\n", "proc/self/mountinfo": cgroup2,
			"sys/fs/cgroup/system.slice/imapvigil.service/memory.max": "67108864\n",
		}, 67108864},
		"high is lower": {map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": cgroup2,
			"sys/fs/cgroup/a/memory.max": "300\n", "sys/fs/cgroup/a/memory.high": "200\n",
		}, 200},
		"of a slice around it": {map[string]string{
			"proc/self/cgroup": "0::/a/b/c\n", "proc/self/mountinfo": cgroup2,
			"sys/fs/cgroup/a/memory.max": "100\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/c/memory.max": "500\n",
		}, 100},
		"none": {map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": cgroup2,
			"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "max\n",
		}, 0},
		"in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": cgroup2, "sys/fs/cgroup/memory.max": "400\n",
		}, 400},
		"in a container that sees the names outside": {map[string]string{
			"proc/self/cgroup":         "0::/docker/0123\n",
			"proc/self/mountinfo":      "29 23 0:26 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max": "410\n",
		}, 410},
		"moved out of the container's own": {map[string]string{
			"proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": cgroup2, "sys/fs/cgroup/memory.max": "420\n",
		}, 420},
		"version 1": {map[string]string{
			"proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n", "proc/self/mountinfo": cgroup1c + cgroup1,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "700\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n",
		}, 700},
		"both versions": {map[string]string{
			"proc/self/cgroup": "4:memory:/a\n0::/a\n", "proc/self/mountinfo": cgroup1 + "29 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "800\n", "sys/fs/cgroup/unified/a/memory.max": "max\n",
		}, 800},
		"a blank in the path": {map[string]string{
			"proc/self/cgroup": "0::/a b\n", "proc/self/mountinfo": `29 23 0:26 / /sys/fs/my\040group rw - cgroup2 cgroup2 rw` + "\n",
			"sys/fs/my group/a b/memory.max": "900\n",
		}, 900},
		"nothing is known": {map[string]string{}, 0},
		"nonsense":         {map[string]string{"proc/self/cgroup": "x\n0::\n", "proc/self/mountinfo": "a - b\n\n - cgroup2\n"}, 0},
		"a limit of zero": {map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": cgroup2, "sys/fs/cgroup/memory.max": "0\n",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, limited := cgroupMemory(machineOf(t, test.files))
			if limited != (test.want > 0) || limited && got != test.want {
				t.Errorf("got %d, %v; want %d", got, limited, test.want)
			}
		})
	}
}

// The runtime's limit is a tenth below the cgroup's, follows it, and is left alone
// where the environment sets it.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	const max = "sys/fs/cgroup/memory.max"
	root := machineOf(t, map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": cgroup2, max: "max\n"})
	core, logged := observer.New(zap.InfoLevel)
	l := &memoryLimit{log: zap.New(core), root: root}
	for _, step := range []struct {
		says string
		want int64
	}{
		{"max", before}, {"10000000000", 9000000000}, {"10000000000", 9000000000}, {"20000000000", 18000000000}, {"max", math.MaxInt64},
	} {
		if err := os.WriteFile(filepath.Join(root, max), []byte(step.says+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		l.setLimit()
		if got := debug.SetMemoryLimit(-1); got != step.want {
			t.Errorf("at %s the limit is %d, want %d", step.says, got, step.want)
		}
	}
	if n := logged.Len(); n != 3 {
		t.Errorf("the log has %d lines: %v", n, logged.All())
	}
	l.keep = true // as GOMEMLIMIT has it
	debug.SetMemoryLimit(5 << 30)
	if err := os.WriteFile(filepath.Join(root, max), []byte("7000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.setLimit()
	if got := debug.SetMemoryLimit(-1); got != 5<<30 {
		t.Errorf("the environment's limit became %d", got)
	}
}
