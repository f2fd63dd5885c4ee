package wording

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Check tries a template of people's words with messages of every kind. Its error is a
// [*Fault]: the template fails, makes nothing, or more than fits into limit.
func Check(attribute, source string, limit notifiers.Limit) error {
	return try(attribute, source, samples(), func(m notifiers.Message, text string) error {
		switch length := limit.Unit.Length(text); {
		// It is about no incident, so a template that is about incidents has nothing to say: the
		// built-in words stay.
		case notifiers.PlainText(text) == "" && !m.IsTest():
			return errors.New("it makes no text")
		case limit.Most > 0 && length > limit.Most:
			return fmt.Errorf("it makes %d %s, and at most %d are sent", length, limit.Unit, limit.Most)
		}
		return nil
	})
}

// CheckBody tries the template of a body, which must make JSON of every message that
// programs get.
func CheckBody(source string) error {
	return try(Body, source, single(samples()), func(_ notifiers.Message, text string) error {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return fmt.Errorf("what it makes is not JSON (%w). Write strings as {{json .Subject}}, without quotes", err)
		}
		return nil
	})
}

// try renders a template for each sample and judges what comes out.
func try(attribute, source string, all []sample, judge func(notifiers.Message, string) error) error {
	t, err := Parse(attribute, source)
	if err != nil {
		return err
	}
	for _, s := range all {
		text, err := t.Render(Of(s.Message))
		if err == nil {
			err = judge(s.Message, text)
		}
		var fault *Fault
		switch {
		case errors.As(err, &fault):
			return &Fault{fault.Line, fault.Column, "with " + s.name + ", " + fault.Problem}
		case err != nil:
			return &Fault{Problem: "with " + s.name + ", " + err.Error()}
		}
	}
	return nil
}
