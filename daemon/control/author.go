package control

import (
	"cmp"
	"net"
	"os/user"
	"strconv"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// authorOf returns the name of the user behind a connection, as the kernel knows them.
// claimed is what the client says: for root it is who used sudo, and for a user that this
// machine's files do not list (LDAP) it is better than a number.
func authorOf(c net.Conn, claimed string) string {
	uid, err := api.PeerOf(c)
	switch {
	case err != nil:
		return claimed
	case uid == 0:
		return cmp.Or(claimed, "root")
	}
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return cmp.Or(claimed, "uid "+id)
}
