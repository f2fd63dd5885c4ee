package hclfile

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/source"
)

func TestTooDeep(t *testing.T) {
	const n = 1 << 17
	for name, text := range map[string]string{
		"brackets":          "x = " + strings.Repeat("[", n),
		"negations":         "x = " + strings.Repeat("!", n) + "a",
		"sums over lines":   "x = (" + strings.Repeat("1 +\n", n) + "1)",
		"blocks":            strings.Repeat("a {\n", n),
		"indexes":           "x = a" + strings.Repeat("[0]", n),
		"conditions":        "x = " + strings.Repeat("a ? b : ", n) + "c",
		"templates":         "x = " + strings.Repeat(`"${`, n),
		"template controls": "x = \"" + strings.Repeat("%{if a}", n) + "\"",
		"unclosed heredocs": "x = " + strings.Repeat("<<E\n${", n),
	} {
		if _, deep := tooDeep(source.File{Name: "a.hcl", Text: []byte(text)}); !deep {
			t.Errorf("%s go too deep unnoticed", name)
		}
	}
	for name, text := range map[string]string{
		"brackets":  strings.Repeat("[", n),
		"objects":   strings.Repeat(`{"a":`, n),
		"templates": `{"a": "${` + strings.Repeat("(", n) + `"}`,
		"negations": `{"a": "${` + strings.Repeat("!", n) + `"}`,
	} {
		if _, deep := tooDeep(source.File{Name: "a.hcl.json", Text: []byte(text)}); !deep {
			t.Errorf("%s in JSON go too deep unnoticed", name)
		}
	}
}

func TestLargeIsNotDeep(t *testing.T) {
	const n = 1 << 15
	for name, text := range map[string]string{
		"a.hcl":      strings.Repeat("imap_check \"a\" {\n  port = -1 + 2 * (3 - 4)\n  tls { server_name = \"${a[0]}-b\" }\n}\n", n),
		"b.hcl":      "x = [\n" + strings.Repeat("  { a = -1, b = [1, 2] },\n", n) + "]\n",
		"c.hcl":      "x = {\n" + strings.Repeat("  a = -1\n", n) + "}\n",
		"d.hcl":      "x = <<E\n" + strings.Repeat("a - b (c\n", n) + "E\n",
		"a.hcl.json": "[" + strings.Repeat(`{"a": "${b - c}", "d": [1, {}]},`, n) + "{}]",
	} {
		if at, deep := tooDeep(source.File{Name: name, Text: []byte(text)}); deep {
			t.Errorf("%s is taken for too deep at %s", name, at)
		}
	}
}
