package email

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/imapvigil/imapvigil/notifiers"
)

// An answer is what became of a letter for one recipient.
type answer struct {
	recipient string
	state     notifiers.RecipientState
	words     string // the server's, as they came
	err       error  // nil when sent
	tooMany   bool   // refused only because the transaction had enough recipients
}

// A delivery is what one conversation achieved.
type delivery struct {
	answers []answer // one a recipient
	whole   error    // what ended the conversation early
	again   []string // whom another conversation may reach, see [recipientsLeft]
}

// maxConversations is how many connections one attempt makes at most. A server
// that closes the connection at one recipient (421, or without a word) has
// delivered nothing to those that it had accepted.
const maxConversations = 3

// deliverAll delivers over c, and over further connections while the server
// leaves at a recipient, so that this one does not keep the letter from the
// others.
func (n *notifier) deliverAll(ctx context.Context, c *conversation, l letter) delivery {
	d := n.deliver(c.client, l)
	for made := 1; len(d.again) > 0 && made < maxConversations; made++ {
		c, err := n.connect(ctx)
		if err != nil {
			return d // the server is going down, and not because of one recipient
		}
		l.recipients = d.again
		next := n.deliver(c.client, l)
		if next.whole == nil {
			c.quit()
		}
		c.close()
		// For those who were asked again, the later answer counts.
		d.answers = slices.DeleteFunc(d.answers, func(a answer) bool { return slices.Contains(l.recipients, a.recipient) })
		d.answers, d.again = append(d.answers, next.answers...), next.again
	}
	return d
}

// recipientsLeft returns who may be reached by another conversation when the server left
// at the first of refused: those accepted before it, else those after it.
func recipientsLeft(accepted, refused []string) []string {
	if len(accepted) > 0 {
		return accepted
	}
	return refused[1:]
}

// A departure is the end of the connection in answer to RCPT.
type departure struct {
	error
	again []string
}

func (d *departure) Unwrap() error { return d.error }

// deliver sends the letter in as many transactions (RFC 5321 section 3.3) as the
// server's limit of recipients needs: those beyond it are offered again at once,
// as long as that gets the letter to somebody.
func (n *notifier) deliver(client *smtp.Client, l letter) delivery {
	open := l.recipients
	var d delivery
	for {
		answers, err := n.transact(client, l, open)
		open = nil
		sent := slices.ContainsFunc(answers, func(a answer) bool { return a.state == notifiers.RecipientSent })
		for _, a := range answers {
			// Without anybody sent, the next transaction would end the same.
			if a.tooMany && sent && err == nil {
				open = append(open, a.recipient)
				continue
			}
			d.answers = append(d.answers, a)
		}
		if d.whole = err; err != nil || len(open) == 0 {
			if left := (*departure)(nil); errors.As(err, &left) {
				d.again = left.again
			}
			return d
		}
	}
}

// transact makes one transaction: it offers the letter to recipients and sends it
// to those whom the server accepts. There is an answer for each. The error is of
// a conversation that cannot go on.
func (n *notifier) transact(client *smtp.Client, l letter, recipients []string) (answers []answer, err error) {
	if err := n.begin(client, l); err != nil {
		return answerAll(recipients, err), err
	}
	var accepted []string
	for i, recipient := range recipients {
		err := client.Rcpt(smtpPath(recipient))
		if err == nil {
			accepted = append(accepted, recipient)
			continue
		}
		err = failedAt("RCPT TO "+recipient, err)
		if code := replyCode(err); code == 0 || code == 421 { // RFC 5321 section 3.8: the server leaves
			left := &departure{err, recipientsLeft(accepted, recipients[i:])}
			return slices.Concat(answers, answerAll(slices.Concat(accepted, recipients[i:]), err)), left
		}
		answers = append(answers, refusedRecipient(recipient, err))
	}
	if len(accepted) == 0 {
		return answers, nil
	}
	words, err := sendData(client, l)
	if err != nil {
		return slices.Concat(answers, answerAll(accepted, err)), err
	}
	for _, recipient := range accepted {
		answers = append(answers, answer{recipient: recipient, state: notifiers.RecipientSent, words: words})
	}
	return answers, nil
}

