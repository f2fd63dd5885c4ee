package control

import (
	"cmp"
	"net"
	"os/user"
	"strconv"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// authorOf returns the name of the user behind a connection, as the kernel knows them.
func authorOf(c net.Conn, claimed string) string {
	uid, err := api.PeerOf(c)
	if err != nil {
		return claimed
	}
	return nameOf(uid, claimed)
}

// overflowUser is how the kernel shows everybody but root and the daemon's own user to a
// service with PrivateUsers=yes (user_namespaces(7)).
const overflowUser = 65534

// nameOf returns the name of a user. claimed is what the client says: for root it is who used
// sudo, and for a user whom the kernel does not show, or whom this machine's files do not
// list (LDAP), it is better than a number.
func nameOf(uid uint32, claimed string) string {
	switch {
	case uid == 0:
		return cmp.Or(claimed, "root")
	case uid == overflowUser && claimed != "":
		return claimed
	}
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return cmp.Or(claimed, "uid "+id)
}
