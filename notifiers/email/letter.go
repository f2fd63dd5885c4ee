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

// compose is deterministic: a repeated attempt differs in nothing.
func compose(from *netmail.Address, target Target, m notifiers.Message) (letter, error) {
	to, cc, err := target.addresses()
	if err != nil {
		return letter{}, err
	}
	id := messageID(m.Key, from.Address)
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to...)
	if len(cc) > 0 {
		msg.CcMailAddress(cc...)
	}
	msg.Subject(m.Subject())
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
	msg.SetBodyString(mail.TypeTextPlain, m.Text())
	var data bytes.Buffer
	if _, err := msg.WriteTo(&data); err != nil {
		return letter{}, fmt.Errorf("composing: %w", err)
	}
	return letter{
		from: from.Address, recipients: envelope(m.Settled, to, cc), data: data.Bytes(), thread: thread,
		one: len(envelope(nil, to, cc)) == 1,
	}, nil
}

// threadID is a Message-ID (RFC 5322 section 3.6.4). A receipt comes from a
// file, so it is looked at before it becomes a header.
var threadID = regexp.MustCompile(`^<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>$`)

// messageID is made of the key, so that a mailbox that drops doubles can. The
// domain is the sender's.
func messageID(key, from string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16]) + from[strings.LastIndex(from, "@"):]
}

func envelope(settled []string, lists ...[]*netmail.Address) (recipients []string) {
	for _, address := range slices.Concat(lists...) {
		if !slices.Contains(recipients, address.Address) && !slices.Contains(settled, address.Address) {
			recipients = append(recipients, address.Address)
		}
	}
	return recipients
}

// international reports whether the envelope needs SMTPUTF8 (RFC 6531).
func (l letter) international() bool {
	return !ascii(l.from) || slices.ContainsFunc(l.recipients, func(r string) bool { return !ascii(r) })
}
