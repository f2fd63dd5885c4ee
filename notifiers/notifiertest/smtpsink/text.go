package smtpsink

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Text gives the message as a mail program shows it that shows no HTML: the subject and the
// text. What is no message is given as it came.
func (e Envelope) Text() string {
	m, err := mail.ReadMessage(bytes.NewReader(e.Data))
	if err != nil {
		return string(e.Data)
	}
	body, encoding := m.Body, m.Header.Get("Content-Transfer-Encoding")
	if kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type")); err == nil && kind == "multipart/alternative" {
		// The plainest part comes first (RFC 2046 section 5.1.4).
		part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextRawPart()
		if err != nil {
			return string(e.Data)
		}
		body, encoding = part, part.Header.Get("Content-Transfer-Encoding")
	}
	if encoding == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return string(e.Data)
	}
	return "Subject: " + m.Header.Get("Subject") + "\n\n" + strings.ReplaceAll(string(text), "\r\n", "\n")
}
