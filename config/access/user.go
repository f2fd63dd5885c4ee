package access

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
)

// A User is somebody who wants to read files.
type User struct {
	Name string
	uid  uint32
	gids []uint32 // the first is that of the user's own group
	all  bool     // needs no permission: root, if it has its capabilities
}

// Find returns the user of a name. The error is a [user.UnknownUserError] where there is
// none.
func Find(name string) (User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return User{}, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return User{}, fmt.Errorf("looking up the groups of %s: %w", name, err)
	}
	found := User{Name: u.Username, uid: number(u.Uid), all: number(u.Uid) == 0, gids: []uint32{number(u.Gid)}}
	for _, id := range ids {
		found.gids = append(found.gids, number(id))
	}
	return found, nil
}

// Self returns the user that this process runs as, who may not read something. So even
// root, which has lost its capabilities then, needs permissions.
func Self() User {
	self := User{uid: uint32(os.Geteuid()), gids: []uint32{uint32(os.Getegid())}}
	self.Name = strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(self.Name); err == nil {
		self.Name = u.Username
	}
	others, _ := os.Getgroups() // fewer groups: fewer files that can be read
	for _, id := range others {
		self.gids = append(self.gids, uint32(id))
	}
	return self
}

// IsTrusted reports whether a user may see what this process can read: root, the user of
// this process, or the daemon's.
func IsTrusted(uid uint32) bool {
	daemon, err := Find(DaemonUser)
	return uid == 0 || int(uid) == os.Geteuid() || err == nil && uid == daemon.uid
}

// number returns an id of the user database, which are decimal on unix (package os/user).
func number(id string) uint32 {
	n, _ := strconv.ParseUint(id, 10, 32)
	return uint32(n)
}

// A Block is what keeps a user from reading a file.
type Block struct {
	Path  string // the file, or the first directory on the way to it
	IsDir bool
	group string // that of the user
}

// Remedy says what to type so that the user's group can read what is in the way, and
// nobody else.
func (b Block) Remedy() string {
	mode := "640"
	if b.IsDir {
		mode = "750"
	}
	// In one line, so that it can be copied from a log, too.
	return fmt.Sprintf("    chgrp %s %s && chmod %s %s", b.group, b.Path, mode, b.Path)
}

// Advice says how this user, as which a program runs, gets to read a file that it may not
// read: in sentences, for the end of a message; "" where that cannot be told.
func (u User) Advice(path string) string {
	block, blocked := u.Blocked(path)
	if !blocked {
		return ""
	}
	return fmt.Sprintf("Let the user %s read it, by its group:\n%s", u.Name, block.Remedy())
}

// Blocked returns what keeps a user from reading a file or a directory; false where
// nothing does, or what does cannot be seen.
func (u User) Blocked(path string) (Block, bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Block{}, false
	}
	ways := []string{path}
	// Links may lead elsewhere, where other directories are on the way.
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		ways = append(ways, real)
	}
	for _, way := range ways {
		for _, dir := range ancestors(way) {
			if u.lacksPermission(dir, 0o1) {
				return Block{dir, true, u.group()}, true
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return Block{}, false
	}
	needed := fs.FileMode(0o4)
	if info.IsDir() {
		needed |= 0o1
	}
	return Block{path, info.IsDir(), u.group()}, u.lacksPermission(path, needed)
}

// ancestors returns the directories on the way to a path, from / on.
func ancestors(path string) (list []string) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		list = append(list, dir)
		if dir == filepath.Dir(dir) {
			slices.Reverse(list)
			return list
		}
	}
}

// lacksPermission reports whether a user lacks one of the permissions (4: read, 1: search) at a
// path. Of owner, group and others the first that fits decides alone (path_resolution(7)).
func (u User) lacksPermission(path string, needed fs.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil || u.all {
		return false
	}
	mode, file := info.Mode().Perm(), ownerOf(info)
	switch {
	case file.uid == u.uid:
		mode >>= 6
	case slices.Contains(u.gids, file.gid):
		mode >>= 3
	}
	return mode&needed != needed
}

// group returns the name of the user's own group.
func (u User) group() string {
	if g, err := user.LookupGroupId(strconv.Itoa(int(u.gids[0]))); err == nil {
		return g.Name
	}
	return strconv.Itoa(int(u.gids[0]))
}
