package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/mail"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// loginPause keeps a rejected password from being tried until the server bans
// us: the intervals at which servers count failures are of some minutes.
const loginPause = 5 * time.Minute

type notifier struct {
	settings Settings
	from     *mail.Address
	tls      *tls.Config
	secrets  *opaque.Scrubber
}

// Notify holds one conversation with the server. Only what the server says of
// this message (after MAIL, RCPT, DATA) can be permanent. All that comes before
// may heal by itself or by an administrator, a rejected password included: an
// alarm must not die because the directory behind the mail server was down.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("email cannot reach a %T", to))
	}
	l, err := composeLetter(n.from, target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(n.harmless(ctx, err))
	}
	if len(l.recipients) == 0 {
		return notifiers.Receipt{Thread: l.thread}, nil // all are settled
	}
	c, err := n.connect(ctx)
	if isLoginRefused(err) {
		return notifiers.Receipt{}, notifiers.RetryAfter(n.harmless(ctx, err), loginPause)
	}
	if err != nil {
		return notifiers.Receipt{}, n.harmless(ctx, err)
	}
	defer c.close()
	l, unreachable, err := n.withoutInternational(c.client, l, target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(n.harmless(ctx, err))
	}
	d := n.deliverAll(ctx, c, l)
	d.answers = append(d.answers, unreachable...)
	if d.whole == nil {
		c.quit()
	}
	return n.conclude(ctx, l, d)
}

// conclude makes receipt and error of what each recipient was answered.
func (n *notifier) conclude(ctx context.Context, l letter, d delivery) (notifiers.Receipt, error) {
	receipt := notifiers.Receipt{Thread: l.thread}
	// One answer of all alike stands in the receipt once. A recipient who was asked alone,
	// since the others were settled, is named.
	if !l.one && (!d.alike() || len(d.answers) == 1) {
		for _, a := range d.answers {
			receipt.Recipients = append(receipt.Recipients, notifiers.Recipient{
				Address: a.recipient, State: a.state, Answer: n.words(a.words),
			})
		}
	}
	// An error as long as one recipient is worth another attempt; those who are settled
	// are left out of it.
	if worst := d.worst(); worst != nil && d.count(notifiers.RecipientRetrying) > 0 {
		return receipt, n.harmless(ctx, worst)
	} else if worst != nil && d.count(notifiers.RecipientSent) == 0 {
		return receipt, notifiers.Permanent(n.harmless(ctx, worst))
	}
	receipt.Answer = n.words(d.summary())
	return receipt, nil
}

// words returns a server's words without secrets and control characters.
func (n *notifier) words(text string) opaque.Words {
	return opaque.Sanitise(n.secrets.Scrub(text))
}

// cutAnswer shortens an answer, to leave room in the receipt for what other recipients
// were answered.
func cutAnswer(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// harmless returns the error for the outside: the server's words sanitised, no
// secret in them, and the context's own error instead of what its end did to
// the connection.
func (n *notifier) harmless(ctx context.Context, err error) error {
	// With a code the server answered before ctx ended, and its words say more.
	if ctx.Err() != nil && replyCode(err) == 0 {
		return fmt.Errorf("sending by %s: %w", n.settings.Host, ctx.Err())
	}
	return fmt.Errorf("sending by %s: %s", n.settings.Host, n.words(err.Error()))
}

// Close has nothing to release: every conversation ends with its call.
func (n *notifier) Close() error { return nil }
