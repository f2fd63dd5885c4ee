package access

// NewUser makes a user with ids, the first group its own.
func NewUser(name string, uid int, gids ...int) User {
	u := User{Name: name, uid: uint32(uid)}
	for _, gid := range gids {
		u.gids = append(u.gids, uint32(gid))
	}
	return u
}

// Group is the name of a user's own group.
func (u User) Group() string { return u.group() }

// Joining is the advice about a file of a group.
var Joining = joining
