//go:build servers

package email_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

const mailbox = "it@example.net"

// TestRealThreads sends the messages of two incidents about one check by Postfix into
// Dovecot. Who reads them there sees two threads, each with all messages of its incident:
// by the algorithm of Dovecot (RFC 5256), which also joins by subject, and by that of
// notmuch, which goes by references alone.
func TestRealThreads(t *testing.T) {
	lmtp, err := process.ClaimPort(t, []string{"127.0.0.1"})
	process.Must(t, err)
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{mailbox: "secret"}, Extra: fmt.Sprintf(lmtpService, lmtp)})
	relay := startPostfix(t, server.CA(), lmtp)
	inbox := readInbox(t, server)
	sent := sendIncidents(t, open(t, relay.settings(server.CA())))

	messages := inbox.await(len(sent))
	var subjects []string
	for _, m := range messages {
		subjects = append(subjects, m.subject)
	}
	for _, want := range sent {
		if !slices.Contains(subjects, want) {
			t.Errorf("no message %q in %q", want, subjects)
		}
	}
	want := [][]string{ofIncident(sent, "01JD6Z"), ofIncident(sent, "01JD7B")}
	if len(want[0]) < 4 || len(want[1]) != len(want[0]) {
		t.Fatalf("the messages of the incidents are %q", want)
	}
	expectThreads(t, "Dovecot", inbox.threads(messages), want)
	expectThreads(t, "notmuch", notmuchThreads(t, messages), want)
}

// lmtpService has Dovecot take mail in, too.
const lmtpService = `
protocols = imap lmtp
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %d
  }
}
`

// sendIncidents sends what is told of two incidents of one check, of each the opening, a
// change, a reminder and the end, and returns the subjects. The second begins before
// everything about the first one is sent, as where a message is late.
func sendIncidents(t *testing.T, n notifiers.Notifier) (subjects []string) {
	t.Helper()
	to := target(t, mailbox)
	first, second := incidentStory("01JD6Z", 0), incidentStory("01JD7B", time.Hour)
	threads := map[string]notifiers.Thread{} // as the outbox keeps them
	for _, m := range slices.Concat(first[:3], second[:1], first[3:], second[1:]) {
		id := m.Items[0].Incident.ID
		thread := threads[id]
		m.Items[0].Thread, m.Previous = thread, thread.First
		receipt, err := n.Notify(t.Context(), to, m)
		if err != nil {
			t.Fatal(err)
		}
		if thread.Last = receipt; thread.First.Thread == "" {
			thread.First, thread.Alone = receipt, true
		}
		threads[id] = thread
		subjects = append(subjects, m.Subject())
	}
	return subjects
}

// incidentStory lists the messages about an incident that began at a time after that of
// the suite.
func incidentStory(id string, later time.Duration) (messages []notifiers.Message) {
	for i, m := range notifiertest.Messages() {
		item := m.Items
		if len(item) != 1 || item[0].Incident.ID != notifiertest.Incident().ID || item[0].Transition == notifiers.Escalated {
			continue
		}
		in := &item[0].Incident
		if in.State == "closed" && in.ClosedAs != "recovered" || item[0].OpeningUntold {
			continue
		}
		in.ID, in.StartedAt, in.ReportedAt = id, in.StartedAt.Add(later), in.ReportedAt.Add(later)
		if !in.EndedAt.IsZero() {
			in.EndedAt = in.EndedAt.Add(later)
		}
		m.Key, m.At = m.Key+"-"+id, m.At.Add(later+time.Duration(i)*time.Minute)
		messages = append(messages, m)
	}
	return messages
}

// ofIncident returns those subjects, sorted, that name an incident.
func ofIncident(subjects []string, id string) []string {
	named := slices.DeleteFunc(slices.Clone(subjects), func(s string) bool { return !strings.Contains(s, id) })
	slices.Sort(named)
	return named
}

// expectThreads compares threads, each as the sorted subjects of its messages.
func expectThreads(t *testing.T, who string, got, want [][]string) {
	t.Helper()
	for _, thread := range got {
		slices.Sort(thread)
	}
	slices.SortFunc(got, slices.Compare)
	slices.SortFunc(want, slices.Compare)
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%s has the threads\n%q, want\n%q", who, got, want)
	}
}

// An inbox is a mailbox as a mail client reads it.
type inbox struct {
	t      *testing.T
	client *imapclient.Client
}

