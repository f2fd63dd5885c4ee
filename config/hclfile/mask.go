package hclfile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Blocks whose quoted text, and attributes whose whole value, is masked in
// source excerpts. Every attribute that may hold what credential gives is one.
var (
	secretBlocks     = []string{"notifier", "login"}
	secretAttributes = slices.Compact(slices.Sorted(slices.Values(secretNames)))
)

// masks finds what may be a secret in a file, and where values stand that are used
// elsewhere: it looks at tokens, not at blocks, so that it also works in a file
// that cannot be parsed. In such a file a quote that is missing turns texts into
// names and names into texts, so its lines are looked at one by one, too.
func masks(name string, text []byte, broken bool) *lined {
	if strings.HasSuffix(name, ".json") {
		f := &lined{}
		f.masks, f.texts = jsonMasks(text)
		if bytes.Contains(text, []byte(localsBlock.name)) || bytes.Contains(text, []byte("for_each")) {
			f.shared = []byteSpan{{0, len(text)}}
		}
		return f
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	m := masker{tokens: tokens, blocks: []enclosed{{}}, names: map[string]bool{}}
	for i := range tokens {
		m.token(i)
	}
	if broken {
		m.found = join(append(m.found, lineMasks(text)...))
	}
	return &lined{masks: m.found, shared: m.shared, texts: m.texts}
}

// masking is what is masked between two brackets.
type masking int

const (
	nothing    masking = iota
	quotedText         // of a block: what stands in quotes, and values of attributes that it does not have
	wholeValue         // of an attribute: all but the names of the language
)

// enclosed is what holds between two brackets.
type enclosed struct {
	masking
	before []hclsyntax.Token // the statement in which they are opened
	braces bool
	names  bool // of credential: a text that is no name may be the secret itself
}

// masker walks the tokens of a file. A statement is what stands between line
// ends: an attribute, or the header of a block.
type masker struct {
	tokens    hclsyntax.Tokens
	blocks    []enclosed        // for each open bracket
	statement []hclsyntax.Token // no more than enough of it
	names     map[string]bool   // which are called as a secret is
	last      hclsyntax.TokenType
	word      string // the last token, where it is a name
	known     bool   // the last name that was met is one of the language
	found     []byteSpan
	shared    []byteSpan
	texts     []byteSpan // in what is shared
}

// enough tokens of a statement tell which attribute or block it is.
const enough = 8

func (m *masker) token(i int) {
	t := m.tokens[i]
	if word := string(t.Bytes); len(m.statement) == 0 && (word == localsBlock.name || word == "for_each") {
		m.share(i)
	}
	switch t.Type {
	case hclsyntax.TokenOBrace:
		inner := m.level()
		if inner == nothing && m.opensSecretBlock() {
			inner = quotedText
		}
		m.blocks, m.statement = append(m.blocks, enclosed{masking: inner, before: m.statement, braces: true}), nil
		return
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
		names := t.Type == hclsyntax.TokenOParen && m.word == "credential"
		m.blocks = append(m.blocks, enclosed{masking: m.level(), before: m.statement, names: names})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
		if last := len(m.blocks) - 1; last > 0 {
			m.blocks, m.statement = m.blocks[:last], m.blocks[last].before
		}
	case hclsyntax.TokenNewline:
		m.statement = nil
		return
	}
	switch place := (byteSpan{t.Range.Start.Byte, t.Range.End.Byte}); {
	case m.mustMask(i):
		m.found = append(m.found, place)
	case isLiteralToken(t.Type):
		m.texts = append(m.texts, place)
	}
	switch {
	case t.Type == hclsyntax.TokenComma && m.inside() == wholeValue && m.blocks[len(m.blocks)-1].braces:
		m.statement = nil
	case t.Type != hclsyntax.TokenComment:
		m.last, m.word = t.Type, ""
		if t.Type == hclsyntax.TokenIdent {
			m.word = string(t.Bytes)
		}
		if len(m.statement) < enough {
			m.statement = append(slices.Clip(m.statement), t)
		}
	case strings.HasSuffix(string(t.Bytes), "\n"): // the line end is part of the comment
		m.statement = nil
	}
}

// share notes a statement whose values are used elsewhere: up to the end of the
// line on which its last bracket is closed.
func (m *masker) share(first int) {
	depth, end := 0, first
	for ; end < len(m.tokens)-1; end++ {
		switch m.tokens[end].Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCHeredoc:
			depth--
		}
		if m.tokens[end].Type == hclsyntax.TokenNewline && depth <= 0 {
			break
		}
	}
	m.shared = append(m.shared, byteSpan{m.tokens[first].Range.Start.Byte, m.tokens[end].Range.End.Byte})
}

func (m *masker) inside() masking { return m.blocks[len(m.blocks)-1].masking }

// level is what is masked at this point of a statement.
func (m *masker) level() masking {
	switch {
	case m.inside() == wholeValue || m.isSecretAttribute():
		return wholeValue
	case m.inside() == quotedText && m.isUnknownAttribute():
		return wholeValue // its name may be that of a secret, with a typing error
	}
	return m.inside()
}

// opensSecretBlock looks at the header that stands before a brace.
func (m *masker) opensSecretBlock() bool {
	for i, t := range m.statement {
		if isSecretBlock(string(t.Bytes)) && (i == 0 || string(m.statement[0].Bytes) == "dynamic") {
			return true
		}
	}
	return false
}

// isSecretBlock tells the blocks that have attributes for secrets, also with a
// typing error in their name.
func isSecretBlock(word string) bool { return isOrMeans(word, secretBlocks) }

