package email_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// TestReportLetter has the words of the report and its files, and is the same on every attempt.
func TestReportLetter(t *testing.T) {
	t.Parallel()
	m := notifiers.Message{Key: "report/customers/2026-10", At: time.Date(2026, 11, 1, 0, 5, 0, 0, time.UTC), Report: &notifiers.Report{
		Subject: "[imapvigil] Availability, October 2026: kept", Text: "It was kept.\n", HTML: "<p>It was kept.",
		Attachments: []notifiers.Attachment{
			{Name: "availability-2026-10.html", Type: "text/html; charset=utf-8", Data: []byte("<h1>Ümlaut</h1>")},
			{Name: "availability-2026-10.csv", Type: "text/csv; charset=utf-8", Data: []byte("check\r\nmx1\r\n")},
		},
	}}
	sink, settings := post(t, smtpsink.Options{})
	n := open(t, settings)
	for range 2 {
		if _, err := n.Notify(t.Context(), target(t, "boss@example.org"), m); err != nil {
			t.Fatal(err)
		}
	}
	data := sink.Messages()[0].Data
	if !bytes.Equal(data, sink.Messages()[1].Data) {
		t.Error("a repeated letter is another one")
	}
	letter, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got := partsIn(t, letter.Header.Get("Content-Type"), letter.Header.Get("Content-Transfer-Encoding"), letter.Body)
	want := []string{
		"text/plain: It was kept.\n", "text/html: <p>It was kept.",
		"text/html availability-2026-10.html: <h1>Ümlaut</h1>", "text/csv availability-2026-10.csv: check\nmx1\n",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") || letter.Header.Get("Subject") != m.Report.Subject {
		t.Errorf("%q with the subject %q, want %q", got, letter.Header.Get("Subject"), want)
	}
}

// partsIn lists the parts of a letter that are not made of parts.
func partsIn(t *testing.T, kind, encoding string, body io.Reader) (list []string) {
	t.Helper()
	media, parameters, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		text, err := io.ReadAll(decoded(encoding, body))
		if err != nil {
			t.Fatal(err)
		}
		name := media
		if parameters["name"] != "" {
			name += " " + parameters["name"]
		}
		return []string{name + ": " + strings.ReplaceAll(string(text), "\r\n", "\n")}
	}
	for r := multipart.NewReader(body, parameters["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		kind := part.Header.Get("Content-Type")
		if name := part.FileName(); name != "" && !strings.Contains(kind, "name=") {
			kind += `; name="` + name + `"`
		}
		list = append(list, partsIn(t, kind, part.Header.Get("Content-Transfer-Encoding"), part)...)
	}
}

// decoded undoes the encoding of a part.
func decoded(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return body
}
