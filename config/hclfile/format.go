package hclfile

import (
	"bytes"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

// Format returns a file in HCL's native form in the layout that all such files have:
// indentation by two spaces, equals signs in line, lines that end in LF. Comments and
// line breaks stay. A file that cannot be parsed is left alone and reported; name is
// what it is called then.
func Format(name string, text []byte) ([]byte, []config.Diagnostic) {
	text = source.WithoutMark(text)
	if diags := parseAlone(name, text); len(diags) > 0 {
		return nil, diags
	}
	// Before the layout: hclwrite keeps a CR as a part of its line.
	return layOut(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))), nil
}

func layOut(text []byte) []byte {
	out := hclwrite.Format(text)
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return out
}

// parseAlone returns what is wrong with the syntax of one file.
func parseAlone(name string, text []byte) []config.Diagnostic {
	l := newLoader(source.OfText(name, text))
	l.parse()
	return l.Diagnostics()
}