// isOrMeans reports whether a word is one of some names, or none of the language
// and near to one of them.
func isOrMeans(word string, names []string) bool {
	if slices.Contains(names, word) || slices.Contains(languageNames, word) || word == "" {
		return slices.Contains(names, word)
	}
	_, near := nearest(word, names)
	return near
}

// isSecretAttribute reports whether the statement gives a value to an
// attribute that holds a secret.
func (m *masker) isSecretAttribute() bool {
	if len(m.statement) == 0 {
		return false
	}
	name := string(m.statement[0].Bytes)
	is, known := m.names[name]
	if !known { // a file has many tokens, and few names
		is = isSecretName(name)
		m.names[name] = is
	}
	return is
}

// saysPassword tells the comments that may have a secret in them.
var saysPassword = regexp.MustCompile(`(?i)pass|pw|secret|token|key|url|auth`)

func isSecretName(name string) bool {
	return isOrMeans(name, secretAttributes) || calledSecret.MatchString(name)
}

// isUnknownAttribute reports whether the statement gives a value to an attribute
// that no block with secrets has.
func (m *masker) isUnknownAttribute() bool {
	return len(m.statement) > 1 && m.statement[1].Type == hclsyntax.TokenEqual && !slices.Contains(plainNames, string(m.statement[0].Bytes))
}

// plainNames are the attributes, of blocks with secrets, that hold none.
var plainNames = func() (names []string) {
	for _, b := range everyBlock(rootBlock) {
		if !slices.Contains(secretBlocks, b.name) {
			continue
		}
		for _, variant := range b.kinds() {
			for _, a := range variant.attributes {
				if !a.secret {
					names = append(names, a.name)
				}
			}
		}
	}
	return names
}()

func (m *masker) mustMask(i int) bool {
	t, level := m.tokens[i], m.level()
	switch t.Type {
	case hclsyntax.TokenComment: // what was commented out may have been a secret
		return level != nothing || saysPassword.Match(t.Bytes)
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		return level != nothing || m.blocks[len(m.blocks)-1].names && !credentialName.Match(t.Bytes)
	case hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8, hclsyntax.TokenQuotedNewline, hclsyntax.TokenNumberLit:
		return level == wholeValue
	case hclsyntax.TokenIdent:
		if afterDot := len(m.statement) > 0 && m.last == hclsyntax.TokenDot; !afterDot {
			m.known = isKnownWord(string(t.Bytes))
		}
		return level == wholeValue && !m.known && !m.isKey(i)
	}
	return false
}

// isKey reports whether a name is the key of an object of headers, whose value
// follows. In any other secret an object is an error, and its keys may be anything.
func (m *masker) isKey(i int) bool {
	before := m.blocks[len(m.blocks)-1].before
	return len(before) > 0 && string(before[0].Bytes) == "headers" && len(m.statement) == 0 && i+1 < len(m.tokens) && m.tokens[i+1].Type == hclsyntax.TokenEqual
}

func isComment(token []byte) bool {
	return bytes.HasPrefix(token, []byte("#")) || bytes.HasPrefix(token, []byte("//")) || bytes.HasPrefix(token, []byte("/*"))
}

// isLiteralToken tells the tokens that may hold a text, or what is left of one.
func isLiteralToken(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenComment, hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8,
		hclsyntax.TokenQuotedNewline:
		return true
	}
	return false
}

// isKnownWord tells the names of the language from a secret without quotes.
func isKnownWord(word string) bool {
	_, isFunction := plainFunctions[word]
	return isFunction || slices.Contains([]string{"local", "credential", "file", "withheld"}, word) || slices.Contains(referenceRoots, word)
}

// jsonMasks does the same for HCL's JSON form, where keys are block types,
// labels and attributes alike.
func jsonMasks(text []byte) (found, others []byteSpan) {
	open, key := []bool{false}, ""
	for i := 0; i < len(text); i++ {
		secretKey := isSecretBlock(key) || isSecretName(key) || key == "//"
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n', ':':
		case '{', '[':
			open = append(open, open[len(open)-1] || secretKey)
			if c == '{' {
				key = ""
			}
		case '}', ']':
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
			key = ""
		case ',':
			key = ""
		case '"':
			end := stringEnd(text, i)
			switch {
			case isKey(text, end):
				key = unquoted(text[i:end])
			case open[len(open)-1] || secretKey:
				found = append(found, byteSpan{i + 1, max(i+1, end-1)})
			default:
				others = append(others, byteSpan{i + 1, max(i+1, end-1)})
			}
			i = end - 1
		case '/', '#': // a comment, which JSON does not have
			end := i + strings.IndexByte(string(text[i:])+"\n", '\n')
			found = extend(found, i, end)
			i = end - 1
		default: // a secret without quotes
			if open[len(open)-1] || secretKey {
				found = extend(found, i, i+1)
			} else {
				others = extend(others, i, i+1)
			}
		}
	}
	return found, others
}

// unquoted is the text that a JSON string stands for, or what there is of it.
func unquoted(text []byte) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return strings.Trim(string(text), `"`)
}

// stringEnd is the index after a JSON string, or after what there is of it.
func stringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"', '\n':
			return i + 1
		}
	}
	return len(text)
}

func isKey(text []byte, end int) bool {
	rest := strings.TrimLeft(string(text[end:min(len(text), end+64)]), " \t\r\n")
	return strings.HasPrefix(rest, ":")
}
