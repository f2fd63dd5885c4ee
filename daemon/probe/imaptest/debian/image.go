// Package debian runs servers of another Debian, or servers that cannot be
// installed beside each other, for tests: from a minimal installation that
// debootstrap makes once and that is kept in the user's cache.
//
// It owns those installations and what runs in them. A program there sees a file
// system of its own, whose changes are gone with it, and directories that the test
// shares with it; processes and network are those of this machine, so that a test
// can signal it and connect to it.
//
// A caller may rely on this: an installation is complete or not there, whatever
// was killed while it was made; two test processes never make it at once; when the
// test ends, nothing runs and nothing is mounted any more. It takes root and
// debootstrap; without them the test fails and says so.
package debian

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An Image is the directory of an installation.
type Image string

// Install returns the image of a Debian release ("bookworm", "trixie") with the minimal variant of
// debootstrap and some packages, and makes it if no run has done so before.
func Install(t testing.TB, release string, packages ...string) Image {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("installing a Debian for a test takes root")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	include := strings.Join(slices.Sorted(slices.Values(packages)), ",")
	dir := filepath.Join(cache, "imapvigil", fmt.Sprintf("%s-%.4x", release, sha256.Sum256([]byte(include))))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	defer holdLock(t, dir+".lock")()
	if _, err := os.Stat(dir); err == nil {
		return Image(dir)
	}
	fresh := dir + ".unfinished"
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		err := bootstrap(release, include, fresh)
		if err == nil {
			break
		}
		if attempt == 3 {
			t.Fatalf("installing Debian %s: %v", release, err)
		}
		t.Logf("installing Debian %s, attempt %d: %v", release, attempt, err)
		<-time.After(time.Duration(attempt) * 10 * time.Second) // a mirror tells nobody when it is well again
	}
	t.Logf("installed Debian %s with %s in %v", release, include, time.Since(begun).Round(time.Second))
	// Each boot makes one (machine-id(5)).
	if err := os.WriteFile(filepath.Join(fresh, "etc/machine-id"), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	// Renamed last, so that an installation is complete or not there.
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	return Image(dir)
}

// bootstrap installs a Debian into a directory that is made anew. What debootstrap
// mounts and starts lives in namespaces of its own, so that it ends with this
// process, however that ends.
func bootstrap(release, include, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"debootstrap", "--variant=minbase", "--include="+include, release, dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// A child that keeps the output open must not keep Wait from returning.
	c.WaitDelay = 10 * time.Second
	said, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	log, _ := os.ReadFile(filepath.Join(dir, "debootstrap/debootstrap.log"))
	return fmt.Errorf("debootstrap, which on Debian the package debootstrap has: %w\n%s\n%s",
		err, lastLines(string(said), 5), lastLines(string(log), 10))
}

func lastLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// holdLock takes a lock that the kernel lets go when this process ends.
func holdLock(t testing.TB, file string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	// Tried again and again, since a blocking flock could not be given a limit.
	for end := time.Now().Add(30 * time.Minute); syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; <-look.C {
		if time.Now().After(end) {
			t.Fatalf("another run has held %s for 30 minutes", file)
		}
	}
	return func() { _ = f.Close() }
}
