package hclfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Blocks whose quoted text, and attributes whose whole value, is masked in
// source excerpts.
var (
	secretBlocks     = []string{"notifier", "login"}
	secretAttributes = []string{"password", "token", "auth_token", "client_secret", "secret", "heartbeat_url"}
)

// masks finds what may be a secret in a file, and where values stand that are used
// elsewhere: it looks at tokens, not at blocks, so that it also works in a file
// that cannot be parsed.
func masks(name string, text []byte) *lined {
	if strings.HasSuffix(name, ".json") {
		f := &lined{}
		f.masks, f.texts = jsonMasks(text)
		if bytes.Contains(text, []byte(localsBlock.name)) || bytes.Contains(text, []byte("for_each")) {
			f.shared = []byteSpan{{0, len(text)}}
		}
		return f
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	m := masker{tokens: tokens, blocks: []bool{false}}
	for i := range tokens {
		m.token(i)
	}
	return &lined{masks: m.found, shared: m.shared, texts: m.texts}
}

// masker walks the tokens of a file. A statement is what stands between line
// ends: an attribute, or the header of a block.
type masker struct {
	tokens    hclsyntax.Tokens
	blocks    []bool // for each open brace, whether what is in it is masked
	statement []hclsyntax.Token
	found     []byteSpan
	shared    []byteSpan
	texts     []byteSpan // in what is shared
}

func (m *masker) token(i int) {
	t := m.tokens[i]
	if word := string(t.Bytes); len(m.statement) == 0 && (word == localsBlock.name || word == "for_each") {
		m.share(i)
	}
	switch t.Type {
	case hclsyntax.TokenOBrace:
		m.blocks = append(m.blocks, m.inside() || m.opensSecretBlock() || m.isSecretAttribute())
		m.statement = nil
		return
	case hclsyntax.TokenCBrace:
		if len(m.blocks) > 1 {
			m.blocks = m.blocks[:len(m.blocks)-1]
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
	case t.Type != hclsyntax.TokenComment:
		m.statement = append(m.statement, t)
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

func (m *masker) inside() bool { return m.blocks[len(m.blocks)-1] }

// opensSecretBlock looks at the header that stands before a brace.
func (m *masker) opensSecretBlock() bool {
	for i, t := range m.statement {
		word := string(t.Bytes)
		if slices.Contains(secretBlocks, word) && (i == 0 || string(m.statement[0].Bytes) == "dynamic") {
			return true
		}
	}
	return false
}

// isSecretAttribute reports whether the statement gives a value to an
// attribute that holds a secret.
func (m *masker) isSecretAttribute() bool {
	if len(m.statement) == 0 {
		return false
	}
	name := string(m.statement[0].Bytes)
	return slices.Contains(secretAttributes, name) || calledSecret.MatchString(name)
}

func (m *masker) mustMask(i int) bool {
	t := m.tokens[i]
	inAttribute := m.isSecretAttribute()
	switch t.Type {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenComment:
		return m.inside() || inAttribute
	case hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8, hclsyntax.TokenQuotedNewline, hclsyntax.TokenNumberLit:
		return inAttribute
	case hclsyntax.TokenIdent:
		return inAttribute && !m.isKnownWord(string(t.Bytes))
	}
	return false
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
func (m *masker) isKnownWord(word string) bool {
	_, isFunction := plainFunctions[word]
	last := m.statement[len(m.statement)-1]
	return isFunction || word == "local" || word == "credential" || word == "file" || word == "withheld" || last.Type == hclsyntax.TokenDot
}

// jsonMasks does the same for HCL's JSON form, where keys are block types,
// labels and attributes alike.
func jsonMasks(text []byte) (found, others []byteSpan) {
	open, key := []bool{false}, ""
	for i := 0; i < len(text); i++ {
		secretKey := slices.Contains(secretBlocks, key) || slices.Contains(secretAttributes, key)
		switch c := text[i]; c {
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
				key = string(text[i+1 : max(i+1, end-1)])
			case open[len(open)-1] || secretKey:
				found = append(found, byteSpan{i + 1, max(i+1, end-1)})
			default:
				others = append(others, byteSpan{i + 1, max(i+1, end-1)})
			}
			i = end - 1
		}
	}
	return found, others
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
