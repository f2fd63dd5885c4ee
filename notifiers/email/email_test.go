package email_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	for _, security := range []string{"starttls", "tls", "opportunistic"} {
		t.Run(security, func(t *testing.T) {
			notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
				sink, settings := post(t, smtpsink.Options{Implicit: security == "tls", Username: user, Password: canary})
				settings.Security = security
				return notifiertest.Channel{
					Settings: settings, Target: target(t, "it@example.net", "oncall@example.net"),
					Written:  notifiers.Values{"to": {List: []string{"it@example.net", "oncall@example.net"}}},
					Receiver: &receiver{sink: sink}, Canary: canary,
				}
			})
		})
	}
}

func open(t *testing.T, settings email.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What a mail client gets, byte by byte. The closing answers the opening.
func TestLetters(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	to, err := email.NewTarget([]string{"IT team <it@example.net>", "Bereitschaft Köln <oncall@example.net>"}, []string{"boss@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	var receipt notifiers.Receipt
	for i, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		m.Previous = receipt
		if receipt, err = n.Notify(t.Context(), to, m); err != nil {
			t.Fatal(err)
		}
		transition := strings.TrimPrefix(m.Key, "key-")
		data := sink.Messages()[i].Data
		golden.Compare(t, "testdata/"+transition+".eml", string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
		golden.Compare(t, "testdata/html/"+transition+".html", parse(data).html) // to be looked at
	}
}

// A repeated attempt is the same letter, so that a mailbox can drop the double.
func TestRepetitionIsIdentical(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	for range 2 {
		if _, err := n.Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k")); err != nil {
			t.Fatal(err)
		}
	}
	if m := sink.Messages(); !bytes.Equal(m[0].Data, m[1].Data) {
		t.Errorf("attempts differ:\n%s\n%s", m[0].Data, m[1].Data)
	}
}

func TestThread(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), target(t, "it@example.net"), m)
	if err != nil {
		t.Fatal(err)
	}
	m.Key, m.Previous = "second", first
	second, err := n.Notify(t.Context(), target(t, "it@example.net"), m)
	if err != nil {
		t.Fatal(err)
	}
	id := parse(sink.Messages()[0].Data).Header.Get("Message-Id")
	answer := parse(sink.Messages()[1].Data).Header
	if first.Thread != id || second.Thread != id || answer.Get("In-Reply-To") != id || answer.Get("References") != id {
		t.Errorf("threads %q and %q of %q, headers %v", first.Thread, second.Thread, id, answer)
	}
	if answer.Get("Message-Id") == id {
		t.Error("two messages with one Message-ID")
	}
	m.Previous.Thread = "<x@y>\r\nBcc: evil@example.net"
	if _, err := n.Notify(t.Context(), target(t, "it@example.net"), m); err != nil {
		t.Fatal(err)
	}
	if parse(sink.Messages()[2].Data).Header.Get("In-Reply-To") != "" {
		t.Error("a receipt that is no Message-ID became a header")
	}
}

func TestReceiptIsTheServersReply(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	sink.Behave(smtpsink.Behaviour{At: smtpsink.Reply, Code: 250, Text: "2.0.0 Ok: queued as 4ZgJ8x2Xyz"})
	receipt, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
	if want := "250 2.0.0 Ok: queued as 4ZgJ8x2Xyz"; err != nil || receipt.Answer.String() != want {
		t.Errorf("%q, %v, want %q", receipt.Answer, err, want)
	}
}

// Labels come from files, words from servers: neither writes a header.
func TestNoHeaderCanBeInjected(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	m := notifiertest.Message("k\r\nBcc: evil@example.net")
	m.Items[0].Incident.Label = "x\r\nBcc: evil@example.net\r\n\r\nbody"
	m.RoleLabel, m.Monitor = m.Items[0].Incident.Label, m.Items[0].Incident.Label
	if _, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), m); err != nil {
		t.Fatal(err)
	}
	got := sink.Messages()[0]
	if !slices.Equal(got.To, []string{"it@example.net"}) {
		t.Errorf("recipients %v", got.To)
	}
	want := []string{
		"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version",
		"Subject", "To", "X-Imapvigil-Key",
	}
	if names := slices.Sorted(maps.Keys(parse(got.Data).Header)); !slices.Equal(names, want) {
		t.Errorf("headers %v, want %v", names, want)
	}
}

