//go:build systemd

package packaging_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a machine has beside Debian's minimum: what the package depends on, since
// its network leads nowhere, and what systemd, Ansible and an rpm need.
const included = "ca-certificates,dbus,python3-apt,rpm,systemd-sysv,tzdata"

// image gives the directory of a Debian, and installs it if no run has done so
// before. It depends on nothing that an earlier run has left half done, and runs
// beside one another wait for the one that installs.
func image(t *testing.T, release string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imapvigil", fmt.Sprintf("%s-%.4x", release, sha256.Sum256([]byte(included))))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	defer hold(t, dir+".lock")()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	fresh := dir + ".unfinished"
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		err := bootstrap(release, fresh)
		if err == nil {
			break
		}
		if attempt == 3 {
			t.Fatalf("installing Debian %s: %v", release, err)
		}
		t.Logf("installing Debian %s, attempt %d: %v", release, attempt, err)
		<-time.After(time.Duration(attempt) * 10 * time.Second) // a mirror tells nobody when it is well again
	}
	t.Logf("installed Debian %s in %v", release, time.Since(begun).Round(time.Second))
	write(t, filepath.Join(fresh, "etc/machine-id"), "", 0o444) // each boot makes one (machine-id(5))
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// bootstrap installs a Debian into a directory that is made anew. What
// debootstrap mounts and starts lives in namespaces of its own, so that it ends
// with this process, however that ends.
func bootstrap(release, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"debootstrap", "--variant=minbase", "--include="+included, release, dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.WaitDelay = 10 * time.Second
	said, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	log, _ := os.ReadFile(filepath.Join(dir, "debootstrap/debootstrap.log"))
	return fmt.Errorf("debootstrap, which on Debian debootstrap has: %w\n%s\n%s", err, last(string(said), 5), last(string(log), 10))
}

// last gives the last lines of a text.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// hold takes a lock that the kernel lets go when this process ends.
func hold(t *testing.T, file string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Minute, "the run that holds "+file+" has installed its Debian", func() bool {
		return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	})
	return func() { _ = f.Close() }
}

// await looks until something holds that nothing tells of.
func await(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(within); !holds(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("%v have passed, and not yet: %s", within, what)
		}
	}
}
