package smtpsink

import (
	"io"
	"slices"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A session is one conversation after EHLO.
type session struct {
	sink      *Sink
	conn      *smtp.Conn
	user      string
	mechanism string
	from      string
	to        []string
}

var _ smtp.AuthSession = (*session)(nil)

func (s *Sink) newSession(conn *smtp.Conn) (smtp.Session, error) {
	return &session{sink: s, conn: conn}, nil
}

func (c *session) AuthMechanisms() []string {
	switch {
	case c.sink.options.Username == "":
		return nil
	case c.sink.options.Mechanisms == nil:
		return []string{"PLAIN", "LOGIN"}
	}
	return c.sink.options.Mechanisms
}

func (c *session) Auth(mechanism string) (sasl.Server, error) {
	if !slices.Contains(c.AuthMechanisms(), mechanism) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	c.mechanism = mechanism
	return c.authenticator(mechanism)
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.sink.options.Username != "" && c.user == "" {
		// RFC 4954 section 6.
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "authenticate first"}
	}
	c.from = from
	return c.sink.misbehave(c.conn.Conn(), Mail, "")
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := c.sink.misbehave(c.conn.Conn(), Rcpt, to); err != nil {
		return err
	}
	c.to = append(c.to, to)
	return nil
}

func (c *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.sink.misbehave(c.conn.Conn(), Data, ""); err != nil {
		return err
	}
	_, encrypted := c.conn.TLSConnectionState()
	// Before Reply: there a client may lose the connection after its message was taken.
	c.sink.keep(Envelope{
		From: c.from, To: slices.Clone(c.to), Data: data,
		User: c.user, Mechanism: c.mechanism, TLS: encrypted,
	})
	return c.sink.misbehave(c.conn.Conn(), Reply, "")
}

func (c *session) Reset()        { c.from, c.to = "", nil }
func (c *session) Logout() error { return nil }
