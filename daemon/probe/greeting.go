package probe

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// greet reads the greeting, RFC 9051 section 7.1.
func (c *conversation) greet() error {
	r, err := c.hear()
	if err != nil {
		return err
	}
	switch {
	case r.tag != "*":
		return c.fail(incident.CauseNotIMAP, c.looksLike(r.raw)).quoting(r.raw)
	case r.status == "BYE":
		return c.bye(r)
	case r.status == "PREAUTH":
		return c.preauth(r)
	case r.status != "OK":
		return c.fail(incident.CauseProtocolError, "The server does not begin with a greeting.").quoting(r.raw)
	case !strings.Contains(r.raw, c.check.ExpectGreeting):
		return c.fail(incident.CauseGreetingMismatch, fmt.Sprintf("The greeting does not hold the expected text %q: another server answers here, or it was changed.", c.check.ExpectGreeting)).
			quoting(r.raw)
	}
	return nil
}

func (c *conversation) preauth(r response) *failure {
	hint := "The server takes the connection for logged in already, without any password."
	if c.check.Security == config.StartTLS {
		hint = "The server takes the connection for logged in before TLS, which keeps clients from STARTTLS: " +
			"someone between here and there may be bypassing it."
	}
	return c.fail(incident.CausePreauth, hint).quoting(r.raw)
}

// looksLike names what answers instead of IMAP.
func (c *conversation) looksLike(line string) string {
	if what := protocolOf(line); what != "" {
		return "Something answers on port " + port(c.target()) + " that looks like " + what + ", not IMAP."
	}
	return "Something answers on port " + port(c.target()) + " that does not speak IMAP."
}

// protocolOf guesses a protocol from the first bytes of a server.
func protocolOf(line string) string {
	upper := strings.ToUpper(line)
	switch {
	case strings.HasPrefix(upper, "* "):
		return "IMAP"
	case strings.HasPrefix(upper, "HTTP/"), strings.HasPrefix(upper, "<!DOCTYPE"), strings.HasPrefix(upper, "<HTML"):
		return "HTTP (a web server)"
	case strings.HasPrefix(upper, "SSH-"):
		return "SSH"
	case strings.HasPrefix(upper, "+OK"), strings.HasPrefix(upper, "-ERR"):
		return "POP3"
	case strings.HasPrefix(upper, "220") && strings.Contains(upper, "FTP"):
		return "FTP"
	case strings.HasPrefix(upper, "220"), strings.HasPrefix(upper, "421"), strings.HasPrefix(upper, "554"):
		return "SMTP"
	case strings.HasPrefix(upper, `"`) && strings.Contains(upper, "SIEVE"):
		return "ManageSieve"
	case strings.HasPrefix(line, "\x15\x03"), strings.HasPrefix(line, "\x16\x03"):
		return "TLS"
	}
	return ""
}
