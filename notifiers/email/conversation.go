package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/imapvigil/imapvigil/config/names"
)

// maxRead is the most that is read of a conversation, TLS handshake included:
// a server that never stops must not fill the memory.
const maxRead = 256 << 10

// A conversation is one connection, from EHLO to QUIT.
type conversation struct {
	conn   net.Conn
	client *smtp.Client
	reader *keywordReader // under the client
	unbind func() bool
}

// connect opens a conversation that ends with ctx, whatever the server does:
// go-mail's client takes no context, so the connection is closed under it.
func (n *notifier) connect(ctx context.Context) (*conversation, error) {
	address := net.JoinHostPort(n.settings.Host, strconv.Itoa(n.settings.Port))
	raw, err := names.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, failedAt("connecting", err)
	}
	c := &conversation{conn: raw}
	c.unbind = context.AfterFunc(ctx, func() { _ = raw.Close() })
	if err := n.greet(ctx, c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// greet takes a conversation to the point where a message may be offered: encrypted and
// logged in, as the settings want it.
func (n *notifier) greet(ctx context.Context, c *conversation) (err error) {
	// Below TLS, so that the handshake is counted too.
	var conn net.Conn = &budgeted{Conn: c.conn, left: maxRead}
	if n.settings.Security == "tls" {
		if conn, err = n.encrypt(ctx, conn); err != nil {
			return err
		}
	}
	if err := n.introduce(c, conn); err != nil {
		return err
	}
	switch offered, _ := c.client.Extension("STARTTLS"); {
	case n.settings.Security == "starttls", n.settings.Security == "opportunistic" && offered:
		if err := n.startTLS(ctx, c, conn); err != nil {
			return err
		}
	// Whoever can change what the relay says can take STARTTLS out of it.
	case n.settings.Security == "opportunistic" && n.settings.Username != "":
		return errors.New("STARTTLS: the server does not offer it, and without it no password is sent")
	}
	return n.login(c.client)
}

// introduce reads the greeting and says EHLO.
func (n *notifier) introduce(c *conversation, conn net.Conn) (err error) {
	c.reader = newKeywordReader(conn)
	if c.client, err = smtp.NewClient(c.reader, n.settings.Host); err != nil {
		return failedAt("greeting", err)
	}
	c.client.SkipSMTPUTF8(true) // else MAIL asks for it wherever it is offered, needed or not
	if err := c.client.Hello(n.hello(c.conn)); err != nil {
		return failedAt("EHLO", err)
	}
	return nil
}

func (n *notifier) encrypt(ctx context.Context, conn net.Conn) (net.Conn, error) {
	secure := tls.Client(conn, n.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, failedAt("TLS", err)
	}
	return secure, nil
}

// startTLS begins the conversation anew over TLS: what the server said before it
// is void (RFC 3207 section 4.2). go-mail's own StartTLS would read the reply to
// the second EHLO past the [keywordReader], and text that an attacker put behind
// the answer to STARTTLS into the encrypted session.
func (n *notifier) startTLS(ctx context.Context, c *conversation, conn net.Conn) error {
	if offered, _ := c.client.Extension("STARTTLS"); !offered {
		return errors.New("STARTTLS: the server does not offer it, and without it nothing is sent")
	}
	if _, err := c.client.Text.Cmd("STARTTLS"); err != nil {
		return failedAt("STARTTLS", err)
	}
	if _, _, err := c.client.Text.ReadResponse(220); err != nil {
		return failedAt("STARTTLS", err)
	}
	if c.client.Text.R.Buffered() > 0 || c.reader.buffered() {
		return errors.New("STARTTLS: the server sent clear text after its answer, which could be an attacker's; nothing is sent")
	}
	secure, err := n.encrypt(ctx, conn)
	if err != nil {
		return err
	}
	// The client begins with a greeting, which the server does not repeat.
	return n.introduce(c, &replayed{Conn: secure, first: []byte("220 TLS\r\n")})
}

// A loginError is a failure of AUTH.
type loginError struct{ error }

func (e *loginError) Unwrap() error { return e.error }

// isLoginRefused reports whether the server says that it does not take the user's name
// and password.
func isLoginRefused(err error) bool {
	var login *loginError
	return errors.As(err, &login) && replyCode(err)/100 == 5
}

func (n *notifier) login(client *smtp.Client) error {
	if n.settings.Username == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanism, err := n.settings.choose(offered)
	if err != nil {
		return err
	}
	if err := client.Auth(n.settings.auth(mechanism)); err != nil {
		return &loginError{failedAt(fmt.Sprintf("login as %s by %s", n.settings.Username, mechanism), err)}
	}
	return nil
}

// hello returns the name that the client gives, or its address as a literal (RFC 5321
// section 4.1.3).
func (n *notifier) hello(conn net.Conn) string {
	if n.settings.Hello != "" {
		return n.settings.Hello
	}
	address, ok := conn.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case address.IP.To4() != nil:
		return "[" + address.IP.String() + "]"
	}
	return "[IPv6:" + address.IP.String() + "]"
}

// quit says QUIT and waits for a second at most: the message has been accepted, and
// nothing that comes now can change that.
func (c *conversation) quit() {
	_ = c.conn.SetDeadline(time.Now().Add(time.Second)) // some servers never answer QUIT
	_ = c.client.Quit()
}

func (c *conversation) close() {
	c.unbind()
	_ = c.conn.Close()
}

// budgeted ends a connection from which too much was read.
type budgeted struct {
	net.Conn
	left int
}

func (b *budgeted) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server sends too much data")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// A refusal is what the server answered in place of what was hoped for.
type refusal struct {
	step  string
	code  int
	words string // as they came
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.step, r.code, r.words) }

// failedAt names the step at which err happened.
func failedAt(step string, err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return &refusal{step, answer.Code, answer.Msg}
	}
	return fmt.Errorf("%s: %w", step, err)
}

// replyCode returns the code of the server's answer in err; 0: it gave none.
func replyCode(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}
