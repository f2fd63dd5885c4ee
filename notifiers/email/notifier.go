package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

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
	secrets  []string
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
	l, err := compose(n.from, target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(n.harmless(ctx, err))
	}
	c, err := n.connect(ctx)
	if rejected(err) {
		return notifiers.Receipt{}, notifiers.RetryAfter(n.harmless(ctx, err), loginPause)
	}
	if err != nil {
		return notifiers.Receipt{}, n.harmless(ctx, err)
	}
	defer c.close()
	answer, err := n.transact(c.client, l)
	if reply(err)/100 == 5 {
		return notifiers.Receipt{}, notifiers.Permanent(n.harmless(ctx, err))
	}
	if err != nil {
		return notifiers.Receipt{}, n.harmless(ctx, err)
	}
	c.quit()
	return notifiers.Receipt{Answer: opaque.Sanitise(notifiers.Redact(answer, n.secrets...)), Thread: l.thread}, nil
}

// transact offers the letter to every recipient and sends it to those whom the
// server accepts (RFC 5321 section 3.3).
func (n *notifier) transact(client *smtp.Client, l letter) (answer string, err error) {
	if err := n.begin(client, l); err != nil {
		return "", err
	}
	refused, err := offer(client, l.recipients)
	if err != nil {
		return "", err
	}
	w, err := client.Data()
	if err != nil {
		return "", failed("DATA", err)
	}
	if _, err := w.Write(l.data); err != nil {
		return "", failed("sending the message", err)
	}
	if err := w.Close(); err != nil {
		return "", failed("end of the message", err)
	}
	// RFC 5321 knows one code of acceptance; the client let no other pass.
	return "250 " + clip(w.(*smtp.DataCloser).ServerResponse()) + refused, nil
}

func (n *notifier) begin(client *smtp.Client, l letter) error {
	if l.international() {
		if offered, _ := client.Extension("SMTPUTF8"); !offered {
			return errors.New("the server does not offer SMTPUTF8, which an address that is not ASCII needs")
		}
		client.SkipSMTPUTF8(false)
	}
	if err := client.Mail("<" + l.from + ">"); err != nil {
		return failed("MAIL FROM "+l.from, err)
	}
	return nil
}

// offer names the refused recipients, for the receipt. It fails when all are
// refused, and then a refusal for the time being counts most: that one can heal.
func offer(client *smtp.Client, recipients []string) (refused string, err error) {
	var all []string
	var worst error
	for _, recipient := range recipients {
		err := client.Rcpt("<" + recipient + ">")
		if err == nil {
			continue
		}
		err = failed("RCPT TO "+recipient, err)
		code := reply(err)
		if code == 0 || code == 421 { // RFC 5321 section 3.8: the server leaves
			return "", err
		}
		all = append(all, clip(strings.TrimPrefix(err.Error(), "RCPT TO ")))
		if worst == nil || code/100 == 4 {
			worst = err
		}
	}
	switch {
	case len(all) == 0:
		return "", nil
	case len(all) == len(recipients):
		return "", worst
	}
	return "; refused: " + strings.Join(all, ", "), nil
}

// clip leaves room in the receipt for the refusals.
func clip(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// harmless is the error for the outside: the server's words sanitised, no
// secret in them, and the context's own error instead of what its end did to
// the connection.
func (n *notifier) harmless(ctx context.Context, err error) error {
	if ctx.Err() != nil && reply(err) == 0 {
		return fmt.Errorf("sending by %s: %w", n.settings.Host, ctx.Err())
	}
	words := opaque.Sanitise(notifiers.Redact(err.Error(), n.secrets...))
	return fmt.Errorf("sending by %s: %s", n.settings.Host, words)
}

// Close has nothing to release: every conversation ends with its call.
func (n *notifier) Close() error { return nil }
