package email

import (
	"bufio"
	"bytes"
	"net"
	"slices"
	"strings"
)

// maxReplyLine is the longest line of a reply to EHLO that is read as keywords,
// in bytes: twice what RFC 5321 section 4.5.3.1.5 allows for a reply line.
const maxReplyLine = 1024

// keywordReader is a connection on which the keywords of a reply to EHLO arrive
// in capitals, however the server writes them (RFC 5321 section 4.1.1.1: letter
// case does not matter), because go-mail compares them letter by letter. The old
// form "AUTH=LOGIN PLAIN", which relays from before RFC 4954 still send, alone
// or beside the new one, arrives as "AUTH LOGIN PLAIN" with the mechanisms of
// all such lines. Everything else passes unchanged.
type keywordReader struct {
	net.Conn
	lines      *bufio.Reader
	pending    []byte // of a line that has been changed
	inReply    bool   // the next lines are the reply to EHLO
	firstLine  bool   // the next line holds the server's name, not a keyword
	mechanisms []string
}

func newKeywordReader(conn net.Conn) *keywordReader {
	return &keywordReader{Conn: conn, lines: bufio.NewReaderSize(conn, 4*maxReplyLine)}
}

// Write notices the command whose reply is to be changed. The client writes each
// command in one piece.
func (k *keywordReader) Write(p []byte) (int, error) {
	if len(p) >= 5 && bytes.EqualFold(p[:5], []byte("EHLO ")) {
		k.inReply, k.firstLine, k.mechanisms = true, true, nil
	}
	return k.Conn.Write(p)
}

// Read gives what the server sent, with the keywords in capitals.
func (k *keywordReader) Read(p []byte) (int, error) {
	if len(k.pending) == 0 && !k.inReply {
		return k.lines.Read(p)
	}
	if len(k.pending) == 0 {
		// Whole lines: a keyword must not be cut where a packet ends.
		line, err := k.lines.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		k.pending = slices.Clone(k.normalise(line)) // an error comes again with the next call
	}
	n := copy(p, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

// normalise returns one line of the reply as the client understands it.
func (k *keywordReader) normalise(line []byte) []byte {
	if len(line) < 4 || line[3] != '-' {
		k.inReply = false // the last line, or no reply at all
	}
	// The first line has the server's name and a greeting (RFC 5321 section 4.1.1.1): a
	// server that is called "auth" offers nothing with that.
	if first := k.firstLine; first || len(line) < 4 || string(line[:3]) != "250" {
		k.firstLine = false
		return line
	}
	words := strings.Fields(string(line[4:]))
	if len(words) == 0 {
		return line
	}
	words[0] = strings.ToUpper(words[0])
	if mechanism, old := strings.CutPrefix(words[0], "AUTH="); old {
		words = append([]string{"AUTH", mechanism}, words[1:]...)
	}
	if words[0] == "AUTH" {
		for _, mechanism := range words[1:] {
			if mechanism = strings.ToUpper(mechanism); mechanism != "" && !slices.Contains(k.mechanisms, mechanism) {
				k.mechanisms = append(k.mechanisms, mechanism)
			}
		}
		words = append([]string{"AUTH"}, k.mechanisms...)
	}
	return []byte(string(line[:4]) + strings.Join(words, " ") + "\r\n")
}

// buffered reports whether the server has sent more than was asked for.
func (k *keywordReader) buffered() bool { return len(k.pending) > 0 || k.lines.Buffered() > 0 }

// replayed is a connection on which something is read before what the server
// sends.
type replayed struct {
	net.Conn
	first []byte
}

func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.first)
	r.first = r.first[n:]
	return n, nil
}
