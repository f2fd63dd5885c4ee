// Package email is the channel that speaks SMTP with a submission server or
// relay (RFC 6409, RFC 5321).
//
// It owns what an email of ours looks like and one conversation per message. It
// never sends a password before a verified TLS session exists (RFC 8314), and no byte
// of a message either, unless security "none" or "opportunistic" asks for it: the relays
// of many companies offer no TLS inside their network.
//
// A caller may rely on this: each recipient that the server accepts gets a
// message once, also when it refuses or defers another one, and the receipt says
// what became of each. A repeated attempt goes only to those for whom the message
// is not settled; it carries the same Message-ID, and messages about one incident form
// a thread. The receipt is the server's last reply, in
// which most servers give their queue id.
package email

import (
	"cmp"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config/certfile"
	"github.com/imapvigil/imapvigil/config/names"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Settings are a notifier block of kind email.
type Settings struct {
	Host string
	Port int // 0: 587 (RFC 6409)
	// Security is "starttls" (also when empty), "tls", "opportunistic" or "none". The
	// last sends no password; the one before sends it under verified TLS only.
	Security string
	// TLSServerName is the name that the certificate must be for; empty: Host.
	TLSServerName string
	// Username and Password are both set or both empty.
	Username string
	Password opaque.Secret
	// Auth is "auto" (also when empty): the best that both sides know; or one
	// of Mechanisms.
	Auth string
	From string // RFC 5322 mailbox: "imapvigil <alerts@example.net>"
	// Hello is what the client calls itself in EHLO; empty: its address, as
	// RFC 5321 section 4.1.4 wants it from a client without a name.
	Hello string
	CA    string // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Relay implements [notifiers.Relayed].
func (s Settings) Relay() string { return s.Host }

// PortAdvice implements [notifiers.PortAdviser]: one of two sides would wait for TLS
// where the other speaks first (RFC 8314 section 3.3).
func (s Settings) PortAdvice() string {
	switch {
	case s.Security == "tls" && s.Port == 587:
		return "With security = \"tls\" the connection begins with TLS, and on port 587 mail servers begin without. Write port = 465, or security = \"starttls\"."
	case s.Security != "tls" && s.Port == 465:
		return fmt.Sprintf("With security = %q the connection begins without TLS, and on port 465 mail servers begin with it. Write security = \"tls\", or another port.", s.Security)
	}
	return ""
}

// IsExposed implements [notifiers.Exposed].
func (s Settings) IsExposed() bool { return s.Security == "none" && !names.IsLoopback(s.Host) }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	s.Port = cmp.Or(s.Port, 587)
	s.Security = cmp.Or(s.Security, "starttls")
	s.Auth = cmp.Or(s.Auth, "auto")
	from, err := parseMailbox(s.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	roots, err := certfile.Pool(s.CA)
	if err != nil {
		return nil, err
	}
	for _, check := range []func() error{s.checkServer, s.checkSecurity, s.checkLogin} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return &notifier{
		settings: s,
		from:     from,
		tls: &tls.Config{
			ServerName: cmp.Or(s.TLSServerName, s.Host), RootCAs: roots,
			MinVersion:         tls.VersionTLS12, // RFC 8997: mail is submitted with TLS 1.2 or newer
			InsecureSkipVerify: !s.verifies(),    //nolint:gosec // see verifies
		},
		secrets: opaque.NewScrubber(s.secrets()...),
	}, nil
}

// verifies reports whether the relay's certificate must be in order. Opportunistic TLS is
// better than none with any certificate (RFC 7435 section 3), and Debian's Postfix offers
// STARTTLS with one that nobody signed; a password needs more, and so does whoever
// says which certificate is the right one.
func (s Settings) verifies() bool {
	return s.Security != "opportunistic" || s.Username != "" || s.CA != "" || s.TLSServerName != ""
}

func (s Settings) checkServer() error {
	switch {
	case s.Host == "":
		return errors.New("host is missing: name the mail server")
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("port %d is not in 1..65535", s.Port)
	// A blank or a line end in it would change the command, or begin another.
	case strings.ContainsFunc(s.Hello, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("hello %q is not a host name", s.Hello)
	}
	return nil
}

func (s Settings) checkSecurity() error {
	switch s.Security {
	case "starttls", "tls", "opportunistic":
		return nil
	case "none":
	default:
		return fmt.Errorf(`security %q is not known: use "starttls", "tls", "opportunistic" or "none"`, s.Security)
	}
	switch {
	case s.Username != "":
		return errors.New(`security "none" would send the password unencrypted: use "starttls" or "tls", or remove username and password`)
	case s.TLSServerName != "":
		return errors.New(`tls_server_name has no effect with security "none": use "starttls", "tls" or "opportunistic", or remove it`)
	}
	return nil
}

func (s Settings) checkLogin() error {
	if (s.Username == "") != s.Password.IsZero() {
		return errors.New("set username and password together, or neither")
	}
	if _, known := mechanisms[s.Auth]; !known && s.Auth != "auto" {
		return fmt.Errorf(`auth %q is not known: use "auto" or one of %s`, s.Auth, strings.Join(Mechanisms(), ", "))
	}
	return nil
}

// secrets returns the forms in which the password crosses the wire, or comes out of
// a quoted error.
func (s Settings) secrets() []string {
	password := s.Password.Reveal()
	encode := base64.StdEncoding.EncodeToString
	quoted := strconv.Quote(password)
	return []string{
		password, quoted[1 : len(quoted)-1],
		// As LOGIN sends it, and as PLAIN does (RFC 4616 section 2).
		encode([]byte(password)), encode([]byte("\x00" + s.Username + "\x00" + password)),
	}
}
