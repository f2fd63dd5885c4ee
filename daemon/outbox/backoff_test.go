package outbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	var got []string
	for _, attempts := range []int{0, 1, 2, 3, 5, 10, 11, 64, 1 << 40} {
		got = append(got, outbox.Backoff(attempts, 1).String())
	}
	want := []string{"1s", "1s", "2s", "4s", "16s", "8m32s", "15m0s", "15m0s", "15m0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("bounds (-want +got):\n", diff)
	}
	if got := outbox.Backoff(4, 0.25); got != 2*time.Second {
		t.Error("a quarter of 8 s is", got)
	}
	if got := outbox.Backoff(4, 0); got != 0 {
		t.Error("full jitter begins at 0, not at", got)
	}
}

func TestConclude(t *testing.T) {
	t.Parallel()
	var (
		refused = errors.New("refused\x1b[31m")
		poison  = notifiers.Permanent(errors.New("no such user"))
		busy    = func(d time.Duration) error { return notifiers.RetryAfter(errors.New("busy"), d) }
	)
	cases := []struct {
		name     string
		attempts int // before
		poisoned int // the last of them
		err      error
		after    time.Duration
		state    outbox.DeliveryState
		next     time.Duration // since the notification; 0: none
		held     bool
	}{
		{"delivered", 4, 0, nil, time.Hour, outbox.Sent, 0, false},
		{"delivered after all", 400, 0, nil, 100 * time.Hour, outbox.Sent, 0, false},
		{"first failure", 0, 0, refused, 0, outbox.Retrying, 500 * time.Millisecond, false},
		{"fifth failure", 4, 0, refused, time.Minute, outbox.Retrying, 68 * time.Second, false},
		{"late failure", 100, 0, refused, 71*time.Hour + 55*time.Minute, outbox.Retrying, 72 * time.Hour, false},
		{"last failure", 101, 0, refused, 72 * time.Hour, outbox.Expired, 0, false},
		{"poison, first try", 0, 0, poison, 0, outbox.Retrying, 500 * time.Millisecond, false},
		{"poison, third try", 2, 2, poison, time.Minute, outbox.Dead, 0, false},
		{"poison after an outage", 9, 0, poison, time.Minute, outbox.Retrying, 316 * time.Second, false},
		{"poison again after an outage", 11, 2, poison, time.Minute, outbox.Dead, 0, false},
		{"an outage after poison", 2, 2, refused, 0, outbox.Retrying, 2 * time.Second, false},
		{"asked to wait", 0, 0, busy(time.Minute), time.Second, outbox.Retrying, 61 * time.Second, true},
		{"asked to wait less than it would", 10, 0, busy(time.Second), time.Hour, outbox.Retrying, time.Hour + 450*time.Second, true},
		{"asked to wait for ever", 0, 0, busy(1000 * time.Hour), 0, outbox.Retrying, 72 * time.Hour, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := outbox.Delivery{Notification: outbox.Notification{Key: "iv_1", At: epoch}, Attempts: c.attempts, Last: outbox.Outcome{Poisoned: c.poisoned}}
			o := outbox.Conclude(d, notifiers.Receipt{Thread: "7"}, c.err, epoch.Add(c.after), 0.5)
			if o.Key != d.Key || o.State != c.state || o.Attempts != c.attempts+1 || o.Held != c.held || !o.At.Equal(epoch.Add(c.after)) {
				t.Errorf("%+v", o)
			}
			var next time.Duration
			if !o.NextAt.IsZero() {
				next = o.NextAt.Sub(epoch)
			}
			if next != c.next {
				t.Errorf("next after %s, want %s", next, c.next)
			}
			if sent := o.Receipt.Thread == "7"; sent != (c.err == nil) {
				t.Errorf("receipt %v, error %v", o.Receipt, o.Error)
			}
		})
	}
}

// What a channel keeps back for the pace of its receiver has not failed: what was known before
// stays, and no attempt is counted.
func TestPaceIsNoFailure(t *testing.T) {
	t.Parallel()
	d := outbox.Delivery{Notification: outbox.Notification{Key: "iv_1", At: epoch}}
	o := outbox.Conclude(d, notifiers.Receipt{}, notifiers.Paced(3*time.Second), epoch, 0.5)
	want := outbox.Outcome{Key: "iv_1", At: epoch, State: outbox.Queued, NextAt: epoch.Add(3 * time.Second), Held: true}
	if diff := cmp.Diff(want, o, cmp.AllowUnexported(opaque.Words{})); diff != "" {
		t.Error("before the first attempt (-want +got):\n", diff)
	}
	failed := outbox.Conclude(d, notifiers.Receipt{}, notifiers.Unsure(errors.New("no answer")), epoch, 0.5)
	d.Attempts, d.Last = failed.Attempts, failed
	o = outbox.Conclude(d, notifiers.Receipt{}, notifiers.Paced(0), epoch.Add(time.Second), 0.5)
	want = failed
	want.At, want.NextAt, want.Held = epoch.Add(time.Second), epoch.Add(1100*time.Millisecond), true
	if diff := cmp.Diff(want, o, cmp.AllowUnexported(opaque.Words{})); diff != "" || o.Attempts != 1 || !o.Unsure {
		t.Error("after a failed one (-want +got):\n", diff)
	}
	if o = outbox.Conclude(d, notifiers.Receipt{}, notifiers.Paced(time.Hour), epoch.Add(71*time.Hour+30*time.Minute), 0.5); !o.NextAt.Equal(epoch.Add(72 * time.Hour)) {
		t.Errorf("the last attempt is made after %s", o.NextAt.Sub(epoch))
	}
	if o = outbox.Conclude(d, notifiers.Receipt{}, notifiers.Paced(time.Hour), epoch.Add(72*time.Hour), 0.5); o.State != outbox.Expired {
		t.Errorf("one that is paced for ever is %s", o.State)
	}
}
