package probe

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// A server that sends a challenge and its OK in one breath is seen through before the
// OK is read. The probe hangs up, and after that go-imap gets nothing to react to, and
// nothing that it does is sent or stands in the transcript.
func TestNothingIsSaidAfterHangingUp(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		_, _ = bufio.NewReader(far).ReadString('\n')
		_, _ = io.WriteString(far, "+ cj1h\r\nV1 OK in\r\n")
	}()
	var said strings.Builder // not locked: the race detector sees a line that comes late
	prober := New(Options{Transcript: func(l Line) { said.WriteString(l.From + ": " + l.Text.String() + "\n") }})
	talk := &conversation{round: &round{prober: prober, redact: newRedactor(config.Login{})}, conn: near}
	talk.responses = newResponses(near, talk.redact)
	g := newGate(talk)
	g.pending = nil // no greeting
	g.beginSecret(way{mechSCRAM, "AUTHENTICATE " + mechSCRAM}, "alice")

	if _, err := g.Write([]byte("V1 AUTHENTICATE SCRAM-SHA-256\r\n")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, maxLine)
	n, err := g.Read(buffer)
	if got := string(buffer[:n]); err != nil || !strings.HasPrefix(got, "+ ") {
		t.Fatalf("go-imap gets %q, %v", got, err)
	}
	g.endSecret()
	before := said.String()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := g.Read(buffer); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after hanging up go-imap gets %q, %v", buffer[:n], err)
	}
	if _, err := g.Write([]byte("V2 CAPABILITY\r\n")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after hanging up it may write: %v", err)
	}
	if said.String() != before {
		t.Errorf("the transcript goes on:\n%s", said.String())
	}
}

// When go-imap has given up a login, the OK to it still tells the capabilities, or
// go-imap would ask for them.
func TestLateOKTellsCapabilities(t *testing.T) {
	g := &gate{talk: &conversation{round: &round{}}, code: "[CAPABILITY IMAP4rev1]"}
	g.beginSecret(way{mechPlain, "AUTHENTICATE PLAIN"}, "alice")
	g.endSecret()
	for _, want := range []string{"V1 OK [CAPABILITY IMAP4rev1] done\r\n", "V1 OK done\r\n"} {
		if got := g.translate(response{tag: "V1", status: "OK"}); got != want {
			t.Errorf("go-imap gets %q, want %q", got, want)
		}
	}
}