// A fetched is a message in the mailbox.
type fetched struct {
	uid     imap.UID
	subject string
	data    []byte
}

func readInbox(t *testing.T, server *dovecot.Server) *inbox {
	t.Helper()
	client, err := imapclient.DialTLS(server.IMAPS(), &imapclient.Options{
		TLSConfig: &tls.Config{RootCAs: server.CA().Pool(), ServerName: "localhost"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Login(mailbox, "secret").Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	return &inbox{t, client}
}

// await returns the messages as soon as there are so many.
func (b *inbox) await(n int) (messages []fetched) {
	b.t.Helper()
	process.Await(b.t, nil, fmt.Sprintf("%d messages", n), 20*time.Millisecond, func(context.Context) error {
		if err := b.client.Noop().Wait(); err != nil {
			b.t.Fatal(err)
		}
		if has := b.client.Mailbox().NumMessages; has < uint32(n) {
			return fmt.Errorf("there are %d", has)
		}
		return nil
	})
	all := imap.SeqSet{{Start: 1, Stop: 0}}
	section := &imap.FetchItemBodySection{Peek: true}
	list, err := b.client.Fetch(all, &imap.FetchOptions{UID: true, Envelope: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range list {
		messages = append(messages, fetched{m.UID, m.Envelope.Subject, m.FindBodySection(section)})
	}
	return messages
}

// threads returns the subjects of each thread that the server sees.
func (b *inbox) threads(messages []fetched) (threads [][]string) {
	b.t.Helper()
	data, err := b.client.UIDThread(&imapclient.ThreadOptions{
		Algorithm: imap.ThreadReferences, SearchCriteria: &imap.SearchCriteria{},
	}).Wait()
	if err != nil {
		b.t.Fatal(err)
	}
	subjects := map[uint32]string{}
	for _, m := range messages {
		subjects[uint32(m.uid)] = m.subject
	}
	for _, thread := range data {
		var named []string
		for _, uid := range flattenThread(thread) {
			named = append(named, subjects[uid])
		}
		threads = append(threads, named)
	}
	return threads
}

func flattenThread(thread imapclient.ThreadData) []uint32 {
	uids := slices.Clone(thread.Chain)
	for _, sub := range thread.SubThreads {
		uids = append(uids, flattenThread(sub)...)
	}
	return uids
}

// notmuchThreads returns the subjects of each thread that notmuch sees in the messages.
func notmuchThreads(t *testing.T, messages []fetched) (threads [][]string) {
	t.Helper()
	home := t.TempDir()
	mail := filepath.Join(home, "mail")
	process.Must(t, os.MkdirAll(filepath.Join(mail, "cur"), 0o700))
	for _, m := range messages {
		process.Must(t, os.WriteFile(filepath.Join(mail, "cur", fmt.Sprintf("%d:2,", m.uid)), m.data, 0o600))
	}
	config := filepath.Join(home, "config")
	process.Must(t, os.WriteFile(config, fmt.Appendf(nil, "[database]\npath=%s\n", mail), 0o600))
	run := func(arguments ...string) []byte {
		program, err := exec.LookPath("notmuch")
		if err != nil {
			t.Fatal("notmuch not found: apt-get install notmuch")
		}
		command := exec.Command(program, append([]string{"--config=" + config}, arguments...)...)
		command.Stderr = t.Output()
		out, err := command.Output()
		if err != nil {
			t.Fatalf("notmuch %v: %s", arguments, err)
		}
		return out
	}
	run("new", "--quiet")
	// A thread is a list of pairs: a message, and the list of the pairs below it.
	var shown [][]json.RawMessage
	if err := json.Unmarshal(run("show", "--format=json", "--body=false", "*"), &shown); err != nil {
		t.Fatal(err)
	}
	for _, thread := range shown {
		threads = append(threads, pairSubjects(t, thread))
	}
	return threads
}

func pairSubjects(t *testing.T, pairs []json.RawMessage) (subjects []string) {
	t.Helper()
	for _, pair := range pairs {
		var message struct{ Headers struct{ Subject string } }
		var below []json.RawMessage
		if err := json.Unmarshal(pair, &[]any{&message, &below}); err != nil {
			t.Fatal(err)
		}
		subjects = append(append(subjects, message.Headers.Subject), pairSubjects(t, below)...)
	}
	return subjects
}
