package notifiertest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// Each ability that the channel claims is tried here, and none that it does not claim may show.

func (t *trial) abilities() notifiers.Abilities {
	if t.Abilities != nil {
		return *t.Abilities
	}
	channel, ok := notifiers.ChannelOf(t.Settings.Kind())
	if !ok {
		t.Fatalf("no channel is called %q", t.Settings.Kind())
	}
	return channel.Abilities
}

// ending returns the end of the incident of [Message], whose first message has a receipt.
func ending(first notifiers.Receipt) notifiers.Message {
	m := of("ending", closing("recovered"))
	m.Previous = first
	m.Items[0].Thread = notifiers.Thread{First: first, Last: first, Alone: true}
	return m
}

// sends delivers a message, and returns its receipt and what arrived.
func (t *trial) sends(m notifiers.Message) (notifiers.Receipt, []Received) {
	t.Helper()
	before := len(t.Receiver.Received())
	receipt := t.mustNotify(m)
	return receipt, t.Receiver.Received()[before:]
}

// beside returns what the messages in the list stand beside; updates are no messages.
func beside(list []Received) (threads []string) {
	for _, received := range list {
		if received.Updates == "" {
			threads = append(threads, received.Thread)
		}
	}
	return threads
}

func (t *trial) threads() {
	claimed := t.abilities().Threads
	first, opened := t.sends(Message("first"))
	if threads := beside(opened); slices.ContainsFunc(threads, func(s string) bool { return s != "" && !strings.Contains(first.Thread, s) }) {
		t.Errorf("the first message stands beside %q", threads)
	}
	stored, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var restored notifiers.Receipt
	if err := json.Unmarshal(stored, &restored); err != nil {
		t.Fatal(err)
	}
	for _, previous := range []notifiers.Receipt{first, restored} {
		_, closed := t.sends(ending(previous))
		for _, thread := range beside(closed) {
			if found := thread != "" && strings.Contains(first.Thread, thread); found != claimed || !claimed && thread != "" {
				t.Errorf("the end stands beside %q, the first message is %q; threads are claimed: %v", thread, first.Thread, claimed)
			}
		}
	}
}

// forgedThread hands the channel receipts from a file that somebody has written.
func (t *trial) forgedThread() {
	for _, thread := range []string{"../x?a=b\r\n", "../x?a=b", strings.Repeat("../x?a=b", 1000)} {
		_, closed := t.sends(ending(notifiers.Receipt{Thread: thread}))
		for _, received := range closed {
			// A thread can have a name that is made of the incident, and stays right.
			uses := func(name string) bool { return name != "" && strings.Contains(thread, name) }
			if uses(received.Updates) || uses(received.Thread) {
				t.Errorf("%.20q was used: %+v", thread, received)
			}
		}
	}
	receiver, ok := t.Receiver.(httpPlayer)
	if !ok {
		return
	}
	for _, request := range receiver.player().Sink.Requests() {
		for _, form := range []string{"x?a=b", "x%3Fa%3Db", "x%3Fa=b"} {
			if strings.Contains(request.Path, form) || bytes.Contains(request.Body, []byte(form)) {
				t.Errorf("a forged thread went into %s %s %s", request.Method, request.Path, request.Body)
			}
		}
	}
}

func (t *trial) updates() {
	claimed := t.abilities().Updates
	first, opened := t.sends(Message("first"))
	_, closed := t.sends(ending(first))
	if isUpdate(opened) >= 0 {
		t.Errorf("a first message is an update: %+v", opened)
	}
	at := isUpdate(closed)
	if (at >= 0) != claimed {
		t.Errorf("updates are claimed: %v, at the end arrived %+v", claimed, closed)
	}
	// The new message is the delivery, so it goes first.
	if at >= 0 && at < len(closed)-1 {
		t.Errorf("the update went first: %+v", closed)
	}
	if at >= 0 && closed[at].Text == "" {
		t.Errorf("the update has no text: %+v", closed[at])
	}
	shared := ending(first)
	shared.Key, shared.Items[0].Thread.Alone = "shared", false
	if _, closed = t.sends(shared); isUpdate(closed) >= 0 {
		t.Errorf("a message about other incidents, too, was changed: %+v", closed)
	}
}

// isUpdate returns where an update is in the list; -1: nowhere.
func isUpdate(list []Received) int {
	return slices.IndexFunc(list, func(r Received) bool { return r.Updates != "" })
}

// failingUpdate wants a message that has arrived to have a receipt, whatever becomes of the
// update behind it.
func (t *trial) failingUpdate() {
	receiver, ok := t.Receiver.(httpPlayer)
	if !ok || !t.abilities().Updates {
		return
	}
	first, _ := t.sends(Message("first"))
	if _, closed := t.sends(ending(first)); len(closed) < 2 {
		return // the update is the message itself
	}
	player := receiver.player()
	isUpdate := func(r httpsink.Request) bool { return player.Read(r).Updates != "" }
	for _, fault := range []Fault{Broken, Refuse, HangUp, Echo, Mute, Stall} {
		behaviour := player.behaviour(fault)
		behaviour.Only = isUpdate
		player.Sink.Behave(behaviour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := t.notify(ctx, ending(first))
			done <- err
		}()
		<-player.Sink.Reached()
		if fault == Stall {
			cancel() // the time for the message is over, while the update is under way
		}
		if err := <-done; err != nil {
			t.Errorf("fault %d: a message that has arrived: %v", fault, err)
		}
		cancel()
	}
}

func (t *trial) doubles() {
	want := 2
	if t.abilities().DropsDoubles {
		want = 1
	}
	t.mustNotify(Message("twice"))
	t.mustNotify(Message("twice"))
	if shown := t.Receiver.Received(); len(shown) != want {
		t.Errorf("%d messages are shown, want %d: %+v", len(shown), want, shown)
	}
	if t.mustNotify(Message("another")); len(t.Receiver.Received()) != want+1 {
		t.Errorf("a message with a key of its own is not shown")
	}
}

func (t *trial) quiet() {
	claimed := t.abilities().Quiet
	first, opened := t.sends(Message("first"))
	_, closed := t.sends(ending(first))
	for _, received := range opened {
		if received.Quiet {
			t.Errorf("an opening arrives without a sound: %+v", received)
		}
	}
	for _, received := range closed {
		if received.Updates == "" && received.Quiet != claimed {
			t.Errorf("quiet is claimed: %v, an end arrives as %+v", claimed, received)
		}
	}
}

func (t *trial) mentions() {
	claimed := t.abilities().Mentions
	for _, m := range append(Messages(), of("restored", closing("recovered"))) {
		_, received := t.sends(m)
		for _, r := range received {
			if rings := claimed && m.MayMention(); (r.Mention != "") != rings {
				t.Errorf("%s mentions %q; mentions are claimed: %v", m.Key, r.Mention, claimed)
			}
		}
	}
}

func (t *trial) hostileMentions() {
	_, ordinary := t.sends(Message("ordinary"))
	_, hostile := t.sends(hostileMessage())
	if len(hostile) != len(ordinary) || len(hostile) > 0 && hostile[0].Mention != ordinary[0].Mention {
		t.Errorf("hostile words make of %+v %+v", ordinary, hostile)
	}
	end := hostileMessage()
	end.Key, end.Items[0].Transition = "hostile-end", notifiers.Closed
	end.Items[0].Incident = over(end.Items[0].Incident, "recovered")
	_, closed := t.sends(end)
	for _, received := range closed {
		if received.Mention != "" {
			t.Errorf("an end with hostile words mentions %q: %s", received.Mention, received.Text)
		}
	}
}
