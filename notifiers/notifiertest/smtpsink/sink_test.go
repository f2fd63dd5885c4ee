package smtpsink_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The conversation of a well-behaved client, in the forms that are offered.
func TestSinkKeepsWhatItAccepts(t *testing.T) {
	for name, options := range map[string]smtpsink.Options{
		"starttls":     {},
		"implicit tls": {Implicit: true},
	} {
		t.Run(name, func(t *testing.T) {
			options.Username, options.Password = "alice", "secret"
			sink, client := start(t, options)
			if err := client.Auth(smtp.PlainAuth("", "alice", "secret", "127.0.0.1")); err != nil {
				t.Fatal(err)
			}
			if err := send(client, "a@example.net", "b@example.net"); err != nil {
				t.Fatal(err)
			}
			messages, err := sink.Wait(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			got := messages[0]
			if got.From != "from@example.net" || !slices.Equal(got.To, []string{"a@example.net", "b@example.net"}) {
				t.Errorf("envelope %s -> %v", got.From, got.To)
			}
			if string(got.Data) != "Subject: x\r\n\r\nhello\r\n" || got.User != "alice" || !got.TLS {
				t.Errorf("message %q by %q, encrypted %v", got.Data, got.User, got.TLS)
			}
		})
	}
}

func TestSinkWantsItsPassword(t *testing.T) {
	_, client := start(t, smtpsink.Options{Username: "alice", Password: "secret"})
	if err := send(client, "a@example.net"); code(err) != 530 {
		t.Errorf("without AUTH: %v, want 530", err)
	}
	if err := client.Auth(smtp.PlainAuth("", "alice", "wrong", "127.0.0.1")); code(err) != 535 {
		t.Errorf("wrong password: %v, want 535", err)
	}
}

func TestSinkRepeatsThePassword(t *testing.T) {
	sink, client := start(t, smtpsink.Options{Username: "alice", Password: "secret"})
	sink.Behave(smtpsink.Behaviour{At: smtpsink.Auth, Code: 535, Text: "5.7.8 not $secret or $base64"})
	err := client.Auth(smtp.PlainAuth("", "alice", "wrong", "127.0.0.1"))
	if !strings.Contains(fmt.Sprint(err), "not wrong or d3Jvbmc=") {
		t.Errorf("the answer is %v", err)
	}
}

func TestSinkMisbehaves(t *testing.T) {
	for _, b := range []smtpsink.Behaviour{
		{At: smtpsink.Mail, Code: 451, Text: "4.3.0 later"},
		{At: smtpsink.Rcpt, Code: 550, Text: "5.1.1 who?", To: "b@example.net"},
		{At: smtpsink.Data, Code: 552, Text: "5.2.2 full"},
		{At: smtpsink.Reply, Code: 451, Text: "4.3.0 kept, but says so"},
		{At: smtpsink.Mail, Do: smtpsink.Drop},
		{At: smtpsink.Data, Do: smtpsink.Drop},
		{At: smtpsink.Reply, Do: smtpsink.Drop},
	} {
		t.Run(fmt.Sprintf("stage %d, action %d", b.At, b.Do), func(t *testing.T) {
			sink, client := start(t, smtpsink.Options{})
			sink.Behave(b)
			err := send(client, "a@example.net", "b@example.net")
			if b.Do == smtpsink.Answer && code(err) != b.Code {
				t.Errorf("got %v, want code %d", err, b.Code)
			}
			if b.Do == smtpsink.Drop && !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want EOF", err)
			}
			if kept := len(sink.Messages()) == 1; kept != (b.At == smtpsink.Reply) {
				t.Errorf("message kept: %v", kept)
			}
			if stage := <-sink.Reached(); stage != b.At {
				t.Errorf("reached %d", stage)
			}
		})
	}
}

// A stalled conversation ends when either side goes.
func TestSinkStalls(t *testing.T) {
	for _, who := range []string{"client", "sink"} {
		t.Run(who+" ends it", func(t *testing.T) {
			sink, client := start(t, smtpsink.Options{})
			sink.Behave(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Stall})
			failed := make(chan error)
			go func() { failed <- send(client, "a@example.net") }()
			<-sink.Reached()
			if who == "client" {
				_ = client.Close()
			} else {
				_ = sink.Close()
			}
			if err := <-failed; err == nil {
				t.Error("a stalled message was accepted")
			}
		})
	}
}

func TestSinkMisgreets(t *testing.T) {
	sink, err := smtpsink.Start(smtpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	sink.Behave(smtpsink.Behaviour{At: smtpsink.Greeting, Code: 421, Text: "4.3.2 busy"})
	conn, err := net.Dial("tcp", sink.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if said, _ := io.ReadAll(conn); string(said) != "421 4.3.2 busy\r\n" {
		t.Errorf("greeted with %q", said)
	}
}

// start gives a sink and a client that speaks TLS with it.
func start(t *testing.T, options smtpsink.Options) (*smtpsink.Sink, *smtp.Client) {
	t.Helper()
	server, ca := notifiertest.Certificate(t)
	options.TLS = server
	sink, err := smtpsink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca))
	trust := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	conn, err := net.Dial("tcp", sink.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if options.Implicit {
		conn = tls.Client(conn, trust)
	}
	client, err := smtp.NewClient(conn, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if !options.Implicit {
		if err := client.StartTLS(trust); err != nil {
			t.Fatal(err)
		}
	}
	return sink, client
}

func send(client *smtp.Client, to ...string) error {
	if err := client.Mail("from@example.net"); err != nil {
		return err
	}
	for _, address := range to {
		if err := client.Rcpt(address); err != nil {
			return err
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, strings.NewReader("Subject: x\r\n\r\nhello\r\n")); err != nil {
		return err
	}
	return w.Close()
}

func code(err error) int {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply.Code
	}
	return 0
}
