package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// othersMayTake is how long an instance may take to answer once another one has taken the alerts:
// one that hangs must not hold up what comes next. It learns them with the next repetition.
const othersMayTake = 5 * time.Second

var errLate = fmt.Errorf("no answer within %s of another one's", othersMayTake)

// post posts alerts to all instances at once. It succeeds when one has taken them, and says which
// have.
func (n *notifier) post(ctx context.Context, list []alert) (opaque.Words, error) {
	posting, cancel := context.WithCancel(ctx)
	defer cancel()
	all := make([]error, len(n.instances))
	done := make(chan int, len(n.instances))
	for i, to := range n.instances {
		go func() {
			all[i] = n.postTo(posting, to, list)
			done <- i
		}()
	}
	taken := false
	for range n.instances {
		if i := <-done; all[i] == nil && !taken {
			taken = true
			defer time.AfterFunc(othersMayTake, cancel).Stop()
		} else if errors.Is(all[i], context.Canceled) && ctx.Err() == nil {
			all[i] = errLate
		}
	}
	if !taken {
		return opaque.Words{}, n.joinFailures(all)
	}
	return n.summarise(all), nil
}

// postTo posts alerts to one instance.
func (n *notifier) postTo(ctx context.Context, to instance, list []alert) error {
	answer, err := n.client.JSON(ctx, http.MethodPost, to.alerts.String(), n.header, list)
	switch {
	case err != nil:
		return err
	// Alertmanager says nothing more (api/v2/api.go): whoever says something is another server.
	case answer.Status != http.StatusOK || strings.TrimSpace(string(answer.Body)) != "":
		return fmt.Errorf("the answer is not empty with status 200, so it may not be from Alertmanager: %s", answer.Words())
	}
	return nil
}

// summarise says which instances took the alerts, and then what the others answered.
func (n *notifier) summarise(all []error) opaque.Words {
	var took, others []string
	for i, err := range all {
		if name := n.instances[i].name; err == nil {
			took = append(took, name)
		} else {
			others = append(others, fmt.Sprintf("; not by %s: %s", name, err))
		}
	}
	return opaque.Sanitise("accepted by " + strings.Join(took, ", ") + strings.Join(others, ""))
}

// joinFailures makes one error of those of all instances. It is permanent where none would take the
// alerts later.
func (n *notifier) joinFailures(all []error) error {
	if len(all) == 1 {
		return all[0]
	}
	texts, permanent, wait := make([]string, len(all)), true, time.Duration(0)
	for i, err := range all {
		// The context has ended, and so have the others.
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		texts[i] = n.instances[i].name + ": " + err.Error()
		if notifiers.IsPermanent(err) {
			continue
		}
		// One is enough, so the first that may be asked again decides when.
		if later := notifiers.Wait(err); permanent || later < wait {
			wait = later
		}
		permanent = false
	}
	joined := errors.New(strings.Join(texts, "; "))
	if permanent {
		return notifiers.Permanent(joined)
	}
	return notifiers.RetryAfter(joined, wait)
}
