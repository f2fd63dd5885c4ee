package source

import "bytes"

// Files are UTF-8. Editors of Windows put a byte order mark in front, which is no
// part of the text, and some save UTF-16, of which a parser would complain in
// every line.

// ByteOrderMark stands before the text in files from Windows, and in the middle of
// what was put together from them.
const ByteOrderMark = "\uFEFF"

// WithoutMark takes off the byte order mark of UTF-8.
func WithoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte(ByteOrderMark)) }

// OtherEncoding names the encoding of a text that is not in UTF-8, as iconv(1)
// calls it; "" where it may be.
func OtherEncoding(text []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		// The first mark of UTF-32 begins with one of UTF-16, so it is tried before.
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
