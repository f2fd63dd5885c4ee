package opaque_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
)

func TestScrub(t *testing.T) {
	s := opaque.NewScrubber("hunter2", "hunter2-canary", "abcd", "cdefgh", "", "abc")
	for in, want := range map[string]string{
		"":                              "",
		"nothing":                       "nothing",
		"is hunter2.":                   "is (sensitive).",
		"hunter2-canary hunter2":        "(sensitive) (sensitive)", // the longer one whole
		"no hunter2, no hunter2-canary": "no (sensitive), no (sensitive)",
		"hunter2hunter2":                "(sensitive)(sensitive)",
		"xabcdefghx":                    "x(sensitive)x",  // two that overlap leave nothing of either
		"abc and hunter":                "abc and hunter", // too short to be searched for, and not all of it
		"(sensitive) hunter2-canaryyyy": "(sensitive) (sensitive)yyy",
	} {
		if got := s.Scrub(in); got != want {
			t.Errorf("%q is scrubbed to %q, want %q", in, got, want)
		}
	}
	s.Add("nothing")
	if got := s.Scrub("nothing"); got != opaque.Redacted {
		t.Errorf("a secret that was added later stays: %q", got)
	}
	short := opaque.Scrubber{Mark: "***", Least: 1}
	short.Add("x", "yz")
	if got := short.Scrub("x.yz"); got != "***.***" {
		t.Errorf("short secrets: %q", got)
	}
	var none *opaque.Scrubber
	if got := none.Scrub("text"); got != "text" {
		t.Errorf("none scrubs to %q", got)
	}
}

func TestScrubCut(t *testing.T) {
	s := opaque.NewScrubber("hunter2-canary", "huge-secret")
	for in, want := range map[string]string{
		"said hunter2-canary": "said (sensitive)",
		"said hunter2-can":    "said (sensitive)",
		"said hun":            "said (sensitive)",
		"said hu":             "said hu",
	} {
		if got := s.ScrubCut(in); got != want {
			t.Errorf("%q is scrubbed to %q, want %q", in, got, want)
		}
	}
}

// FuzzScrub holds that nothing of a text but its secrets goes, and all of these.
func FuzzScrub(f *testing.F) {
	f.Add("say hunter2 twice: hunter2", "hunter2", "ter2 tw")
	f.Add("aaaaaaaaa", "aaaa", "aaa")
	f.Fuzz(func(t *testing.T, text, first, second string) {
		const mark = "\x00"
		if strings.Contains(text+first+second, mark) {
			return
		}
		s := opaque.Scrubber{Mark: mark, Least: 1}
		s.Add(first, second)
		got := s.Scrub(text)
		for _, secret := range []string{first, second} {
			if secret != "" && strings.Contains(got, secret) {
				t.Errorf("%q is left in %q of %q", secret, got, text)
			}
		}
		rest := text
		for i, part := range strings.Split(got, mark) {
			at := strings.Index(rest, part)
			if at < 0 || i == 0 && at != 0 {
				t.Fatalf("%q became %q", text, got)
			}
			rest = rest[at+len(part):]
		}
	})
}
