package takeover

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// A relay is how another monitor sends mail, without its password.
type relay struct {
	host        string
	port        int
	from        string
	username    string
	hasPassword bool
	to          []string
}

// adviseEmail adds a notifier and a role as comments: whether the relay takes messages
// from this machine, and the password, nobody here knows.
func (c *collector) adviseEmail(r relay, name string) {
	if r.host == "" || len(r.to) == 0 {
		return
	}
	id := nameList{}.take(identifier(name), "mail")
	add := func(format string, args ...any) { c.advice = append(c.advice, fmt.Sprintf(format, args...)) }
	if len(c.advice) > 0 {
		add("")
	}
	add("notifier %s %s {", quote("email"), quote(id))
	add("  host = %s", quote(r.host))
	if r.port > 0 {
		add("  port = %d", r.port)
	}
	if r.port == 465 { // TLS from the first byte, RFC 8314 section 3.3
		add("  security = %s", quote("tls"))
	}
	if r.username != "" {
		add("  username = %s", quote(r.username))
	}
	if r.hasPassword {
		add("  password = credential(%s)", quote(id+"-smtp-password"))
	}
	if r.from != "" {
		add("  from = %s", quote(r.from))
	}
	add("}")
	add("")
	add("notification_role %s {", quote(id))
	add("  notify {")
	add("    via = %s", config.Reference("notifier", "email", id))
	var list []string
	for _, to := range r.to {
		list = append(list, quote(to))
	}
	add("    to = [%s]", strings.Join(list, ", "))
	add("  }")
	add("}")
	add("")
	add("defaults {")
	add("  notification_roles = [%s]", config.Reference("notification_role", id))
	add("}")
}
