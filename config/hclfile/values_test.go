package hclfile_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// variables are values that are wrong nearly everywhere, each in its own way; in
// none of them is a word of the language.
var variables = []string{
	`"zyxwvut"`,
	`"zyxwvut.example.org:7654321"`,
	`"zyx wvut 7654321"`,
	`"/zyxwvut/7654321"`,
	`"ftp://zyxwvut.example.org/"`,
	`"http://zyxwvut.example.org/"`,
	`"7654321h"`,
	`"1ms"`,
	`"zyxwvut 08:00-09:00"`,
	`"2026-01-06T02:00:76"`,
	`"FREQ=ZYXWVUT"`,
	`"@zyxwvut"`,
	`"zyxwvut@"`,
	`7654321`,
	`-7654321`,
	`["zyxwvut", "zyxwvut"]`,
	`{ zyxwvut = "zyxwvut" }`,
}

// handed is how many of the uses hand a variable on as it is.
const handed = 4

// uses are ways for a variable to get into an attribute.
var uses = []string{
	`local.v`,
	`"${local.v}"`,
	`"${local.v}-x"`,
	`[local.v, local.v]`,
	`concat([local.v], ["x"])`,
	`local.v + 1`,
	`!local.v`,
	`file(local.v)`,
	`env(local.v)`,
	`credential(local.v)`,
	`parseint(local.v, 10)`,
	`timeadd(local.v, "1h")`,
	`try(parseint(local.v, 10), timeadd(local.v, "1h"))`,
	`{ for x in [local.v, local.v] : x => x }`,
	`true ? { (local.v) = 1 } : { b = [2] }`,
	`jsondecode("[${local.v}")`,
	`server[local.v]`,
	`local.m[local.v]`,
}

// said are all diagnostics about a file, as a user sees them.
func said(t *testing.T, text string) string {
	t.Helper()
	_, diags := hclfile.Load(source.OfText("main.hcl", []byte(text)))
	var out bytes.Buffer
	if err := config.Print(&out, diags, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestValuesAreNotRepeated puts values into every attribute by way of a local:
// what is said about them does not repeat them.
func TestValuesAreNotRepeated(t *testing.T) {
	for i, v := range variables {
		uses := uses
		if i > 0 {
			uses = uses[:handed] // what functions say of one text they say of others
		}
		locals := "locals {\n  m = { a = 1 }\n}\nlocals {\n  v = " + v + "\n}\n"
		tried := map[string]bool{}
		for _, b := range hclfile.Schema().Blocks {
			place := strings.ReplaceAll(places[b.Name], "KIND", b.Kind)
			for _, a := range b.Attributes {
				kind := a.Type + a.Bounds + strings.Join(a.Values, "|")
				if tried[kind] && b.Kind == "" {
					continue // it is read by the same code
				}
				tried[kind] = true
				for _, use := range uses {
					noValue(t, v, locals+fmt.Sprintf(place, a.Name+" = "+use))
				}
			}
		}
		for _, use := range uses {
			noValue(t, v, locals+"dynamic \"server\" {\n  for_each = [1]\n  labels   = ["+use+"]\n  content {}\n}\n")
			noValue(t, v, locals+"dynamic \"notifier\" {\n  for_each = [1]\n  labels   = ["+use+", \"x\"]\n  content {}\n}\n")
			noValue(t, v, locals+"dynamic \"server\" {\n  for_each = "+use+"\n  labels   = [\"x\"]\n  content {\n    hostname = server.value\n  }\n}\n")
		}
	}
}

func noValue(t *testing.T, v, text string) {
	t.Helper()
	out := said(t, text)
	for _, piece := range []string{"zyx", "wvut", "7654321", "1ms", ":76"} {
		if strings.Contains(v, piece) && strings.Contains(strings.ToLower(out), piece) {
			t.Errorf("%s is repeated:\n%s\nabout\n%s", v, out, text)
			return
		}
	}
}

// TestLiteralsAreRepeated is the other half: what stands in the file is quoted.
func TestLiteralsAreRepeated(t *testing.T) {
	for attribute, words := range map[string][]string{
		`hostname = "mx 1"`:                   {`"mx 1"`},
		`hostname = "imaps://mx.example.org"`: {`Leave out "imaps://"`, `"mx.example.org"`},
		`port = 70000`:                        {`not 70000.`},
		`port = 70000 + 1`:                    {`not 70001.`},
		`interval = "500ms"`:                  {`not "500ms".`},
		`interval = 60`:                       {`interval = "60s"`},
		`security = "startls"`:                {`not "startls"`, `Did you mean "starttls"?`},
		`label = "a/b"`:                       {`"a/b": '/' is not allowed`, `Write "a b".`},
		`require_capabilities = ["A B", "C"]`: {`"A B": `},
		`port = parseint("x", 10)`:            {`cannot parse "x"`},
	} {
		out := strings.Join(strings.Fields(said(t, "imap_check \"x\" {\n  "+attribute+"\n}\n")), " ")
		if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(out, w) }) {
			t.Errorf("%s: no %q in\n%s", attribute, words, out)
		}
	}
}
