package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// explainPermission adds to an error of permissions who owns what, who this process is,
// and what to do about it; and to the error of a file in the place of a directory what to
// do. Root is the state directory: nothing above it is to be given to anybody.
func explainPermission(err error, root string) error {
	path := pathOf(err)
	info, statErr := os.Stat(path)
	if errors.Is(err, syscall.ENOTDIR) && statErr == nil && !info.IsDir() {
		return fmt.Errorf("%w (%s is no directory; move it away, or name another directory with --state-dir)", err, path)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// The path may not be there yet, or lie in a directory that must not be searched.
	for statErr != nil && path != filepath.Dir(path) {
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
	me, owner := userName(uint32(os.Geteuid())), userName(sys.Uid)
	if me == owner {
		return fmt.Errorf("%w (%s belongs to this process's user %s and has mode %04o; as root: chmod -R u+rwX %s)", err, path, me, info.Mode().Perm(), root)
	}
	remedy := fmt.Sprintf("chown -R %s %s", me, root)
	if within, relErr := filepath.Rel(root, path); relErr != nil || strings.HasPrefix(within, "..") {
		remedy = fmt.Sprintf("install -d -m 0700 -o %s %s", me, root)
	}
	return fmt.Errorf("%w (%s belongs to %s, and this process runs as %s; as root: %s; or run it as another user, or name another directory with --state-dir)", err, path, owner, me, remedy)
}

// pathOf returns the path that an error of the os package is about.
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

// userName returns the name of a user, or the number where there is no name.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
