package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A letter is a message as it goes into DATA, with its envelope.
type letter struct {
	from       string
	recipients []string // each once, without those for whom it is settled
	data       []byte
	thread     string // the Message-ID that began the thread
	one        bool   // the message has one recipient in all
}

// Headers beyond those of every mail. Auto-Submitted (RFC 3834) keeps vacation
// responders silent; the key tells a repeated attempt from a second message.
const (
	headerAutoSubmitted mail.Header = "Auto-Submitted"
	headerKey           mail.Header = "X-Imapvigil-Key"
)

// composeLetter makes the bytes of a letter. It is deterministic: a repeated attempt
// differs in nothing, so mailboxes can drop the double.
func composeLetter(from *netmail.Address, target Target, m notifiers.Message) (letter, error) {
	to, cc, err := target.addresses()
	if err != nil {
		return letter{}, err
	}
	return composeLetterFor(from, to, cc, m)
}

// composeLetterFor makes the letter to some of the recipients of a message.
func composeLetterFor(from *netmail.Address, to, cc []*netmail.Address, m notifiers.Message) (letter, error) {
	id := messageID(m.Key, from.Address)
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to...)
	if len(cc) > 0 {
		msg.CcMailAddress(cc...)
	}
	parts, err := partsOf(m)
	if err != nil {
		return letter{}, err
	}
	msg.Subject(parts.subject)
	// The time of the decision, and not of the attempt: a repeated letter is the same byte
	// for byte, and its date says when it happened.
	msg.SetDateWithValue(m.At.UTC())
	msg.SetMessageIDWithValue(id)
	msg.SetGenHeader(headerAutoSubmitted, "auto-generated")
	msg.SetGenHeader(headerKey, m.Key)
	thread := "<" + id + ">"
	if threadID.MatchString(m.Previous.Thread) {
		thread = m.Previous.Thread
		msg.SetGenHeader(mail.HeaderInReplyTo, thread)
		msg.SetGenHeader(mail.HeaderReferences, thread)
	}
	msg.SetBodyString(mail.TypeTextPlain, parts.text)
	msg.AddAlternativeString(mail.TypeTextHTML, parts.html)
	if err := attach(msg, parts.files); err != nil {
		return letter{}, err
	}
	// A random one would make a repeated letter another one.
	if len(parts.files) == 0 {
		msg.SetBoundary(boundary(m.Key))
	}
	var data bytes.Buffer
	if _, err := msg.WriteTo(&data); err != nil {
		return letter{}, fmt.Errorf("composing: %w", err)
	}
	text := data.Bytes()
	if len(parts.files) > 0 {
		text = fixBoundaries(text, m.Key)
	}
	return letter{
		from: from.Address, recipients: envelopeRecipients(m.Settled, to, cc), data: text, thread: thread,
		one: len(envelopeRecipients(nil, to, cc)) == 1,
	}, nil
}

// A content is what a letter says.
type content struct {
	subject, text, html string
	files               []notifiers.Attachment
}

// partsOf returns what a letter says: of a report what was composed, else the words that all
// channels share.
func partsOf(m notifiers.Message) (content, error) {
	if r := m.Report; r != nil {
		return content{r.Subject, r.Text, r.HTML, r.Attachments}, nil
	}
	page, err := composeHTML(m)
	return content{m.Subject(), m.Text(), page, nil}, err
}

// attach adds files to a letter.
func attach(msg *mail.Msg, files []notifiers.Attachment) error {
	for _, f := range files {
		if err := msg.AttachReader(f.Name, bytes.NewReader(f.Data), mail.WithFileContentType(mail.ContentType(f.Type))); err != nil {
			return fmt.Errorf("attaching %s: %w", f.Name, err)
		}
	}
	return nil
}

// threadID is a Message-ID (RFC 5322 section 3.6.4). A receipt comes from a
// file, so it is looked at before it becomes a header.
var threadID = regexp.MustCompile(`^<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>$`)

// messageID returns an id that is made of the key, so that a mailbox that drops doubles can. The
// domain is the sender's.
func messageID(key, from string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16]) + from[strings.LastIndex(from, "@"):]
}

// boundary returns what separates the parts of a letter, made of the key like its id.
func boundary(key string) string {
	sum := sha256.Sum256([]byte("boundary of " + key))
	return "imapvigil-" + hex.EncodeToString(sum[:16])
}

// randomBoundary is what go-mail separates parts by: it takes one text of ours for all levels of a
// letter, and with files there are two.
var randomBoundary = regexp.MustCompile(`boundary="?([0-9a-f]{60})"?`)

// fixBoundaries replaces the random boundaries of a letter by such as are made of its key.
func fixBoundaries(data []byte, key string) []byte {
	for i, found := range randomBoundary.FindAllSubmatch(data, -1) {
		data = bytes.ReplaceAll(data, found[1], fmt.Appendf(nil, "%s-%d", boundary(key), i+1))
	}
	return data
}

// envelopeRecipients lists each recipient once, without those that are settled. An
// address in two letter cases is one person: RFC 5321 section 2.4 lets mailboxes differ
// by case alone, and advises against it.
func envelopeRecipients(settled []string, lists ...[]*netmail.Address) (recipients []string) {
	for _, address := range slices.Concat(lists...) {
		same := func(known string) bool { return strings.EqualFold(known, address.Address) }
		if !slices.ContainsFunc(recipients, same) && !slices.ContainsFunc(settled, same) {
			recipients = append(recipients, address.Address)
		}
	}
	return recipients
}

// withoutInternational takes out of the letter, header and envelope, the recipients
// whom a server without SMTPUTF8 cannot be told of, with the answer for each, so
// that the others get it. Where nobody else is left, or the sender itself needs
// SMTPUTF8, the letter stays whole.
func (n *notifier) withoutInternational(client *smtp.Client, l letter, target Target, m notifiers.Message) (letter, []answer, error) {
	offered, _ := client.Extension("SMTPUTF8")
	unreachable := slices.DeleteFunc(slices.Clone(l.recipients), isASCII)
	if offered || !isASCII(l.from) || len(unreachable) == 0 || len(unreachable) == len(l.recipients) {
		return l, nil, nil
	}
	to, cc, err := target.addresses()
	if err != nil {
		return l, nil, err
	}
	international := func(a *netmail.Address) bool { return !isASCII(a.Address) }
	// Of the whole message: it may have had more recipients than are left.
	one := l.one
	if l, err = composeLetterFor(n.from, slices.DeleteFunc(to, international), slices.DeleteFunc(cc, international), m); err != nil {
		return l, nil, err
	}
	l.one = one
	answers := answerAll(unreachable, errNotInternational)
	for i := range answers {
		answers[i].state = notifiers.RecipientDead // no server learns it within the life of a message
	}
	return l, answers, nil
}

// international reports whether the envelope needs SMTPUTF8 (RFC 6531).
func (l letter) international() bool {
	return !isASCII(l.from) || slices.ContainsFunc(l.recipients, func(r string) bool { return !isASCII(r) })
}