// No word of a file or a server is markup in the HTML part, or does anything there.
func TestNothingIsMarkup(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	const hostile = `<script>x</script> <img src=x> "onload=x" &lt;b&gt; ` + "`</code><script>`"
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Label, in.ServerLabel, in.Hint, in.Host, in.Description, in.Check = hostile, hostile, hostile, hostile, hostile, hostile
	in.Groups, in.ID, m.RoleLabel = []string{hostile}, hostile, hostile
	in.Evidence, in.Runbook = opaque.Sanitise(hostile), "javascript:alert(1)"
	for _, items := range []int{1, 2, 21} {
		for len(m.Items) < items {
			next := m.Items[0]
			next.Incident.Check += "x" + strings.Repeat("y", len(m.Items))
			m.Items = append(m.Items, next)
		}
		m.Key += "k"
		if _, err := n.Notify(t.Context(), target(t, "it@example.net"), m); err != nil {
			t.Fatal(err)
		}
		html := parse(sink.Messages()[len(sink.Messages())-1].Data).html
		for _, wrong := range []string{"<script", "<img", `href="javascript`, "&amp;amp;"} {
			if strings.Contains(html, wrong) {
				t.Errorf("%q in the HTML part of %d incidents:\n%s", wrong, items, html)
			}
		}
	}
}

func TestMechanisms(t *testing.T) {
	for _, test := range []struct{ auth, offered, used string }{
		{"plain", "PLAIN LOGIN", "PLAIN"},
		{"login", "PLAIN LOGIN", "LOGIN"},
		{"cram-md5", "PLAIN CRAM-MD5", "CRAM-MD5"},
		{"scram-sha-1", "PLAIN SCRAM-SHA-1", "SCRAM-SHA-1"},
		{"scram-sha-256", "PLAIN SCRAM-SHA-256", "SCRAM-SHA-256"},
		{"auto", "LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "SCRAM-SHA-256"},
		{"auto", "CRAM-MD5 LOGIN PLAIN", "PLAIN"},
		{"", "CRAM-MD5 LOGIN", "LOGIN"},
		{"auto", "SCRAM-SHA-256-PLUS GSSAPI", ""},
		{"plain", "LOGIN", ""},
	} {
		t.Run(test.auth+" of "+test.offered, func(t *testing.T) {
			sink, settings := post(t, smtpsink.Options{Username: user, Password: canary, Mechanisms: strings.Fields(test.offered)})
			settings.Auth = test.auth
			_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
			if test.used == "" {
				if err == nil || notifiers.IsPermanent(err) || len(sink.Messages()) > 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || sink.Messages()[0].User != user || sink.Messages()[0].Mechanism != test.used {
				t.Errorf("%v, %+v", err, sink.Messages())
			}
		})
	}
}

// A rejected login is tried again, after a pause, whatever was rejected and
// whatever the server says about it.
func TestRejectedLogin(t *testing.T) {
	for _, auth := range email.Mechanisms() {
		t.Run(auth, func(t *testing.T) {
			mechanisms := []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
			sink, settings := post(t, smtpsink.Options{Username: user, Password: canary, Mechanisms: mechanisms})
			settings.Auth = auth
			sink.Behave(smtpsink.Behaviour{At: smtpsink.Auth, Code: 535, Text: "5.7.8 not " + canary})
			_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
			if err == nil || notifiers.IsPermanent(err) || notifiers.Wait(err) != 5*time.Minute {
				t.Errorf("got %v, permanent %v, wait %v", err, notifiers.IsPermanent(err), notifiers.Wait(err))
			}
			if err != nil && (strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "535 5.7.8 not (sensitive)")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoginOutOfOrderIsTriedSoon(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{Username: user, Password: canary})
	for _, b := range []smtpsink.Behaviour{
		{At: smtpsink.Auth, Code: 454, Text: "4.7.0 directory is away"},
		{At: smtpsink.Auth, Do: smtpsink.Drop},
	} {
		sink.Behave(b)
		_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
		if err == nil || notifiers.IsPermanent(err) || notifiers.Wait(err) != 0 {
			t.Errorf("got %v", err)
		}
	}
}

func TestARecipientNamedTwiceGetsOne(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	to, err := email.NewTarget([]string{"a@example.net", "A <a@example.net>"}, []string{"a@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, settings).Notify(t.Context(), to, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	if got := sink.Messages()[0].To; !slices.Equal(got, []string{"a@example.net"}) {
		t.Errorf("recipients %v", got)
	}
}

// Without a verified session nothing is said: no password, no message.
func TestNothingUnencrypted(t *testing.T) {
	for name, breakTrust := range map[string]func(*email.Settings){
		"authority unknown": func(s *email.Settings) { s.CA = "" },
		"other name":        func(s *email.Settings) { s.Host = "localhost" },
	} {
		for _, implicit := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				sink, settings := post(t, smtpsink.Options{Implicit: implicit, Username: user, Password: canary})
				breakTrust(&settings)
				_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
				if err == nil || !strings.Contains(err.Error(), "certificate") || notifiers.IsPermanent(err) {
					t.Errorf("got %v", err)
				}
				if len(sink.Messages()) > 0 {
					t.Error("a message was sent")
				}
			})
		}
	}
	t.Run("STARTTLS not offered", func(t *testing.T) {
		heard := make(chan string, 1)
		address := serve(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "220 hi\r\n")
			line := make([]byte, 512)
			_, _ = conn.Read(line)
			_, _ = io.WriteString(conn, "250-hi\r\n250 AUTH PLAIN LOGIN\r\n")
			rest, _ := io.ReadAll(conn)
			heard <- string(rest)
		})
		settings := email.Settings{Host: "127.0.0.1", Port: address.Port, From: "a@example.net", Username: user, Password: opaque.NewSecret(canary)}
		_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), "does not offer") {
			t.Errorf("got %v", err)
		}
		if said := <-heard; said != "" {
			t.Errorf("the client went on with %q", said)
		}
	})
}

