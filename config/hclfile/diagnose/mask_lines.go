package diagnose

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// lineMasks finds what may be a secret in a file that cannot be parsed, line by
// line: a text ends with its line there, whatever the parser made of a quote that
// is missing. It rather masks too much than too little.
func (v *Vocabulary) lineMasks(text []byte) []Span {
	m := lineMasker{Vocabulary: v, text: text, torn: hasOddQuotes(text) || bytes.Contains(text, []byte("<<"))}
	from := 0
	for line := range bytes.Lines(text) {
		m.maskLine(from, from+len(bytes.TrimSuffix(line, []byte("\n"))))
		from += len(line)
	}
	return m.found
}

// A lineMasker walks the lines of a file.
type lineMasker struct {
	*Vocabulary
	text    []byte
	torn    bool   // some texts may go over several lines
	open    []bool // for each open brace, whether what is in it is masked
	heredoc string // the word that ends the one at hand
	hidden  bool   // what is in that is masked
	comment bool   // a comment goes on
	after   bool   // a secret has been met, and nothing since that is known to be none
	found   []Span
}

var (
	firstWord   = regexp.MustCompile(`^[\s\x{FEFF}]*"?([A-Za-z_][A-Za-z0-9_-]*)"?`)
	secondWord  = regexp.MustCompile(`^\s*dynamic\s+"([A-Za-z_]+)`)
	heredocOpen = regexp.MustCompile(`<<-?\s*([A-Za-z_][A-Za-z0-9_-]*)\s*$`)
	wordsIn     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_-]*`)
	anyWord     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*`)
)

func hasOddQuotes(text []byte) bool {
	for line := range bytes.Lines(text) {
		if bytes.Count(line, []byte(`"`))%2 != 0 {
			return true
		}
	}
	return false
}

func (m *lineMasker) isInsideSecret() bool { return len(m.open) > 0 && m.open[len(m.open)-1] }

func (m *lineMasker) maskSpan(from, to int) { m.found = extendLast(m.found, from, to) }

// extendLast returns spans with one more, as a part of the last one where that ends at
// its beginning.
func extendLast(spans []Span, from, to int) []Span {
	last := len(spans) - 1
	switch {
	case from == to:
	case last >= 0 && spans[last].To == from:
		spans[last].To = to
	default:
		spans = append(spans, Span{from, to})
	}
	return spans
}

func (m *lineMasker) maskLine(from, to int) {
	line := m.text[from:to]
	switch {
	case m.comment:
		m.maskSpan(from, to)
		m.comment = !bytes.Contains(line, []byte("*/"))
		return
	case m.heredoc != "" && strings.TrimSpace(string(line)) == m.heredoc: // <<- indents it
		m.heredoc = ""
		return
	case m.heredoc != "" && m.hidden:
		m.maskSpan(from, to)
		return
	}
	word, after := "", 0
	if at := firstWord.FindSubmatchIndex(line); at != nil {
		word, after = string(line[at[2]:at[3]]), at[1]
	}
	// values that are used elsewhere, and blocks with secrets, are masked as such
	opens := m.isSecretBlock(word)
	if made := secondWord.FindSubmatch(line); made != nil {
		opens = opens || slices.ContainsFunc(m.Blocks, func(name string) bool { return bytes.HasPrefix(made[1], []byte(name)) })
	}
	shared := word == "locals" || word == "for_each"
	secret := m.isInsideSecret() || opens || shared || m.namesSecret(line)
	// Inside of a heredoc << is text.
	if h := heredocOpen.FindSubmatch(line); h != nil && m.heredoc == "" {
		m.heredoc, m.hidden = string(h[1]), secret
	}
	unknown := word != "" && !m.isName(word)
	m.after = secret || m.after && (unknown || word == "")
	switch {
	case !secret && unknown && (m.torn || m.after):
		m.maskSpan(from, to) // it may be the second line of a text
	case !secret:
		m.followBraces(from, line)
	case word != "" && m.isName(word):
		m.maskValues(from+after, to, opens)
	default:
		m.maskValues(from, to, opens)
	}
	if n := len(m.open); (opens || shared) && bytes.HasSuffix(bytes.TrimSpace(line), []byte("{")) && (n == 0 || !m.open[n-1]) {
		m.open = append(m.open, true) // a quote that is missing has hidden the brace
	}
}

