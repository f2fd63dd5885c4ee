package agree

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// maxInterned is how many different texts are kept, so that equal ones share their memory.
const maxInterned = 1 << 18

// An interned has once in memory what the sights of many checks have in common.
type interned struct{ incident.Pool }

// content makes small what was read of the wire.
func (in *interned) content(c *content) {
	in.Most = maxInterned
	in.Tidy()
	for i := range c.addresses {
		a := &c.addresses[i]
		a.TLS = in.Session(a.TLS)
		a.Capabilities = in.List(a.Capabilities)
		a.Hint, a.Cause = in.Text(a.Hint), config.Cause(in.Text(string(a.Cause)))
	}
}