// "opportunistic" takes STARTTLS where it is offered, with any certificate unless
// somebody says which, and sends no password without it.
func TestOpportunistic(t *testing.T) {
	for name, test := range map[string]struct {
		offered bool
		change  func(*email.Settings)
		refused string
	}{
		"not offered":                 {false, func(*email.Settings) {}, ""},
		"offered":                     {true, func(*email.Settings) {}, ""},
		"unknown authority":           {true, func(s *email.Settings) { s.CA = "" }, ""},
		"other name, authority":       {true, func(s *email.Settings) { s.Host = "localhost" }, "certificate"},
		"other name is said":          {true, func(s *email.Settings) { s.Host, s.TLSServerName = "localhost", "127.0.0.1" }, ""},
		"name, unknown authority":     {true, func(s *email.Settings) { s.CA, s.TLSServerName = "", "127.0.0.1" }, "certificate"},
		"password, not offered":       {false, withPassword, "without it no password is sent"},
		"password":                    {true, withPassword, ""},
		"password, wrong certificate": {true, func(s *email.Settings) { withPassword(s); s.CA = "" }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &relay{keywords: []string{"AUTH PLAIN"}}
			if test.offered {
				r.keywords, r.afterTLS = append(r.keywords, "STARTTLS"), r.keywords
			}
			settings := startRelay(t, r)
			settings.Security = "opportunistic"
			test.change(&settings)
			_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
			_, letters, loggedIn := r.seen("MAIL")
			started, _, _ := r.seen("STARTTLS")
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) || notifiers.IsPermanent(err) || loggedIn != "" || len(letters) > 0 {
					t.Errorf("got %v, user %q, %d letters", err, loggedIn, len(letters))
				}
				return
			}
			if err != nil || len(letters) != 1 || (len(started) == 1) != test.offered || loggedIn != settings.Username {
				t.Errorf("got %v, %d letters, STARTTLS %v, user %q", err, len(letters), started, loggedIn)
			}
		})
	}
}

func withPassword(s *email.Settings) { s.Username, s.Password = user, opaque.NewSecret(canary) }

// A relay that is reached by another name than its certificate has.
func TestTLSServerName(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		sink, settings := post(t, smtpsink.Options{Implicit: implicit, Username: user, Password: canary})
		settings.Host, settings.TLSServerName = "localhost", "127.0.0.1"
		if _, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k")); err != nil {
			t.Fatal(err)
		}
		if !sink.Messages()[0].TLS {
			t.Error("it was not encrypted")
		}
	}
}

// What leaves this machine unencrypted is said of the settings.
func TestExposed(t *testing.T) {
	for settings, want := range map[email.Settings]bool{
		{Host: "10.0.0.5", Security: "none"}:          true,
		{Host: "10.0.0.5", Security: "opportunistic"}: false,
		{Host: "localhost", Security: "none"}:         false,
	} {
		if settings.IsExposed() != want {
			t.Errorf("%+v: want %v", settings, want)
		}
	}
}

func TestRelayOnTheSameMachine(t *testing.T) {
	sink, settings := post(t, smtpsink.Options{})
	settings.Security, settings.CA = "none", ""
	if _, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	if sink.Messages()[0].TLS {
		t.Error("it was encrypted")
	}
}

