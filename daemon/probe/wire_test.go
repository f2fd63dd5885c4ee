package probe

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
)

func reading(text string) *responses {
	return newResponses(strings.NewReader(text), newRedactor(config.Login{}))
}

func TestResponsesAreUnderstood(t *testing.T) {
	for _, test := range []struct {
		wire string
		want response
	}{
		{"* OK ready\r\n", response{raw: "* OK ready", tag: "*", status: "OK", text: "ready"}},
		{"* ok\n", response{raw: "* ok", tag: "*", status: "OK"}},
		{"V1 NO [AuthenticationFailed] no\r\n", response{raw: "V1 NO [AuthenticationFailed] no", tag: "V1", status: "NO", code: "AUTHENTICATIONFAILED", text: "no"}},
		{"* OK [CAPABILITY IMAP4rev1 ID] hi\r\n", response{raw: "* OK [CAPABILITY IMAP4rev1 ID] hi", tag: "*", status: "OK", code: "CAPABILITY", args: "IMAP4rev1 ID", text: "hi"}},
		{"* OK [unclosed text\r\n", response{raw: "* OK [unclosed text", tag: "*", status: "OK", text: "[unclosed text"}},
		{"+ challenge\r\n", response{raw: "+ challenge", tag: "+", text: "challenge", wire: "challenge"}},
		{"+\r\n", response{raw: "+", tag: "+"}},
		{"* 3 EXISTS\r\n", response{raw: "* 3 EXISTS", tag: "*", text: "3 EXISTS"}},
		{"* X {3}\r\nabc {2+}\r\nde\r\n", response{raw: "* X {3}\r\nabc {2+}\r\nde", tag: "*", text: "X {3}\r\nabc {2+}\r\nde"}},
		{"* X {0}\r\n\r\n", response{raw: "* X {0}\r\n", tag: "*", text: "X {0}\r\n"}},
		{"* X {}\r\n", response{raw: "* X {}", tag: "*", text: "X {}"}},
		{"\r\n* OK after empty lines\r\n", response{raw: "* OK after empty lines", tag: "*", status: "OK", text: "after empty lines"}},
		{" \r\n\n\t\r\r\n+\r\n", response{raw: "+", tag: "+"}},
		{"+go on\r\n", response{raw: "+go on", tag: "+", text: "go on", wire: "go on"}},
		{"(not) a tag\r\n", response{raw: "(not) a tag"}},
	} {
		got, err := reading(test.wire).nextResponse()
		if err != nil {
			t.Errorf("%q: %v", test.wire, err)
		}
		if string(got.sent) != got.raw || string(got.words) != got.text {
			t.Errorf("%q: without a secret there is nothing to mask: %+v", test.wire, got)
		}
		got.sent, got.words = "", ""
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(response{})); diff != "" {
			t.Errorf("%q: %s", test.wire, diff)
		}
	}
}

