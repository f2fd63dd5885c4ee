package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineReader gives the lines of a file and holds one at a time.
type lineReader struct {
	io.Closer
	buf    *bufio.Reader
	begun  []byte // of a line that does not fit buf or has no newline yet
	over   bool   // the line is longer than any of ours
	number int    // of the line last given, from 1
	start  int64  // where the line that is being read begins
	end    int64  // how far the file was read
}

func newLineReader(r io.ReadCloser) *lineReader {
	return &lineReader{Closer: r, buf: bufio.NewReaderSize(r, 8<<10)}
}

// next returns a line without its newline, valid until the next call. At the end
// it gives io.EOF and keeps what has no newline yet: if the file grows, the call
// after that goes on with it. A line longer than any of ours comes out empty.
func (l *lineReader) next() ([]byte, error) {
	for {
		piece, err := l.buf.ReadSlice('\n')
		l.end += int64(len(piece))
		whole := piece
		if err != nil || len(l.begun) > 0 || l.over {
			l.keepPart(piece)
			whole = l.begun
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		}
		if l.over {
			whole = nil
		}
		l.begun, l.over = l.begun[:0], false
		l.number++
		l.start = l.end
		return bytes.TrimSuffix(whole, []byte{'\n'}), nil
	}
}

// keepPart adds a piece to the line that is being read, or drops all of a line that is too
// long.
func (l *lineReader) keepPart(piece []byte) {
	// A file without a newline must not fill the memory.
	l.over = l.over || len(l.begun)+len(piece) > maxLine
	if l.over {
		l.begun = l.begun[:0]
		return
	}
	l.begun = append(l.begun, piece...)
}

// unfinishedBytes returns the number of bytes after the last newline.
func (l *lineReader) unfinishedBytes() int64 { return l.end - l.start }
