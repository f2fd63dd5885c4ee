package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/smtp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

// relayOptions are what is known of a relay.
type relayOptions struct {
	address  string // host, or host:port
	security string // empty: the best that it offers
	username string
	from     string
}

// Ports of SMTP: submission with STARTTLS and with TLS (RFC 8314), and that of relays.
const (
	portSubmission = 587
	portSMTPS      = 465
	portSMTP       = 25
)

// The securities of notifier "email".
const (
	relayTLS           = "tls"
	relaySTARTTLS      = "starttls"
	relayPlain         = "none"
	relayOpportunistic = "opportunistic"
)

// hostAndPort returns where the relay is; the mail server of this machine takes messages on
// port 25.
func (r relayOptions) hostAndPort() (host string, port int, err error) {
	host = r.address
	if h, digits, err := net.SplitHostPort(r.address); err == nil {
		host = h
		if port, err = strconv.Atoi(digits); err != nil || port < 1 || port > 65535 {
			return "", 0, fmt.Errorf("%q is no port", digits)
		}
	}
	if host, err = hclfile.Hostname(host); err != nil {
		return "", 0, fmt.Errorf("mail relay %q: %w", r.address, err)
	}
	switch {
	case port != 0:
	case isLoopback(host):
		port = portSMTP
	case r.security == relayTLS:
		port = portSMTPS
	default:
		port = portSubmission
	}
	return host, port, nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// untestedSecurity returns the security for a relay that is not asked.
func (r relayOptions) untestedSecurity(host string, port int) string {
	switch {
	case r.security != "":
		return r.security
	case port == portSMTPS:
		return relayTLS
	case isLoopback(host):
		return relayPlain
	}
	return relaySTARTTLS
}

// A relaySurvey is what a relay offers and takes.
type relaySurvey struct {
	security string
	lines    []string // what was found, for people
}

// relayPatience is how long the conversation with a relay may take.
const relayPatience = 30 * time.Second

// surveyRelay asks a relay how connections are encrypted there, and whether it takes
// messages for the recipients. No message is sent.
func surveyRelay(ctx context.Context, r relayOptions, password string, to []string) (s relaySurvey, err error) {
	host, port, err := r.hostAndPort()
	if err != nil {
		return s, err
	}
	client, err := dialRelay(ctx, host, port, r.security == relayTLS || r.security == "" && port == portSMTPS)
	if err != nil {
		return s, err
	}
	s.lines = append(s.lines, fmt.Sprintf("mail relay %s:%d answers", host, port))
	if client, err = s.secure(ctx, client, r, host, port); err != nil {
		return s, err
	}
	defer func() { _ = client.Close() }()
	if r.username != "" {
		if s.security != relayTLS && s.security != relaySTARTTLS {
			return s, errors.New("no password is sent without verified TLS, and the relay does not offer that")
		}
		if err := client.Auth(smtp.PlainAuth("", r.username, password, host)); err != nil {
			return s, fmt.Errorf("the login of %s is refused: %w", r.username, quotedAnswer(err))
		}
		s.lines = append(s.lines, "the login of "+r.username+" works")
	}
	if err := offerMessage(client, r.from, to); err != nil {
		return s, err
	}
	s.lines = append(s.lines, fmt.Sprintf("it takes messages from %s to %s", r.from, strings.Join(to, ", ")))
	_ = client.Quit() // whatever it answers, all has been asked
	return s, nil
}

// dialRelay connects to a relay, with TLS from the first byte or without, and greets it.
func dialRelay(ctx context.Context, host string, port int, encrypted bool) (*smtp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, relayPatience)
	defer cancel()
	address := net.JoinHostPort(host, strconv.Itoa(port))
	var conn net.Conn
	var err error
	if encrypted {
		d := tls.Dialer{Config: relayTLSConfig(host)}
		conn, err = d.DialContext(ctx, "tcp", address)
	} else {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("it does not greet as a mail server does: %w", quotedAnswer(err))
	}
	if err := client.Hello(helloName()); err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("it refuses EHLO: %w", quotedAnswer(err))
	}
	return client, nil
}

