package opaque_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config/opaque"
)

const canary = "hunter2-canary"

func TestSecretCannotPrintItself(t *testing.T) {
	s := opaque.NewSecret(canary)
	holder := struct {
		Inner opaque.Secret
		inner opaque.Secret
		Ptr   *opaque.Secret
	}{s, s, &s}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []string{string(encoded), s.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		outputs = append(outputs, fmt.Sprintf(verb, s), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	for _, out := range outputs {
		if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
			t.Errorf("a secret was printed: %s", out)
		}
	}
	if s.Reveal() != canary {
		t.Error("Reveal lost the text")
	}
}

func TestSecretComparesByValue(t *testing.T) {
	if opaque.NewSecret("a"+strings.Repeat("b", 2)) != opaque.NewSecret("abb") {
		t.Error("equal texts give different secrets")
	}
	if opaque.NewSecret("a") == opaque.NewSecret("b") {
		t.Error("different texts give equal secrets")
	}
	if !opaque.NewSecret("").IsZero() || opaque.NewSecret("").Reveal() != "" {
		t.Error("the empty text is not the zero Secret")
	}
}

func TestSanitise(t *testing.T) {
	for in, want := range map[string]string{
		"* BYE see you\r\n":          "* BYE see you",
		"a\tb":                       "a b",
		"\x1b[31mred\x00":            `\x1b[31mred\x00`,
		"ab\u202egnp":                `ab\u{202e}gnp`,
		"bad \xff byte":              `bad \xff byte`,
		"grüße, привет":              "grüße, привет",
		strings.Repeat("x", 2000):    strings.Repeat("x", opaque.MaxWords-3) + "…",
		strings.Repeat("\x1b", 2000): strings.Repeat(`\x1b`, (opaque.MaxWords-3)/4) + "…",
	} {
		if got := opaque.Sanitise(in).String(); got != want {
			t.Errorf("Sanitise(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzSanitise(f *testing.F) {
	f.Add("* OK [ALERT] \x1b]0;x\a\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		out := opaque.Sanitise(text).String()
		if !utf8.ValidString(out) || len(out) > opaque.MaxWords {
			t.Fatalf("%d bytes, valid %v", len(out), utf8.ValidString(out))
		}
		for _, r := range out {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", out, r)
			}
		}
		if again := opaque.Sanitise(out).String(); again != out {
			t.Fatalf("not idempotent: %q then %q", out, again)
		}
	})
}
