package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// A dialogue is a server that says its pieces, the first at once and one after
// each line of the client, whatever that was. Its record is what the simple
// checker below looks at.
type dialogue struct {
	pieces []string
	tls    *tls.Config

	mu     sync.Mutex
	server strings.Builder
	client []string
	clear  strings.Builder // all that was sent without TLS
}

func (d *dialogue) play(conn net.Conn) {
	defer conn.Close()
	if d.tls != nil {
		secured := tls.Server(conn, d.tls)
		if secured.Handshake() != nil {
			return
		}
		conn = secured
	}
	lines := bufio.NewReader(conn)
	if d.tls == nil {
		lines = bufio.NewReader(io.TeeReader(conn, &d.clear))
	}
	tag := ""
	for _, piece := range d.pieces {
		piece = strings.ReplaceAll(piece, "$tag", tag)
		d.mu.Lock()
		d.server.WriteString(piece)
		d.mu.Unlock()
		if _, err := conn.Write([]byte(piece)); err != nil {
			return
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		tag, _, _ = strings.Cut(line, " ")
		d.mu.Lock()
		d.client = append(d.client, line)
		d.mu.Unlock()
	}
	_, _ = lines.WriteTo(discard{})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

var (
	literalAtEnd = regexp.MustCompile(`\{(\d{1,9})\+?\}\r?\n$`)
	greetingOK   = regexp.MustCompile(`(?i)^\* +ok( |$)`)
	goodbye      = regexp.MustCompile(`(?i)^\* +bye( |$)`)
	needsOK      = regexp.MustCompile(`^(\S+) (CAPABILITY|LOGIN|AUTHENTICATE|EXAMINE)\b`)
	needsAnswer  = regexp.MustCompile(`^(\S+) ID\b`)
)

// mayBeOK is an independent, simple judge of a dialogue: it is well only when
// the server greeted with OK and answered every command but LOGOUT with OK (or
// ID with anything), before it said BYE.
func (d *dialogue) mayBeOK() bool {
	lines := withoutLiterals(d.server.String())
	if len(lines) == 0 || !greetingOK.MatchString(lines[0]) {
		return false
	}
	for _, command := range d.client {
		wanted := "ok"
		match := needsOK.FindStringSubmatch(command)
		if match == nil {
			wanted, match = "ok|no|bad", needsAnswer.FindStringSubmatch(command)
		}
		if match != nil && !answered(lines, match[1], wanted) {
			return false
		}
	}
	return true
}

func answered(lines []string, tag, how string) bool {
	answer := regexp.MustCompile(`(?i)^` + regexp.QuoteMeta(tag) + ` +(` + how + `)( |$)`)
	for _, line := range lines[1:] {
		switch {
		case answer.MatchString(line):
			return true
		case goodbye.MatchString(line):
			return false
		}
	}
	return false
}

// withoutLiterals gives the first lines of responses.
func withoutLiterals(text string) (lines []string) {
	for text != "" {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			return lines
		}
		line := text[:end]
		text = text[end:]
		if strings.TrimSpace(line) == "" {
			continue // servers send empty lines between responses
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
		for match := literalAtEnd.FindStringSubmatch(line); match != nil; match = literalAtEnd.FindStringSubmatch(line) {
			size, err := strconv.Atoi(match[1])
			if err != nil || size > len(text) {
				return lines
			}
			text = text[size:]
			end = strings.IndexByte(text, '\n') + 1
			if end == 0 {
				return lines
			}
			line, text = text[:end], text[end:]
		}
	}
	return lines
}

// forAllClocks is a certificate that is good in a bubble and outside.
var forAllClocks = sync.OnceValues(func() (*ca.Authority, tls.Certificate) {
	authority := ca.New()
	return authority, authority.Issue(ca.Leaf{
		NotBefore: time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC),
	})
})

// secretInBase64 is the password as a part of what AUTHENTICATE PLAIN sends.
var secretInBase64 = base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + secret))

type failer interface {
	Errorf(format string, args ...any)
}