func relayTLSConfig(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}

// helloName returns what this machine calls itself in EHLO: a name with a dot, or as RFC
// 5321 section 4.1.3 has it an address.
func helloName() string {
	if name := hostName(); strings.Contains(name, ".") {
		return name
	}
	return "[127.0.0.1]"
}

// secure finds out how the connection becomes encrypted. Where STARTTLS was tried in vain,
// the client is another one.
func (s *relaySurvey) secure(ctx context.Context, client *smtp.Client, r relayOptions, host string, port int) (*smtp.Client, error) {
	if _, encrypted := client.TLSConnectionState(); encrypted {
		s.security = relayTLS
		s.lines = append(s.lines, `the connection begins with verified TLS (security = "tls")`)
		return client, nil
	}
	offered, _ := client.Extension("STARTTLS")
	if r.security == relayPlain || !offered && r.security == "" && isLoopback(host) {
		s.withoutTLS(host, "")
		return client, nil
	}
	if !offered {
		_ = client.Close()
		if r.security == "" {
			return nil, s.without(host, "it offers no STARTTLS")
		}
		return nil, fmt.Errorf("it offers no STARTTLS, and --relay-security is %q", r.security)
	}
	err := client.StartTLS(relayTLSConfig(host))
	if err == nil {
		s.security = relaySTARTTLS
		if r.security == relayOpportunistic {
			s.security = relayOpportunistic
		}
		s.lines = append(s.lines, fmt.Sprintf("STARTTLS works, and the certificate is valid (security = %q)", s.security))
		return client, nil
	}
	_ = client.Close()
	why := "the certificate cannot be verified: " + err.Error()
	if r.security != "" && r.security != relayOpportunistic {
		return nil, errors.New(why)
	}
	if err := s.without(host, why); err != nil {
		return nil, err
	}
	return dialRelay(ctx, host, port, false) // the connection is of no use any more
}

// without takes a relay without verified TLS: on this machine, or where the language
// allows it.
func (s *relaySurvey) without(host, why string) error {
	switch {
	case isLoopback(host):
		s.withoutTLS(host, why)
		return nil
	case slices.Contains(relaySecurities(), relayOpportunistic):
		s.security = relayOpportunistic
		s.lines = append(s.lines, fmt.Sprintf("%s (security = %q: others on the network may read messages)", why, s.security))
		return nil
	}
	return errors.New(why)
}

// withoutTLS takes a relay without encryption.
func (s *relaySurvey) withoutTLS(host, why string) {
	s.security = relayPlain
	line := `without encryption (security = "none")`
	if isLoopback(host) {
		line = `without encryption, on this machine (security = "none")`
	}
	if why != "" {
		line += "; " + why
	}
	s.lines = append(s.lines, line)
}

// relaySecurities returns what notifier "email" may have for security.
func relaySecurities() []string {
	for _, b := range hclfile.Schema().Blocks {
		if b.Name != "notifier" || b.Kind != "email" {
			continue
		}
		for _, a := range b.Attributes {
			if a.Name == "security" {
				return a.Values
			}
		}
	}
	return nil
}

// offerMessage asks whether a message would be taken, and takes the offer back.
func offerMessage(client *smtp.Client, from string, to []string) error {
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return fmt.Errorf("the sender %q is no email address", from)
	}
	if err := client.Mail(sender.Address); err != nil {
		return fmt.Errorf("it refuses the sender %s: %w", sender.Address, quotedAnswer(err))
	}
	for _, text := range to {
		recipient, err := mail.ParseAddress(text)
		if err != nil {
			return fmt.Errorf("%q is no email address", text)
		}
		if err := client.Rcpt(recipient.Address); err != nil {
			return fmt.Errorf("it refuses the recipient %s: %w", recipient.Address, quotedAnswer(err))
		}
	}
	return client.Reset()
}

// quotedAnswer returns an error whose words may be the relay's, so that a terminal takes
// none of them for a command.
func quotedAnswer(err error) error { return fmt.Errorf("%q", err.Error()) }
