package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A response is one answer of a server, RFC 9051 section 7, as far as a probe
// has to understand it: status responses, capabilities and continuations.
type response struct {
	raw    string // the whole of it without the last line end; literals included
	tag    string // "*", "+" or the tag of a command; "" for what is no response
	status string // OK, NO, BAD, BYE or PREAUTH, upper case; "" for data
	code   string // "AUTHENTICATIONFAILED" of "[AUTHENTICATIONFAILED]", upper case
	args   string // what follows the code's name inside the brackets
	text   string // what is for people, or the data
	wire   string // of a continuation: the text as it came, for the SASL mechanism

	// The same as raw and text, as the server sent them. Secrets are masked where
	// texts are shown, not where they are understood: a password may be "timeout".
	sent  asSent
	words asSent
}

// responses reads responses from a connection, within the limits of a line and
// of the fence below it. One reader serves the whole conversation: greeting,
// STARTTLS and everything that go-imap gets to see.
type responses struct {
	buf     *bufio.Reader
	partial string // the beginning of a line whose end never came, or of one too long
	redact  *redactor
	greeted bool // the greeting was read: of a longer untagged line the beginning is enough
}

// lineBuffers are what conversations that are over have read with.
var lineBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxLine) }}

func newResponses(r io.Reader, redact *redactor) *responses {
	buf := lineBuffers.Get().(*bufio.Reader)
	buf.Reset(r)
	return &responses{buf: buf, redact: redact}
}

// beginningOfLine returns the beginning of the line that was broken off; r is nil where there was
// no connection.
func (r *responses) beginningOfLine() string {
	if r == nil {
		return ""
	}
	return r.partial
}

// release gives the buffer to another conversation; nothing is read any more.
func (r *responses) release() {
	// The pool must not keep the connection in memory.
	r.buf.Reset(nil)
	lineBuffers.Put(r.buf)
	r.buf = nil
}

// nextResponse reads one response with its literals. Empty lines before it are skipped:
// some servers send one too many (seen before a greeting and after an answer).
func (r *responses) nextResponse() (response, error) {
	line, err := r.readLine()
	for err == nil && isBlank(line) {
		line, err = r.readLine()
	}
	if err != nil {
		return response{}, err
	}
	r.greeted = true
	size, literal := firstLiteral(line)
	if !literal {
		return r.parseRedacted(string(line)), nil
	}
	whole := bytes.Clone(line)
	for literal {
		if whole, err = r.readLiteral(whole, size); err != nil {
			return response{}, err
		}
		if line, err = r.readLine(); err != nil {
			return response{}, err
		}
		whole = append(whole, line...)
		size, literal = literalSize(line)
	}
	return r.parseRedacted(string(whole)), nil
}

// parseRedacted parses a response, and then masks the secrets in its texts.
func (r *responses) parseRedacted(raw string) response {
	parsed := parseResponse(raw)
	parsed.sent, parsed.words = asSent(parsed.raw), asSent(parsed.text)
	parsed.raw, parsed.text = r.redact.redactText(parsed.raw), r.redact.redactText(parsed.text)
	return parsed
}

