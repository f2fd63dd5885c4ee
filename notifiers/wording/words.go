package wording

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Subject and Text are the attributes of notifiers that people read.
const (
	Subject = "subject"
	Text    = "text"
)

// Words are the own words of a notifier; the zero value has none. They are comparable.
type Words struct {
	subject, text         *Template
	subjectFrom, textFrom string // their sources
}

// Say reports whether the words are those of these templates.
func (w Words) Say(subject, text string) bool { return w.subjectFrom == subject && w.textFrom == text }

// Open parses the templates of a notifier block; an empty one keeps the built-in words.
func Open(subject, text string) (w Words, err error) {
	if w.subject, err = parseUnlessEmpty(Subject, subject); err != nil {
		return Words{}, err
	}
	if w.text, err = parseUnlessEmpty(Text, text); err != nil {
		return Words{}, err
	}
	w.subjectFrom, w.textFrom = subject, text
	return w, nil
}

func parseUnlessEmpty(attribute, source string) (*Template, error) {
	if source == "" {
		return nil, nil
	}
	t, err := Parse(attribute, source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", attribute, err)
	}
	return t, nil
}

// Apply returns m with the own words in it. Where a template fails, the built-in words
// stay, m says so to its readers, and the error says it for the log.
func (w Words) Apply(m notifiers.Message) (notifiers.Message, error) {
	// A report has words of its own.
	if w == (Words{}) || m.Report != nil {
		return m, nil
	}
	data := Of(m)
	subject, failed := w.subject.words(m, data)
	text, failedText := w.text.words(m, data)
	m.Own = notifiers.Words{Subject: strings.Join(strings.Fields(subject), " "), Text: text}
	if err := errors.Join(failed, failedText); err != nil {
		m.Own.Note = note(failed, failedText)
		return m, err
	}
	return m, nil
}

// words returns what a template makes; none has none, and of a test it may have none.
func (t *Template) words(m notifiers.Message, data Data) (string, error) {
	if t == nil {
		return "", nil
	}
	text, err := t.Render(data)
	if err == nil {
		text = notifiers.PlainText(text)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", t.name, err)
	case text == "" && !m.IsTest():
		return "", fmt.Errorf("%s: the template makes no text", t.name)
	}
	return text, nil
}

// note says to readers why they read the built-in words.
func note(subject, text error) string {
	what := "text"
	switch {
	case subject != nil && text != nil:
		what = "subject and text"
	case subject != nil:
		what = "subject"
	}
	return fmt.Sprintf("Note: the template for the %s of this message failed, so imapvigil used its own words. The log of imapvigil says why.", what)
}
