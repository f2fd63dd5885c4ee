package hclfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Files are UTF-8. Editors of Windows put a byte order mark in front, which is no
// part of the text, and some save UTF-16, of which a parser would complain in
// every line.

// withoutMark takes off the byte order mark of UTF-8.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte(byteOrderMark)) }

// otherEncoding names the encoding of a text that is not in UTF-8, as iconv(1)
// calls it; "" where it may be.
func otherEncoding(text []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(text, []byte(mark.bytes)) {
			return mark.name
		}
	}
	// without a mark: in UTF-16 every other byte of English is zero
	for i, name := range []string{"UTF-16BE", "UTF-16LE"} {
		if len(text) >= 4 && text[i] == 0 && text[i+2] == 0 && text[1-i] != 0 && text[3-i] != 0 {
			return name
		}
	}
	return ""
}

// notUTF8 finds where a file is not in UTF-8, and says what to do.
func notUTF8(f source) (at hcl.Range, advice string) {
	at = hcl.Range{Filename: f.name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if name := otherEncoding(f.text); name != "" {
		return hcl.Range{Filename: f.name}, fmt.Sprintf("The file is in %s. Save it as UTF-8, or convert it:\n    iconv -f %s -t UTF-8 %s > new", name, name, f.name)
	}
	if utf8.Valid(f.text) {
		return at, ""
	}
	line, start, i := 1, 0, 0
	for i < len(f.text) {
		r, size := utf8.DecodeRune(f.text[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line, start = line+1, i+1
		}
		i += size
	}
	at.Start = hcl.Pos{Line: line, Column: utf8.RuneCount(f.text[start:i]) + 1, Byte: i}
	at.End = hcl.Pos{Line: line, Column: at.Start.Column + 1, Byte: i + 1}
	return at, fmt.Sprintf("Here is a character that is not in UTF-8. Save the file as UTF-8, or, if it is in the encoding of older systems of Western Europe, convert it:\n    iconv -f ISO-8859-15 -t UTF-8 %s > new", f.name)
}
