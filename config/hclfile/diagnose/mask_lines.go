package diagnose

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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

func (m *lineMasker) maskSpan(from, to int) { m.found = append(m.found, Span{from, to}) }

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
	// Values that are used elsewhere, and blocks with secrets, are masked as such.
	opens := m.isSecretBlock(word) || m.makesSecretBlock(line)
	shared := word == "locals" || word == "for_each"
	secret := m.isInsideSecret() || opens || shared || m.namesSecret(line)
	// Inside of a heredoc << is text.
	if h := heredocOpen.FindSubmatch(line); h != nil && m.heredoc == "" {
		m.heredoc, m.hidden = string(h[1]), secret
	}
	unknown := word != "" && !m.isName(word)
	m.after = secret || m.after && (unknown || word == "")
	tokens, _ := hclsyntax.LexConfig(line, "", hcl.Pos{Byte: from, Line: 1, Column: 1})
	level, shown := nothing, from
	switch {
	case secret:
		level = wholeValue
		if !unknown {
			shown = from + after
		}
	case m.hasStrangeWord(tokens):
		level = quotedText
	}
	if !secret && unknown && (m.torn || m.after) {
		m.maskSpan(from, to) // it may be the second line of a text
	} else {
		m.maskTokens(tokens, to, shown, level, opens)
	}
	if n := len(m.open); (opens || shared) && bytes.HasSuffix(bytes.TrimSpace(line), []byte("{")) && (n == 0 || !m.open[n-1]) {
		m.open = append(m.open, true) // a quote that is missing has hidden the brace
	}
}

// makesSecretBlock reports whether a line begins a dynamic block for secrets.
func (v *Vocabulary) makesSecretBlock(line []byte) bool {
	made := secondWord.FindSubmatch(line)
	return made != nil && slices.ContainsFunc(v.Blocks, func(name string) bool { return bytes.HasPrefix(made[1], []byte(name)) })
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

// maskTokens masks what a line has to hide: its comment, and by its level nothing else, what
// stands in quotes, or all but punctuation and the names of the language. What stands
// before shown stays, and so do the labels of a header, which end with its brace.
func (m *lineMasker) maskTokens(tokens hclsyntax.Tokens, to, shown int, level masking, header bool) {
	quotes, outer := 0, 0
	// A brace that closes what another line has opened stands at the front; any other may
	// be a part of a secret.
	if level == wholeValue && tokens[0].Type != hclsyntax.TokenCBrace {
		outer = len(m.open)
	}
	for i, t := range tokens {
		inText, from := quotes > 0, t.Range.Start.Byte
		switch t.Type {
		case hclsyntax.TokenOQuote:
			quotes++
		case hclsyntax.TokenCQuote:
			quotes--
		}
		header = header && !bytes.ContainsAny(t.Bytes, "{=") // also where a quote is missing
		switch {
		case !inText && (t.Type == hclsyntax.TokenComment || bytes.HasPrefix(m.text[from:to], []byte("/*"))):
			m.maskSpan(from, to)
			m.comment = t.Type != hclsyntax.TokenComment // it goes on in the next line
			return
		case header:
		case inText && quotes > 0:
			if level != nothing {
				m.maskSpan(from, t.Range.End.Byte)
			}
		case t.Type == hclsyntax.TokenOBrace, t.Type == hclsyntax.TokenCBrace && len(m.open) > outer:
			m.noteBrace(t.Type, level == wholeValue)
		case level != wholeValue, from < shown, slices.Contains(punctuation, t.Type):
		case t.Type != hclsyntax.TokenIdent || !m.Known[string(t.Bytes)] && !m.namesValue(tokens[i:]):
			m.maskSpan(from, t.Range.End.Byte)
		}
	}
}

// punctuation tells nothing of a secret.
var punctuation = []hclsyntax.TokenType{
	hclsyntax.TokenOQuote, hclsyntax.TokenCQuote, hclsyntax.TokenOBrack, hclsyntax.TokenCBrack, hclsyntax.TokenOParen, hclsyntax.TokenCParen,
	hclsyntax.TokenComma, hclsyntax.TokenEqual, hclsyntax.TokenEqualOp,
}

// noteBrace notes a brace that is opened or closed.
func (m *lineMasker) noteBrace(brace hclsyntax.TokenType, secret bool) {
	if brace == hclsyntax.TokenOBrace {
		m.open = append(m.open, secret || m.isInsideSecret())
	} else if len(m.open) > 0 {
		m.open = m.open[:len(m.open)-1]
	}
}

// namesValue reports whether tokens begin with a name of the language and an equals sign.
func (v *Vocabulary) namesValue(tokens hclsyntax.Tokens) bool {
	return len(tokens) > 1 && tokens[1].Type == hclsyntax.TokenEqual && v.isName(string(tokens[0].Bytes))
}

// hasStrangeWord reports whether a word before an equals sign, and outside quotes, is
// none of the language: it may be the damaged name of a secret.
func (v *Vocabulary) hasStrangeWord(tokens hclsyntax.Tokens) bool {
	quotes := 0
	for _, t := range tokens {
		switch word := string(t.Bytes); {
		case t.Type == hclsyntax.TokenOQuote:
			quotes++
		case t.Type == hclsyntax.TokenCQuote:
			quotes--
		case t.Type == hclsyntax.TokenEqual && quotes == 0:
			return false
		case t.Type == hclsyntax.TokenIdent && quotes == 0 && !v.isName(word) && !v.Known[word]:
			return true
		}
	}
	return false
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
