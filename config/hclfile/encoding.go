package hclfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/source"
)

// positionOf returns where a byte of a text is: line and column from 1, the column in
// runes.
func positionOf(text []byte, offset int) hcl.Pos {
	before := text[:max(0, min(offset, len(text)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return hcl.Pos{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1, Byte: len(before),
	}
}

// notUTF8 returns where a file is not in UTF-8, and what to do; advice is "" where it
// is.
func notUTF8(f source.File) (at hcl.Range, advice string) {
	at = hcl.Range{Filename: f.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if name := source.OtherEncoding(f.Text); name != "" {
		return hcl.Range{Filename: f.Name}, fmt.Sprintf("The file is in %s. Save it as UTF-8, or convert it:\n    iconv -f %s -t UTF-8 %s > new", name, name, f.Name)
	}
	if utf8.Valid(f.Text) {
		return at, ""
	}
	whole := 0
	// U+FFFD itself is a rune of three bytes; one of one byte is no UTF-8.
	for r, size := utf8.DecodeRune(f.Text); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRune(f.Text[whole:]) {
		whole += size
	}
	at.Start = positionOf(f.Text, whole)
	at.End = hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: whole + 1}
	return at, fmt.Sprintf("Here is a character that is not in UTF-8. Save the file as UTF-8, or, if it is in the encoding of older systems of Western Europe, convert it:\n    iconv -f ISO-8859-15 -t UTF-8 %s > new", f.Name)
}