// namesSecret reports whether one of the words of a line is called as a secret is.
func (v *Vocabulary) namesSecret(line []byte) bool {
	for _, word := range wordsIn.FindAll(line, -1) {
		if v.IsSecretName(string(word)) || slices.ContainsFunc(v.Secrets, func(name string) bool { return len(name) >= long && bytes.Contains(word, []byte(name)) }) {
			return true
		}
	}
	return false
}

// long is the length from which no other word has the name of a secret in it by chance.
const long = len("body")

// inQuotes are the texts of a line.
var inQuotes = regexp.MustCompile(`"[^"]*"?`)

// hasStrangeWord reports whether a word before an equals sign, and outside quotes, is
// none of the language: it may be the damaged name of a secret.
func (v *Vocabulary) hasStrangeWord(line []byte) bool {
	name, _, _ := bytes.Cut(inQuotes.ReplaceAll(line, []byte(" ")), []byte("="))
	for _, word := range wordsIn.FindAll(name, -1) {
		if !v.isName(string(word)) && !v.Known[string(word)] {
			return true
		}
	}
	return false
}

// followBraces follows the braces of a line that has no secret, and hides its comment;
// beside a strange word also its texts.
func (m *lineMasker) followBraces(from int, line []byte) {
	quoted, strange := false, m.hasStrangeWord(line)
	for i, c := range line {
		switch {
		case c == '"' && (i == 0 || line[i-1] != '\\'):
			quoted = !quoted
		case quoted && strange:
			m.maskSpan(from+i, from+i+1)
		case quoted:
		case c == '#', bytes.HasPrefix(line[i:], []byte("//")), bytes.HasPrefix(line[i:], []byte("/*")):
			m.maskSpan(from+i, from+len(line))
			m.comment = c == '/' && line[i+1] == '*' && !bytes.Contains(line[i:], []byte("*/"))
			return
		default:
			m.noteBrace(c, false)
		}
	}
}

// noteBrace notes a brace that is opened or closed.
func (m *lineMasker) noteBrace(c byte, secret bool) {
	switch c {
	case '{':
		m.open = append(m.open, secret || m.isInsideSecret())
	case '}':
		if len(m.open) > 0 {
			m.open = m.open[:len(m.open)-1]
		}
	}
}

// maskValues masks a part of a line but for what is punctuation outside quotes and
// for the names of the language. Labels before the brace of a header stay.
func (m *lineMasker) maskValues(from, to int, header bool) {
	// a brace that closes what another line has opened stands at the front; any
	// other may be a part of a secret
	quoted, outer := false, len(m.open)
	if bytes.HasPrefix(bytes.TrimLeft(m.text[from:to], " \t"), []byte("}")) {
		outer = 0
	}
	for i := from; i < to; {
		c := m.text[i]
		_, size := utf8.DecodeRune(m.text[i:to])
		word := anyWord.Find(m.text[i:to])
		switch {
		case c == '"' && (i == 0 || m.text[i-1] != '\\'):
			quoted = !quoted
		case header && c == '=': // a brace is missing
			header = false
		case header && c != '{': // before the brace
		case !quoted && bytes.HasPrefix(m.text[i:to], []byte("/*")):
			m.maskSpan(i, to)
			m.comment = !bytes.Contains(m.text[i:to], []byte("*/"))
			return
		case quoted:
			m.maskSpan(i, i+size)
		case c == '{' || c == '}' && len(m.open) > outer:
			m.noteBrace(c, true)
			header = false
		case strings.IndexByte(" \t\r=[](),", c) >= 0:
		case len(word) > 0:
			size = len(word)
			if !m.Known[string(word)] && !m.namesValue(i+size, to) {
				m.maskSpan(i, i+size)
			}
		default:
			m.maskSpan(i, i+size)
		}
		i += size
	}
}

// namesValue reports whether an equals sign follows the name of something that
// the language has.
func (m *lineMasker) namesValue(from, to int) bool {
	rest := bytes.TrimLeft(m.text[from:to], " \t")
	start := from
	for start > 0 && isWordByte(m.text[start-1]) {
		start--
	}
	return bytes.HasPrefix(rest, []byte("=")) && m.isName(string(m.text[start:from]))
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isName reports whether a word is the name of a block or an attribute,
// or nearly so.
func (v *Vocabulary) isName(word string) bool {
	if slices.Contains(v.Names, word) || v.IsSecretName(word) {
		return true
	}
	_, near := Nearest(word, v.Names)
	return near
}