func TestInternationalAddress(t *testing.T) {
	for _, offered := range []bool{true, false} {
		sink, settings := post(t, smtpsink.Options{UTF8: offered})
		_, err := open(t, settings).Notify(t.Context(), target(t, "用户@example.net"), notifiertest.Message("k"))
		if offered != (err == nil) || offered != (len(sink.Messages()) == 1) {
			t.Errorf("offered %v: %v", offered, err)
		}
	}
}

// Neither silence nor endless talk holds a call, in whatever stage.
func TestServersThatDoNotStop(t *testing.T) {
	flood := bytes.Repeat([]byte("250-x\r\n"), 1000)
	for name, script := range map[string]func(net.Conn){
		"endless line":     func(conn net.Conn) { talk(conn, bytes.Repeat([]byte("2"), 4096)) },
		"endless lines":    func(conn net.Conn) { talk(conn, flood) },
		"endless greeting": func(conn net.Conn) { talk(conn, bytes.Repeat([]byte("220-x\r\n"), 1000)) },
		"not SMTP":         func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad\r\n\r\n\x1b[2J") },
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, script)
			settings := email.Settings{Host: "127.0.0.1", Port: address.Port, From: "a@example.net"}
			_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
			if err == nil || notifiers.IsPermanent(err) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEveryStageEndsWithTheContext(t *testing.T) {
	for _, stage := range []smtpsink.Stage{
		smtpsink.Greeting, smtpsink.Auth, smtpsink.Mail, smtpsink.Rcpt, smtpsink.Data, smtpsink.Reply,
	} {
		for _, implicit := range []bool{false, true} {
			sink, settings := post(t, smtpsink.Options{Implicit: implicit, Username: user, Password: canary})
			sink.Behave(smtpsink.Behaviour{At: stage, Do: smtpsink.Stall})
			n, to := open(t, settings), target(t, "it@example.net")
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error)
			go func() {
				_, err := n.Notify(ctx, to, notifiertest.Message("k"))
				failed <- err
			}()
			<-sink.Reached()
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("stage %d: %v", stage, err)
			}
		}
	}
}

// serve runs a script on the first connection to a port of loopback.
func serve(t *testing.T, script func(net.Conn)) *net.TCPAddr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		script(conn)
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().(*net.TCPAddr)
}

// talk writes until nobody listens.
func talk(conn net.Conn, data []byte) {
	for {
		if _, err := conn.Write(data); err != nil {
			return
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := email.Settings{Host: "smtp.example.net", From: "alerts@example.net"}
	if _, err := good.Open(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*email.Settings){
		"host is missing":                      func(s *email.Settings) { s.Host = "" },
		"port 70000 is not in 1..65535":        func(s *email.Settings) { s.Port = 70000 },
		`from: "nobody" is not a mail address`: func(s *email.Settings) { s.From = "nobody" },
		`security "ssl" is not known`:          func(s *email.Settings) { s.Security = "ssl" },
		`security "none" would send the password`: func(s *email.Settings) {
			s.Host, s.Security, s.Username, s.Password = "localhost", "none", user, opaque.NewSecret(canary)
		},
		`tls_server_name has no effect with security "none"`: func(s *email.Settings) {
			s.Security, s.TLSServerName = "none", "mail.example.net"
		},
		"set username and password together, or neither": func(s *email.Settings) { s.Username = user },
		`auth "gssapi" is not known`:                     func(s *email.Settings) { s.Auth = "gssapi" },
		`hello "two words" is not`:                       func(s *email.Settings) { s.Hello = "two words" },
		"ca_file holds no certificate":                   func(s *email.Settings) { s.CA = "nothing" },
	} {
		settings := good
		spoil(&settings)
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	to, err := email.NewTarget([]string{`"Doe, Jane" <jane@example.net>`, "it@example.net"}, []string{"boss@example.net"})
	if want := `"Doe, Jane" <jane@example.net>, it@example.net cc boss@example.net`; err != nil || to.String() != want {
		t.Errorf("%q, %v, want %q", to, err, want)
	}
	for _, wrong := range [][]string{nil, {""}, {"nobody"}, {"a@example.net, b@example.net"}, {"a@example.net\r\nBcc: b@example.net"}} {
		if got, err := email.NewTarget(wrong, nil); err == nil {
			t.Errorf("%q made %+v", wrong, got)
		}
	}
}
