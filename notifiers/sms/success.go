package sms

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// success is what an answer must be like: one of the codes, or a 2xx with the
// text in its body.
type success struct {
	codes []int
	text  string
}

var codeList = regexp.MustCompile(`^[1-5][0-9]{2}( *, *[1-5][0-9]{2})*$`)

// parseSuccess reads the attribute success: a list of codes, or else a text. The empty
// text is in every body.
func parseSuccess(text string) success {
	if !codeList.MatchString(text) {
		return success{text: text}
	}
	var codes []int
	for code := range strings.SplitSeq(text, ",") {
		n, _ := strconv.Atoi(strings.TrimSpace(code)) // three digits
		codes = append(codes, n)
	}
	return success{codes: codes}
}

// judge returns nil for an answer of success, and else why it is none: err, if the
// answer was an error already, or a permanent refusal.
func (s success) judge(answer httpdo.Answer, err error) error {
	switch {
	// Before err: a gateway may accept with a code that is not 2xx.
	case slices.Contains(s.codes, answer.Status):
		return nil
	case err != nil:
		return err
	// A 2xx that is not listed. To try again might text people all night.
	case s.codes != nil:
		return notifiers.Permanent(fmt.Errorf("the HTTP status is not in success: %s", answer.Words()))
	case !bytes.Contains(answer.Body, []byte(s.text)):
		return notifiers.Permanent(fmt.Errorf("the answer does not contain what success asks for: %s", answer.Words()))
	}
	return nil
}
