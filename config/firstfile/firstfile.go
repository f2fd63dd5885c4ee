// Package firstfile writes the first configuration of somebody who has none: one server,
// one recipient, one mail relay. It gets answers and returns bytes; it asks nobody and
// writes no file. What it writes loads.
package firstfile

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// Role is the notification_role of the file.
const Role = "postmaster"

// Credential is the name of the credential with the relay's password.
const Credential = "relay-password"

// Answers are what the file is made of.
type Answers struct {
	Host     string // as [hclfile.Hostname] gives it
	Services []Service
	To       []string
	From     string
	Relay    Relay
}

// A Service is one port of the host.
type Service struct {
	Port     int
	Security config.Security // empty: that of the port
}

// A Relay is the mail server that takes the messages.
type Relay struct {
	Host     string
	Port     int
	Security string // as in notifier "email"
	Username string // with it, the password is the [Credential]
	// ServerName is the name that the relay's certificate is for; empty: its host.
	ServerName string
}

// Write returns the file.
func Write(a Answers) ([]byte, error) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	quote := hclfile.Quote
	line("## Written by imapvigil init. The manual: man imapvigil-howto, man imapvigil.hcl.")
	line("")
	line("## How messages are sent.")
	line("notifier %s %s {", quote("email"), quote("relay"))
	line("host = %s", quote(a.Relay.Host))
	line("port = %d", a.Relay.Port)
	line("security = %s", quote(a.Relay.Security))
	if a.Relay.ServerName != "" {
		line("tls_server_name = %s", quote(a.Relay.ServerName))
	}
	if a.Relay.Username != "" {
		line("username = %s", quote(a.Relay.Username))
		line("password = credential(%s)", quote(Credential))
	}
	line("from = %s", quote(a.From))
	line("}")
	line("")
	line("## Who is notified.")
	line("notification_role %s {", quote(Role))
	line("notify {")
	line("via = notifier.email.relay")
	var to []string
	for _, address := range a.To {
		to = append(to, quote(address))
	}
	line("to = [%s]", strings.Join(to, ", "))
	line("}")
	line("}")
	line("")
	line("## Who is notified of every server below, unless it says something else.")
	line("defaults {")
	line("notification_roles = [notification_role.%s]", Role)
	line("}")
	line("")
	line("## Who is notified of problems of imapvigil itself. If this machine dies, nobody is")
	line("## notified: have a dead man's switch expect a ping at heartbeat_url.")
	line("daemon {")
	line("notification_roles = [notification_role.%s]", Role)
	line("heartbeat_url = %s", quote(""))
	line("}")
	line("")
	line("## What is watched. A failure that lasts 3 minutes is an incident (fault_tolerance).")
	line("server %s {", quote(serverName(a.Host)))
	line("hostname = %s", quote(a.Host))
	for _, s := range a.Services {
		line("")
		line("imap_check %s {", quote(s.id()))
		line("port = %d", s.Port)
		if s.Security != "" && s.Security != config.DefaultSecurity(uint16(s.Port)) {
			line("security = %s", quote(string(s.Security)))
		}
		line("}")
	}
	line("}")
	text, diags := hclfile.Format("the file", []byte(b.String()))
	if len(diags) > 0 {
		return nil, fmt.Errorf("this is a fault of imapvigil: what it wrote does not parse: %w", diags[0])
	}
	return text, nil
}

// serverName returns the name of the server block: the host, in which a name may have
// dots and no colons.
func serverName(host string) string {
	return strings.Trim(strings.ReplaceAll(host, ":", "-"), "-.")
}

// id names a check by what it does.
func (s Service) id() string {
	how := s.Security
	if how == "" {
		how = config.DefaultSecurity(uint16(s.Port))
	}
	switch {
	case s.Port == config.DefaultPort && how == config.TLSFromStart:
		return "imaps"
	case how == config.StartTLS && config.DefaultSecurity(uint16(s.Port)) == how:
		return "starttls"
	}
	return fmt.Sprintf("imap-%d", s.Port)
}
