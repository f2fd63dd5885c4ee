package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// foreign is set in the process that opens a journal as another user: to the
// state directory.
const foreign = "JOURNAL_TEST_FOREIGN_STATE"

const nobody = 65534

// A state directory that belongs to somebody else: the error names the owner, the
// user and what to do, and never gives away a directory that many share.
func TestAnotherUsersDirectory(t *testing.T) {
	if dir, child := os.LookupEnv(foreign); child {
		_, err := Open(filepath.Join(dir, "journal"), Options{Outer: dir})
		fmt.Println(err)
		return
	}
	me, uid := userName(uint32(os.Geteuid())), os.Geteuid()
	var credential *syscall.Credential
	if uid == 0 {
		me, credential = userName(nobody), &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	dir := t.TempDir()
	locked := filepath.Join(dir, "locked")
	withFile := filepath.Join(dir, "with-file")
	if err := errors.Join(
		os.Chmod(filepath.Dir(dir), 0o755), os.Mkdir(locked, 0o500), os.MkdirAll(filepath.Join(withFile, "journal"), 0o777), os.Chmod(withFile, 0o777),
		os.Chmod(filepath.Join(withFile, "journal"), 0o777), os.WriteFile(filepath.Join(withFile, "journal", segmentName(1)), nil, 0),
	); err != nil {
		t.Fatal(err)
	}
	for state, says := range map[string][]string{
		locked:                  {"permission denied", locked + " belongs to", me, locked},
		withFile:                {"permission denied", segmentName(1) + " belongs to", me, " " + withFile},
		"/imapvigil-test-state": {"permission denied", "/ belongs to root", "runs as " + me, "install -d -m 0700 -o " + me + " /imapvigil-test-state"},
	} {
		c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), foreign+"="+state)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		out, err := c.CombinedOutput()
		text, _, _ := strings.Cut(string(out), "\n")
		for _, say := range says {
			if err != nil || !strings.Contains(text, say) {
				t.Errorf("%s: %q (%v) does not say %q", state, text, err, say)
			}
		}
		if uid == 0 && !strings.Contains(text, "belongs to root, and this process runs as "+me) {
			t.Errorf("%s: %q does not name both users", state, text)
		}
	}
	if err := explainPermission(io.ErrUnexpectedEOF, dir); !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != io.ErrUnexpectedEOF.Error() {
		t.Errorf("an error of another kind became %v", err)
	}
}
