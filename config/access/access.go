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

// groupOf returns the group of a file, or of the nearest directory above it that can be
// seen; 0, root's, where there is none.
func groupOf(path string) uint32 {
	for {
		if info, err := os.Stat(path); err == nil {
			return ownerOf(info).gid
		}
		if path == filepath.Dir(path) {
			return 0
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
