package notifiertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Run tries a channel. It calls open once for each subtest; what open starts it
// ends with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Channel) {
	for _, test := range []struct {
		name string
		run  func(*trial)
	}{
		{"settings and targets are comparable values without a visible secret", (*trial).values},
		{"describes what can be written in its blocks", (*trial).attributes},
		{"delivers each transition once", (*trial).delivers},
		{"carries the same key on every attempt", (*trial).repeats},
		{"ends at once when its context is cancelled", (*trial).cancelled},
		{"ends by the deadline when the server hangs", (*trial).deadline},
		{"can try again after a closed connection", (*trial).hangUp},
		{"can try again when the server is busy", (*trial).busy},
		{"can try again when the server is broken", (*trial).broken},
		{"marks a refusal as permanent", (*trial).refused},
		{"marks a target of another channel as permanent", (*trial).foreign},
		{"makes hostile answers harmless", (*trial).rude},
		{"says why it trusts an answer", (*trial).trusts},
		{"takes no refusal for a delivery", (*trial).lie},
		{"takes no page of a captive portal for a delivery", (*trial).portal},
		{"takes no empty answer for a delivery", (*trial).mute},
		{"follows no redirect", (*trial).redirected},
		{"ends soon when an answer is huge", (*trial).huge},
		{"ends soon when an answer is a bomb of gzip", (*trial).gzipBomb},
		{"makes hostile messages harmless", (*trial).hostile},
		{"sends the own words of its notifier in the place of the built-in ones", (*trial).ownWords},
		{"keeps its secret when the server repeats it", (*trial).echo},
		{"puts messages about one incident beside each other", (*trial).threads},
		{"uses no thread that is none", (*trial).forgedThread},
		{"changes the first message when the incident ends", (*trial).updates},
		{"has delivered a message whose update fails", (*trial).failingUpdate},
		{"is shown once when it is sent twice", (*trial).doubles},
		{"is quiet about ends", (*trial).quiet},
		{"mentions people, and only for what rings", (*trial).mentions},
		{"mentions nobody because of hostile words", (*trial).hostileMentions},
		{"serves several goroutines", (*trial).concurrent},
		{"can be closed while it sends", (*trial).closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			ignore := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, ignore) })
			channel := open(t)
			notifier, err := channel.Settings.Open()
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			t.Cleanup(func() {
				if err := notifier.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(&trial{T: t, Channel: channel, notifier: notifier})
		})
	}
}

// A trial is one subtest.
type trial struct {
	*testing.T
	Channel
	notifier notifiers.Notifier
}

// notify makes one attempt, and reports what must not be in anything that comes back.
func (t *trial) notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	receipt, err := t.notifier.Notify(ctx, t.Target, m)
	for _, text := range []string{receipt.Answer.String(), receipt.Thread, fmt.Sprint(err), fmt.Sprintf("%+v", err)} {
		if shows(text, t.Canary) {
			t.Errorf("the secret came back: %q", text)
		}
		if len(text) > maxWords {
			t.Errorf("%d bytes came back: %.200q...", len(text), text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("a server's control characters came back: %q", text)
		}
	}
	if (err != nil) != receiptEmpty(receipt) {
		t.Errorf("receipt %+v together with error %v", receipt, err)
	}
	return receipt, err
}

// maxWords is the most that a receipt or an error says, in bytes: it stands in the journal
// and in messages.
const maxWords = 2000

func receiptEmpty(r notifiers.Receipt) bool { return r.Answer.IsZero() }

func (t *trial) mustNotify(m notifiers.Message) notifiers.Receipt {
	t.Helper()
	receipt, err := t.notify(t.Context(), m)
	if err != nil {
		t.Errorf("Notify: %v", err)
	}
	return receipt
}

func (t *trial) values() {
	for _, value := range []any{t.Settings, t.Target} {
		if !reflect.TypeOf(value).Comparable() {
			t.Errorf("%T is not comparable", value)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			if text := fmt.Sprintf(verb, value); shows(text, t.Canary) {
				t.Errorf("%s shows the secret: %s", verb, text)
			}
		}
	}
	data, err := json.Marshal(t.Target)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := t.Settings.DecodeTarget(data); err != nil || back != t.Target {
		t.Errorf("%s reads back as %+v, %v", data, back, err)
	}
	if _, err := t.Settings.DecodeTarget([]byte("?")); err == nil {
		t.Error("a target that is no JSON was read")
	}
}

func (t *trial) delivers() {
	messages := Messages()
	for i, m := range messages {
		t.mustNotify(m)
		received := t.Receiver.Received()
		if len(received) != i+1 {
			t.Fatalf("%d messages arrived after %d were sent", len(received), i+1)
		}
		if text := received[i].Text; shows(text, t.Canary) || text == "" {
			t.Errorf("message %d: %q", i, text)
		}
	}
}

func (t *trial) repeats() {
	m := Message("again")
	t.mustNotify(m)
	t.mustNotify(m)
	for _, received := range t.Receiver.Received() {
		if !t.Keyless && received.Key != m.Key {
			t.Errorf("key %q, want %q", received.Key, m.Key)
		}
	}
}

