package hclfile

import (
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/source"
)

// notUTF8 finds where a file is not in UTF-8, and says what to do.
func notUTF8(f source.File) (at hcl.Range, advice string) {
	at = hcl.Range{Filename: f.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if name := source.OtherEncoding(f.Text); name != "" {
		return hcl.Range{Filename: f.Name}, fmt.Sprintf("The file is in %s. Save it as UTF-8, or convert it:\n    iconv -f %s -t UTF-8 %s > new", name, name, f.Name)
	}
	if utf8.Valid(f.Text) {
		return at, ""
	}
	line, start, i := 1, 0, 0
	for i < len(f.Text) {
		r, size := utf8.DecodeRune(f.Text[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line, start = line+1, i+1
		}
		i += size
	}
	at.Start = hcl.Pos{Line: line, Column: utf8.RuneCount(f.Text[start:i]) + 1, Byte: i}
	at.End = hcl.Pos{Line: line, Column: at.Start.Column + 1, Byte: i + 1}
	return at, fmt.Sprintf("Here is a character that is not in UTF-8. Save the file as UTF-8, or, if it is in the encoding of older systems of Western Europe, convert it:\n    iconv -f ISO-8859-15 -t UTF-8 %s > new", f.Name)
}
