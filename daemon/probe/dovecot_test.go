//go:build !quick

package probe

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
)

// realCheck is a check of a real Dovecot.
func realCheck(t *testing.T, address string, security config.Security) config.Probe {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return config.Probe{
		Hostname: host, Port: uint16(number), Security: security, Addresses: config.AllAddresses,
		Interval: time.Minute, Timeout: time.Minute,
	}
}

func asAlice(check config.Probe, mechanism string) config.Probe {
	check.Login = config.Login{Username: "alice", Password: opaque.NewSecret(secret), Mechanism: mechanism, Mailbox: "INBOX"}
	return check
}

func expectReal(t *testing.T, when string, r incident.Result, want string) {
	t.Helper()
	if got := inWords(r, strings.Count(want, " ") > 1); got != want {
		worst, _ := r.Worst()
		t.Errorf("%s: got %q, want %q (%s %q)", when, got, want, worst.Hint, worst.Evidence)
	}
}

func TestDovecotMechanisms(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{
		Users:      map[string]string{"alice": secret},
		Mechanisms: []string{"PLAIN", "LOGIN", "SCRAM-SHA-256"},
	})
	for _, security := range []config.Security{config.TLSFromStart, config.StartTLS} {
		address := server.IMAPS()
		if security == config.StartTLS {
			address = server.IMAP()
		}
		for _, mechanism := range []string{"", "PLAIN", "LOGIN", "SCRAM-SHA-256"} {
			t.Run(string(security)+" "+mechanism, func(t *testing.T) {
				var said strings.Builder
				prober := New(Options{Roots: server.CA().Pool(), Version: "1", Transcript: writeTo(&said)})
				check := asAlice(realCheck(t, address, security), mechanism)
				r := prober.judged(t.Context(), "right", check)
				expectReal(t, "the right password", r, "ok")
				if !r.Observed.Has(config.ConditionAccount) || r.Addresses[0].Timings[config.PhaseSelect] == 0 {
					t.Errorf("observed %b, timings %+v", r.Observed, r.Addresses[0].Timings)
				}
				check.Login.Password = opaque.NewSecret("wrong-canary")
				expectReal(t, "a wrong password", prober.judged(t.Context(), "wrong", check), "degraded login/credentials_rejected account")
				if strings.Contains(said.String(), "canary") {
					t.Errorf("a password in the transcript:\n%s", &said)
				}
			})
		}
	}
}

// What stars out a password must not touch what a mechanism works with.
func TestDovecotShortPassword(t *testing.T) {
	// Without PLAIN Dovecot forbids the command LOGIN and offers the mechanism.
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"bob": "a"}, Mechanisms: []string{"SCRAM-SHA-256", "LOGIN"}})
	prober := New(Options{Roots: server.CA().Pool()})
	for _, mechanism := range []string{"SCRAM-SHA-256", "LOGIN"} {
		check := realCheck(t, server.IMAPS(), config.TLSFromStart)
		check.Login = config.Login{Username: "bob", Password: opaque.NewSecret("a"), Mechanism: mechanism}
		expectReal(t, mechanism, prober.judged(t.Context(), "check", check), "ok")
	}
}

func TestDovecotExternal(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{
		Users: map[string]string{"alice": secret}, Mechanisms: []string{"EXTERNAL"}, ClientCertificates: true,
	})
	check := realCheck(t, server.IMAPS(), config.TLSFromStart)
	cert, key := pemOf(t, server.CA().Issue(ca.Leaf{Names: []string{"alice"}}))
	check.TLS.Cert, check.TLS.Key = config.NewBlob(cert), opaque.NewSecret(key)
	check.Login.Mechanism, check.Login.Mailbox = "EXTERNAL", "INBOX"
	r := New(Options{Roots: server.CA().Pool()}).judged(t.Context(), "external", check)
	expectReal(t, "with a certificate", r, "ok")
	if !r.Observed.Has(config.ConditionAccount) {
		t.Error("no login")
	}
}

func TestDovecotTroubles(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	prober := New(Options{Roots: server.CA().Pool()})
	imaps, starttls := realCheck(t, server.IMAPS(), config.TLSFromStart), realCheck(t, server.IMAP(), config.StartTLS)
	expect := func(when string, check config.Probe, want string) {
		t.Helper()
		// Every question is about a check of its own: nothing is remembered.
		expectReal(t, when, prober.judged(t.Context(), config.CheckID(when), check), want)
	}
	expect("well", imaps, "ok")
	expect("well", starttls, "ok")

	missing := asAlice(imaps, "")
	missing.Login.Mailbox = "No such mailbox"
	expect("a missing mailbox", missing, "degraded select/mailbox_missing account")

	for when, leaf := range map[string]ca.Leaf{
		"cert_expired": ca.Expired(ca.Leaf{}), "cert_not_yet_valid": ca.NotYetValid(ca.Leaf{}),
		"cert_untrusted": {SelfSigned: true}, "chain_incomplete": {Intermediate: ca.Withheld},
		"name_mismatch": {Names: []string{"elsewhere.example"}},
	} {
		server.UseCertificate(leaf)
		expect(when, imaps, "down tls/"+when)
		expect(when, starttls, "down tls/"+when)
	}
	server.UseCertificate(ca.Leaf{NotBefore: time.Now().Add(-88 * 24 * time.Hour)})
	expect("expiring", imaps, "degraded tls/cert_expires_soon certificate")

	server.Freeze()
	imaps.Timeout, starttls.Timeout = 2*time.Second, 2*time.Second
	expect("frozen", imaps, "down tls/timeout")
	expect("frozen", starttls, "down greeting/timeout")
	server.Thaw()
	imaps.Timeout = time.Minute
	expect("thawed", imaps, "degraded tls/cert_expires_soon certificate")

	server.Stop()
	expect("stopped", imaps, "down connect/refused service")
}