var errNotInternational = errors.New("the server does not offer SMTPUTF8, which an address needs whose part before the @ is not ASCII")

// begin opens a transaction with MAIL.
func (n *notifier) begin(client *smtp.Client, l letter) error {
	if l.international() {
		if offered, _ := client.Extension("SMTPUTF8"); !offered {
			return errNotInternational
		}
		// This letter needs the parameter of MAIL that introduce has switched off.
		client.SkipSMTPUTF8(false)
	}
	if err := client.Mail(smtpPath(l.from)); err != nil {
		return failedAt("MAIL FROM "+l.from, err)
	}
	return nil
}

// sendData sends the letter to the recipients that were accepted, and gives the
// server's reply.
func sendData(client *smtp.Client, l letter) (words string, err error) {
	w, err := client.Data()
	if err != nil {
		return "", failedAt("DATA", err)
	}
	if _, err := w.Write(l.data); err != nil {
		return "", failedAt("sending the message", err)
	}
	if err := w.Close(); err != nil {
		return "", failedAt("end of the message", err)
	}
	// RFC 5321 knows one code of acceptance; the client let no other pass.
	return "250 " + cutAnswer(w.(*smtp.DataCloser).ServerResponse()), nil
}

// answerAll returns one and the same answer for several recipients: of a reply to
// MAIL or DATA, which is about them all, or of a connection that broke.
func answerAll(recipients []string, err error) (answers []answer) {
	for _, recipient := range recipients {
		answers = append(answers, answer{recipient: recipient, state: stateAfter(err), words: cutAnswer(err.Error()), err: err})
	}
	return answers
}

// stateAfter returns how far the message has come for a recipient after an attempt.
func stateAfter(err error) notifiers.RecipientState {
	// 5yz is for good, 4yz for the time being (RFC 5321 section 4.2.1). Without a code the
	// connection broke, which heals.
	if replyCode(err)/100 == 5 {
		return notifiers.RecipientDead
	}
	return notifiers.RecipientRetrying
}

// refusedRecipient returns what became of a recipient whom RCPT refused. A server may
// say with 452, or in the words of RFC 821 with 552, that the transaction has enough
// recipients (RFC 5321 section 4.5.3.1.10; RFC 3463 names it X.5.3); the recipient is
// not to blame.
func refusedRecipient(recipient string, err error) answer {
	a := answer{recipient: recipient, state: stateAfter(err), err: err}
	a.words = cutAnswer(strings.TrimPrefix(err.Error(), "RCPT TO "+recipient+": "))
	text := strings.ToLower(a.words)
	switch replyCode(err) {
	case 452:
		a.tooMany = true
	case 552:
		a.tooMany = strings.Contains(text, "5.5.3") || strings.Contains(text, "too many recipients")
	default:
		a.tooMany = replyCode(err)/100 == 4 && strings.Contains(text, " 4.5.3")
	}
	if a.tooMany {
		a.state = notifiers.RecipientRetrying
	}
	return a
}

// count returns how many recipients are in a state.
func (d delivery) count(state notifiers.RecipientState) (n int) {
	for _, a := range d.answers {
		if a.state == state {
			n++
		}
	}
	return n
}

// alike reports whether all recipients were answered the same.
func (d delivery) alike() bool {
	return !slices.ContainsFunc(d.answers, func(a answer) bool {
		return a.state != d.answers[0].state || a.words != d.answers[0].words
	})
}

// worst returns the error that decides what comes next: a refusal for the time being
// counts most, since that one can heal.
func (d delivery) worst() (worst error) {
	for _, a := range d.answers {
		if a.err != nil && (worst == nil || a.state == notifiers.RecipientRetrying && stateAfter(worst) == notifiers.RecipientDead) {
			worst = a.err
		}
	}
	return worst
}

// summary returns the reply to the letter, and who was refused.
func (d delivery) summary() (text string) {
	var refused []string
	for _, a := range d.answers {
		switch {
		case a.err != nil:
			refused = append(refused, cutAnswer(a.recipient+": "+a.words))
		case text == "":
			text = a.words
		}
	}
	if len(refused) > 0 {
		text += "; refused: " + strings.Join(refused, ", ")
	}
	return text
}
