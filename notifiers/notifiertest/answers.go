package notifiertest

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// believable are the faults whose answers say success in their status.
var believable = []Fault{Lie, Portal, Mute, Huge, GzipBomb}

// TrustsAnything is [Channel.Trusts] where no answer proves more than its status.
func TrustsAnything(reason string) map[Fault]string {
	trusts := map[Fault]string{}
	for _, fault := range believable {
		trusts[fault] = reason
	}
	return trusts
}

func (t *trial) lie()    { t.unproven(Lie) }
func (t *trial) portal() { t.unproven(Portal) }
func (t *trial) mute()   { t.unproven(Mute) }

// unproven wants an answer without a proof to be an error that another attempt may heal,
// or a delivery, where the channel says that it trusts such an answer.
func (t *trial) unproven(fault Fault) {
	receiver, ok := t.Receiver.(httpPlayer)
	if !ok {
		return
	}
	_, trusted := t.Trusts[fault]
	if _, own := receiver.player().Answers[fault]; fault == Lie && !own {
		// A service that is trusted may have no words of its own to refuse in.
		if !trusted {
			t.Error("HTTPReceiver.Answers does not say how this service refuses with a status of success")
		}
		return
	}
	if !trusted {
		_ = t.fails(fault, fault == Lie && t.LieIsPermanent)
		return
	}
	t.Receiver.Behave(fault)
	t.mustNotify(Message("trusting"))
}

// trusts looks at what the channel says of itself.
func (t *trial) trusts() {
	for fault, reason := range t.Trusts {
		if !slices.Contains(believable, fault) || reason == "" {
			t.Errorf("fault %d is trusted for the reason %q", fault, reason)
		}
	}
	if proof := t.abilities().Proof; proof != "" && t.Trusts[Portal] != "" {
		t.Errorf("the manual says that an answer needs the %s, but any page is trusted", proof)
	}
}

// redirected wants a redirect to be a refusal, and nothing to arrive where it leads.
func (t *trial) redirected() {
	receiver, ok := t.Receiver.(httpPlayer)
	if !ok {
		return
	}
	elsewhere, err := httpsink.Start(httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	receiver.player().elsewhere = elsewhere.URL()
	_ = t.fails(Redirect, true)
	for _, status := range []int{http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		answer := receiver.player().answer(Redirect)
		answer.Status = status
		receiver.player().Sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: answer})
		if _, err := t.notify(t.Context(), Message(fmt.Sprint("redirected-", status))); !notifiers.IsPermanent(err) {
			t.Errorf("%d: got %v, want a permanent error", status, err)
		}
	}
	if n := len(elsewhere.Requests()); n > 0 {
		t.Errorf("%d messages went elsewhere", n)
	}
}

func (t *trial) huge()     { t.bounded(Huge) }
func (t *trial) gzipBomb() { t.bounded(GzipBomb) }

// bounded wants a call to end without the rest of an answer, which never comes, and
// without much memory.
func (t *trial) bounded(fault Fault) {
	if _, ok := t.Receiver.(httpPlayer); !ok {
		return
	}
	t.Receiver.Behave(fault)
	// Whoever wants all of the answer is still waiting then; it is no measure of speed.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := t.notify(ctx, Message("bounded"))
	runtime.ReadMemStats(&after)
	_, trusted := t.Trusts[fault]
	switch {
	case ctx.Err() != nil:
		t.Errorf("the call waited for the rest of the answer: %v", err)
	case (err == nil) != trusted, notifiers.IsPermanent(err):
		t.Errorf("got %v (permanent: %v), want one that another attempt may heal", err, notifiers.IsPermanent(err))
	}
	// The receiver is in the same program, so this is much more than a client needs.
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("the call used %d MB", used>>20)
	}
}

// FuzzAnswers feeds a channel any answer of HTTP. It wants each to become either a receipt
// or an error, and nothing in it that [Run] does not want.
func FuzzAnswers(f *testing.F, open func(t *testing.T) Channel) {
	for _, status := range []int{200, 201, 202, 204, 301, 400, 401, 404, 429, 500, 503} {
		f.Add(status, "Retry-After", "0.376", `{"ok":true,"id":1}`)
	}
	for _, body := range []string{
		"", "null", "[]", "{}", `{"ok":false,"error":"` + HostileWords + `"}`, `{"id":"../x?a=b\r\n","code":-1,"retry_after":1e300}`,
		`{"success":true,"message":{"_id":{}}}`, `{"status":1,"receipt":"\u0000\u202e","errors":["x"]}`, portal, "\xff\xfe\x00",
	} {
		f.Add(200, "Content-Type", "application/json", body)
		f.Add(429, "Retry-After", "99999999999999999999", body)
	}
	f.Fuzz(func(t *testing.T, status int, name, value, body string) {
		channel := open(t)
		receiver, ok := channel.Receiver.(httpPlayer)
		if !ok {
			t.Fatal("the receiver is no HTTPReceiver")
		}
		notifier, err := channel.Settings.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = notifier.Close() }()
		// 1xx is not an answer yet.
		if status = 200 + (status%400+400)%400; name == "Content-Length" || name == "Transfer-Encoding" {
			name = "X-" + name // the server writes these itself
		}
		receiver.player().Sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: httpsink.Response{
			Status: status, Header: http.Header{name: {value}}, Body: body,
		}})
		try := &trial{T: t, Channel: channel, notifier: notifier}
		for _, m := range []notifiers.Message{Message("fuzz"), of("test")} {
			_, _ = try.notify(t.Context(), m)
		}
	})
}