// Dovecot looks at the directory once a second at most, so this one is asked
// nothing before.
func TestDovecotWithoutDirectory(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	server.StopDirectory()
	check := asAlice(realCheck(t, server.IMAPS(), config.TLSFromStart), "")
	r := New(Options{Roots: server.CA().Pool()}).judged(t.Context(), "check", check)
	expectReal(t, "the directory away", r, "down login/backend_unavailable service")
}

func TestDovecotRenewedCertificateIsNoted(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{})
	prober := New(Options{Roots: server.CA().Pool()})
	check := realCheck(t, server.IMAPS(), config.TLSFromStart)
	if r := prober.judged(t.Context(), "check", check); r.Health() != incident.OK || len(r.Notes) != 0 {
		t.Fatalf("%+v %+v", r.Findings, r.Notes)
	}
	server.UseCertificate(ca.Leaf{})
	r := prober.judged(t.Context(), "check", check)
	expectReal(t, "renewed", r, "ok")
	if !hasNote(r, "cert_changed") {
		t.Errorf("notes %+v", r.Notes)
	}
}

func TestDovecotWithoutAuthentication(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	server.StopAuth()
	check := asAlice(realCheck(t, server.IMAPS(), config.TLSFromStart), "")
	check.Timeout = 3 * time.Second
	r := New(Options{Roots: server.CA().Pool()}).judged(t.Context(), "check", check)
	worst, _ := r.Worst()
	if worst.Health != incident.Down || worst.Condition != config.ConditionService {
		t.Errorf("%+v", worst)
	}
	server.StartAuth()
	check.Timeout = time.Minute
	expectReal(t, "again", New(Options{Roots: server.CA().Pool()}).judged(t.Context(), "check", check), "ok")
}

func TestDovecotConnectionLimit(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}, MaxUserIPConnections: 1})
	release := occupy(t, server.IMAPS(), server.CA())
	check := asAlice(realCheck(t, server.IMAPS(), config.TLSFromStart), "")
	prober := New(Options{Roots: server.CA().Pool()})
	expectReal(t, "one too many", prober.judged(t.Context(), "check", check), "down login/connection_limit service")
	release()
}

// occupy holds a session of alice's until release.
func occupy(t *testing.T, imaps string, authority *ca.Authority) (release func()) {
	t.Helper()
	client, err := imapclient.DialTLS(imaps, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: authority.Pool()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Login("alice", secret).Wait(); err != nil {
		t.Fatal(err)
	}
	return func() { _ = client.Close() }
}

// Dovecot offers SCRAM whatever its passwords look like.
func TestDovecotHashedPasswords(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{
		Users: map[string]string{"alice": secret}, HashedPasswords: true, Mechanisms: []string{"PLAIN", "LOGIN", "SCRAM-SHA-256"},
	})
	var said strings.Builder
	prober := New(Options{Roots: server.CA().Pool(), Transcript: writeTo(&said)})
	check := asAlice(realCheck(t, server.IMAPS(), config.TLSFromStart), "")
	first := prober.judged(t.Context(), "check", check)
	expectReal(t, "the first probe", first, "ok")
	if !hasNote(first, "scram_refused") {
		t.Errorf("notes %+v", first.Notes)
	}
	second := prober.judged(t.Context(), "check", check)
	expectReal(t, "the second probe", second, "ok")
	if hasNote(second, "scram_refused") || strings.Count(said.String(), "AUTHENTICATE SCRAM-SHA-256") != 1 {
		t.Errorf("SCRAM was tried again:\n%s", &said)
	}
	expectReal(t, "SCRAM alone", prober.judged(t.Context(), "written", asAlice(check, "SCRAM-SHA-256")), "degraded login/credentials_rejected account")
	expectReal(t, "PLAIN alone", prober.judged(t.Context(), "plain", asAlice(check, "PLAIN")), "ok")
	check.Login.Password = opaque.NewSecret("wrong-canary")
	expectReal(t, "a wrong password", prober.judged(t.Context(), "wrong", check), "degraded login/credentials_rejected account")
	if strings.Contains(said.String(), "canary") {
		t.Errorf("a password in the transcript:\n%s", &said)
	}
}
