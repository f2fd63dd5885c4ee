package imaptest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// errOver ends a script without blame.
var errOver = errors.New("the connection is over")

// A player plays one connection.
type player struct {
	server *Server
	tcp    net.Conn
	conn   net.Conn // tcp, or TLS over it
	lines  *bufio.Reader
	tag    string
	last   string   // command
	caps   []string // what the polite steps announce
}

func newPlayer(s *Server, conn net.Conn) *player {
	taped := tap{conn, s}
	return &player{server: s, tcp: conn, conn: taped, lines: bufio.NewReader(taped)}
}

func (p *player) do(s step) error {
	switch s.verb {
	case "S:":
		return p.send(p.filled(s.text) + "\r\n")
	case "C:":
		return p.expect(s.text)
	case "C":
		_, err := p.plainLine()
		return err
	case "spoken-to":
		_, err := p.lines.Peek(1)
		return err
	case "tls":
		return p.handshake(s)
	case "large-hello":
		return p.failOnLarge(s)
	case "proxy":
		return p.takeProxyHeader(s.text)
	case "raw":
		return p.send(p.filled(s.text))
	case "trickle":
		return p.trickle(s.text+"\r\n", s.pause)
	case "caps":
		p.caps = s.words
		return nil
	case "until":
		return p.politely(s.text)
	case "drip":
		return p.drip(s.text+"\r\n", s.pause)
	case "repeat":
		return p.repeat(s.text+"\r\n", s.count)
	case "fill":
		return p.repeat(s.text, s.count)
	case "pause":
		return p.pause(s.pause)
	case "serve":
		if len(s.words) > 0 {
			p.caps = s.words
		}
		return p.serve()
	case "silence":
		return p.silence()
	case "close", "half-close":
		return p.hangUp()
	case "reset":
		if tcp, ok := p.tcp.(*net.TCPConn); ok {
			// Closing then sends a reset instead of a FIN (socket(7), SO_LINGER).
			_ = tcp.SetLinger(0)
		}
	}
	return errOver
}

// filled puts into a text what the last command was.
func (p *player) filled(text string) string {
	secret := secretOf(p.last)
	coded := base64.StdEncoding.EncodeToString([]byte(secret))
	return strings.NewReplacer("$tag", p.tag, "$secret", secret, "$base64", coded).Replace(text)
}

// secretOf returns the password of a LOGIN, or the token of an AUTHENTICATE XOAUTH2.
func secretOf(command string) string {
	word := strings.Trim(command[strings.LastIndex(command, " ")+1:], `"`)
	if decoded, err := base64.StdEncoding.DecodeString(word); err == nil {
		if _, rest, ok := strings.Cut(string(decoded), "Bearer "); ok {
			token, _, _ := strings.Cut(rest, "\x01")
			return token
		}
	}
	return word
}

// hangUp ends the server's half and takes what still comes until the client has
// ended its own: a socket closed over bytes that nobody has read resets the
// connection instead of ending it (RFC 9293, section 3.6.1).
func (p *player) hangUp() error {
	if tcp, ok := p.tcp.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, tap{p.tcp, p.server})
	return errOver
}

func (p *player) close() {
	_ = p.tcp.Close()
}

func (p *player) send(text string) error {
	_, err := io.WriteString(p.conn, text)
	return err
}

// plainLine reads a line that is no command.
func (p *player) plainLine() (string, error) {
	line, err := p.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	p.server.heard(line)
	return line, nil
}

// line reads a command and remembers its tag.
func (p *player) line() (command string, err error) {
	line, err := p.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	p.tag, p.last = tag, command
	p.server.heard(command)
	return command, nil
}

func (p *player) expect(pattern string) error {
	command, err := p.line()
	if err != nil {
		return p.server.surprise("waiting for %q: %w", pattern, err)
	}
	if !matches(pattern, command) {
		return p.server.surprise("got %q instead of %q", command, pattern)
	}
	return nil
}

func (p *player) handshake(s step) error {
	config, err := p.server.certs.config(s)
	if err != nil {
		return p.server.surprise("tls: %w", err)
	}
	// spoken-to and large-hello may have read a part of the ClientHello already.
	conn := tls.Server(peeked{p.conn, p.lines}, config)
	if err := conn.HandshakeContext(p.server.ctx); err != nil {
		return err // clients that reject a certificate end it like this
	}
	p.conn, p.lines = conn, bufio.NewReader(conn)
	return nil
}

// peeked is a connection of which some bytes were looked at.
type peeked struct {
	net.Conn
	lines *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.lines.Read(b) }

// segment is what a ClientHello may take, in bytes, to fit one TCP segment.
const segment = 1300

// failOnLarge does what a step says, reset, close, silence or an alert by its number,
// when the ClientHello takes more than one segment.
func (p *player) failOnLarge(s step) error {
	header, err := p.lines.Peek(5) // RFC 8446 section 5.1
	if err != nil || int(header[3])<<8|int(header[4]) <= segment {
		return err
	}
	if alert, err := strconv.ParseUint(s.text, 10, 8); err == nil {
		// A record of two bytes that holds a fatal alert, RFC 8446 section 6.
		if err := p.send("\x15\x03\x03\x00\x02\x02" + string([]byte{byte(alert)})); err != nil {
			return err
		}
		return p.hangUp()
	}
	return p.do(step{verb: s.text})
}

func (p *player) drip(text string, pause time.Duration) error {
	for _, b := range []byte(text) {
		if err := p.pause(pause); err != nil {
			return err
		}
		if _, err := p.conn.Write([]byte{b}); err != nil {
			return err
		}
	}
	return nil
}

// repeat sends a text many times, in large pieces.
func (p *player) repeat(text string, count int) error {
	const piece = 32 << 10
	// Over TLS each write is a record of its own: thousands of short ones would be slow.
	most := max(1, piece/len(text))
	for count > 0 {
		n := min(count, most)
		if err := p.send(strings.Repeat(text, n)); err != nil {
			return err
		}
		count -= n
	}
	return nil
}

func (p *player) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	// Close must not wait for a pause of minutes.
	case <-p.server.ctx.Done():
		return errOver
	}
}

// silence reads and says nothing, until the client has gone.
func (p *player) silence() error {
	_, _ = io.Copy(io.Discard, p.lines)
	return errOver
}

func (p *player) trickle(text string, pause time.Duration) error {
	for {
		if err := p.pause(pause); err != nil {
			return err
		}
		if err := p.send(text); err != nil {
			return err
		}
	}
}
