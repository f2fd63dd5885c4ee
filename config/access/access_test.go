package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/config/access"
)

// tree makes a file in a directory, both for everybody, and returns them.
func tree(t *testing.T) (dir, file string) {
	t.Helper()
	base, err := os.MkdirTemp("", "access-") // t.TempDir lies in a directory for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if base, err = filepath.EvalSymlinks(base); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(base, "conf")
	file = filepath.Join(dir, "a.hcl")
	for _, err := range []error{os.Chmod(base, 0o755), os.Mkdir(dir, 0o755), os.WriteFile(file, nil, 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, file
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// Two users who do not own the files of this process: one is in their group.
var (
	member = access.NewUser("member", os.Geteuid()+1, os.Getegid()+2, os.Getegid())
	other  = access.NewUser("other", os.Geteuid()+1, os.Getegid()+2)
)

func TestBlocked(t *testing.T) {
	dir, file := tree(t)
	for _, test := range []struct {
		name              string
		user              access.User
		dirMode, fileMode os.FileMode
		at                string
	}{
		{"everybody may", other, 0o755, 0o644, ""},
		{"the group may", member, 0o750, 0o640, ""},
		{"the group may, and others not", other, 0o755, 0o640, file},
		{"only the owner may", member, 0o755, 0o600, file},
		{"others may, and the group not", member, 0o755, 0o604, file},
		{"the directory is closed", member, 0o700, 0o644, dir},
		{"the directory can be searched, not listed", other, 0o711, 0o644, ""},
	} {
		chmod(t, dir, test.dirMode)
		chmod(t, file, test.fileMode)
		block, blocked := test.user.Blocked(file)
		if blocked != (test.at != "") || blocked && block.Path != test.at {
			t.Errorf("%s: %+v, %t", test.name, block, blocked)
		}
	}
	chmod(t, dir, 0o711)
	if block, blocked := other.Blocked(dir); !blocked || !block.IsDir {
		t.Errorf("a directory that cannot be listed is no block: %+v", block)
	}
	// A link does not help past a closed directory.
	link := filepath.Join(filepath.Dir(dir), "link.hcl")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	chmod(t, dir, 0o700)
	block, blocked := member.Blocked(link)
	if !blocked || block.Path != dir {
		t.Errorf("behind the link: %+v, %t", block, blocked)
	}
	if want := "    chgrp " + member.Group() + " " + dir + " && chmod 750 " + dir; block.Remedy() != want {
		t.Errorf("remedy: %s, want %s", block.Remedy(), want)
	}
}

// Nothing keeps root from reading.
func TestRootIsNeverBlocked(t *testing.T) {
	dir, file := tree(t)
	root, err := access.Find("root")
	if err != nil {
		t.Fatal(err)
	}
	chmod(t, file, 0)
	chmod(t, dir, 0)
	defer chmod(t, dir, 0o700)
	if block, blocked := root.Blocked(file); blocked {
		t.Errorf("%+v", block)
	}
	if _, err := access.Find("nobody-has-this-name"); err == nil {
		t.Error("a user that does not exist was found")
	}
}

// The advice names a group that can be joined: not root's.
func TestDenied(t *testing.T) {
	if err := access.Denied("/"); !errors.Is(err, access.ErrDenied) || err.Error() != "permission denied: use sudo" {
		t.Errorf("of root's group: %v", err)
	}
	daemon := access.NewUser("daemon", 1, 1)
	if got := access.Joining(1); !strings.HasPrefix(got, "use sudo, or join the group "+daemon.Group()+": adduser ") || !strings.HasSuffix(got, " "+daemon.Group()) {
		t.Errorf("of another: %s", got)
	}
	// What cannot be seen is probably of the group of the directory that it lies in.
	if got, want := access.Advice("/nowhere/at/all"), access.Advice("/"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIsTrusted(t *testing.T) {
	for uid, want := range map[int]bool{0: true, os.Geteuid(): true, os.Geteuid() + 12345: false} {
		if got := access.IsTrusted(uint32(uid)); got != want {
			t.Errorf("%d: %t", uid, got)
		}
	}
}

func TestFindService(t *testing.T) {
	root := t.TempDir()
	if s := access.FindService(root); s.User != access.DaemonUser || len(s.Credentials) != 0 {
		t.Errorf("without a unit: %+v", s)
	}
	for name, text := range map[string]string{
		"usr/lib/systemd/system/imapvigil.service":             "[Service]\nUser=imapvigil\n#LoadCredential=no:/x\n",
		"etc/systemd/system/imapvigil.service.d/override.conf": "[Service]\nUser=monitor\nLoadCredential=smtp-password:/etc/x\nLoadCredentialEncrypted=slack\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := access.FindService(root)
	if s.User != "monitor" || len(s.Credentials) != 2 || !s.Credentials["smtp-password"] || !s.Credentials["slack"] {
		t.Errorf("%+v", s)
	}
}

// What a hint says to type is right for the daemon: its group may read what it makes.
func TestKeeping(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "credentials", "token")
	if got, want := access.Keeping(path), "install -m 600 /dev/stdin "+path; !strings.HasSuffix(got, want) {
		t.Errorf("in a directory of one's own: %s", got)
	}
	if got, want := access.Closing(path), "chmod o= "+path; got != want {
		t.Errorf("in a directory of one's own: %s", got)
	}
	if os.Geteuid() != 0 { // who cannot give a directory to another group
		return
	}
	if err := os.Chown(dir, 0, 1); err != nil {
		t.Fatal(err)
	}
	group := access.NewUser("daemon", 1, 1).Group()
	if got, want := access.Keeping(path), "install -m 640 -g "+group+" /dev/stdin "+path; !strings.HasSuffix(got, want) {
		t.Errorf("in root's directory for a group: %s", got)
	}
	if got, want := access.Closing(path), "chgrp "+group+" "+path+" && chmod 640 "+path; got != want {
		t.Errorf("in root's directory for a group: %s", got)
	}
}

// A new secret is for its owner alone, and beside the daemon's for its group.
func TestConfine(t *testing.T) {
	dir := t.TempDir()
	confined := func() (mode os.FileMode, gid uint32) {
		t.Helper()
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		err = errors.Join(file.Chmod(0o666), access.Confine(file))
		info, statErr := file.Stat()
		if err := errors.Join(err, statErr); err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Gid
	}
	if mode, _ := confined(); mode != 0o600 {
		t.Errorf("in a directory of one's own: %v", mode)
	}
	if os.Geteuid() != 0 { // who cannot give a directory to another group
		return
	}
	if err := os.Chown(dir, 0, 1); err != nil {
		t.Fatal(err)
	}
	if mode, gid := confined(); mode != 0o640 || gid != 1 {
		t.Errorf("in root's directory for the group 1: %v of the group %d", mode, gid)
	}
}
