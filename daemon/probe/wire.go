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
}

// responses reads responses from a connection, within the limits of a line and
// of the fence below it. One reader serves the whole conversation: greeting,
// STARTTLS and everything that go-imap gets to see.
type responses struct {
	buf     *bufio.Reader
	partial string // the beginning of a line whose end never came, or of one too long
	redact  *redactor
}

// lineBuffers are what conversations that are over have read with.
var lineBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxLine) }}

func newResponses(r io.Reader, redact *redactor) *responses {
	buf := lineBuffers.Get().(*bufio.Reader)
	buf.Reset(r)
	return &responses{buf: buf, redact: redact}
}

// release gives the buffer to another conversation; nothing is read any more.
func (r *responses) release() {
	r.buf.Reset(nil)
	lineBuffers.Put(r.buf)
	r.buf = nil
}

// next reads one response with its literals.
func (r *responses) next() (response, error) {
	line, err := r.line()
	if err != nil {
		return response{}, err
	}
	size, literal := literalSize(line)
	if !literal {
		return r.parse(string(line)), nil
	}
	whole := bytes.Clone(line)
	for literal {
		if whole, err = r.literal(whole, size); err != nil {
			return response{}, err
		}
		if line, err = r.line(); err != nil {
			return response{}, err
		}
		whole = append(whole, line...)
		size, literal = literalSize(line)
	}
	return r.parse(string(whole)), nil
}

// parse understands a response, and then stars out the secrets in its texts.
func (r *responses) parse(raw string) response {
	parsed := parseResponse(raw)
	parsed.raw, parsed.text = r.redact.text(parsed.raw), r.redact.text(parsed.text)
	return parsed
}

// line reads up to a line feed and gives the line without its end. Servers that
// end lines with a lone LF are understood.
func (r *responses) line() ([]byte, error) {
	line, err := r.buf.ReadSlice('\n')
	if err != nil {
		r.partial = r.redact.text(string(line))
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errLineTooLong
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (r *responses) literal(to []byte, size int64) ([]byte, error) {
	if int64(len(to))+size > maxConversation {
		return nil, errTooMuchData
	}
	to = append(to, "\r\n"...)
	from := len(to)
	to = append(to, make([]byte, size)...)
	_, err := io.ReadFull(r.buf, to[from:])
	return to, err
}

// leftOver are bytes that were read and not yet asked for.
func (r *responses) leftOver() []byte {
	left, _ := r.buf.Peek(r.buf.Buffered())
	return left
}

// more reports whether another whole response has come already.
func (r *responses) more() bool {
	line, _, whole := bytes.Cut(r.leftOver(), []byte("\n"))
	_, literal := literalSize(bytes.TrimRight(line, "\r"))
	return whole && !literal
}

// literalSize tells whether a line ends in a literal's announcement, "{42}" or
// "{42+}", RFC 9051 section 4.3.
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

func parseResponse(raw string) response {
	r := response{raw: raw}
	tag, rest, _ := strings.Cut(raw, " ")
	if tag == "+" {
		r.tag, r.text, r.wire = tag, rest, rest
		return r
	}
	if tag == "" || strings.ContainsAny(tag, "\x00\t(){%\"\\+]") {
		return r
	}
	r.tag = tag
	word, text, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	switch word = strings.ToUpper(word); word {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		r.status = word
		r.code, r.args, r.text = parseCode(text)
	default:
		r.text = rest
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

// capabilities are the words of an untagged CAPABILITY response or of the code
// of the same name; ok is false for any other response.
func (r response) capabilities() (caps capabilities, ok bool) {
	if r.code == "CAPABILITY" {
		return parseCapabilities(r.args), true
	}
	if r.tag != "*" || r.status != "" {
		return nil, false
	}
	word, rest, _ := strings.Cut(strings.TrimLeft(r.text, " "), " ")
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
