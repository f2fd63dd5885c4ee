// Package access says who may read a file, and what to type when somebody may not.
//
// It knows the mode bits only. Where an access control list or a security module decides,
// it may not find what is in the way, and says nothing then.
package access

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

// DaemonUser is the user, and the group, that the packages make for the daemon.
const DaemonUser = "imapvigil"

// ErrDenied is returned when the caller may not open something of the daemon's.
var ErrDenied = errors.New("permission denied")

// Denied returns an ErrDenied that says how the caller gets access to path: its group, or
// that of the nearest directory above it that can be seen.
func Denied(path string) error {
	return fmt.Errorf("%w: %s", ErrDenied, Advice(path))
}

// Advice says how a caller who may not open path gets access to it.
func Advice(path string) string { return joining(groupOf(path)) }

// joining says how a caller gets access to the files of a group.
func joining(gid uint32) string {
	group := groupName(gid)
	if group == "" {
		return "use sudo"
	}
	name := "NAME"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("use sudo, or join the group %s: adduser %s %s", group, name, group)
}

// Keeping says what to type so that a new secret at path can be read by whoever needs it,
// and by nobody else. Where the directory above it is root's and of another group, as the
// packages make it, that is the daemon's group.
func Keeping(path string) string {
	group := keepers(path)
	if group == "" {
		return "Put the secret into that file, and keep others from reading it:\n    install -m 600 /dev/stdin " + path
	}
	return fmt.Sprintf("Put the secret into that file, for the group %s to read:\n    install -m 640 -g %s /dev/stdin %s", group, group, path)
}

// Closing says what to type so that a secret at path, which everybody can read, can be
// read by whoever needs it, and by nobody else.
func Closing(path string) string {
	if group := keepers(path); group != "" {
		return fmt.Sprintf("chgrp %s %s && chmod 640 %s", group, path, path)
	}
	return "chmod o= " + path
}

// Confine lets a new secret be read by whoever needs it, and by nobody else: its owner, and
// where the directory is as the packages make it, the daemon's group.
func Confine(f *os.File) error {
	dir := nearest(filepath.Dir(f.Name()))
	if dir.uid != 0 || groupName(dir.gid) == "" || os.Geteuid() != 0 {
		return f.Chmod(0o600)
	}
	return errors.Join(f.Chown(-1, int(dir.gid)), f.Chmod(0o640))
}

// keepers returns the group of those who need the secrets of a directory that is root's;
// "" where it is somebody's own.
func keepers(path string) string {
	if dir := nearest(filepath.Dir(path)); dir.uid == 0 {
		return groupName(dir.gid)
	}
	return ""
}

// groupOf returns the group of a file, or of the nearest directory above it that can be
// seen; 0, root's, where there is none.
func groupOf(path string) uint32 { return nearest(path).gid }

// nearest returns the owner of a file, or of the nearest directory above it that can be
// seen; root where there is none.
func nearest(path string) owner {
	for {
		if info, err := os.Stat(path); err == nil {
			return ownerOf(info)
		}
		if path == filepath.Dir(path) {
			return owner{}
		}
		path = filepath.Dir(path)
	}
}

// groupName returns the name of a group that people can join; "" for root's, and for one
// without a name.
func groupName(gid uint32) string {
	g, err := user.LookupGroupId(strconv.Itoa(int(gid)))
	if gid == 0 || err != nil {
		return ""
	}
	return g.Name
}

type owner struct{ uid, gid uint32 }

func ownerOf(info fs.FileInfo) owner {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return owner{stat.Uid, stat.Gid}
	}
	return owner{}
}