func (t *trial) cancelled() {
	t.Receiver.Behave(Stall)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error)
	go func() {
		_, err := t.notify(ctx, Message("cancelled"))
		failed <- err
	}()
	// Before this the message may not have been on its way.
	<-t.Receiver.Reached()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) || notifiers.IsPermanent(err) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func (t *trial) deadline() {
	t.Receiver.Behave(Stall)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := t.notify(ctx, Message("late")); !errors.Is(err, context.DeadlineExceeded) || notifiers.IsPermanent(err) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func (t *trial) hangUp() { _ = t.fails(HangUp, false) }
func (t *trial) broken() { _ = t.fails(Broken, false) }

func (t *trial) busy() {
	if wait := notifiers.Wait(t.fails(Busy, false)); wait != t.Pause {
		t.Errorf("a pause of %v, want %v", wait, t.Pause)
	}
}

func (t *trial) refused() { _ = t.fails(Refuse, true) }

// echo tries it often, as the receiver begins with another part each time.
func (t *trial) echo() {
	for range 12 {
		_ = t.fails(Echo, true)
	}
}

// fails wants an error of the right sort, which it returns, and the next attempt
// to succeed.
func (t *trial) fails(fault Fault, permanent bool) error {
	t.Helper()
	t.Receiver.Behave(fault)
	_, err := t.notify(t.Context(), Message("faulty"))
	if err == nil || notifiers.IsPermanent(err) != permanent {
		t.Errorf("got %v (permanent: %v), want permanent: %v", err, notifiers.IsPermanent(err), permanent)
	}
	t.Receiver.Behave(None)
	t.mustNotify(Message("faulty"))
	return err
}

type stranger struct{}

func (stranger) String() string { return "stranger" }

func (t *trial) foreign() {
	if _, err := t.notifier.Notify(t.Context(), stranger{}, Message("stranger")); !notifiers.IsPermanent(err) {
		t.Errorf("got %v, want a permanent error", err)
	}
}

func (t *trial) rude() {
	for _, fault := range []Fault{Rude, Scorn} {
		t.Receiver.Behave(fault)
		// Whether it is taken or refused is all the same; notify looks at the words.
		_, _ = t.notify(t.Context(), Message("rude"))
		<-t.Receiver.Reached()
	}
}

func (t *trial) hostile() {
	t.mustNotify(hostileMessage())
	for _, received := range t.Receiver.Received() {
		if strings.ContainsFunc(received.Text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("control characters went out: %q", received.Text)
		}
	}
}

// hostileMessage is an opening whose words are all hostile.
func hostileMessage() notifiers.Message {
	m := Message("hostile")
	in := &m.Items[0].Incident
	in.Evidence = opaque.Sanitise("* BYE " + HostileWords)
	in.GroupLabels = []string{HostileWords}
	for _, field := range []*string{&in.Label, &in.ServerLabel, &in.Description, &in.Hint, &in.Host, &in.Runbook, &m.RoleLabel, &m.Monitor} {
		*field = "x\r\nBcc: evil@example.net\r\n\r\n" + HostileWords + mentions
	}
	return m
}

// mentions are words that call people in one chat or another.
const mentions = " @here @channel @everyone @all @room @**all** <users/all> <@U024BE7LH> <@&1> <at>IT</at> @it:example.org "

// ownWords is about people: programs get no words of ours.
func (t *trial) ownWords() {
	if !t.Settings.Kind().Traits().People {
		return
	}
	m := Message("own")
	m.Own = notifiers.Words{Subject: "Vigilant " + HostileWords, Text: "Watchful " + HostileWords + "\n  @everyone <!channel> @room *b* _i_ `c` [l](https://example.org) {{.}}"}
	t.mustNotify(m)
	received := t.Receiver.Received()
	if len(received) != 1 {
		t.Fatalf("%d messages arrived", len(received))
	}
	text := received[0].Text
	if !strings.Contains(text, "Watchful") || strings.Contains(text, "greeting") {
		t.Errorf("the words that arrived are %q", text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("control characters went out: %q", text)
	}
	// A storm may make more than was tried: it is cut, and arrives.
	m.Key, m.Own.Text = "long", strings.Repeat("Watchful \"line\" & <line>\n", 2500)
	t.mustNotify(m)
	if received = t.Receiver.Received(); len(received) != 2 || !strings.Contains(received[1].Text, "Watchful") {
		t.Errorf("%d messages arrived, and a long one is cut to nothing", len(received))
	}
}

func (t *trial) concurrent() {
	const senders = 8
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() { t.mustNotify(Message(fmt.Sprint("concurrent-", i))) })
	}
	wg.Wait()
	keys := map[string]bool{}
	for i, received := range t.Receiver.Received() {
		if t.Keyless {
			received.Key = fmt.Sprint(i)
		}
		keys[received.Key] = true
	}
	if len(keys) != senders || len(t.Receiver.Received()) != senders {
		t.Errorf("%d messages with %d keys arrived, want %d", len(t.Receiver.Received()), len(keys), senders)
	}
}

// closed ends as every subtest does: without a goroutine left.
func (t *trial) closed() {
	t.Receiver.Behave(Stall)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error)
	go func() {
		_, err := t.notify(ctx, Message("closed"))
		failed <- err
	}()
	<-t.Receiver.Reached()
	if err := t.notifier.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	cancel()
	if err := <-failed; err == nil {
		t.Error("a stalled message was delivered")
	}
}
