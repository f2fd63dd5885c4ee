package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// explain adds to an error of permissions who owns what, who this is, and what
// to do about it.
func explain(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	path := pathOf(err)
	info, statErr := os.Stat(path)
	for statErr != nil && path != filepath.Dir(path) { // not there yet, or in a directory that must not be searched
		path = filepath.Dir(path)
		info, statErr = os.Stat(path)
	}
	if statErr != nil {
		return err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return err
	}
	me := userName(uint32(os.Geteuid()))
	if int(sys.Uid) == os.Geteuid() {
		return fmt.Errorf("%w (%s has mode %04o; as root: chmod u+rwX %s)", err, path, info.Mode().Perm(), path)
	}
	return fmt.Errorf("%w (%s belongs to %s, and this process runs as %s: run it as %s, give the directory to %s as root (chown -R %s %s), or name another one with --state-dir)",
		err, path, userName(sys.Uid), me, userName(sys.Uid), me, me, path)
}

// pathOf gives the path that an error of the os package is about.
func pathOf(err error) string {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		return one.Path
	case errors.As(err, &two):
		return two.New
	}
	return "."
}

// userName is what a user is called, or the number where nobody has a name for it.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