// readLine reads up to a line feed and returns the line without its end. Servers that end lines
// with a lone LF are understood. Of an untagged line that is longer than maxLine, 8 KiB, only the
// beginning is returned; any other is an error.
func (r *responses) readLine() ([]byte, error) {
	line, err := r.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		// In place of a greeting a line without an end is a failure; later it may be FLAGS with 900
		// keywords.
		if r.greeted && bytes.HasPrefix(line, []byte("* ")) {
			return r.skipRest(line)
		}
		err = errLineTooLong
	}
	if err != nil {
		r.partial = r.redact.cutText(string(line))
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// skipRest reads a long untagged line, such as FLAGS with 900 keywords, to its end and returns its
// beginning, with a literal's announcement if the line ends in one. The fence bounds what is read;
// a line that has no end by then is too long.
func (r *responses) skipRest(beginning []byte) ([]byte, error) {
	const announcement = 32 // bytes, enough for "{262144+}" and a line end
	kept, tail := bytes.Clone(beginning), bytes.Clone(beginning[len(beginning)-announcement:])
	for {
		more, err := r.buf.ReadSlice('\n')
		tail = append(tail, more[max(0, len(more)-announcement):]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			tail = tail[max(0, len(tail)-announcement):]
			continue
		}
		if err != nil {
			r.partial = r.redact.cutText(string(kept))
			if errors.Is(err, errTooMuchData) {
				err = errLineTooLong
			}
			return nil, err
		}
		break
	}
	kept = bytes.TrimRight(kept[:bytes.LastIndexByte(kept, ' ')], "}") // whole words, and no literal that the line does not end in
	tail = bytes.TrimRight(tail, "\r\n")
	if _, literal := literalSize(tail); literal {
		kept = append(append(kept, ' '), tail[bytes.LastIndexByte(tail, '{'):]...)
	}
	return kept, nil
}

// isBlank reports whether a line holds nothing but white space.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

func (r *responses) readLiteral(to []byte, size int64) ([]byte, error) {
	// Asked before memory is taken: a server may announce {9999999999}.
	if int64(len(to))+size > maxConversation {
		return nil, errTooMuchData
	}
	to = append(to, "\r\n"...)
	from := len(to)
	to = append(to, make([]byte, size)...)
	_, err := io.ReadFull(r.buf, to[from:])
	return to, err
}

// leftOver returns the bytes that were read and not yet asked for.
func (r *responses) leftOver() []byte {
	left, _ := r.buf.Peek(r.buf.Buffered())
	return left
}

// hasAnother reports whether another whole response has come already.
func (r *responses) hasAnother() bool {
	line, rest, whole := bytes.Cut(r.leftOver(), []byte("\n"))
	for whole && isBlank(line) {
		line, rest, whole = bytes.Cut(rest, []byte("\n"))
	}
	_, literal := firstLiteral(bytes.TrimRight(line, "\r"))
	// Of a literal only the beginning may have come.
	return whole && !literal
}

// firstLiteral returns the same as literalSize, for the first line of a response.
func firstLiteral(line []byte) (size int64, ok bool) {
	if isText(line) {
		return 0, false
	}
	return literalSize(line)
}

// isText reports whether the first line of a response ends in a text for people, which holds no
// literal whatever it ends in: a continuation or a status response (RFC 9051 section 9, resp-text).
func isText(line []byte) bool {
	if bytes.HasPrefix(line, []byte("+")) {
		return true
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	word, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	return statusWords[strings.ToUpper(string(word))]
}

var statusWords = map[string]bool{"OK": true, "NO": true, "BAD": true, "BYE": true, "PREAUTH": true}

// literalSize returns the size, in bytes, that the announcement of a literal at the end of a line
// names, "{42}" or "{42+}", RFC 9051 section 4.3; ok is false where there is none.
func literalSize(line []byte) (size int64, ok bool) {
	if !bytes.HasSuffix(line, []byte("}")) {
		return 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false
	}
	digits := strings.TrimSuffix(string(line[open+1:len(line)-1]), "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	size, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return maxConversation + 1, true // more digits than a number has
	}
	return min(size, maxConversation+1), true
}

// spokenText returns all that a status response says, as the server sent it. What stands in
// brackets counts: "NO [LDAP: error code 49]" has no code that anybody knows.
func (r response) spokenText() string {
	if r.code == "" || r.code == "CAPABILITY" {
		return string(r.words)
	}
	return r.code + " " + r.args + " " + string(r.words)
}

// isComplaint reports whether a response is an untagged NO or BAD.
func (r response) isComplaint() bool { return r.tag == "*" && (r.status == "NO" || r.status == "BAD") }

func parseResponse(raw string) response {
	r := response{raw: raw}
	if rest, ok := strings.CutPrefix(raw, "+"); ok { // "+go on": some servers forget the space
		r.tag, r.wire = "+", strings.TrimPrefix(rest, " ")
		r.text = r.wire
		return r
	}
	tag, rest, _ := strings.Cut(raw, " ")
	if tag == "" || strings.ContainsAny(tag, "\x00\t(){%\"\\+]") {
		return r
	}
	r.tag = tag
	word, text, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	r.text = rest
	if word = strings.ToUpper(word); statusWords[word] {
		r.status = word
		r.code, r.args, r.text = parseCode(text)
	}
	return r
}

// parseCode splits "[CODE args] text". A bracket that is never closed is text.
func parseCode(text string) (code, args, rest string) {
	text = strings.TrimLeft(text, " ")
	if !strings.HasPrefix(text, "[") {
		return "", "", text
	}
	inside, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		return "", "", text
	}
	code, args, _ = strings.Cut(inside, " ")
	return strings.ToUpper(code), args, strings.TrimLeft(rest, " ")
}

// capabilities returns the words of an untagged CAPABILITY response or of the code
// of the same name; ok is false for any other response.
func (r response) capabilities() (caps capabilities, ok bool) {
	if r.code == "CAPABILITY" {
		return parseCapabilities(r.args), true
	}
	if r.tag != "*" || r.status != "" {
		return nil, false
	}
	word, rest, _ := strings.Cut(strings.TrimLeft(string(r.words), " "), " ")
	if !strings.EqualFold(word, "CAPABILITY") {
		return nil, false
	}
	return parseCapabilities(rest), true
}

// capabilities are as the server wrote them and in its order, each a printable
// atom. Their letter case means nothing (RFC 9051 section 1.2).
type capabilities []string

// The most that is kept of what a server says it can do.
const (
	maxCapabilities = 256
	maxCapability   = 128 // bytes
)

func parseCapabilities(list string) (caps capabilities) {
	for word := range strings.FieldsSeq(list) {
		if len(caps) == maxCapabilities {
			break
		}
		if len(word) <= maxCapability && isAtom(word) {
			caps = append(caps, word)
		}
	}
	return caps
}

func (c capabilities) has(name string) bool {
	return slices.ContainsFunc(c, func(have string) bool { return strings.EqualFold(have, name) })
}

// isAtom reports whether word is an atom in the sense of RFC 9051 section 9,
// with "]" taken for a special.
func isAtom(word string) bool {
	for _, c := range []byte(word) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return word != ""
}
