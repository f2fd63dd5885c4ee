//go:build !quick

package alertmanager_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/alertmanager"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A server is Debian's Alertmanager, which tells a webhook of ours what it would tell people.
type server struct {
	t       *testing.T
	dir     string
	address string
	people  *httpsink.Sink
	client  *http.Client
	ca      string
	stop    func()
}

// The password of the user vigil, and its bcrypt, which Alertmanager's web.config.file wants.
const (
	password = "secret-of-vigil"
	hashed   = "$2a$04$B5PfYSmrZwdw1JGNKqWzqOrPmDF.m/jo8LbBHk2gOxQCqleGr/iHO"
)

func run(t *testing.T) *server {
	t.Helper()
	people, err := httpsink.Start(httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = people.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	s := &server{t: t, dir: t.TempDir(), address: listener.Addr().String(), people: people}
	s.write("am.yml", `
route: {receiver: people, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: people, webhook_configs: [{url: '`+people.URL()+`/', send_resolved: true}]}]
`)
	s.secure()
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *server) write(name, text string) string {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// secure gives the server a certificate and a password.
func (s *server) secure() {
	certificate, ca := notifiertest.Certificate(s.t)
	leaf := certificate.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]})))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	s.write("web.yml", "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {vigil: "+hashed+"}\n")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca))
	s.ca, s.client = ca, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

// start starts it, and returns when it listens.
func (s *server) start() {
	s.t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		s.t.Fatal("Alertmanager is not there; install the Debian package prometheus-alertmanager: ", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, "--config.file=am.yml", "--web.config.file=web.yml", "--storage.path=data",
		"--cluster.listen-address=", "--web.listen-address="+s.address)
	command.Dir = s.dir
	log, err := command.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	listening, done := make(chan struct{}), make(chan struct{})
	var said []string
	go func() {
		defer close(done)
		once := false
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said = append(said, lines.Text())
			if !once && strings.Contains(lines.Text(), "Listening on") {
				once = true
				close(listening)
			}
		}
		_ = command.Wait() // it is killed
	}()
	s.stop = func() { cancel(); <-done }
	select {
	case <-listening:
	case <-done:
		s.t.Fatalf("Alertmanager does not start:\n%s", strings.Join(said, "\n"))
	}
}

// settings lead to some servers.
func settingsFor(servers ...*server) alertmanager.Settings {
	var urls []string
	for _, s := range servers {
		urls = append(urls, "https://"+s.address)
	}
	return alertmanager.Settings{
		URLs: opaque.NewSecret(notifiers.JoinList(urls)), Username: "vigil", Password: opaque.NewSecret(password),
		CA: servers[0].ca, Resend: time.Minute,
	}
}

// A shown is a gettableAlert.
type shown struct {
	posted
	UpdatedAt time.Time `json:"updatedAt"`
	Status    struct{ State string }
}

// alerts lists what the server holds for firing.
func (s *server) alerts() (list []shown) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+s.address+"/api/v2/alerts", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("vigil", password)
	answer, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatal(answer.Status, err)
	}
	return list
}

// expect compares the severities of the alerts that fire.
func (s *server) expect(severities ...string) []shown {
	s.t.Helper()
	list := s.alerts()
	var got []string
	for _, a := range list {
		got = append(got, a.Labels["severity"])
	}
	if !slices.Equal(got, severities) {
		s.t.Errorf("firing are %q, want %q: %+v", got, severities, list)
	}
	return list
}