// hold has the prober talk to a dialogue in a bubble, and checks what must be
// true of any.
func hold(t *testing.T, report failer, check config.Probe, pieces []string) {
	authority, certificate := forAllClocks()
	synctest.Test(t, func(t *testing.T) {
		d := &dialogue{pieces: pieces}
		if check.Security == config.TLSFromStart {
			d.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
		}
		var servers sync.WaitGroup
		var connections atomic.Int64
		prober := New(Options{Roots: authority.Pool(), Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			partner := d
			if connections.Add(1) > 1 {
				partner = &dialogue{} // a second connection is a diagnosis
			}
			servers.Go(func() { partner.play(far) })
			return near, nil
		}})
		began := time.Now()
		r := prober.judged(t.Context(), "fuzz", check)
		took := time.Since(began)
		servers.Wait()
		worst, _ := r.Worst()
		if took > check.Timeout+250*time.Millisecond {
			report.Errorf("it took %v", took)
		}
		if strings.Contains(worst.Hint, "The probe itself failed") {
			report.Errorf("%s", worst.Hint)
		}
		if r.Health() == incident.OK && !d.mayBeOK() {
			report.Errorf("ok, after the server said\n%s\nto\n%s", d.server.String(), strings.Join(d.client, "\n"))
		}
		if sent := d.clear.String(); strings.Contains(sent, secret) || strings.Contains(sent, secretInBase64) {
			report.Errorf("the password was sent in the clear: %q", sent)
		}
		if !check.Login.Password.IsZero() && strings.Contains(fmt.Sprintf("%+v", r), secret) {
			report.Errorf("the password is in the result: %+v", r)
		}
	})
}

func fuzzCheck(security config.Security, login bool) config.Probe {
	check := config.Probe{
		Hostname: "127.0.0.1", Port: 143, Security: security, Addresses: config.AllAddresses, Interval: time.Minute, Timeout: 10 * time.Second,
	}
	if login {
		check.Login = config.Login{Username: "alice", Password: opaque.NewSecret(secret), Mailbox: "INBOX"}
	}
	return check
}

// A grammar of what servers say, most of it good, some of it broken.
var (
	statuses = []string{"OK", "OK", "OK", "OK", "NO", "BAD", "BYE", "PREAUTH", "ok", "X"}
	texts    = []string{"done", "", "[CAPABILITY IMAP4rev1 ID]", "[ALERT] hear", "[AUTHENTICATIONFAILED] no", "[", "{3}", "\x00\x1b\u202e", "of " + secret, strings.Repeat("x", 9000)}
	data     = []string{"CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR", "CAPABILITY IMAP4rev1 LOGINDISABLED", "1 EXISTS", "ID NIL", "X {3}\r\nabc", "X {999999}", "BYE gone", "OK [ALERT] x", "LIST ((("}
	tags     = []string{"$tag", "$tag", "$tag", "$tag", "$tag", "*", "+", "V1", "T9", ""}
	ends     = []string{"\r\n", "\r\n", "\r\n", "\n", ""}
)

func piece(t *rapid.T, first bool) string {
	var b strings.Builder
	pick := func(from []string) string { return rapid.SampledFrom(from).Draw(t, "word") }
	if first {
		return pick([]string{"* ", "* ", "* ", ""}) + pick(statuses) + " " + pick(texts) + pick(ends)
	}
	for range rapid.IntRange(0, 2).Draw(t, "untagged") {
		b.WriteString("* " + pick(data) + pick(ends))
	}
	b.WriteString(pick(tags) + " " + pick(statuses) + " " + pick(texts) + pick(ends))
	return b.String()
}

func TestNoDialogueFoolsAProbe(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		pieces := []string{piece(r, true)}
		for range rapid.IntRange(0, 6).Draw(r, "pieces") {
			pieces = append(pieces, piece(r, false))
		}
		security := rapid.SampledFrom([]config.Security{config.Plain, config.StartTLS, config.TLSFromStart}).Draw(r, "security")
		hold(t, r, fuzzCheck(security, rapid.Bool().Draw(r, "login")), pieces)
	})
}

// FuzzConversation mutates whole dialogues; pieces are divided by a line of two
// dashes.
func FuzzConversation(f *testing.F) {
	for _, seed := range []string{
		"* OK ready\r\n--\n* CAPABILITY IMAP4rev1 ID\r\n$tag OK done\r\n--\n* ID NIL\r\n$tag OK done\r\n--\n$tag OK logged in\r\n--\n* 1 EXISTS\r\n$tag OK [READ-ONLY] done\r\n--\n* BYE\r\n$tag OK\r\n",
		"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n--\n* CAPABILITY AUTH=PLAIN\r\n$tag OK\r\n--\n+ \r\n--\n$tag NO [AUTHENTICATIONFAILED] no\r\n--\n",
		"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n--\n$tag OK go\r\n* OK injected\r\n",
		"* BYE too many connections\r\n",
	} {
		for mode := range byte(4) {
			f.Add(seed, mode)
		}
	}
	f.Fuzz(func(t *testing.T, text string, mode byte) {
		security := []config.Security{config.Plain, config.StartTLS, config.TLSFromStart, config.TLSFromStart}[mode%4]
		hold(t, t, fuzzCheck(security, mode%4 == 3), strings.Split(text, "--\n"))
	})
}
