package notifiers_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A channel says that it waits for its receiver, and that says when to come again.
func TestPaced(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("telegram: %w", notifiers.Paced(12*time.Second))
	if !notifiers.IsPaced(err) || notifiers.Wait(err) != 12*time.Second || notifiers.IsPermanent(err) || notifiers.IsUnsure(err) {
		t.Errorf("paced %v, wait %v, permanent %v", notifiers.IsPaced(err), notifiers.Wait(err), notifiers.IsPermanent(err))
	}
	if said := err.Error(); said != "telegram: the receiver takes its next message in 12s" {
		t.Error(said)
	}
	if notifiers.IsPaced(notifiers.RetryAfter(errors.New("429"), time.Minute)) || notifiers.IsPaced(nil) {
		t.Error("what the other side asked for is not the pace of the channel")
	}
}