// expectTold waits until people have been told so many things, and compares all of them, whose
// order Alertmanager does not keep.
func (s *server) expectTold(want ...string) {
	s.t.Helper()
	requests, err := s.people.Wait(s.t.Context(), len(want))
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, r := range requests {
		var told struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.Unmarshal(r.Body, &told); err != nil {
			s.t.Fatal(err)
		}
		for _, a := range told.Alerts {
			got = append(got, a.Labels["severity"]+" "+a.Status)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("people were told %q, want %q", got, want)
	}
}

// An incident appears, is sent again, gets worse and ends; people hear of each once.
func TestAlertmanagerHasTheLifeOfAnIncident(t *testing.T) {
	s := run(t)
	n := open(t, settingsFor(s))
	opened := tell(t, n, notifiers.Opened, "degraded", notifiers.Receipt{})
	before := s.expect("warning")[0]
	want := notifiertest.Incident()
	if before.Labels["instance"] != "mx1.example.org:443" || before.GeneratorURL != want.URL || !before.StartsAt.Equal(want.StartedAt) ||
		before.Annotations["runbook_url"] != want.Runbook || before.Status.State == "suppressed" {
		t.Errorf("it holds %+v", before)
	}
	s.expectTold("warning firing")
	again := []notifiers.Message{about(notifiers.Opened, "degraded", opened)}
	if err := n.(notifiers.BatchResender).Resend(t.Context(), mailTeam, again); err != nil {
		t.Fatal(err)
	}
	if after := s.expect("warning")[0]; !after.UpdatedAt.After(before.UpdatedAt) || !after.EndsAt.After(before.EndsAt) || !after.StartsAt.Equal(before.StartsAt) {
		t.Errorf("sent again, it is %+v, before %+v", after, before)
	}
	changed := tell(t, n, notifiers.Changed, "down", opened)
	s.expect("critical")
	s.expectTold("warning firing", "warning resolved", "critical firing")
	tell(t, n, notifiers.Closed, "down", changed)
	s.expect()
	s.expectTold("warning firing", "warning resolved", "critical firing", "critical resolved")
}

// An Alertmanager that restarts in the middle of an incident, and forgets it, knows it again after the
// next repetition; the end that it did not hear arrives with one, too.
func TestAlertmanagerRestarts(t *testing.T) {
	s := run(t)
	n := open(t, settingsFor(s))
	opened := tell(t, n, notifiers.Opened, "down", notifiers.Receipt{})
	began := s.expect("critical")[0].StartsAt
	s.stop()
	if _, err := n.Notify(t.Context(), mailTeam, about(notifiers.Reminder, "down", opened)); err == nil || notifiers.IsPermanent(err) {
		t.Errorf("while it is down: %v", err)
	}
	s.start()
	s.expect()
	repeat := func(transition notifiers.Transition) {
		if err := n.(notifiers.BatchResender).Resend(t.Context(), mailTeam, []notifiers.Message{about(transition, "down", opened)}); err != nil {
			t.Fatal(err)
		}
	}
	repeat(notifiers.Opened)
	if a := s.expect("critical")[0]; !a.StartsAt.Equal(began) {
		t.Errorf("it began at %s, before the restart at %s", a.StartsAt, began)
	}
	repeat(notifiers.Closed)
	s.expect()
}

// Of two instances one is down when an incident opens: it learns it with the next repetition.
func TestTwoAlertmanagers(t *testing.T) {
	one, two := run(t), run(t)
	n := open(t, settingsFor(one, two))
	two.stop()
	receipt := tell(t, n, notifiers.Opened, "down", notifiers.Receipt{})
	if got, want := receipt.Answer.String(), fmt.Sprintf("accepted by %s; not by %s: ", one.address, two.address); !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	two.start()
	one.expect("critical")
	two.expect()
	if err := n.(notifiers.BatchResender).Resend(t.Context(), mailTeam, []notifiers.Message{about(notifiers.Opened, "down", receipt)}); err != nil {
		t.Fatal(err)
	}
	two.expect("critical")
	receipt = tell(t, n, notifiers.Closed, "down", receipt)
	if got, want := receipt.Answer.String(), fmt.Sprintf("accepted by %s, %s", one.address, two.address); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	one.expect()
	two.expect()
}

// Whatever a message says, Alertmanager takes it; who is not logged in is refused for good.
func TestAlertmanagerTakesEveryMessage(t *testing.T) {
	s := run(t)
	n := open(t, settingsFor(s))
	hostile, empty := notifiertest.Message("hostile"), notifiertest.Message("empty")
	in := &hostile.Items[0].Incident
	in.Evidence, in.Label, in.Groups = opaque.Sanitise("\xff"+notifiertest.HostileWords), "\xff{{", []string{"\x00", "\u202e"}
	in.Description, in.Runbook = strings.Repeat("ä\n", 100_000), "javascript:\xff"
	empty.Items[0].Incident = notifiers.Incident{ID: "i"}
	for _, m := range append(notifiertest.Messages(), hostile, empty) {
		if receipt, err := n.Notify(t.Context(), mailTeam, m); err != nil || receipt.Answer.String() != "accepted by "+s.address {
			t.Errorf("%s: %q, %v", m.Key, receipt.Answer, err)
		}
	}
	wrong := settingsFor(s)
	wrong.Password = opaque.NewSecret("wrong-password")
	if _, err := open(t, wrong).Notify(t.Context(), mailTeam, notifiertest.Message("k")); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v", err)
	}
}
