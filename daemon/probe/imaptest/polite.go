package imaptest

import (
	"strings"
)

// serve answers everything as a server without surprises, to the end of the session.
func (p *player) serve() error {
	if err := p.politely("LOGOUT"); err != nil {
		return err
	}
	return p.send("* BYE bye\r\n" + p.tag + " OK done\r\n")
}

// politely answers commands as a server without surprises, until one comes that
// matches the pattern.
func (p *player) politely(pattern string) error {
	for {
		command, err := p.line()
		if err != nil || matches(pattern, command) {
			return err
		}
		// What the script waits for will not come any more.
		if strings.EqualFold(command, "LOGOUT") {
			return p.server.surprise("got %q instead of %q", command, pattern)
		}
		if err := p.answer(command); err != nil {
			return err
		}
	}
}

// answer sends what any server says to a command.
func (p *player) answer(command string) error {
	tag := p.tag
	name, arguments, _ := strings.Cut(command, " ")
	switch strings.ToUpper(name) {
	case "CAPABILITY":
		return p.send("* CAPABILITY " + strings.Join(append([]string{"IMAP4rev1"}, p.caps...), " ") + "\r\n" + tag + " OK done\r\n")
	case "ID":
		return p.send("* ID (\"name\" \"imaptest\")\r\n" + tag + " OK done\r\n")
	case "EXAMINE":
		return p.send("* 0 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n" + tag + " OK [READ-ONLY] done\r\n")
	case "AUTHENTICATE":
		if !strings.Contains(arguments, " ") { // no initial response
			if err := p.send("+ \r\n"); err != nil {
				return err
			}
			if _, err := p.plainLine(); err != nil {
				return err
			}
		}
	}
	return p.send(tag + " OK done\r\n")
}
