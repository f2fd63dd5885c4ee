package hclfile_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// ownMounts is set in the process that may mount something.
const ownMounts = "HCLFILE_TEST_OWN_MOUNTS"

// TestWritableByOthersWhereItIsMountedReadOnly asks the real kernel, in a process
// with mounts of its own: the same directory with mode 0777 is refused, and read
// where it is mounted read-only.
func TestWritableByOthersWhereItIsMountedReadOnly(t *testing.T) {
	if dir := os.Getenv(ownMounts); dir != "" {
		inOwnMounts(t, dir)
		return
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "main.hcl"), []byte("imap_check \"x\" {\n  hostname           = \"mx.example.org\"\n  notification_roles = []\n}\n"))
	for path, mode := range map[string]os.FileMode{dir: 0o777, filepath.Join(dir, "main.hcl"): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	out, err := withOwnMounts(t, dir, syscall.CLONE_NEWNS|syscall.CLONE_NEWUSER)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte(noMount)) {
		out, err = withOwnMounts(t, dir, syscall.CLONE_NEWNS)
	}
	if err != nil {
		t.Errorf("%v (this test needs root, or user namespaces for everybody)\n%s", err, out)
	}
}

const noMount = "mounting is not allowed"

func withOwnMounts(t *testing.T, dir string, namespaces uintptr) ([]byte, error) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), ownMounts+"="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if namespaces&syscall.CLONE_NEWUSER != 0 {
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return c.CombinedOutput()
}

func inOwnMounts(t *testing.T, dir string) {
	t.Helper()
	at := t.TempDir()
	mount := func(flags uintptr) {
		if err := syscall.Mount(dir, at, "", flags, ""); err != nil {
			t.Fatalf("%s: %v", noMount, err)
		}
	}
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		t.Fatalf("%s: %v", noMount, err)
	}
	mount(syscall.MS_BIND)
	if refused := rulesAt(t, at); refused != "writable-by-others writable-by-others" {
		t.Errorf("where everybody can write: %s", refused)
	}
	mount(syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY)
	if refused := rulesAt(t, at); refused != "" {
		t.Errorf("where nobody can write: %s", refused)
	}
	if err := syscall.Unmount(at, 0); err != nil {
		t.Error(err)
	}
}

// rulesAt are the rules that a configuration breaks.
func rulesAt(t *testing.T, dir string) string {
	t.Helper()
	_, diags := hclfile.Load(read(t, dir, source.Options{}))
	var rules []string
	for _, d := range diags {
		if d.Gravity == config.Error {
			rules = append(rules, d.Rule)
		}
	}
	return strings.Join(rules, " ")
}
