package smtpsink

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Text gives the message as a mail program shows it: the subject and the text. What is
// no message is given as it came.
func (e Envelope) Text() string {
	m, err := mail.ReadMessage(bytes.NewReader(e.Data))
	if err != nil {
		return string(e.Data)
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return string(e.Data)
	}
	return "Subject: " + m.Header.Get("Subject") + "\n\n" + strings.ReplaceAll(string(text), "\r\n", "\n")
}