func TestResponsesHaveLimits(t *testing.T) {
	for _, test := range []struct {
		name, wire string
		want       error
	}{
		{"line", strings.Repeat("x", maxLine+1), errLineTooLong},
		{"literal", "* X {262145}\r\n", errTooMuchData},
		{"many literals", "* X {200000}\r\n" + strings.Repeat("x", 200000) + "{200000}\r\n", errTooMuchData},
		{"number", "* X {99999999999999999999}\r\n", errTooMuchData},
		{"end in a line", "* OK", io.EOF},
		{"end in a literal", "* X {5}\r\nab", io.ErrUnexpectedEOF},
	} {
		if _, err := reading(test.wire).nextResponse(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// A long untagged line costs nobody anything as long as it has an end.
func TestLongUntaggedLinesAreSkipped(t *testing.T) {
	const end, last = "\r\n", "V1 OK done"
	long := "* FLAGS (" + strings.Repeat("keyword ", 4*maxLine/8)
	for name, test := range map[string]struct {
		wire      string
		beginning string
	}{
		"FLAGS":             {long + ")" + end, "* FLAGS (keyword "},
		"a lone line feed":  {long + ")\n", "* FLAGS (keyword "},
		"one byte too long": {"* X " + strings.Repeat("y", maxLine) + end, "* X"},
		"several":           {strings.Repeat(long+")"+end, 3), "* FLAGS (keyword "},
		"a literal":         {long + "{12}" + end + "V1 NO this\r\n rest" + end, "* FLAGS (keyword "},
		"no literal":        {long[:maxLine-8] + " {12}  x" + long + end, "* FLAGS (keyword "},
		"BYE":               {"* BYE [ALERT] " + long + end, "* BYE [ALERT] "},
	} {
		r := reading("* OK hi\r\n" + test.wire + last + end)
		var all []string
		for _, got := range readAll(r) {
			all = append(all, got.raw)
		}
		if len(all) < 3 || all[len(all)-1] != last {
			t.Fatalf("%s: %.80q", name, all)
		}
		for _, got := range all[1 : len(all)-1] {
			if !strings.HasPrefix(got, test.beginning) || len(got) > maxLine+64 {
				t.Errorf("%s: %d bytes that begin %.40q", name, len(got), got)
			}
		}
	}
}

func TestLinesThatAreNeededAreNotSkipped(t *testing.T) {
	long := strings.Repeat("keyword ", maxLine)
	for name, wire := range map[string]string{
		"the greeting": "* OK " + long + "\r\n",
		"an answer":    "* OK hi\r\nV1 OK " + long + "\r\n",
		"a challenge":  "* OK hi\r\n+ " + long + "\r\n",
		"no tag":       "* OK hi\r\n" + long + "\r\n",
	} {
		r := reading(wire)
		_ = readAll(r)
		if _, err := r.nextResponse(); r.partial == "" {
			t.Errorf("%s was skipped: %v", name, err)
		}
	}
}

func TestAnEmptyLineIsNoResponseThatHasCome(t *testing.T) {
	for wire, want := range map[string]bool{"\r\n": false, "\r\n \r\n": false, "\r\n* x": false, "\r\n* x\r\n": true} {
		r := reading(wire)
		_, _ = r.buf.Peek(1)
		if got := r.hasAnother(); got != want {
			t.Errorf("%q: %v", wire, got)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for wire, want := range map[string]string{
		"* CAPABILITY  imap4rev1   AUTH=PLAIN": "imap4rev1 AUTH=PLAIN",
		"* capability":                         "",
		"* OK [CAPABILITY IMAP4rev1] hi":       "IMAP4rev1",
		"V1 OK [CAPABILITY IMAP4rev1] hi":      "IMAP4rev1",
		"* CAPABILITY a\x1bb \"q\" (x) ok":     "ok",
		"* 1 EXISTS":                           "none",
		"* OK CAPABILITY IMAP4rev1":            "none",
	} {
		r, err := reading(wire + "\r\n").nextResponse()
		if err != nil {
			t.Fatal(err)
		}
		caps, ok := r.capabilities()
		if got := strings.Join(caps, " "); ok != (want != "none") || ok && got != want {
			t.Errorf("%q: %q, %v", wire, got, ok)
		}
	}
}

func TestManyCapabilitiesAreCut(t *testing.T) {
	if n := len(parseCapabilities(strings.Repeat("X ", 10000))); n != maxCapabilities {
		t.Errorf("%d kept", n)
	}
	if caps := parseCapabilities(strings.Repeat("X", maxCapability+1)); len(caps) != 0 {
		t.Error("a very long one is kept")
	}
}

// FuzzResponses feeds arbitrary bytes, whole and byte by byte.
func FuzzResponses(f *testing.F) {
	f.Add([]byte("* OK [CAPABILITY IMAP4rev1] hi\r\nV1 OK\r\n"))
	f.Add([]byte("* X {3}\r\nabc {2+}\r\nde\r\n+ x\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		whole := readAll(newResponses(bytes.NewReader(wire), newRedactor(config.Login{})))
		bytewise := readAll(newResponses(iotest.OneByteReader(bytes.NewReader(wire)), newRedactor(config.Login{})))
		if diff := cmp.Diff(whole, bytewise, cmp.AllowUnexported(response{})); diff != "" {
			t.Errorf("how the bytes arrive makes a difference: %s", diff)
		}
		for _, r := range whole {
			caps, _ := r.capabilities()
			for _, c := range caps {
				if !isAtom(c) || len(c) > maxCapability {
					t.Errorf("a capability %q", c)
				}
			}
			if r.status != "" && r.tag == "" {
				t.Errorf("a status without a tag: %q", r.raw)
			}
		}
	})
}

func readAll(r *responses) (all []response) {
	for {
		next, err := r.nextResponse()
		if err != nil {
			return all
		}
		all = append(all, next)
	}
}
