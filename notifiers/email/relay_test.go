package email_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

// A relay is an SMTP server that writes what a test tells it to: servers that
// exist write things that the library behind smtpsink never would.
type relay struct {
	keywords []string                                             // the lines of its reply to EHLO
	afterTLS []string                                             // the same under TLS; nil: keywords
	behind   string                                               // written behind the answer to STARTTLS, in the same piece
	rcpt     func(recipient string, accepted int) (answer string) // "hang up": closes the connection

	tls      *tls.Config
	mu       sync.Mutex
	commands []string // as they came, without what AUTH sent
	user     string
	letters  []relayed
}

// relayed is a letter that a relay took.
type relayed struct {
	to   []string
	data string
}

// startRelay serves until the test ends, and gives settings that lead there.
func startRelay(t *testing.T, r *relay) email.Settings {
	t.Helper()
	config, ca := notifiertest.Certificate(t)
	r.tls = config
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conversations sync.WaitGroup
	conversations.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conversations.Go(func() {
				defer func() { _ = conn.Close() }()
				r.converse(conn)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); conversations.Wait() })
	return email.Settings{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, From: "imapvigil <alerts@example.net>",
		Security: "none", CA: ca,
	}
}

// A dialogue is one conversation of a relay.
type dialogue struct {
	*relay
	conn net.Conn
	in   *bufio.Reader
	caps []string
	to   []string
}

func (d *dialogue) say(lines ...string) {
	_, _ = d.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
}

func (r *relay) converse(conn net.Conn) {
	d := &dialogue{relay: r, conn: conn, in: bufio.NewReader(conn), caps: r.keywords}
	d.say("220 relay ESMTP")
	for {
		line, err := d.in.ReadString('\n')
		if err != nil || !d.answer(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// answer is one turn; false ends the conversation.
func (d *dialogue) answer(line string) bool {
	word, rest, _ := strings.Cut(line, " ")
	d.mu.Lock()
	defer d.mu.Unlock()
	if word != "AUTH" {
		d.commands = append(d.commands, line)
	}
	switch word {
	case "EHLO":
		lines := []string{"250-relay greets you"}
		for _, keyword := range d.caps {
			lines = append(lines, "250-"+keyword)
		}
		d.say(append(lines, "250 HELP")...)
	case "STARTTLS":
		d.say(strings.TrimRight("220 go\r\n"+d.behind, "\r\n"))
		secure := tls.Server(d.conn, d.tls)
		d.conn, d.in = secure, bufio.NewReader(secure)
		if d.afterTLS != nil {
			d.caps = d.afterTLS
		}
	case "AUTH":
		d.login(rest)
	case "MAIL":
		d.to = nil
		d.say("250 ok")
	case "RCPT":
		return d.recipient(rest)
	case "DATA":
		d.say("354 go")
		d.letters = append(d.letters, relayed{d.to, d.data()})
		d.say(fmt.Sprintf("250 2.0.0 queued as %d", len(d.letters)))
	case "QUIT":
		d.say("221 bye")
		return false
	default:
		d.say("500 what?")
	}
	return true
}

func (d *dialogue) login(arguments string) {
	mechanism, initial, _ := strings.Cut(arguments, " ")
	decode := func(text string) string {
		plain, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		return string(plain)
	}
	if mechanism == "PLAIN" {
		d.user = strings.Split(decode(initial), "\x00")[1]
		d.say("235 ok")
		return
	}
	d.say("334 VXNlcm5hbWU6")
	name, _ := d.in.ReadString('\n')
	d.say("334 UGFzc3dvcmQ6")
	_, _ = d.in.ReadString('\n')
	d.user = decode(name)
	d.say("235 ok")
}

func (d *dialogue) recipient(argument string) bool {
	recipient := strings.TrimSuffix(strings.TrimPrefix(argument, "TO:<"), ">")
	answer := ""
	if d.rcpt != nil {
		answer = d.rcpt(recipient, len(d.to))
	}
	if answer == "" {
		d.to = append(d.to, recipient)
		answer = "250 ok"
	}
	if answer == "hang up" {
		return false
	}
	d.say(answer)
	return !strings.HasPrefix(answer, "421")
}

func (d *dialogue) data() string {
	var b strings.Builder
	for {
		line, err := d.in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

// seen gives the commands that begin with a word, and the letters.
func (r *relay) seen(word string) (commands []string, letters []relayed, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, command := range r.commands {
		if strings.HasPrefix(command, word) {
			commands = append(commands, command)
		}
	}
	return commands, r.letters, r.user
}
